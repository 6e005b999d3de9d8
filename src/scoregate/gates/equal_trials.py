"""Trials of equal position: what the first trial does in both versions is no difference between them.

A first trial may be unlike the later ones: nothing is loaded yet, no cache is filled, a rate limit is far away. Where
one run has more trials than the other, its further ones have no counterpart, and a mean over all of them would compare
a first trial with later ones. So the runs are compared at the positions that both have. What the candidate alone has is
still its own: floors, critical items, missing values and the bound of the pass count it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scoregate.gates.table import Column, RunTable, refuse_later_trials
from scoregate.records import LeftOutTrials
from scoregate.wording import count


@dataclass(frozen=True, slots=True)
class EqualTrials:
    """Two runs, cut to the positions that both have; each is itself where nothing is cut."""

    baseline: RunTable
    candidate: RunTable
    left_out: LeftOutTrials | None
    """None where both have as many."""


def at_equal_trials(baseline: RunTable, candidate: RunTable) -> EqualTrials:
    """What can be compared of two runs. Raises ResultsError for a cell beyond its own run's trials."""
    before, now = baseline.header.trials, candidate.header.trials
    if before == now:
        return EqualTrials(baseline, candidate, None)
    least = min(before, now)
    return EqualTrials(
        _first(baseline, least),
        _first(candidate, least),
        LeftOutTrials("baseline" if before > now else "candidate", tuple(range(least, max(before, now)))),
    )


def left_out_note(left_out: LeftOutTrials, *, asked: int, what: str = "baseline") -> str:
    """Which trials were compared and which were not, in one sentence.

    `asked` are the trials that the gate makes, `what` the run that stands for the baseline: it or "anchor".
    """
    compared, last = left_out.trials[0], left_out.trials[-1]
    longer, shorter = (what, "candidate") if left_out.run == "baseline" else ("candidate", what)
    text = (
        f"the {longer} has {count(last + 1, 'trial')} of every item and the {shorter} {compared:,}, and a first trial "
        f"may differ from later ones in both: compared at equal positions, {_trials(0, compared - 1)}, without "
        f"{_trials(compared, last)} of the {longer}"
    )
    if longer == "candidate" and what == "baseline":
        return f"{text}, which its floors, critical items, missing values and the bound of the pass count"
    if shorter == "candidate" and compared < asked:
        return f"{text}; the gate asks for {count(asked, 'trial')}"
    return text


def _trials(first: int, last: int) -> str:
    """As results files number them."""
    return f"trial {first}" if first == last else f"trials {first} to {last}"


def _first(table: RunTable, trials: int) -> RunTable:
    """The run's first trials."""
    if table.header.trials == trials:
        return table
    for name, column in table.columns.items():
        refuse_later_trials(name, column, table)
    return replace(
        table,
        header=replace(table.header, trials=trials),
        columns={name: _cut(column, trials) for name, column in table.columns.items()},
        timeouts=frozenset(place for place in table.timeouts if place[1] < trials),
    )


def _cut(column: Column, trials: int) -> Column:
    kept = column.trials < trials
    return Column(column.items[kept], column.trials[kept], column.values[kept])
