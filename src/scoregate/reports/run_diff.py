"""Every cell in which two runs differ, without a judgment on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scoregate.records import Run, Score, ScoreValue
from scoregate.reports.display_width import beginning
from scoregate.reports.excerpt import plain

_COMMENT = 60
"""Columns of a comment that are shown."""


@dataclass(frozen=True, slots=True)
class ChangedCell:
    """One item × trial × score that differs. Text is what a person reads: a value, `missing` or an error."""

    item: str
    trial: int
    score: str
    before: ScoreValue
    after: ScoreValue
    comment: str | None
    """The later scorer's comment or error."""


def changed_cells(before: Run, after: Run, *, only: str | None = None) -> list[ChangedCell]:
    """Cells of either run whose value or status differs, by score, item and trial."""
    old = {(s.score, s.item, s.trial): s for s in before.scores}
    new = {(s.score, s.item, s.trial): s for s in after.scores}
    cells = []
    for key in sorted(old.keys() | new.keys()):
        score, item, trial = key
        there, here = _shown(old.get(key)), _shown(new.get(key))
        if (only is None or score == only) and (
            there != here or (isinstance(there, bool) != isinstance(here, bool))
        ):
            latest = new.get(key)
            cells.append(ChangedCell(item, trial, score, there, here, latest.comment if latest else None))
    return cells


def _shown(score: Score | None) -> ScoreValue:
    if score is None:
        return "missing"
    if score.status == "ok":
        return score.value
    return "not applicable" if score.status == "not_applicable" else "error"


def diff_table(cells: Sequence[ChangedCell]) -> str:
    from tabulate import tabulate

    if not cells:
        return "no cell differs"
    rows = [
        (c.score, plain(c.item), c.trial, _text(c.before), _text(c.after), _brief(c.comment or ""))
        for c in cells
    ]
    heads = ("score", "item", "trial", "before", "after", "comment")
    return f"{tabulate(rows, headers=heads, tablefmt='simple', disable_numparse=True)}\n\n{len(cells):,} cells differ"


def _text(value: ScoreValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _brief(comment: str) -> str:
    return beginning(plain(comment), _COMMENT)
