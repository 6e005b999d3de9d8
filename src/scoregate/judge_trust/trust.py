"""What calibrations and human labels say of the judges behind a verdict, and what that leaves of it.

A judge may not decide where its calibration does not meet the gate, and where it errs differently in baseline and
candidate, by the human labels that its rule names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scoregate.calibration.differential_bias import (
    ENOUGH_LABELS,
    LabelledAnswer,
    compare_numbers,
    compare_pass_errors,
)
from scoregate.catalog import Contract
from scoregate.gate_file import Gate
from scoregate.gates.provenance import scorer_changed
from scoregate.gates.untrusted_judges import (
    fault_of_errors,
    fault_of_offset,
    nothing_in_errors,
    nothing_in_offset,
    unchecked,
    with_biased,
    with_uncalibrated,
)
from scoregate.judge_trust.calibrations import (
    calibrate_command,
    commands_of,
    margin_notes,
    unmet_requirements,
)
from scoregate.judge_trust.judged_answers import (
    Answers,
    JudgedAnswer,
    answers_of_both,
    items_left_out,
    judged_answers,
    labels_of,
    passes_or_fails,
)
from scoregate.records import Run, Verdict
from scoregate.statistics.differential import FEWEST_PAIRS

if TYPE_CHECKING:
    from scoregate.judge_trust.human_labels import HumanLabel

_Labelled = dict[str, LabelledAnswer]


@dataclass(frozen=True, slots=True)
class BiasCheck:
    """What the labels say, a sentence a score."""

    faults: Mapping[str, str] = field(default_factory=dict)
    """Scores whose judge is proved to treat the versions differently, with what to do next."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Checks that proved nothing, and checks that could not be made."""
    favoured: frozenset[str] = frozenset()
    """Scores whose judge is proved to be kinder to the candidate: it hides drops and makes none."""


@dataclass(frozen=True, slots=True)
class _JudgeTrust:
    """Why some judges may not decide, and what is to be known of the others."""

    uncalibrated: Mapping[str, str]
    """Score -> why its judge's calibration does not meet the gate."""
    bias: BiasCheck
    notes: tuple[str, ...]
    """What margins mean in truth."""
    commands: tuple[str, ...]
    """Those that the reasons name, each to be shown on a line of its own."""

    def applied(self, verdict: Verdict) -> Verdict:
        """The verdict where rules of judges that may not decide are invalid, with the notes on the others."""
        if self.uncalibrated:
            verdict = with_uncalibrated(verdict, self.uncalibrated)
        if self.bias.faults:
            verdict = with_biased(verdict, self.bias.faults, favoured=self.bias.favoured)
        more = (*self.notes, *self.bias.notes.values())
        return replace(verdict, notes=(*verdict.notes, *more)) if more else verdict


def judge_trust(gate: Gate, baseline: Run | None, candidate: Run) -> _JudgeTrust:
    """Look at the calibrations of the gate's judges, and at the labels of both versions' answers.

    `gate` is the gate as it was read, `candidate` the run as a whole, `baseline` None where there is none to compare
    with. Raises ConfigError for a judge or a calibration that cannot be read.
    """
    uncalibrated = unmet_requirements(gate, candidate.header)
    bias = BiasCheck() if baseline is None else check_bias(gate, baseline, candidate)
    # One reason a score: a judge that is not the calibrated one has to be put right first.
    faults, about = (
        {name: sentence for name, sentence in found.items() if name not in uncalibrated}
        for found in (bias.faults, bias.notes)
    )
    reasons = {**uncalibrated, **faults}
    return _JudgeTrust(
        uncalibrated,
        BiasCheck(faults, about, bias.favoured),
        margin_notes(gate, candidate.header),
        tuple(commands_of(gate, reasons)),
    )


def check_bias(gate: Gate, baseline: Run, candidate: Run) -> BiasCheck:
    """Hold each judge whose rule names labels against those of both versions' answers.

    Answers that both versions gave are left out: they have one label and one judgement, and tell nothing of a
    difference. An item is looked at in as many trials of one version as of the other: an answer that the other version
    gave in none of three trials is an odder one than an answer that it did not give in one, and odd ones are harder to
    judge. Of these trials the first labelled one counts. Too few labels are a note, and so is a calibration that is
    required without any, as it says nothing of the candidate. A judge that is not the same in both runs is left to
    the comparison, which refuses it. Raises as `labels_of`: labels that cannot be read would leave a judge unchecked.
    """
    faults: dict[str, str] = {}
    notes: dict[str, str] = {}
    favoured: set[str] = set()
    for name, rule in gate.rules.items():
        contract = gate.contract(name)
        if contract is None or scorer_changed(name, baseline.header, candidate.header):
            continue
        if rule.labels is None:
            if rule.require_calibration is not None:
                notes[name] = unchecked(name, "that takes human labels of their answers (key `labels`)")
            continue
        labels = labels_of(gate, contract)
        found = _check(contract, labels, baseline, candidate, calibrate_command(gate, name))
        if found.fault is not None:
            faults[name] = found.fault
            favoured |= {name} if found.favours_candidate else set()
        elif found.note is not None:
            notes[name] = found.note
    return BiasCheck(faults, notes, frozenset(favoured))


@dataclass(frozen=True, slots=True)
class _Found:
    """Of one score: the fault, or a note; neither where no answer differs, as there is nothing to check then."""

    fault: str | None = None
    note: str | None = None
    favours_candidate: bool = False


def _check(
    contract: Contract, labels: Sequence[HumanLabel], baseline: Run, candidate: Run, command: str
) -> _Found:
    before, now = _equal_trials(*(judged_answers(contract, labels, run) for run in (baseline, candidate)))
    shared = answers_of_both(before, now)
    old, new = (_own(answers, shared) for answers in (before, now))
    if not old or not new:
        return _Found()
    # Whether these answers are of one version only is not known: they are as good as unlabelled.
    unknown = items_left_out(before, now)
    labelled = _labelled(old, contract, unknown), _labelled(new, contract, unknown)
    few = _too_few(old, new, labelled, pairs=not passes_or_fails(contract))
    if few is not None:
        return _Found(note=unchecked(contract.name, few + _left_out(len(unknown))))
    if passes_or_fails(contract):
        errors = compare_pass_errors(*labelled)
        counts = len(labelled[0]), len(labelled[1])
        return _Found(
            fault_of_errors(contract.name, errors, command),
            nothing_in_errors(contract.name, errors, counts),
            errors.favours_candidate,
        )
    offset = compare_numbers(*labelled)
    if offset is None:
        why = "the few labels do not tell its error from a true difference"
        return _Found(note=unchecked(contract.name, why))
    return _Found(
        fault_of_offset(contract.name, offset, command),
        nothing_in_offset(contract.name, offset),
        (offset.value < 0) == (contract.direction == "lower"),
    )


def _equal_trials(before: Answers, now: Answers) -> tuple[Answers, Answers]:
    """Of each item that both versions have, as many of its first trials in one as in the other."""
    number = {item: min(len(before[item]), len(now[item])) for item in before.keys() & now.keys()}
    first, second = (
        {item: cells[: number[item]] for item, cells in answers.items() if item in number}
        for answers in (before, now)
    )
    return first, second


def _own(answers: Answers, shared: Mapping[str, set[str]]) -> dict[str, list[JudgedAnswer]]:
    """The answers that the other version is not known to have given, of items that have any and that it has too."""
    own = {
        item: [cell for cell in cells if cell.answer is not None and cell.answer not in shared[item]]
        for item, cells in answers.items()
        if item in shared
    }
    return {item: cells for item, cells in own.items() if cells}


def _labelled(answers: Answers, contract: Contract, unknown: Collection[str]) -> _Labelled:
    """Item -> its first answer that has both a label and a judgement, good ones as 1 where they pass or fail."""
    turned = passes_or_fails(contract) and contract.direction == "lower"
    found: _Labelled = {}
    for item, cells in answers.items():
        for cell in cells if item not in unknown else ():
            if cell.judge is not None and cell.label is not None:
                one = LabelledAnswer(cell.judge, cell.label)
                found[item] = LabelledAnswer(1 - one.judge, 1 - one.human) if turned else one
                break
    return found


def _left_out(items: int) -> str:
    """The end of a sentence on labels that are lacking."""
    if not items:
        return ""
    return f"; of {items:,} item{'' if items == 1 else 's'} an answer is left out of the runs' files"


def _too_few(old: Answers, new: Answers, labelled: tuple[_Labelled, _Labelled], *, pairs: bool) -> str | None:
    """Which labels are lacking; None where they are enough, or where every answer that differs has one."""
    before, now = labelled
    if pairs:
        both, differ = len(before.keys() & now.keys()), len(old.keys() & new.keys())
        need = min(ENOUGH_LABELS, differ)
        if both >= max(need, FEWEST_PAIRS):
            return None
        if differ < FEWEST_PAIRS:
            items = "item has" if differ == 1 else "items have"
            return f"only {differ:,} {items} two different answers"
        return (
            f"of the {differ:,} items whose answers differ {both:,} are labelled in both versions, and it takes "
            f"{need:,}, drawn at random"
        )
    need_before, need_now = (min(ENOUGH_LABELS, len(answers)) for answers in (old, new))
    if len(before) >= need_before and len(now) >= need_now:
        return None
    return (
        f"where the answers differ people have labelled {len(now):,} of {len(new):,} of the candidate's and "
        f"{len(before):,} of {len(old):,} of the baseline's, and it takes {need_now:,} and {need_before:,}, drawn at "
        "random"
    )
