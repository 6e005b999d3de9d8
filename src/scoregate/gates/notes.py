"""What a report says beside the rules: things to know of the two runs that do not change the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from scoregate.gate_file import Gate
from scoregate.gates.age import age_note, best_of_note
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import Universe
from scoregate.gates.rescored import rescored_note
from scoregate.gates.slices import changed_places, unknown_slices
from scoregate.gates.table import RunTable
from scoregate.gates.told_sentences import failing_where_first_applied
from scoregate.wording import count


def notes_of(
    gate: Gate,
    measured: Sequence[Evidence],
    everything: Universe,
    baseline: RunTable,
    candidate: RunTable,
) -> tuple[str, ...]:
    """One sentence each. `measured` are the scores that were compared, on the items of `everything`."""
    notes = []
    before, now = baseline.header, candidate.header
    same_content = bool(before.dataset_fingerprint and now.dataset_fingerprint)
    if before.dataset and now.dataset and before.dataset != now.dataset and not same_content:
        notes.append(f"the runs name different datasets ('{before.dataset}' and '{now.dataset}')")
    unknown = [e.name for e in measured if (e.name in before.scorers) != (e.name in now.scorers)]
    if unknown:
        notes.append(f"only one run says which scorer made {', '.join(unknown)}")
    for name in unknown_slices(gate, baseline, candidate):
        notes.append(f"no item of either run has the gate's slice '{name}', so nothing was sought in it")
    notes += changed_places(everything, baseline, candidate)
    for evidence in measured:
        arms = (evidence.pair.baseline, evidence.pair.candidate)
        then, here = (int(arm.not_applicable.sum()) for arm in arms)
        filled = (
            int((evidence.pair.baseline.missing & ~evidence.pair.candidate.missing).sum())
            if (evidence.pair.baseline.values.shape == evidence.pair.candidate.values.shape)
            else 0
        )
        if filled:
            notes.append(
                f"{evidence.name}: {count(filled, 'cell')} that the baseline lacked counted as failed there, "
                "so gains among them may only be gaps that were filled"
            )
        if then or here:
            skipped = f"{count(then, 'cell')} of the baseline, {here:,} now"
            if then == here:
                skipped = f"{count(here, 'cell')} of each run"
            first = failing_where_first_applied(evidence)
            more = f"; {first}" if first else ""
            notes.append(f"{evidence.name} did not apply to {skipped}{_its_items(evidence)}{more}")
    notes += filter(None, (age_note(gate, before, now), best_of_note(before), rescored_note(before)))
    if now.facts.dirty:
        notes.append("the candidate was run from a working tree with uncommitted changes")
    return tuple(notes)


def _its_items(evidence: Evidence) -> str:
    """Of how many items the values of a score are that does not apply everywhere."""
    if evidence.told is None:
        return ""
    items = int(evidence.told.coded.counted.sum())
    if not items:
        return "; no item has it in both, so nothing of it was compared"
    return f"; its values are of the {count(items, 'item')} that it applies to in both"
