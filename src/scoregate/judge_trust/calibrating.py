"""A judge calibrated: it judges answers that people have labelled, and what is found is written beside the gates.

An answer that a label is of is the label's own, or the one that a run gave.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.comparison import Comparison
from scoregate.calibration.file import calibration_path, read_calibration, write_calibration
from scoregate.calibration.record import Calibration
from scoregate.calibration.scale import JudgedItem, check_comparison, scale_of
from scoregate.catalog import Contract
from scoregate.errors import ConfigError, DatasetError, ScoregateError, ServiceError, StoreError, did_you_mean
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.judge_trust.calibrations import bound_to
from scoregate.judge_trust.human_labels import HumanLabel, labelled_run
from scoregate.judge_trust.trying import AnswerToTry, try_judge
from scoregate.judging.judge import Judge, Judgement
from scoregate.records import JSON, DatasetItem, Run, RunHeader
from scoregate.sources import known_items, read_gate_dataset
from scoregate.store import Store

_NEW_SECONDS = 86_400.0
"""A kept reply that is not older may stand for what the judge says now: a command that was stopped goes on with it."""
_SHORT_WAIT = 10.0
"""Seconds for a dataset in Langfuse that is only looked at for a warning."""
_NAMED = 5
"""So many items are named in a note."""

_Items = Mapping[str, DatasetItem]


def labels_source(gate: Gate, score: str, given: str | None) -> str:
    """Where the labels come from: as given, else the gate's own. Raises ConfigError where neither says."""
    rule = gate.rules.get(score)
    if given is not None:
        return given
    if rule is None or rule.labels is None:
        raise ConfigError(
            f"no labels of '{score}' are given",
            hint=f'add --labels FILE, or labels = "…" to [scores.{score}]',
        )
    return shown_path(gate.root / rule.labels)


def comparison_of(
    gate: Gate, contract: Contract, tolerance: float | None, pass_at: float | None
) -> Comparison:
    """How numbers are compared: as given, else as the gate requires. Raises ConfigError for what says nothing."""
    rule = gate.rules.get(contract.name)
    comparison = Comparison(tolerance=tolerance, pass_at=pass_at)
    if not comparison.given and rule is not None and rule.require_calibration is not None:
        comparison = rule.require_calibration.comparison
    check_comparison(contract, comparison)
    return comparison


def calibrate_judge(
    gate: Gate,
    judge: Judge,
    labelled: Sequence[_LabelledItem],
    store: Store | None,
    *,
    comparison: Comparison,
    read: bool = True,
    announce: Callable[[int], None] | None = None,
) -> Calibration:
    """Judge the answers (with the store's replies of today if `read`), compare, write the file, return what was found.

    A calibration says what the judge does now: replies older than a day are asked for anew, or a model that its
    provider has changed would be calibrated by what it said before. `announce` is told how many are asked for.
    What the endpoint refuses to judge is missing in the calibration, as an invalid reply is. Raises ServiceError where
    replies are lacking that may come another time, or the endpoint refused so much that nothing was judged, and
    RunInterrupted where the gate's cap on cost forbids a call: nothing is written then, and the replies that came are
    kept.
    """
    contract = judge.spec.contract
    scale_of(contract, comparison, ())  # What cannot be compared is refused before any call.
    tried = try_judge(
        judge,
        [one.answer for one in labelled],
        store,
        dry=False,
        concurrency=gate.limits.concurrency,
        read=read,
        cap_usd=gate.limits.max_cost_usd,
        newer_than=time.time() - _NEW_SECONDS,
        announce=announce,
    )
    judgements = [one.judgement for one in tried if one.judgement is not None]
    if judge.usage.failed:
        silent = (vote.error for one in judgements for vote in one.votes if vote.silence == "in passing")
        first = next(silent, None)
        raise ServiceError(
            f"the judge '{judge.name}' was left without {judge.usage.failed:,} of {judge.usage.replies:,} replies, so "
            f"it was not calibrated; the first because: {first}",
            hint="the replies that came are kept; give the command again",
        )
    if judge.usage.refused and not any(one.status == "ok" for one in judgements):
        raise ServiceError(
            f"the judge '{judge.name}' has judged none of {len(judgements):,} answers, so it was not calibrated; "
            f"{judge.usage.refused:,} replies were refused, the first because: {judge.usage.refused_because}",
            hint="look at what is sent: scoregate judge test --dry-run",
        )
    path = calibration_path(gate.root, judge.name)
    calibration = calibrate(
        [_judged(one.label, judgement) for one, judgement in zip(labelled, judgements, strict=True)],
        contract,
        judge=judge.name,
        identity=bound_to(judge.identity),
        made_at=datetime.now(UTC),
        comparison=comparison,
        previous=_previous(path, judge.name, contract),
    )
    write_calibration(calibration, path)
    return calibration


def _judged(label: HumanLabel, judgement: Judgement) -> JudgedItem:
    valid = judgement.status == "ok"
    return JudgedItem(
        label.item, judgement.value if valid else None, label.label, judgement.comment if valid else None
    )


def _previous(path: Path, judge: str, contract: Contract) -> Calibration | None:
    """The last calibration. One that cannot be read or believed is replaced, as its own error advises."""
    try:
        return read_calibration(path, judge=judge, contract=contract)
    except ConfigError:
        return None


@dataclass(frozen=True, slots=True)
class _LabelledItem:
    """An answer with its human label."""

    answer: AnswerToTry
    label: HumanLabel


@dataclass(frozen=True, slots=True)
class LabelledAnswers:
    """What can be judged, and what is to be known of it, a sentence each."""

    found: tuple[_LabelledItem, ...]
    notes: tuple[str, ...]


def labelled_answers(
    gate: Gate, labels: Sequence[HumanLabel], store: Store | None, run: str | None
) -> LabelledAnswers:
    """The labelled answers, with the dataset items as they were asked.

    A label that does not hold its output is of the run that it names, else of the first answer in `run`, else of that
    in the gate's newest run, which the notes then name. Raises ConfigError where there is no such run, or where `run`
    is another one than the labels are of; DatasetError with file and line for an item that the dataset has not, for
    labels of a run that is nowhere, and where no label has an answer.
    """
    _refuse_another_run(labels, store, run)
    bare = any(not label.has_output and label.run is None for label in labels)
    made = labelled_run(gate, store, run) if bare else None
    asked = _asked(gate, store)
    first = {} if made is None else {one.item: one for one in reversed(made.items) if one.has_output}
    kinds = _kinds(gate, store, labels, made)
    found, absent = [], []
    questions: dict[str, dict[str, DatasetItem]] = {}
    for label in labels:
        of = made.id if made is not None and not label.has_output and label.run is None else label.run
        items = asked(of)
        if label.item not in items:
            hint = _near(label.item, items)
            raise DatasetError(f"the dataset has no item '{label.item}'", where=label.where, hint=hint)
        if label.has_output:
            answer = AnswerToTry(items[label.item], _output(label, kinds), label.trial, label.where)
        elif label.run is None and label.item in first:
            given = first[label.item]
            answer = AnswerToTry(items[label.item], given.output, given.trial, "run")
        else:
            absent.append(label)
            continue
        if of is not None:
            questions.setdefault(of, {})[label.item] = items[label.item]
        found.append(_LabelledItem(answer, label))
    _refuse_runs_that_are_nowhere(absent, store)
    if not found:
        raise DatasetError(
            f"no labelled item has an answer: {_listed(absent)}", hint="say --run for another run"
        )
    notes = []
    if made is not None and run is None:
        notes.append(
            f"labels without an output are taken to be of run {_as_run(made.header)}; say --run for another"
        )
    if absent:
        many = f"{len(absent):,} labelled items have no answer in the run and are left out"
        one = "1 labelled item has no answer in the run and is left out"
        notes.append(f"{one if len(absent) == 1 else many}: {_listed(absent)}")
    notes += [note for of, items in questions.items() for note in _changed(gate, of, items)]
    return LabelledAnswers(tuple(found), tuple(notes))


def labels_left_out(labels: Sequence[HumanLabel]) -> str | None:
    """The note on labels of answers that are not judged, as another one of their items is; None for none."""
    if not labels:
        return None
    one = "label is" if len(labels) == 1 else "labels are"
    return (
        f"of an item with several labelled answers the last one counts; {len(labels):,} {one} left out: "
        f"{_listed(labels)}"
    )


def _refuse_another_run(labels: Sequence[HumanLabel], store: Store | None, run: str | None) -> None:
    named = next((label.run for label in labels if label.run is not None), None)
    if run is None or named is None or store is None or named == run:
        return
    if store.find_run(run) != named:
        raise ConfigError(f"--run: the labels are of run {named}, not of {run}", hint="leave out --run")


def _refuse_runs_that_are_nowhere(absent: Sequence[HumanLabel], store: Store | None) -> None:
    """An answer that its run did not give is left out; that a run is not there is for its owner to mend."""
    for label in absent:
        if label.run is not None and (store is None or _header(store, label.run) is None):
            raise DatasetError(
                f"the label is of run {label.run}, and neither the file holds its outputs nor the store has the run",
                where=label.where,
                hint="add the outputs, or take the run over with `scoregate runs import`",
            )


def _asked(gate: Gate, store: Store | None) -> Callable[[str | None], _Items]:
    """Run -> the items as it was asked; None, or a run that is not stored, -> the dataset as it is."""

    @cache
    def asked(run: str | None) -> _Items:
        header = None if run is None or store is None else _header(store, run)
        if header is None:
            return {item.id: item for item in read_gate_dataset(gate).items}
        return {item.id: item for item in known_items(gate, Run(header), store)}

    return asked


def _header(store: Store, run: str) -> RunHeader | None:
    try:
        return store.header(run)
    except StoreError:
        return None


def _kinds(gate: Gate, store: Store | None, labels: Sequence[HumanLabel], made: Run | None) -> set[type]:
    """What kinds of values answers are, where a label leaves it open: those of the run, else the expected ones."""
    if all(label.parsed is None for label in labels):
        return set()
    try:
        run = made or labelled_run(gate, store, None)
    except ConfigError:
        expected = (item.expected_output for item in read_gate_dataset(gate).items)
        return {type(output) for output in expected if output is not None}
    return {type(one.output) for one in run.items if one.has_output}


def _output(label: HumanLabel, kinds: set[type]) -> JSON:
    """The output of a CSV cell: the value that it spells where answers are such values and no texts, else the text."""
    spelled = label.parsed is not None and type(label.parsed) in kinds and str not in kinds
    return label.parsed if spelled else label.output


def _changed(gate: Gate, run: str, asked: _Items) -> list[str]:
    """Whether items say something else in the dataset than they did when the run asked them."""
    if gate.dataset is None:
        return []
    try:
        present = {item.id: item for item in read_gate_dataset(gate, seconds=_SHORT_WAIT).items}
    except ScoregateError as error:
        return [f"whether items were changed since run {run} cannot be told: {error}"]
    changed = [name for name, item in asked.items() if present.get(name) != item]
    if not changed:
        return []
    were = "item was" if len(changed) == 1 else "items were"
    return [
        f"warning: {len(changed):,} labelled {were} changed in the dataset since run {run} and judged as asked then: "
        f"{_some(changed)}"
    ]


def _as_run(header: RunHeader) -> str:
    return f"{header.run} ({header.candidate}, {(header.started_at or 'of an unknown time')[:19].replace('T', ' ')})"


def _listed(labels: Sequence[HumanLabel]) -> str:
    return _some(f"{label.item} ({label.where})" for label in labels)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED:,} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def _near(item: str, known: Mapping[str, object]) -> str | None:
    hint = did_you_mean(item, known)
    return hint if hint and hint.startswith("did") else None
