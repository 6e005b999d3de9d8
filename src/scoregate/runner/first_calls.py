"""Whether the first calls of a version all fail alike, as with a wrong key: then the others would fail as well.

Nothing is concluded from calls that merely came back first, as a refusal is quicker than an answer: once enough have
failed alike and none has done anything else, no more are begun until all that are under way have come back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from scoregate.records import RunItem
from scoregate.wording import kind_of_error

_FEWEST = 16
"""So many first calls say something of those that follow; or a tenth of them, where that is more."""


@dataclass(frozen=True, slots=True)
class FailedAlike:
    """All calls that a version had made when its session was ended."""

    run: str
    """Id of its run."""
    error: str
    """That of the first one; the others differ in ids and numbers at most."""
    calls: int


class FirstCalls:
    """The first calls of one version in a session. For one event loop's thread."""

    def __init__(self, run: str, expected: int, *, keep_going: bool) -> None:
        """`run` is the id of its run, `expected` how many run items the session is to make of it."""
        self.failed: FailedAlike | None = None
        """Set once the session should be ended."""
        self._run = run
        self._enough = max(_FEWEST, -(-expected // 10))
        self._expected = expected
        self._looking = expected > self._enough and not keep_going
        self._error = ""
        self._failures = 0
        self._under_way = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def undecided(self) -> bool:
        """Whether it is not known yet if another call is wanted."""
        return self._looking and self._failures >= self._enough

    async def decision(self) -> None:
        """Wait until that is known."""
        while self.undecided:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def begun(self) -> None:
        """Another call is under way."""
        self._under_way += 1

    def came_back(self, run_item: RunItem | None) -> None:
        """What became of a call that was begun; None where it was not made, or not to its end."""
        self._under_way -= 1
        if not self._looking or run_item is None:
            return
        error = run_item.error or run_item.status
        self._error = self._error or error
        if run_item.status == "ok" or kind_of_error(error) != kind_of_error(self._error):
            self.stop()
            return
        self._failures += 1
        if self._enough <= self._failures < self._expected and not self._under_way:
            self.failed = FailedAlike(self._run, self._error, self._failures)

    def stop(self) -> None:
        """Look no longer, and let go on whoever waits for a decision."""
        self._looking = False
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():  # Who waited may have been cancelled.
                turn.set_result(None)
