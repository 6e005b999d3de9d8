"""What the comment says of each gate, and how two states of it become one.

Several jobs write one comment, and GitHub lets the last one win. So a section is a value that any two states of can be
joined, in any order and as often as one likes, with the same result: the newer verdict stands, and the older one
becomes a line below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from scoregate.github.job import WorkflowRun

Word = Literal["running", "error", "invalid", "regression", "inconclusive", "pass", "left out"]
WORDS: tuple[Word, ...] = ("error", "invalid", "regression", "inconclusive", "running", "pass", "left out")
"""The worst first, in the order of the exit codes 5 and 2, 4, 1, 3, 0; what runs may still be any of them."""
_MOST_OLDER = 10


@dataclass(frozen=True, slots=True)
class Part:
    """Markdown of a section. Where the comment gets too long, its blocks go first, from the last one on."""

    name: str
    opening: str
    blocks: tuple[str, ...] = ()
    closing: str = ""
    left: int = 0
    """Blocks that are not here any more, or never were."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the headline adds up over the gates."""

    broken: int = 0
    rules: int = 0
    """Those that decide."""
    worse: int = 0
    """Items."""
    better: int = 0


@dataclass(frozen=True, slots=True)
class Older:
    """A verdict on an earlier commit."""

    run: WorkflowRun
    commit: str
    word: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One gate, as the newest run of the workflow that told of it says."""

    key: str
    title: str
    word: Word
    run: WorkflowRun
    commit: str
    tally: Tally = Tally()
    parts: tuple[Part, ...] = ()
    older: tuple[Older, ...] = ()
    """The newest first, each run once."""
    shortened: bool = False
    """Parts of it were left out for length."""

    @property
    def is_final(self) -> bool:
        return self.word != "running"

    @property
    def state(self) -> tuple[WorkflowRun, bool, int]:
        """What grows from one state to the next: a verdict follows its own run's "running", and a worse one hides none.

        Several jobs of a run may tell of one gate under one label, as in a matrix; the worst of them stands.
        """
        return self.run, self.is_final, -WORDS.index(self.word)


def key_of(gate: str, label: str | None) -> str:
    """The same for every job that tells of this gate under this label, in the characters of a hidden marker."""
    return hashlib.sha256(f"{gate}\n{label or ''}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def joined(*states: Iterable[Section]) -> dict[str, Section]:
    """Key -> section of all states together. Of equal ones the earlier argument's text stands."""
    found: dict[str, Section] = {}
    for section in (one for state in states for one in state):
        held = found.get(section.key)
        found[section.key] = section if held is None else _join(held, section)
    return found


def stands(wanted: Iterable[Section], there: Mapping[str, Section]) -> bool:
    """Whether all that is wanted is there: as the section of its gate, or as the line of an older verdict below it."""
    return all((held := there.get(one.key)) is not None and _tells_of(held, one) for one in wanted)


def _tells_of(held: Section, wanted: Section) -> bool:
    if held.state < wanted.state:
        return False
    there = {held.run, *(old.run for old in held.older)}
    needed = {old.run for old in wanted.older} | ({wanted.run} if wanted.is_final else set())
    return needed <= there or len(held.older) == _MOST_OLDER


def _join(one: Section, other: Section) -> Section:
    newer, earlier = (one, other) if one.state >= other.state else (other, one)
    verdicts = [*newer.older, *earlier.older]
    if earlier.is_final:
        verdicts.append(Older(earlier.run, earlier.commit, earlier.word))
    older: dict[WorkflowRun, Older] = {}
    for verdict in sorted(verdicts, key=lambda one: WORDS.index(one.word)):
        older.setdefault(verdict.run, verdict)
    newest_first = sorted((one for run, one in older.items() if run != newer.run), key=_run, reverse=True)
    return replace(newer, older=tuple(newest_first[:_MOST_OLDER]))


def _run(older: Older) -> WorkflowRun:
    return older.run
