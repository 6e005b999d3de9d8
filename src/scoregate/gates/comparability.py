"""Whether two runs may be compared at all. Each refusal says what to do; none reads as "no regression"."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from scoregate.gate_file import Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import too_many_ways
from scoregate.gates.measuring import too_few_trials
from scoregate.gates.pairing import Universe
from scoregate.gates.sentences import count, named
from scoregate.gates.table import RunTable
from scoregate.records import RunHeader


def why_not_comparable(baseline: RunTable, candidate: RunTable, scores: Collection[str]) -> str | None:
    """The reason why a comparison of these two runs would mean nothing, or None. `scores` are those that gate."""
    before, now = baseline.header, candidate.header
    if before.run and before.run == now.run:
        return (
            f"the candidate is its own baseline (both are run {now.run}), so nothing was compared; "
            "run the candidate again or name another baseline"
        )
    if before.partial:
        return (
            f"the baseline {before.run} ran only {_selection(baseline)}; accept a whole run as the baseline"
        )
    if (
        before.dataset_fingerprint
        and now.dataset_fingerprint
        and before.dataset_fingerprint != now.dataset_fingerprint
    ):
        return _dataset_changed(baseline, candidate)
    changed = [name for name in sorted(scores) if _scorer_changed(name, before, now)]
    if changed:
        name = changed[0]
        return (
            f"the scorer of {', '.join(changed)} changed since the baseline "
            f"({before.scorers[name]} then, {now.scorers[name]} now), so the scores mean different things; "
            "run the baseline's version again with the present scorers and accept it"
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
            f"the runs have no item in common (baseline: {named(baseline.items)}; "
            f"candidate: {named(candidate.items)}); compare runs of one dataset"
        )
    return None


def left_out(
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
    if _scorer_changed(name, before, now):
        return f"its scorer changed since the baseline ({before.scorers[name]} then, {now.scorers[name]} now)"
    if _newly_scored(name, baseline, candidate):
        return "the baseline has no such score"
    if rule.reduced is None:
        return None
    trials = before.trials, now.trials
    return too_few_trials(name, rule.reduced, *trials) or too_many_ways(name, str(rule.reduced), trials)


def _scorer_changed(name: str, before: RunHeader, now: RunHeader) -> bool:
    return name in before.scorers and name in now.scorers and before.scorers[name] != now.scorers[name]


def _newly_scored(name: str, baseline: RunTable, candidate: RunTable) -> bool:
    return name not in baseline.columns and name in candidate.columns


def _selection(table: RunTable) -> str:
    return f"a part of its dataset ({table.header.metadata.get('selection')})"


def _dataset_changed(baseline: RunTable, candidate: RunTable) -> str:
    if not set(baseline.items) & set(candidate.items):
        names = f"'{baseline.header.dataset}' and '{candidate.header.dataset}'"
        return f"the runs are of two datasets without a common item ({names}); compare runs of one dataset"
    parts = []
    if not candidate.header.partial:
        added = sorted(set(candidate.items) - set(baseline.items))
        removed = sorted(set(baseline.items) - set(candidate.items))
        if added:
            parts.append(f"{count(len(added), 'item')} new: {named(added)}")
        if removed:
            parts.append(f"{count(len(removed), 'item')} gone: {named(removed)}")
    detail = "; ".join(parts) or "the same ids, other content"
    return (
        f"the dataset '{candidate.header.dataset}' changed since the baseline was made ({detail}); "
        "run the baseline's version on the present dataset and accept it"
    )


def too_many_missing(
    measured: Sequence[Evidence],
    everything: Universe,
    allowed: float,
    baseline: RunTable,
    candidate: RunTable,
) -> str | None:
    """The reason why too little of a run is left to compare: the score with the largest share decides."""
    for label, table, arms in (
        ("candidate", candidate, [(e.name, e.pair.candidate.missing) for e in measured]),
        ("baseline", baseline, [(e.name, e.pair.baseline.missing) for e in measured]),
    ):
        name, missing = max(arms, key=lambda arm: float(arm[1].mean()))
        share = float(missing.mean())
        if share > allowed:
            absent = np.asarray(missing.any(axis=1))
            ids = [item for item, gone in zip(everything.ids, absent, strict=False) if gone]
            total = int(absent.sum())
            return (
                f"{100 * share:.1f} % of the {label}'s values of '{name}' are missing or failed "
                f"({count(total, 'item')} of {len(everything):,}; max_failed_items = {allowed:g} allows fewer): "
                f"{named(ids, total)}{_first_reason(table, ids, name)}"
            )
    return None


def _first_reason(table: RunTable, ids: Sequence[str], score: str) -> str:
    """Why the first of these cells has no value, where the run says so."""
    reasons = (table.failures.get(item) or table.comments.get((item, score)) for item in ids)
    first = next(filter(None, reasons), None)
    return f"; the first because: {first}" if first else ""
