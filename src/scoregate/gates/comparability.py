"""Whether two runs may be compared at all. Each refusal says what to do; none reads as "no regression"."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from scoregate.gate_file import Gate, Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import too_many_ways
from scoregate.gates.measuring import too_few_trials
from scoregate.gates.pairing import Universe
from scoregate.gates.provenance import dataset_changed, how_to_score_alike, run_that_was_made, scorer_changed
from scoregate.gates.sentences import named_ids
from scoregate.gates.table import RunTable
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.gates.intersection import CandidatesOwn


def why_not_comparable(
    gate: Gate, baseline: RunTable, candidate: RunTable, scores: Collection[str]
) -> str | None:
    """The reason why a comparison of these two runs would mean nothing, or None. `scores` are those that gate."""
    before, now = baseline.header, candidate.header
    if before.run and run_that_was_made(before) == run_that_was_made(now):
        return (
            f"the candidate is its own baseline (both are run {run_that_was_made(now)}), so nothing was compared; "
            "run the candidate again or name another baseline"
        )
    if before.partial:
        return (
            f"the baseline {before.run} ran only {_selection(baseline)}; accept a whole run as the baseline"
        )
    if dataset_changed(before, now):
        refusal = _dataset_changed(gate, baseline, candidate)
        if refusal is not None:
            return refusal
    changed = [name for name in sorted(scores) if scorer_changed(name, before, now)]
    if changed:
        name = changed[0]
        return (
            f"the scorer of {', '.join(changed)} changed since the baseline "
            f"({before.scorers[name]} then, {now.scorers[name]} now), so the scores mean different things; "
            f"{how_to_score_alike(gate, before, now)}"
        )
    absent = [name for name in sorted(scores) if _newly_scored(name, baseline, candidate)]
    if absent:
        return (
            f"the baseline has no score '{absent[0]}', so there is nothing to compare it with; "
            "run the baseline's version again with the present gate and accept it"
        )
    if not candidate.items:
        return "the candidate's run holds no items at all; run it again"
    if not set(baseline.items) & set(candidate.items):
        return (
            f"the runs have no item in common (baseline: {named_ids(baseline.items)}; "
            f"candidate: {named_ids(candidate.items)}); compare runs of one dataset"
        )
    return None


def advisory_left_out(
    rules: Mapping[str, Rule], advisory: Collection[str], baseline: RunTable, candidate: RunTable
) -> dict[str, str]:
    """The advisory scores that cannot be compared, each with a note that says why; the rest of the gate stands."""
    notes = {}
    for name in sorted(advisory):
        why = _why_left_out(name, rules[name], baseline, candidate)
        if why is not None:
            notes[name] = f"the advisory score '{name}' was left out: {why}"
    return notes


def _why_left_out(name: str, rule: Rule, baseline: RunTable, candidate: RunTable) -> str | None:
    before, now = baseline.header, candidate.header
    if scorer_changed(name, before, now):
        return f"its scorer changed since the baseline ({before.scorers[name]} then, {now.scorers[name]} now)"
    if _newly_scored(name, baseline, candidate):
        return "the baseline has no such score"
    if rule.reduced is None:
        return None
    trials = before.trials, now.trials
    compared = min(trials), min(trials)
    return too_few_trials(name, rule.reduced, *trials) or too_many_ways(name, str(rule.reduced), compared)


def _newly_scored(name: str, baseline: RunTable, candidate: RunTable) -> bool:
    return name not in baseline.columns and name in candidate.columns


def _selection(table: RunTable) -> str:
    return f"a part of its dataset ({table.header.facts.selection})"


def _dataset_changed(gate: Gate, baseline: RunTable, candidate: RunTable) -> str | None:
    from scoregate.gates.intersection import MENDING, intersection, too_little_in_common

    if not set(baseline.items) & set(candidate.items):
        names = f"'{baseline.header.dataset}' and '{candidate.header.dataset}'"
        return f"the runs are of two datasets without a common item ({names}); compare runs of one dataset"
    found = intersection(baseline, candidate)
    too_little = too_little_in_common(found, gate.max_failed_items)
    if gate.on_dataset_change == "intersection":
        return too_little
    if gate.on_dataset_change == "additions" and found.only_additions:
        return too_little
    either = "" if too_little else _COMPARE_THE_REST.format(count(len(found.same), "item"))
    return (
        f"the dataset '{candidate.header.dataset}' changed since the baseline was made ({found.difference()}); "
        f"{MENDING}{either}"
    )


_COMPARE_THE_REST = (
    ', or set on_dataset_change = "intersection" in the gate to compare the {} that did not change'
)


def too_many_missing(
    measured: Sequence[Evidence],
    everything: Universe,
    allowed: float,
    baseline: RunTable,
    candidate: RunTable,
    own: CandidatesOwn | None = None,
) -> str | None:
    """The reason why too little of a run is left to compare: the score with the largest share decides.

    `own`: the candidate on all of its items, where not all of them are compared.
    """
    shares = [
        ("candidate", candidate, everything, [(e.name, e.pair.candidate.missing) for e in measured]),
        ("baseline", baseline, everything, [(e.name, e.pair.baseline.missing) for e in measured]),
    ]
    if own is not None:
        arms = [(e.name, e.pair.candidate.missing) for e in own.of(measured)]
        shares.insert(0, ("candidate", candidate, own.everything, arms))
    for label, table, items, arms in shares:
        name, missing = max(arms, key=lambda arm: float(arm[1].mean()))
        share = float(missing.mean())
        if share > allowed:
            absent = np.asarray(missing.any(axis=1))
            ids = [item for item, gone in zip(items.ids, absent, strict=False) if gone]
            total = int(absent.sum())
            return (
                f"{100 * share:.1f} % of the {label}'s values of '{name}' are missing or failed "
                f"({count(total, 'item')} of {len(items):,}; max_failed_items = {allowed:g} allows fewer): "
                f"{named_ids(ids, total)}{_first_reason(table, ids, name)}"
            )
    return None


def _first_reason(table: RunTable, ids: Sequence[str], score: str) -> str:
    """Why the first of these cells has no value, where the run says so."""
    reasons = (table.failures.get(item) or table.comments.get((item, score)) for item in ids)
    first = next(filter(None, reasons), None)
    return f"; the first because: {first}" if first else ""
