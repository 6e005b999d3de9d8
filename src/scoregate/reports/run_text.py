"""One run, or many, as text or as JSON values: counts and scores, always with their denominators.

Two runs cell by cell, and nothing but what differs; whether that is a regression is what a verdict says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scoregate.records import JSON, Run, RunItem, Score, ScoreValue
from scoregate.reports.text import beginning, display_width, plain
from scoregate.wording import error_without_id, kind_of_error

if TYPE_CHECKING:
    from scoregate.store import RunSummary


_MOST_FAILURES = 10
"""So many different errors are listed before "and N more"."""


def score_summary(run: Run) -> dict[str, dict[str, JSON]]:
    """Score -> expected, valid, not applicable and failed cells, and the mean or the counts of its values.

    Cells that nobody recorded count as failed: expected is items × trials of the whole run.
    """
    expected = run.header.expected_items * run.header.trials
    summary: dict[str, dict[str, JSON]] = {}
    for name in sorted({score.score for score in run.scores}):
        cells = [score for score in run.scores if score.score == name]
        values = [cell.value for cell in cells if cell.status == "ok"]
        numbers = [value for value in values if isinstance(value, bool | int | float)]
        ignored = sum(cell.status == "not_applicable" for cell in cells)
        entry: dict[str, JSON] = {
            "expected": expected,
            "valid": len(values),
            "not_applicable": ignored,
            "failed": expected - len(values) - ignored,
        }
        if numbers and len(numbers) == len(values):
            entry["mean_of_valid"] = sum(numbers) / len(numbers)
        else:
            words = [str(value) for value in values]
            entry["counts"] = {word: words.count(word) for word in sorted(set(words))}
        summary[name] = entry
    return summary


def run_as_dict(run: Run) -> dict[str, JSON]:
    """Header, counts and score summary as JSON values."""
    header = asdict(run.header)
    counts = _counts(run)
    return {
        **header,
        "metadata": run.header.facts.to_metadata(),
        "items": counts,
        "scores": score_summary(run),
    }


def _counts(run: Run) -> dict[str, JSON]:
    statuses = [item.status for item in run.items]
    expected = run.header.expected_items * run.header.trials
    counts: dict[str, JSON] = {
        status: statuses.count(status) for status in ("ok", "error", "timeout", "skipped")
    }
    return {"expected": expected, **counts, "not_run": max(0, expected - len(statuses))}


def run_summary(run: Run) -> str:
    """A run on a screen: what it is, what became of its items, its scores."""
    from tabulate import tabulate

    header = run.header
    counts = _counts(run)
    commit = f" at {header.commit[:12]}" if header.commit else ""
    changed = f" ({header.facts.uncommitted_changes})" if header.facts.dirty else ""
    lines = [
        f"run        {run.id}",
        f"candidate  {header.candidate}{commit}{changed}",
        f"dataset    {header.dataset}",
        f"started    {header.started_at or 'unknown'}, finished {header.finished_at or 'never'}",
        f"run items  {counts['ok']:,} ok of {counts['expected']:,} expected"
        + "".join(f", {counts[word]:,} {word}" for word in ("error", "timeout", "skipped") if counts[word])
        + (f", {counts['not_run']:,} not run" if counts["not_run"] else ""),
    ]
    if header.partial:
        lines.append(f"PARTIAL    {header.facts.selection}")
    shares = {score.score for score in run.scores if isinstance(score.value, bool)}
    rows = []
    for name, entry in score_summary(run).items():
        value = (
            _mean(entry["mean_of_valid"], is_share=name in shares)
            if "mean_of_valid" in entry
            else ", ".join(f"{word} {number}" for word, number in entry["counts"].items())
        )
        rows.append(
            (
                name,
                value,
                # Of the cells that the score applies to, as in the `scored` column of a verdict.
                f"{entry['valid']:,} of {entry['expected'] - entry['not_applicable']:,}",
                entry["not_applicable"],
                entry["failed"],
            )
        )
    if rows:
        heads = ("score", "mean of valid", "valid", "n/a", "failed")
        lines += ["", tabulate(rows, headers=heads, tablefmt="simple", disable_numparse=True)]
    failed = [item for item in run.items if item.status != "ok"]
    lines += _score_errors(run, {(item.item, item.trial) for item in failed})
    if failed:
        lines += ["", *_failures(failed)]
    return "\n".join(lines)


def _failures(failed: Sequence[RunItem]) -> list[str]:
    """One line for each different error, with its count; the most frequent first."""
    alike: dict[tuple[str, int, str], list[RunItem]] = {}
    for item in failed:
        error = kind_of_error(error_without_id(item.error or "", item.item))
        alike.setdefault((item.status, len(item.attempts), error), []).append(item)
    groups = sorted(alike.values(), key=len, reverse=True)
    lines = [_failure(items) for items in groups[:_MOST_FAILURES]]
    if len(groups) > _MOST_FAILURES:
        lines.append(f"and {sum(map(len, groups[_MOST_FAILURES:])):,} more")
    return lines


def _mean(value: float, *, is_share: bool) -> str:
    return f"{100 * value:.1f} %" if is_share else f"{value:.4g}"


def _score_errors(run: Run, failed: set[tuple[str, int]]) -> list[str]:
    """For each score that failed on items that did not: how often, and the first reason."""
    lines = []
    for name in sorted({score.score for score in run.scores}):
        errors = [
            score
            for score in run.scores
            if score.score == name and score.status == "error" and (score.item, score.trial) not in failed
        ]
        if errors:
            first = errors[0]
            lines.append(f"{name}: {len(errors):,} failed, the first ({first.item}): {first.comment}")
    return ["", *lines] if lines else []


def _failure(alike: Sequence[RunItem]) -> str:
    """`q000 (trial 0): error: KeyError: 'text'`, or of several `64 times (first: q000): error: …`."""
    first = alike[0]
    tried = f" after {len(first.attempts)} attempts" if first.attempts else ""
    what = f"{first.status}{tried}: {first.error or 'no reason given'}"
    if len(alike) == 1:
        return f"{first.item} (trial {first.trial}): {what}"
    return f"{len(alike):,} times (first: {first.item}): {what}"


def runs_table(summaries: Sequence[RunSummary]) -> str:
    """`runs list`: one line a run, newest first. The gate and the cost have a column only where they say more."""
    from tabulate import tabulate

    named_by_gate = all(s.run.startswith(f"{s.gate}-") for s in summaries)
    free = all(s.cost_usd is None for s in summaries)
    heads = [
        "run",
        *([] if named_by_gate else ["gate"]),
        "candidate",
        "started (UTC)",
        "done",
        *([] if free else ["USD"]),
        "",
    ]
    rows = []
    for summary in summaries:
        cost = "" if summary.cost_usd is None else f"{summary.cost_usd:.4g}"
        rows.append(
            [
                summary.run,
                *([] if named_by_gate else [summary.gate or ""]),
                summary.candidate,
                _minute(summary.started_at),
                f"{summary.done:,} of {summary.expected:,}",
                *([] if free else [cost]),
                _state(summary),
            ]
        )
    lines = tabulate([heads, *rows], tablefmt="plain", disable_numparse=True).splitlines()
    return "\n".join(line.rstrip() for line in (lines[0], "-" * max(map(display_width, lines)), *lines[1:]))


def _minute(time: str | None) -> str:
    """An ISO time in UTC, to the minute."""
    if time is None:
        return ""
    try:
        return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    except ValueError:  # written by another tool
        return time


def _state(summary: RunSummary) -> str:
    words = [f"{summary.failed:,} failed"] if summary.failed else []
    words += ["partial"] if summary.selection else []
    words += ["unfinished"] if summary.finished_at is None else []
    words += ["scored again"] if summary.rescored_from else []
    return ", ".join(words)


_COMMENT = 60
"""Columns of a comment that are shown."""


@dataclass(frozen=True, slots=True)
class _ChangedCell:
    """One item × trial × score that differs. Text is what a person reads: a value, `missing` or an error."""

    item: str
    trial: int
    score: str
    before: ScoreValue
    after: ScoreValue
    comment: str | None
    """The later scorer's comment or error."""


def changed_cells(before: Run, after: Run, *, only: str | None = None) -> list[_ChangedCell]:
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
            cells.append(_ChangedCell(item, trial, score, there, here, latest.comment if latest else None))
    return cells


def _shown(score: Score | None) -> ScoreValue:
    if score is None:
        return "missing"
    if score.status == "ok":
        return score.value
    return "not applicable" if score.status == "not_applicable" else "error"


def diff_table(cells: Sequence[_ChangedCell]) -> str:
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
