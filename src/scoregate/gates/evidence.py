"""Everything that two runs say about one score, measured but not yet judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import Contract
from scoregate.gate_file import Reducer, Rule
from scoregate.gates.coding import CodedScore
from scoregate.gates.pairing import PairedScore, Scale

_LARGEST_EXPONENT = 700.0
"""Beyond this a ratio is no number any more."""


class BoundedEstimate(Protocol):
    """A number with its uncertainty."""

    @property
    def value(self) -> float: ...

    @property
    def standard_error(self) -> float: ...

    def lower_bound(self, level: float) -> float:
        """One-sided, with error `level`."""

    def upper_bound(self, level: float) -> float:
        """One-sided, with error `level`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One score: estimates are oriented (larger is better) and in the scale of the test (logs for ratios)."""

    name: str
    pair: PairedScore
    contract: Contract | None
    rule: Rule
    coded: CodedScore
    """What is estimated: the cells, or with a reducer each item's value from its trials."""
    cells: tuple[NDArray[np.float64], NDArray[np.float64]]
    """What is relabelled: baseline (N, k_b) and candidate (N, k_c), larger is better."""
    passes_or_fails: bool
    """The cells are 0 or 1 (or 0 or −1), so that their test is exact."""
    estimate: BoundedEstimate | None
    """Paired difference, missing cells failed in both arms; None when no item counts."""
    worst_case: float | None
    """Lower confidence bound of the paired difference in the worst case; None when no item counts."""
    worst_case_error: float
    """Standard error behind `worst_case`."""
    own: BoundedEstimate | None
    """The candidate's own value with its missing cells failed, in the score's unit; only where it applies."""
    own_worst_case: BoundedEstimate | None
    """The same, where cells that applied in the baseline and no longer do count as failed."""
    open_ended_gaps: int
    """Missing cells of the candidate on a scale without a worst end: what they hide could be any value."""
    margin: float | None
    """Largest loss that does not matter, in the scale of the test; None: the rule asks for floors only."""
    critical_items: tuple[int, ...]
    """Positions of the items that break a critical rule."""
    suspect_items: tuple[int, ...]
    """Positions of those that were lost in every trial, of which there are too few to tell it from chance."""
    clusters: int
    pairs: int
    """Counted items × the smaller number of trials of the two arms."""
    before: float | None
    """The baseline's value in the score's unit, missing cells failed; the geometric mean for ratios."""
    now: float | None
    """The same of the candidate."""
    scale: Scale
    """In which differences are reported: ratio where they are relative."""
    independent: float = math.inf
    """Of a measured quantity: as many independent items of one weight as the counted ones are worth. Infinite where no
    few items can carry a loss of the margin."""
    bill: tuple[float, float] | None = None
    """Sums of a measured quantity in baseline and candidate; an item counts as the mean of its trials with a value."""
    beyond_margin: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    """The cells with the candidate's better by the margin, relabelled where a rule fails only on a drop beyond it: what
    is worse even then is worse by more than the margin. None: any drop fails."""
    reference: float | None = None
    """Differences are reported as shares of this; None: as they are, as ratios where the scale of the test is logs."""
    not_kept: tuple[int, ...] = ()
    """Where no item may flip: positions of those of which it is not shown that they pass as often as before."""
    reported: Evidence | None = None
    """The same with the figures of the items that the score applies to in both runs, for people to read.

    None: every cell applies, so that the figures of the test are reported.
    """

    @property
    def shown(self) -> Evidence:
        """Whose `coded`, `estimate`, `before`, `now`, `clusters` and interval are reported; it decides nothing."""
        return self.reported or self

    @property
    def reducer(self) -> Reducer | None:
        return self.rule.reduced

    @property
    def trials(self) -> tuple[int, int]:
        """Of baseline and candidate."""
        return self.cells[0].shape[1], self.cells[1].shape[1]

    @property
    def relabelled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Whose labels are swapped to prove what breaks the rule: baseline (N, k_b) and candidate (N, k_c)."""
        return self.beyond_margin or self.cells

    @property
    def unit(self) -> str | None:
        return self.contract.unit if self.contract else None

    def to_unit(self, value: float) -> float:
        """A difference or bound in the scale of the test as the candidate's change in the score's unit."""
        if self.reference is not None:
            return self.pair.sign * value / self.reference + 0.0
        if self.pair.scale == "ratio" and math.isinf(value):
            return math.inf if self.pair.sign * value > 0 else -1.0
        if self.pair.scale == "ratio":
            return math.expm1(min(self.pair.sign * value, _LARGEST_EXPONENT))
        return self.pair.sign * value + 0.0

    def confidence_interval(self) -> tuple[float, float]:
        """95 % interval of the candidate's change, in the score's unit and within its scale. Needs an estimate."""
        assert self.estimate is not None
        widest = self.pair.size if self.scale != "ratio" else math.inf
        ends = (self.estimate.lower_bound(0.025), self.estimate.upper_bound(0.025))
        ends = (max(ends[0], -widest), min(ends[1], widest))
        low, high = sorted(self.to_unit(end) for end in ends)
        return low, high
