"""The rounds of a side-by-side decision as a log: what was run, what it showed, and what it took."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.records import RoundResult, Verdict
from scoregate.reports.report import Report
from scoregate.wording import count


@dataclass(frozen=True, slots=True)
class RoundLine:
    """One round. `ran` is made of digits and words of ours."""

    name: str
    ran: str
    """`247 items × 1`, `6 items × 5 fresh`, `247 items × 2 more`: trials of each in each version."""
    showed: str


def round_lines(verdict: Verdict) -> tuple[RoundLine, ...]:
    """A line a round; the sentence that the verdict itself gives is not said again."""
    return tuple(RoundLine(entry.round, _ran(entry), _showed(entry, verdict)) for entry in verdict.rounds)


def effort(verdict: Verdict) -> str:
    """Trials and calls of all rounds; empty where there were none."""
    whole = [entry for entry in verdict.rounds if entry.round != "B"]
    again = [entry for entry in verdict.rounds if entry.round == "B"]
    one_pass = max((entry.items for entry in whole), default=0)
    if not one_pass:
        return ""
    trials = sum(entry.trials for entry in whole)
    text = f"In each version {count(trials, 'trial')} of every item"
    text += "".join(f" and {entry.trials:,} fresh of {count(entry.items, 'item')}" for entry in again)
    cells = sum(entry.items * entry.trials for entry in verdict.rounds)
    passes = "" if cells == one_pass else f"{cells / one_pass:.2g} × "
    return f"{text}: {2 * cells:,} calls, {passes}one pass of both versions"


def stopped_early(report: Report) -> str | None:
    """What an early end means for the drop that is shown; None where there is none, or no round was left."""
    rounds = report.verdict.rounds
    if not rounds or report.verdict.outcome != "regression" or rounds[-1].round == report.last_round:
        return None
    return (
        f"Stopped early, after round {rounds[-1].round} (the last would be {report.last_round}): "
        "the differences shown may be a little exaggerated."
    )


def _ran(entry: RoundResult) -> str:
    kind = {"A": "", "B": " fresh"}.get(entry.round, " more")
    return f"{count(entry.items, 'item')} × {entry.trials:,}{kind}"


def _showed(entry: RoundResult, verdict: Verdict) -> str:
    reason = entry.reason.partition("; ")[0]  # what the others were would hide what came next
    if entry.outcome is None:
        return reason
    if entry.reason == verdict.reason:
        return entry.outcome if entry.outcome == "pass" else f"{entry.outcome}, as said above"
    return f"{entry.outcome}: {reason}"
