"""What one command decided over many gates: their verdicts, and the gates that have none, with why."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from scoregate.errors import INCONCLUSIVE, INTERRUPTED, INVALID, PASS, REGRESSION, USAGE, ScoregateError
from scoregate.reports.report import Report
from scoregate.wording import count

Word = Literal["error", "invalid", "regression", "inconclusive", "pass", "left out"]
"""What became of a gate, the worst first in `_WORST_WORDS`."""
_WORST_WORDS: tuple[Word, ...] = ("error", "invalid", "regression", "inconclusive", "pass", "left out")
_WORST_CODES = (INTERRUPTED, USAGE, INVALID, REGRESSION, INCONCLUSIVE, PASS)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A gate that was not run as nothing that it is made of has changed; that is no pass."""

    gate: str
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A gate that ended with an error, and so without a verdict."""

    gate: str
    path: str
    exit_code: int
    message: str
    where: str | None = None
    hint: str | None = None

    @property
    def line(self) -> str:
        """What the command says of it in one line."""
        return str(ScoregateError(self.message, where=self.where, hint=self.hint))


@dataclass(frozen=True, slots=True)
class Row:
    """One gate in the table of a build."""

    gate: str
    path: str | None
    word: Word
    worse: int | None
    """Items that are worse on any gated score; None where that is not known, as nothing was compared."""
    why: str

    @property
    def shown_worse(self) -> str:
        """The number, or a dash: 0 would be a claim."""
        return "—" if self.worse is None else f"{self.worse:,}"


@dataclass(frozen=True, slots=True)
class Build:
    """The gates of one command, each of which is in one of the three."""

    reports: tuple[Report, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    refused: tuple[Refused, ...] = ()
    alpha: float | None = None
    """The false-alarm level that the gates share; None where each has its own."""
    folder: str | None = None
    """Where the command was given, from the top of the repository; None at the top, or where there is none."""

    @property
    def exit_code(self) -> int:
        """The worst of its gates', in the order 5, 2, 4, 1, 3, 0; 0 where all were left out."""
        reported = (report.undelivered_code or report.verdict.exit_code for report in self.reports)
        codes = [*reported, *(refused.exit_code for refused in self.refused)]
        return min(codes, key=_WORST_CODES.index, default=PASS)

    @property
    def worst(self) -> Word:
        """The worst that became of any of its gates. One that was left out is no better than one that passed."""
        return self.rows[0].word if self.rows else "left out"

    @property
    def rows(self) -> tuple[Row, ...]:
        """All gates, the worst first."""
        return self._sorted((*self._without_verdict(), *map(row_of, self.reports)))

    @property
    def rows_without_verdict(self) -> tuple[Row, ...]:
        """Those of the gates that ended with an error or were left out."""
        return self._sorted(self._without_verdict())

    def _without_verdict(self) -> Iterator[Row]:
        yield from map(_refused, self.refused)
        yield from map(_left_out, self.left_out)

    def _sorted(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        named = (replace(row, gate=self.name_of(row.gate, row.path)) for row in rows)
        return tuple(sorted(named, key=lambda row: _WORST_WORDS.index(row.word)))

    def from_top(self, path: str) -> str:
        """The path of one of its gates as seen from the top of the repository."""
        return posixpath.normpath(posixpath.join(self.folder or "", path))

    def name_of(self, gate: str | None, path: str | None) -> str:
        """What a gate is called here: its name, or its path where two projects have a gate of this name."""
        names = [report.verdict.gate for report in self.reports]
        names += [left.gate for left in self.left_out] + [refused.gate for refused in self.refused]
        return path if path and names.count(gate) > 1 else gate or "gate"

    @property
    def named_reports(self) -> tuple[tuple[str, Report], ...]:
        """Name and report of each gate that has a verdict, the worst first."""
        ordered = sorted(self.reports, key=lambda report: _WORST_WORDS.index(_word(report)))
        return tuple((self.name_of(report.verdict.gate, report.path), report) for report in ordered)

    @property
    def sentence(self) -> str:
        """Such as `4 gates: 1 regression, 2 pass, 1 left out`."""
        return f"{count(len(self.rows), 'gate')}: {', '.join(self._counted())}"

    def _counted(self) -> Iterator[str]:
        numbers = Counter(row.word for row in self.rows)
        if set(numbers) <= {"left out"}:
            yield "all left out, so nothing is decided"
        elif self.rows:
            yield from (f"{numbers[word]:,} {word}" for word in _WORST_WORDS if word in numbers)

    @property
    def facts(self) -> str:
        """Such as `exit code 1, alpha 0.01 shared by the project's gates`."""
        shared = "" if self.alpha is None else f", alpha {self.alpha:g} shared by the project's gates"
        return f"exit code {self.exit_code}{shared}"


def _word(report: Report) -> Word:
    return "error" if report.undelivered_code else report.verdict.outcome


def row_of(report: Report) -> Row:
    """A gate that has a verdict."""
    verdict = report.verdict
    why = verdict.reason
    if report.undelivered_code:
        why = f"not everything is seen in Langfuse; the verdict is {verdict.outcome}: {why}"
    worse = len(verdict.regressed_items) or (None if verdict.outcome == "invalid" else 0)
    return Row(verdict.gate or "gate", report.path, _word(report), worse, why)


def _refused(refused: Refused) -> Row:
    word: Word = "invalid" if refused.exit_code == INVALID else "error"
    return Row(refused.gate, refused.path, word, None, refused.line)


def _left_out(left: LeftOut) -> Row:
    return Row(left.gate, left.path, "left out", None, left.why)
