"""Making a calibration from a judge's values and human labels of the same items. Pure: same input, same record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.record import (
    WORST,
    Calibration,
    Disagreement,
    Drift,
    Identity,
    class_rates,
    drift_between,
)
from scoregate.calibration.scale import JudgedItem, LabelScale, checked, labels_fingerprint, scale_of
from scoregate.catalog import Contract
from scoregate.statistics.agreement import (
    alpha_of_table,
    cohen_kappa,
    confusion_table,
    gwet_ac1,
    interval_alpha,
    numbers_estimate,
    quadratic_kappa,
    table_estimate,
)
from scoregate.statistics.estimate import Estimate, not_estimated, share

_REASONING = 600
"""Characters kept of a judge's reasoning."""


def calibrate(
    judged: Sequence[JudgedItem],
    contract: Contract,
    *,
    judge: str,
    identity: Identity,
    made_at: datetime,
    comparison: Comparison | None = None,
    previous: Calibration | None = None,
) -> Calibration:
    """Compare a judge's values with human labels.

    `made_at` has a zone. Raises ContractError for a value that breaks the contract, DatasetError for no labels or
    two of one item, ConfigError for a comparison that does not suit the score.
    """
    checked(judged, contract)
    scale = scale_of(contract, comparison or Comparison(), judged)
    replied = [one for one in judged if one.judge is not None]
    agreed = sum(scale.agree(one.judge, one.label) for one in replied)
    table = _table(replied, scale)
    labels = labels_fingerprint(judged, contract)
    return Calibration(
        judge=judge,
        made_at=made_at.astimezone(UTC).isoformat(timespec="seconds"),
        identity=identity,
        labels=labels,
        kind=scale.kind,
        comparison=scale.comparison,
        compared=scale.words,
        labelled=len(judged),
        missing=len(judged) - len(replied),
        agreed=agreed,
        agreement=share(agreed, len(judged), nothing="no item has a label"),
        **_measures(replied, scale, table),
        classes=scale.classes,
        confusion=tuple(tuple(row) for row in table.tolist()),
        rates=class_rates(scale.classes, table),
        disagreements=_worst(replied, scale),
        drift=_drift(previous, identity, labels, scale.words, (agreed, len(judged))),
    )


def _table(replied: Sequence[JudgedItem], scale: LabelScale) -> NDArray[np.int64]:
    if not scale.classes:
        return np.zeros((0, 0), dtype=np.int64)
    place = {name: number for number, name in enumerate(scale.classes)}
    labels = np.array([place[scale.class_of(one.label)] for one in replied], dtype=np.intp)
    values = np.array([place[scale.class_of(one.judge)] for one in replied], dtype=np.intp)
    return confusion_table(labels, values, len(scale.classes))


def _measures(
    replied: Sequence[JudgedItem], scale: LabelScale, table: NDArray[np.int64]
) -> dict[str, Estimate]:
    if scale.classes:
        kappa, ac1 = table_estimate(table, cohen_kappa), table_estimate(table, gwet_ac1)
    else:
        kappa = ac1 = not_estimated(
            len(replied), "so many different numbers are no classes: a pass mark would make two of them"
        )
    if scale.kind == "numeric":
        labels, values = _numbers(replied, scale)
        weighted = numbers_estimate(labels, values, quadratic_kappa)
        alpha = numbers_estimate(labels, values, interval_alpha)
    elif scale.kind == "ordered":
        # Categories that do not count are no grades: what either puts there has no distance.
        graded = [scale.classes.index(grade) for grade in scale.contract.grades]
        grades = table[np.ix_(graded, graded)]
        weighted = table_estimate(grades, partial(cohen_kappa, weights="quadratic"))
        alpha = table_estimate(grades, partial(alpha_of_table, level="ordinal"))
    else:
        weighted = not_estimated(len(replied), "its values have no order")
        alpha = table_estimate(table, partial(alpha_of_table, level="nominal"))
    return {"kappa": kappa, "weighted_kappa": weighted, "alpha": alpha, "ac1": ac1}


def _numbers(
    replied: Sequence[JudgedItem], scale: LabelScale
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    labels = np.array([scale.number(one.label) for one in replied], dtype=np.float64)
    values = np.array([scale.number(one.judge) for one in replied], dtype=np.float64)
    return labels, values


def _worst(replied: Sequence[JudgedItem], scale: LabelScale) -> tuple[Disagreement, ...]:
    apart = [one for one in replied if not scale.agree(one.judge, one.label)]
    apart.sort(
        key=lambda one: (
            -scale.gap(one.judge, one.label),
            not scale.lenient(one.judge, one.label),
            one.item,
        )
    )
    return tuple(
        Disagreement(
            one.item, one.judge, one.label, scale.gap(one.judge, one.label), _shortened(one.reasoning)
        )
        for one in apart[:WORST]
    )


def _shortened(reasoning: str | None) -> str | None:
    if reasoning is None or len(reasoning) <= _REASONING:
        return reasoning
    return f"{reasoning[: _REASONING - 1]}…"


def _drift(
    previous: Calibration | None, identity: Identity, labels: str, compared: str, now: tuple[int, int]
) -> Drift | None:
    if previous is None:
        return None
    return drift_between(
        previous.made_at,
        (previous.agreed, previous.labelled),
        now,
        judge_changed=identity.changed_parts(previous.identity),
        labels_changed=labels != previous.labels,
        compared_differently=compared != previous.compared,
    )
