"""A judge calibrated: it judges answers that people have labelled, and what is found is written beside the gates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.file import calibration_path, read_calibration, write_calibration
from scoregate.calibration.labels import JudgedItem
from scoregate.calibration.record import Calibration
from scoregate.calibration.scale import Comparison, scale_of
from scoregate.errors import ConfigError, DatasetError, ServiceError, did_you_mean
from scoregate.gate_file import Gate
from scoregate.judging.judge import Judge, Judgement
from scoregate.project.assembly import read_gate_dataset
from scoregate.project.calibrations import bound_to
from scoregate.project.deciding import known_items
from scoregate.project.human_labels import HumanLabel, labelled_run
from scoregate.project.judge_trial import Answer, try_judge
from scoregate.project.places import shown_path
from scoregate.records import DatasetItem, RunItem
from scoregate.store import Store

NEW_SECONDS = 86_400.0
"""A kept reply that is not older may stand for what the judge says now: a command that was stopped goes on with it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer with its human label."""

    answer: Answer
    label: HumanLabel


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


def labelled_answers(
    gate: Gate, labels: Sequence[HumanLabel], store: Store | None, run: str | None
) -> tuple[list[Labelled], list[str]]:
    """The labelled answers, and the items that the run has no answer to, so that their labels are of nothing.

    A label that does not hold its output is of the first answer in `run`, else in the gate's newest run. Raises
    ConfigError where there is no run, DatasetError with file and line for an item that the dataset has not.
    """
    answers, items = _answers(gate, labels, store, run)
    found, absent = [], []
    for label in labels:
        if label.item not in items:
            raise DatasetError(
                f"the dataset has no item '{label.item}'",
                where=label.where,
                hint=_near(label.item, items),
            )
        if label.has_output:
            answer = Answer(items[label.item], label.output, label.trial, label.where)
        elif label.item in answers:
            given = answers[label.item]
            answer = Answer(items[label.item], given.output, given.trial, "run")
        else:
            absent.append(label.item)
            continue
        found.append(Labelled(answer, label))
    return found, absent


def calibrate_judge(
    gate: Gate,
    judge: Judge,
    labelled: Sequence[Labelled],
    store: Store | None,
    *,
    comparison: Comparison,
    read: bool = True,
    announce: Callable[[int], None] | None = None,
) -> Calibration:
    """Judge the answers (with the store's replies of today if `read`), compare, write the file, return what was found.

    A calibration says what the judge does now: replies older than a day are asked for anew, or a model that its
    provider has changed would be calibrated by what it said before. `announce` is told how many are asked for.
    Raises ServiceError where the model did not reply, and RunInterrupted where the gate's cap on cost forbids a call:
    nothing is written then, and the replies that came are kept.
    """
    contract = judge.spec.contract
    scale_of(contract, comparison, ())  # A comparison that the score cannot have is refused before any call.
    tried = try_judge(
        judge,
        [one.answer for one in labelled],
        store,
        dry=False,
        concurrency=gate.limits.concurrency,
        read=read,
        cap_usd=gate.limits.max_cost_usd,
        newer_than=time.time() - NEW_SECONDS,
        announce=announce,
    )
    judgements = [one.judgement for one in tried if one.judgement is not None]
    if judge.usage.failed:
        first = next(
            (vote.error for one in judgements for vote in one.votes if _failed(vote.error)), "no reply"
        )
        raise ServiceError(
            f"the judge '{judge.name}' was left without {judge.usage.failed:,} of {judge.usage.replies:,} replies, so "
            f"it was not calibrated; the first because: {first}",
            hint="the replies that came are kept; give the command again",
        )
    path = calibration_path(gate.root, judge.name)
    calibration = calibrate(
        [_judged(one.label, judgement) for one, judgement in zip(labelled, judgements, strict=True)],
        contract,
        judge=judge.name,
        identity=bound_to(judge.identity),
        made_at=datetime.now(UTC),
        comparison=comparison,
        previous=_previous(path),
    )
    write_calibration(calibration, path)
    return calibration


def _answers(
    gate: Gate, labels: Sequence[HumanLabel], store: Store | None, run: str | None
) -> tuple[Mapping[str, RunItem], Mapping[str, DatasetItem]]:
    """The first answer to each item in the run, and the dataset items as they were asked."""
    if all(label.has_output for label in labels):
        return {}, {item.id: item for item in read_gate_dataset(gate).items}
    made = labelled_run(gate, store, run)
    answers = {one.item: one for one in reversed(made.items) if one.status == "ok"}
    return answers, {item.id: item for item in known_items(gate, made, store)}


def _judged(label: HumanLabel, judgement: Judgement) -> JudgedItem:
    valid = judgement.status == "ok"
    return JudgedItem(
        label.item, judgement.value if valid else None, label.label, judgement.comment if valid else None
    )


def _failed(error: str | None) -> bool:
    return error is not None and error.startswith("no reply")


def _previous(path: Path) -> Calibration | None:
    """The last calibration. One that cannot be read is replaced, as its own error advises."""
    try:
        return read_calibration(path)
    except ConfigError:
        return None


def _near(item: str, known: Mapping[str, object]) -> str | None:
    hint = did_you_mean(item, known)
    return hint if hint and hint.startswith("did") else None
