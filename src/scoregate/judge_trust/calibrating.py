"""A judge calibrated: it judges answers that people have labelled, and what is found is written beside the gates."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.comparison import Comparison
from scoregate.calibration.file import calibration_path, read_calibration, write_calibration
from scoregate.calibration.record import Calibration
from scoregate.calibration.scale import JudgedItem, check_comparison, scale_of
from scoregate.catalog import Contract
from scoregate.errors import ConfigError, ServiceError
from scoregate.gate_file import Gate
from scoregate.judge_trust.calibrations import bound_to
from scoregate.judge_trust.human_labels import HumanLabel
from scoregate.judge_trust.judge_trial import try_judge
from scoregate.judge_trust.labelled_answers import Labelled
from scoregate.judging.judge import Judge, Judgement
from scoregate.store import Store
from scoregate.wording import shown_path

NEW_SECONDS = 86_400.0
"""A kept reply that is not older may stand for what the judge says now: a command that was stopped goes on with it."""


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
        newer_than=time.time() - NEW_SECONDS,
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
