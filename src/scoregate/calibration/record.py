"""The record of a calibration: how far a judge agrees with people, and which judge that was.

It is bound to all that can change the judge's answer, as its hash and a digest of each part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.scale import ScaleKind
from scoregate.own import json_codec
from scoregate.records import JSON, ScoreValue
from scoregate.statistics.estimate import Estimate, difference_interval, fewer_hits_p, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNIFICANT = 0.05
WORST = 20
"""So many disagreements are kept to be read."""
_PART_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """A judge as it is now, or as it was when it was calibrated. Holds digests only, never a prompt."""

    hash: str
    """Hexadecimal digits over all parts: the judge's own, by which runs know it too."""
    parts: Mapping[str, str]
    """Name of a part, such as "prompt" or "model" -> 16 hexadecimal digits over its content."""

    def changed_parts(self, earlier: Identity) -> tuple[str, ...]:
        """Names of the parts that are not what they were, sorted; those that only one of both has among them."""
        names = self.parts.keys() | earlier.parts.keys()
        return tuple(sorted(name for name in names if self.parts.get(name) != earlier.parts.get(name)))


def identity_of(judge: str, parts: Mapping[str, JSON]) -> Identity:
    """The identity of a judge from its hash and its parts: prompt, model, parameters, rubric, each a JSON value.

    The order of the keys of an object is no difference, at any level. Raises ValueError for NaN or infinity and
    TypeError for what is no JSON.
    """
    return Identity(judge, {name: _digest(value) for name, value in sorted(parts.items())})


def _digest(value: JSON) -> str:
    text = json_codec.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_PART_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Agreement now less agreement then.

    The two are compared as independent samples. Where the labels are the same items again, the interval is wider
    and the test slower to speak than they could be: they err on the side of "no change seen".
    """

    since: str
    """When the last calibration was made, ISO time."""
    difference: float
    """Share of agreement now − then; negative is worse."""
    low: float
    high: float
    """95 % interval (Newcombe)."""
    n_before: int
    n_now: int
    p_value: float
    """Fisher's exact one-sided p-value for "agrees less often"."""
    judge_changed: tuple[str, ...]
    """Parts of the judge that are not what they were."""
    labels_changed: bool
    compared_differently: bool
    """Another tolerance or pass mark: the difference is then not the judge's alone."""

    @property
    def more_disagreement(self) -> bool:
        """Proved at 5 %, and the same comparison."""
        return self.p_value <= SIGNIFICANT and not self.compared_differently


def drift_between(
    since: str,
    before: tuple[int, int],
    now: tuple[int, int],
    *,
    judge_changed: tuple[str, ...],
    labels_changed: bool,
    compared_differently: bool,
) -> Drift:
    """`before` and `now` are (items that agree, items), neither of them without items."""
    low, high = difference_interval(*before, *now)
    return Drift(
        since=since,
        difference=now[0] / now[1] - before[0] / before[1],
        low=low,
        high=high,
        n_before=before[1],
        n_now=now[1],
        p_value=fewer_hits_p(*before, *now),
        judge_changed=judge_changed,
        labels_changed=labels_changed,
        compared_differently=compared_differently,
    )


@dataclass(frozen=True, slots=True)
class ClassRates:
    """One class against all others, of the items with a value of the judge."""

    name: str
    true_positive: Estimate
    """Of the items that people put into the class: the share that the judge does too."""
    false_positive: Estimate
    """Of the items that people put elsewhere: the share that the judge puts into the class."""


def class_rates(classes: tuple[str, ...], table: NDArray[np.int64]) -> tuple[ClassRates, ...]:
    """The rates of each class with exact intervals. `table` is (K, K): a row a label, a column a judge's value."""
    everything = int(table.sum())
    rates = []
    for place, name in enumerate(classes):
        inside, given = int(table[place].sum()), int(table[:, place].sum())
        right = int(table[place, place])
        rates.append(
            ClassRates(
                name,
                share(right, inside, nothing=f"no label is {name}"),
                share(given - right, everything - inside, nothing=f"every label is {name}"),
            )
        )
    return tuple(rates)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item to read."""

    item: str
    judge: ScoreValue
    label: bool | int | float | str
    gap: float
    """How far apart they are: in the score's unit, in grades, else 1."""
    reasoning: str | None = None
    """The judge's, cut after 600 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was found, and what it holds for."""

    judge: str
    """Name of the judge's score."""
    made_at: str
    """ISO time with zone."""
    identity: Identity
    """The judge as it was."""
    labels: str
    """Fingerprint of the labels."""
    kind: ScaleKind
    comparison: Comparison
    """How numbers were compared; a gate that says another way is not met."""
    compared: str
    """When a judge's value and a label agree, in words."""
    labelled: int
    """Items with a label."""
    missing: int
    """Those of them without a valid reply of the judge."""
    agreed: int
    """Those of them where both agree."""
    agreement: Estimate
    """agreed / labelled: an item without a reply does not agree."""
    kappa: Estimate
    """Cohen's κ of the classes. This and all that follow are of the items with a reply."""
    weighted_kappa: Estimate
    """With quadratic weights, of ordered categories and numbers."""
    alpha: Estimate
    """Krippendorff's α: nominal, ordinal for ordered categories, interval for numbers."""
    ac1: Estimate
    """Gwet's AC1 of the classes."""
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """A row a class of the label, a column a class of the judge."""
    rates: tuple[ClassRates, ...]
    disagreements: tuple[Disagreement, ...]
    """The worst ones first, 20 at most: the largest gap; of equal ones what the judge passes and people fail."""
    drift: Drift | None = None
    """Against the last calibration; None for the first."""

    @property
    def disagreed(self) -> int:
        """Items with a reply that does not agree."""
        return self.labelled - self.missing - self.agreed
