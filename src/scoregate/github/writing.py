"""One comment a pull request, written by several jobs at once, of which none loses what another one said.

GitHub takes the whole text of a comment and has no way to say "if it is still as I read it": the last one wins, and may
have read before another one wrote. So each writer

1. reads all comments that are marked as ours, and joins their sections with its own and with what it read before;
2. writes the whole, into the oldest of them, or into a new one where there is none;
3. reads back, and begins again where not all of it stands; a pause of chance keeps writers apart;
4. goes on reading while its own text is on its way: what stands then, and is taken away by it, is written again;
5. is done when all of it stands in two readings a pause apart, so that whoever writes slowly has seen it. Whoever has
   read writes at once, and never waits in between, not for a rate limit either.

Joining is commutative and idempotent (`sections.py`), so that comments which several made at the same moment become
one: each writer takes what they hold into the oldest, and takes away those it made, and those that stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TypeVar

from scoregate.errors import ScoregateError, ServiceError
from scoregate.github.body import ROOM, compose, is_ours, parse
from scoregate.github.client import Busy, Client, Comment, NotThere, Refused
from scoregate.github.sections import Section, joined, stands

T = TypeVar("T")
_SMALLEST_ROOM = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds, and how often."""

    pause: float = 2.0
    """Between two readings at least."""
    jitter: float = 1.0
    """Up to so much more, by chance."""
    first: float = 4.0
    """Up to so much before the first comment is made: each that is made too much is a mail to all who watch."""
    times_slowest: float = 2.0
    """The pause is so many times the slowest request at least, up to `longest`."""
    longest: float = 10.0
    tries: int = 20
    """Writings, after which a writer gives up."""


@dataclass(slots=True)
class _Writer:
    client: Client
    pull_request: int
    known: dict[str, Section]
    """Its own sections, and all that it has read: whatever stood once is to stand in the end."""
    pace: Pace
    sleep: Callable[[float], object]
    random: Random = field(default_factory=Random)
    made: set[int] = field(default_factory=set)
    """Ids of the comments that this writer made."""
    slowest: float = 0.0
    room: int = ROOM

    def write(self) -> None:
        for tries in range(self.pace.tries):
            found: Sequence[Comment] = self._read()
            if self._stands(found):
                found = self._watched(found)
                if self._stands(found):
                    return
            if tries or not found:  # others are at it as well, or may be about to make the first comment
                longest = self.pace.jitter if found or self.made else self.pace.first
                self.sleep(self.random.uniform(0, longest))
                found = self._read()
            self._send(found)
        raise ServiceError(
            f"the comment on pull request #{self.pull_request} was overwritten {self.pace.tries} times, and was left"
        )

    def _stands(self, found: Sequence[Comment]) -> bool:
        return bool(found) and stands(parse(self._text()), joined(parse(found[0].body)))

    def _watched(self, found: Sequence[Comment]) -> Sequence[Comment]:
        """What is there a pause later, and without the comments that the oldest one holds."""
        self._take_away(found[1:], self.made, found[0])
        slow = min(self.pace.times_slowest * self.slowest, self.pace.longest)
        self.sleep(max(self.pace.pause, slow) + self.random.uniform(0, self.pace.jitter))
        now = self._read()
        if now:
            self._take_away(now[1:], {one.id for one in found}, now[0])  # whoever made them is gone
        return now

    def _read(self) -> list[Comment]:
        """Ours, the oldest first."""
        comments = self._timed(partial(self.client.comments, self.pull_request))
        found = [one for one in comments if one.trusted and is_ours(one.body)]
        self.known = joined(self.known.values(), *(parse(one.body) for one in found))
        return found

    def _send(self, found: Sequence[Comment]) -> None:
        """Write all that is known, at once."""
        body = self._text()
        try:
            if found:
                update = partial(self.client.update_comment, self.pull_request, found[0].id, body)
                self._while_reading(partial(self._timed, update))
            else:
                made = self._timed(partial(self.client.create_comment, self.pull_request, body))
                self.made.add(made.id)
        except Busy as busy:
            self.sleep(busy.seconds)  # and then read again: what was to be written may be no longer all
        except NotThere:
            if not found:  # there is no such pull request, or this token may not see it
                raise
        except Refused:
            # Nobody says how GitHub counts; what it does not take may be shorter.
            self.room = self.room * 3 // 4
            if self.room < _SMALLEST_ROOM:
                raise

    def _while_reading(self, write: Callable[[], None]) -> None:
        """Read again and again until it is written, so often that nothing stands for a pause without being seen."""
        with ThreadPoolExecutor(1) as pool:
            written = pool.submit(write)
            while not wait([written], timeout=self.pace.pause / 2).done:
                with suppress(ScoregateError):
                    self._read()
            written.result()

    def _text(self) -> str:
        """As much of what is known as there is room for."""
        return compose(list(self.known.values()), self.room)

    def _take_away(self, others: Sequence[Comment], which: Collection[int], oldest: Comment) -> None:
        whole = joined(parse(oldest.body))
        for one in others:
            if one.id in which and stands(parse(one.body), whole):
                with suppress(
                    ScoregateError
                ):  # one too many is no harm: it holds nothing that the oldest does not
                    self._timed(partial(self.client.delete_comment, self.pull_request, one.id))

    def _timed(self, request: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return request()
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)


def write_sections(
    client: Client,
    pull_request: int,
    sections: Sequence[Section],
    *,
    pace: Pace | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Bring these sections into the comment of the pull request, and see them stand there.

    Raises what `Client` raises; ServiceError also where others overwrote it again and again.
    """
    _Writer(client, pull_request, joined(sections), pace or Pace(), sleep).write()
