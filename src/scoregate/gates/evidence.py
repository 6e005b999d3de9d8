"""Everything that two runs say about one score, measured but not yet judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import Contract
from scoregate.errors import ConfigError
from scoregate.gate_file import DEFAULT_MARGIN, DEFAULT_RATIO_MARGIN, Rule
from scoregate.gates.coding import CodedScore, code_for_pass, code_for_regression, worst_value
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.statistics.bounds import MeanEstimate, estimate_mean, observed_range
from scoregate.statistics.exact import within_item_p

_LARGEST_EXPONENT = 700.0
"""Beyond this a ratio is no number any more."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One score: estimates are oriented (larger is better) and in the scale of the test (logs for ratios)."""

    name: str
    pair: PairedScore
    contract: Contract | None
    rule: Rule
    coded: CodedScore
    estimate: MeanEstimate | None
    """Paired difference, missing cells failed in both arms; None when no item counts."""
    worst_case: float | None
    """Lower confidence bound of the paired difference in the worst case; None when no item counts."""
    worst_case_error: float
    """Standard error behind `worst_case`."""
    own: MeanEstimate | None
    """The candidate's own value with its missing cells failed, in the score's unit; only where it applies."""
    own_worst_case: MeanEstimate | None
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

    @property
    def unit(self) -> str | None:
        return self.contract.unit if self.contract else None

    def to_unit(self, value: float) -> float:
        """A difference or bound in the scale of the test as the candidate's change in the score's unit."""
        if self.pair.scale == "ratio":
            return math.expm1(min(self.pair.sign * value, _LARGEST_EXPONENT))
        return self.pair.sign * value + 0.0

    def confidence_interval(self) -> tuple[float, float]:
        """95 % interval of the candidate's change, in the score's unit and within its scale. Needs an estimate."""
        assert self.estimate is not None
        widest = self.pair.size if self.pair.scale != "ratio" else math.inf
        ends = (self.estimate.lower_bound(0.025), self.estimate.upper_bound(0.025))
        ends = (max(ends[0], -widest), min(ends[1], widest))
        low, high = sorted(self.to_unit(end) for end in ends)
        return low, high


def gather(
    name: str,
    pair: PairedScore,
    contract: Contract | None,
    rule: Rule,
    everything: Universe,
    *,
    alpha: float,
    level: float,
) -> Evidence:
    """Measure one score; `alpha` decides critical items, `level` is the error of the bounds.

    Raises ConfigError where no margin is given or can be assumed.
    """
    coded = code_for_regression(pair)
    worst = code_for_pass(pair)
    bound = _difference(worst, pair, everything.clusters)
    critical, suspect = _critical(pair, coded, alpha) if rule.critical else ((), ())
    return Evidence(
        name=name,
        pair=pair,
        contract=contract,
        rule=rule,
        coded=coded,
        estimate=_difference(coded, pair, everything.clusters),
        worst_case=bound.lower_bound(level) if bound else None,
        worst_case_error=bound.standard_error if bound else 0.0,
        own=_own_value(pair, everything.clusters, escaped_fail=False),
        own_worst_case=_own_value(pair, everything.clusters, escaped_fail=True),
        open_ended_gaps=0 if math.isfinite(pair.low) else int(pair.candidate.missing.sum()),
        margin=_margin(name, pair, contract, rule),
        critical_items=critical,
        suspect_items=suspect,
        clusters=len(np.unique(everything.clusters[coded.counted])),
        pairs=int(coded.counted.sum()) * min(coded.baseline.shape[1], coded.candidate.shape[1]),
        before=_level(pair, coded, coded.baseline),
        now=_level(pair, coded, coded.candidate),
    )


def within(evidence: Evidence, members: NDArray[np.bool_], clusters: NDArray[np.intp]) -> Evidence:
    """The same of some of the items, (N,) bool: what a slice's drop is reported with. Nothing to pass, no floors."""
    pair, coded = evidence.pair, evidence.coded
    arms = [Arm(arm.values[members], arm.not_applicable[members]) for arm in (pair.baseline, pair.candidate)]
    part = replace(pair, baseline=arms[0], candidate=arms[1])
    cells = CodedScore(coded.counted[members], coded.baseline[members], coded.candidate[members])
    inside = clusters[members]
    counted = int(cells.counted.sum())
    return replace(
        evidence,
        pair=part,
        coded=cells,
        estimate=_difference(cells, part, inside),
        worst_case=None,
        own=None,
        own_worst_case=None,
        open_ended_gaps=0 if math.isfinite(pair.low) else int(part.candidate.missing.sum()),
        critical_items=(),
        suspect_items=(),
        clusters=len(np.unique(inside[cells.counted])),
        pairs=counted * min(cells.baseline.shape[1], cells.candidate.shape[1]),
        before=_level(part, cells, cells.baseline),
        now=_level(part, cells, cells.candidate),
    )


def _level(pair: PairedScore, coded: CodedScore, values: NDArray[np.float64]) -> float | None:
    """Mean over counted items in the score's unit; the geometric mean for ratios."""
    counted = values[coded.counted]
    if not counted.size:
        return None
    mean = float(counted.mean())
    return math.exp(pair.sign * mean) if pair.scale == "ratio" else pair.sign * mean + 0.0


def _margin(name: str, pair: PairedScore, contract: Contract | None, rule: Rule) -> float | None:
    given = rule.max_drop if rule.max_drop is not None else rule.max_increase
    if pair.scale == "ratio":
        share = DEFAULT_RATIO_MARGIN if given is None else given
        return math.log1p(share) if pair.sign < 0 else -math.log1p(-min(share, 1 - 1e-9))
    if given is not None:
        return given
    if pair.scale == "rate":
        return DEFAULT_MARGIN
    if math.isfinite(pair.size):
        return DEFAULT_MARGIN * pair.size
    if rule.min is not None or rule.max is not None:
        return None
    raise ConfigError(
        f"score '{name}' has no range, so no margin can be assumed for it",
        where=rule.where or (contract.where if contract else None),
        hint=f"give max_drop or max_increase in [scores.{name}], or min and max in its contract",
    )


def _difference(coded: CodedScore, pair: PairedScore, clusters: NDArray[np.intp]) -> MeanEstimate | None:
    if not coded.counted.any():
        return None
    differences = coded.differences
    if not np.isfinite(differences).all():
        # A missing value on a scale without a lower end: nothing can be ruled out.
        return MeanEstimate(-math.inf, -math.inf, 0.0, 1)
    reach = math.log(2.0) if pair.scale == "ratio" else pair.size
    if not math.isfinite(reach):
        reach = observed_range(differences, _values(coded))
    if not reach:
        # Nothing but zeros on a scale without ends says nothing of what another item would give.
        return MeanEstimate(float(differences.mean()), 0.0, math.inf, 1)
    totals, sizes = _by_cluster(differences, clusters[coded.counted])
    return estimate_mean(totals, sizes, low=-reach, high=reach)


def _values(coded: CodedScore) -> NDArray[np.float64]:
    return np.concatenate([coded.baseline[coded.counted].ravel(), coded.candidate[coded.counted].ravel()])


def _own_value(pair: PairedScore, clusters: NDArray[np.intp], *, escaped_fail: bool) -> MeanEstimate | None:
    arm = pair.candidate
    applied_before = ~pair.baseline.not_applicable.all(axis=1, keepdims=True)
    applies = ~arm.not_applicable | (applied_before if escaped_fail else False)
    counted = applies.any(axis=1)
    if not counted.any():
        return None
    values = np.where(np.isnan(arm.values), pair.sign * worst_value(pair), arm.values)
    ends = sorted((pair.sign * pair.low, pair.sign * pair.high))
    if pair.scale == "ratio":
        values = np.exp(values) - pair.offset
    means = np.where(applies, values, 0.0).sum(axis=1)[counted] / applies.sum(axis=1)[counted]
    low, high = (
        end if math.isfinite(end) else float(extreme)
        for end, extreme in zip(ends, (means.min(), means.max()), strict=True)
    )
    totals, sizes = _by_cluster(means, clusters[counted])
    return estimate_mean(totals, sizes, low=low, high=high)


def _by_cluster(
    values: NDArray[np.float64], clusters: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _, position = np.unique(clusters, return_inverse=True)
    totals = np.asarray(np.bincount(position, weights=values), dtype=float)
    return totals, np.bincount(position).astype(float)


def _critical(pair: PairedScore, coded: CodedScore, alpha: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Items that passed and fail now, and those of which it cannot be told.

    With one trial of the candidate any item that passed before and fails now counts; with more, an item has to fail
    beyond chance among its own trials. Fewer than five in each run cannot show that at 1 %.
    """
    if pair.scale != "rate":
        raise ConfigError(
            f"score '{pair.name}' cannot be critical: no value of it passes or fails",
            hint="critical takes boolean and categorical scores; give a numeric one a floor with min or max",
        )
    passes = [np.rint(arm - pair.low).astype(int) for arm in (coded.baseline, coded.candidate)]
    before, now = passes[0].sum(axis=1), passes[1].sum(axis=1)
    trials_before, trials_now = passes[0].shape[1], passes[1].shape[1]
    worse = coded.counted & (now / trials_now < before / trials_before)
    broken, suspect = [], []
    for i in np.flatnonzero(worse).tolist():
        lost_outright = before[i] == trials_before and now[i] == 0
        p = within_item_p(int(before[i]), trials_before, int(now[i]), trials_now)
        if p <= alpha or (lost_outright and trials_now == 1):
            broken.append(i)
        elif lost_outright:
            suspect.append(i)
    return tuple(broken), tuple(suspect)
