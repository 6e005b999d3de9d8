"""From the aligned cells of one score to the evidence on it: what is tested, and what people read of it.

The test needs a value in every cell, a neutral one where the score does not apply: in a mean it would count as a pass,
or make a change look smaller than it is. So the decision rests on those cells, and what is reported leaves them out.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import MEASURED_UNITS, Contract
from scoregate.errors import ConfigError
from scoregate.gate_file import BEYOND_MARGIN, DEFAULT_MARGIN, DEFAULT_RATIO_MARGIN, Reducer, Rule
from scoregate.gates.coding import (
    CodedScore,
    code_as_not_failing,
    code_for_pass,
    code_for_reading,
    code_for_regression,
    not_kept,
    worst_value,
)
from scoregate.gates.critical import critical_of
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import ArmCells, PairedScore, Scale, Universe, bill_of
from scoregate.statistics.bounds import (
    MeanEstimate,
    MonotoneMean,
    number_of_clusters,
    observed_range,
)
from scoregate.statistics.rare import equal_items
from scoregate.statistics.reliability import pass_at_k, pass_hat_k

_ROUNDING = 1e-9
_SUM_SHARE = 0.5
_NO_LEVEL = 0.05
"""Of one-sided bounds that nobody reads."""


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
    if rule.quantile is not None:
        from scoregate.gates.quantile_evidence import gather_quantile

        margin = _margin(name, pair, contract, rule, None)
        return _with_reported(
            gather_quantile(
                name, pair, contract, rule, rule.quantile, everything, margin=margin, level=level
            ),
            everything,
        )
    cells = code_for_regression(pair)
    complete = pair.complete
    # Without a gap both are the same, and measured once.
    worst = cells if complete else code_for_pass(pair)
    critical, suspect = critical_of(pair, code_as_not_failing(pair), alpha) if rule.critical else ((), ())
    trials = cells.baseline.shape[1], cells.candidate.shape[1]
    coded = cells
    if rule.reduced is not None:
        coded = _reduced(name, cells, pair, rule.reduced)
        worst = coded if worst is cells else _reduced(name, worst, pair, rule.reduced)
    bound = _worst_difference(worst, pair, everything.clusters)
    items = int(coded.counted.sum())
    before, now = (_value_of(pair, coded, values) for values in (coded.baseline, coded.candidate))
    total = items if rule.statistic == "sum" else 1
    reference, scale = _divisor_and_scale(pair, rule, before, items)
    has_floor = rule.min is not None or rule.max is not None
    own = partial(_own_value, pair, everything.clusters, rule, total=total)
    evidence = Evidence(
        name=name,
        pair=pair,
        contract=contract,
        rule=rule,
        coded=coded,
        cells=(cells.baseline, cells.candidate),
        passes_or_fails=pair.scale == "rate"
        and (complete or _is_whole(cells))
        and rule.fails_on != BEYOND_MARGIN,
        estimate=_plain(bound) if worst is coded else _difference(coded, pair, everything.clusters),
        worst_case=bound.lower_bound(level * _share_of_level(rule)) if bound else None,
        worst_case_error=bound.standard_error if bound else 0.0,
        own=own(escaped_fail=False) if has_floor else None,
        own_worst_case=own(escaped_fail=True) if has_floor else None,
        open_ended_gaps=0 if math.isfinite(pair.low) else int(pair.candidate.missing.sum()),
        margin=(margin := _margin(name, pair, contract, rule, before)),
        beyond_margin=_better_by(margin, cells, pair, rule, before),
        critical_items=critical,
        suspect_items=suspect,
        not_kept=not_kept(pair) if rule.no_item_may_flip else (),
        clusters=number_of_clusters(everything.clusters[coded.counted]),
        pairs=items * min(trials),
        before=None if before is None else before * total,
        now=None if now is None else now * total,
        scale=scale,
        reference=reference,
        independent=_independent(pair, rule, coded, everything.clusters),
        bill=bill_of(pair) if name in MEASURED_UNITS else None,
    )
    return _with_reported(evidence, everything)


def _better_by(
    margin: float | None, cells: CodedScore, pair: PairedScore, rule: Rule, before: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Both arms' cells, the candidate's as they would be without a loss of the margin; None where any drop fails.

    Raises ConfigError for a rule without a margin.
    """
    if rule.fails_on != BEYOND_MARGIN:
        return None
    if margin is None:
        raise ConfigError(
            f"the rule of '{pair.name}' fails only on a drop beyond its margin, and has none",
            where=rule.where or f"[scores.{pair.name}]",
            hint="give max_drop or max_increase",
        )
    if rule.statistic != "sum":
        return cells.baseline, cells.candidate + margin
    share = margin / before if before else 0.0
    # Every call as much dearer is a sum as much larger, whatever the calls cost.
    return cells.baseline, cells.candidate / (1.0 + share if pair.sign < 0 else max(1.0 - share, _ROUNDING))


def _share_of_level(rule: Rule) -> float:
    """Of the error level of the pass bound. A sum rests on its largest items, of which the bound sees too few."""
    return _SUM_SHARE if rule.statistic == "sum" else 1.0


def _independent(pair: PairedScore, rule: Rule, coded: CodedScore, clusters: NDArray[np.intp]) -> float:
    """Of a sum each item weighs as much as it takes in the baseline, else one item as much as another."""
    if pair.scale != "ratio" and rule.statistic != "sum":
        return math.inf
    if not coded.counted.any():
        return 0.0
    weights = np.ones(int(coded.counted.sum()))
    if rule.statistic == "sum":
        weights = np.abs(coded.baseline[coded.counted].mean(axis=1))
    totals, _ = _by_cluster(weights, clusters[coded.counted])
    return equal_items(totals)


def _is_whole(cells: CodedScore) -> bool:
    """Whether no cell holds a mean of others, so that the exact test applies."""
    return all(
        bool((arm[cells.counted] == np.rint(arm[cells.counted])).all())
        for arm in (cells.baseline, cells.candidate)
    )


def too_few_trials(name: str, reducer: Reducer, before: int, now: int) -> str | None:
    """Why a reducer cannot be made of so many trials of baseline and candidate, or None."""
    for label, trials in (("baseline", before), ("candidate", now)):
        if trials < reducer.k:
            return (
                f"{reducer} of '{name}' needs {reducer.k} trials of every item, and the {label} has {trials}"
            )
    return None


def require_trials(name: str, reducer: Reducer, before: int, now: int) -> None:
    """Raises ConfigError where a reducer cannot be made of so many trials of baseline and candidate."""
    refusal = too_few_trials(name, reducer, before, now)
    if refusal is not None:
        hint = f"set trials = {reducer.k} or more, and run again"
        raise ConfigError(refusal, where=f"[scores.{name}]", hint=hint)


def _reduced(name: str, cells: CodedScore, pair: PairedScore, reducer: Reducer) -> CodedScore:
    """Each item's pass@k or pass^k, (N, 1) an arm. Raises ConfigError for fewer than k trials."""
    require_trials(name, reducer, cells.baseline.shape[1], cells.candidate.shape[1])
    arms = []
    for values in (cells.baseline, cells.candidate):
        trials = values.shape[1]
        passes = np.rint(values - pair.low).sum(axis=1).astype(np.int64)
        of = pass_at_k if reducer.kind == "any" else pass_hat_k
        arms.append(of(passes, trials, reducer.k)[:, None] + pair.low)
    return CodedScore(cells.counted, arms[0], arms[1])


def within_slice(evidence: Evidence, members: NDArray[np.bool_], clusters: NDArray[np.intp]) -> Evidence:
    """The same of some of the items, (N,) bool: what a slice's drop is reported with. Nothing to pass, no floors."""
    pair, coded, reported = evidence.pair, evidence.coded, evidence.reported
    arms = [
        ArmCells(arm.values[members], arm.not_applicable[members]) for arm in (pair.baseline, pair.candidate)
    ]
    part = replace(pair, baseline=arms[0], candidate=arms[1])
    own = CodedScore(coded.counted[members], coded.baseline[members], coded.candidate[members])
    cut = replace(
        evidence,
        pair=part,
        cells=(evidence.cells[0][members], evidence.cells[1][members]),
        worst_case=None,
        own=None,
        own_worst_case=None,
        open_ended_gaps=0 if math.isfinite(pair.low) else int(part.candidate.missing.sum()),
        critical_items=(),
        suspect_items=(),
        pairs=int(own.counted.sum()) * min(evidence.trials),
        bill=bill_of(part) if evidence.bill is not None else None,
        beyond_margin=evidence.beyond_margin
        and (evidence.beyond_margin[0][members], evidence.beyond_margin[1][members]),
        reported=None if reported is None else within_slice(reported, members, clusters),
    )
    return _with_figures_of(cut, own, clusters[members])


def _margin(
    name: str, pair: PairedScore, contract: Contract | None, rule: Rule, before: float | None
) -> float | None:
    given = rule.max_drop if rule.max_drop is not None else rule.max_increase
    if rule.statistic == "sum":
        return (DEFAULT_RATIO_MARGIN if given is None else given) * (before or 0.0)
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


def _own_value(
    pair: PairedScore, clusters: NDArray[np.intp], rule: Rule, *, escaped_fail: bool, total: int
) -> MonotoneMean | None:
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
    if rule.reduced is not None:
        failing = pair.sign < 0  # a missing "does not apply" passes, whichever value that is
        cells = np.where(applies, values, float(not failing))[counted]
        passes = np.rint(cells if pair.sign > 0 else 1 - cells).sum(axis=1).astype(np.int64)
        of = pass_at_k if rule.reduced.kind == "any" else pass_hat_k
        means = of(passes, cells.shape[1], rule.reduced.k)
        means = means if pair.sign > 0 else 1 - means
    low, high = (
        end if math.isfinite(end) else float(extreme)
        for end, extreme in zip(ends, (means.min(), means.max()), strict=True)
    )
    totals, sizes = _by_cluster(means, clusters[counted])
    open_ended = not all(map(math.isfinite, ends))
    return MonotoneMean(totals, sizes, low, high, open_ended=open_ended, times=total)


def _with_figures_of(evidence: Evidence, coded: CodedScore, clusters: NDArray[np.intp]) -> Evidence:
    """The same evidence with the figures of these values. Its pair holds as many items as `coded` and `clusters`."""
    pair, rule = evidence.pair, evidence.rule
    items = int(coded.counted.sum())
    before, now = (_value_of(pair, coded, values) for values in (coded.baseline, coded.candidate))
    total = items if rule.statistic == "sum" else 1
    reference, scale = _divisor_and_scale(pair, rule, before, items)
    return replace(
        evidence,
        coded=coded,
        estimate=_difference(coded, pair, clusters),
        clusters=number_of_clusters(clusters[coded.counted]),
        before=None if before is None else before * total,
        now=None if now is None else now * total,
        reference=reference,
        scale=scale,
    )


def _divisor_and_scale(
    pair: PairedScore, rule: Rule, before: float | None, items: int
) -> tuple[float | None, Scale]:
    """What differences are divided by, and the scale in which they are reported then.

    A sum is reported as a share of the baseline's. Nothing is a share of 0, so there the sum is reported as it is.
    """
    if rule.statistic != "sum":
        return None, pair.scale
    if before is None or before != 0:
        return before, "ratio"
    return 1.0 / items, "numeric"


def _value_of(pair: PairedScore, coded: CodedScore, values: NDArray[np.float64]) -> float | None:
    """Mean over counted items in the score's unit; the geometric mean for ratios."""
    counted = values[coded.counted]
    if not counted.size:
        return None
    mean = float(counted.mean())
    if pair.scale != "ratio":
        return pair.sign * mean + 0.0
    value = math.exp(pair.sign * mean)
    # Without the offset that gave zeros a logarithm; what is left of it is rounding.
    return value - pair.offset if value > pair.offset * (1 + _ROUNDING) else 0.0


def _difference(coded: CodedScore, pair: PairedScore, clusters: NDArray[np.intp]) -> MeanEstimate | None:
    """Candidate − baseline over the counted items, larger is better; None without any."""
    return _plain(_worst_difference(coded, pair, clusters))


def _plain(bound: MeanEstimate | MonotoneMean | None) -> MeanEstimate | None:
    return bound.estimate if isinstance(bound, MonotoneMean) else bound


def _worst_difference(
    coded: CodedScore, pair: PairedScore, clusters: NDArray[np.intp]
) -> MeanEstimate | MonotoneMean | None:
    """The same with the bounds that a pass rests on: no item that gets better makes them worse."""
    if not coded.counted.any():
        return None
    differences = coded.differences
    if not np.isfinite(differences).all():
        # A missing value on a scale without a lower end: nothing can be ruled out.
        return MeanEstimate(-math.inf, -math.inf, 0.0, 1)
    reach = _reach(differences, coded, pair)
    if not reach:
        # Nothing but zeros on a scale without ends says nothing of what another item would give.
        return MeanEstimate(float(differences.mean()), 0.0, math.inf, 1)
    totals, sizes = _by_cluster(differences, clusters[coded.counted])
    mean = MonotoneMean(totals, sizes, -reach, reach, skewed=True)
    plain = mean.estimate
    return mean if math.isfinite(plain.centre) and math.isfinite(plain.standard_error) else plain


def _reach(differences: NDArray[np.float64], coded: CodedScore, pair: PairedScore) -> float:
    """How far from 0 the difference of another item may lie.

    On a scale without ends it is told from the baseline and from what got worse: what got better makes nothing wider.
    0 where the baseline is 0 everywhere, which says nothing, and most items did not get better than that.
    """
    if pair.scale == "ratio":
        return math.log(2.0)
    if math.isfinite(pair.size):
        return pair.size
    before = coded.baseline[coded.counted].ravel()
    if not before.any():
        before = np.full(1, max(0.0, float(np.median(differences))))
        if not before[0]:
            return 0.0
    return observed_range(np.minimum(differences, 0.0), before)


def _by_cluster(
    values: NDArray[np.float64], clusters: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of each cluster's items, (G,) each."""
    sizes = np.bincount(clusters).astype(float)
    there = sizes > 0
    totals = np.asarray(np.bincount(clusters, weights=values), dtype=float)
    return totals[there], sizes[there]


def _with_reported(evidence: Evidence, everything: Universe) -> Evidence:
    """The evidence with what is reported of it, where that differs from what is tested."""
    pair, rule = evidence.pair, evidence.rule
    if not (pair.baseline.not_applicable.any() or pair.candidate.not_applicable.any()):
        return evidence
    if rule.quantile is not None:
        return replace(evidence, reported=_quantile_where_it_applies(evidence, rule.quantile, everything))
    coded = code_for_reading(pair)
    if rule.reduced is not None:
        coded = _reduced_where_it_applies(coded, pair, rule.reduced)
    return replace(evidence, reported=_with_figures_of(evidence, coded, everything.clusters))


def _reduced_where_it_applies(cells: CodedScore, pair: PairedScore, reducer: Reducer) -> CodedScore:
    """Each item's pass@k or pass^k from the trials that apply; items with fewer than k of them say nothing of k."""
    arms, enough = [], cells.counted
    for arm, values in ((pair.baseline, cells.baseline), (pair.candidate, cells.candidate)):
        applies = ~arm.not_applicable
        trials = applies.sum(axis=1)
        enough = enough & (trials >= reducer.k)
        passes = np.rint(np.where(applies, values - pair.low, 0.0)).sum(axis=1).astype(np.int64)
        of = pass_at_k if reducer.kind == "any" else pass_hat_k
        arms.append(of(passes, np.maximum(trials, reducer.k), reducer.k)[:, None] + pair.low)
    return CodedScore(enough, arms[0], arms[1])


def _quantile_where_it_applies(evidence: Evidence, q: float, everything: Universe) -> Evidence | None:
    """A quantile is of single calls, so it is reported of the items all of whose calls the score applies to."""
    pair, coded = evidence.pair, evidence.coded
    skipped = np.concatenate([pair.baseline.not_applicable, pair.candidate.not_applicable], axis=1)
    kept = np.asarray(~skipped.any(axis=1))
    if not kept.any():
        return None
    arms = [ArmCells(arm.values[kept], arm.not_applicable[kept]) for arm in (pair.baseline, pair.candidate)]
    from scoregate.gates.quantile_evidence import gather_quantile

    part = gather_quantile(
        evidence.name,
        replace(pair, baseline=arms[0], candidate=arms[1]),
        evidence.contract,
        evidence.rule,
        q,
        replace(everything, clusters=everything.clusters[kept]),
        margin=evidence.margin,
        level=_NO_LEVEL,
    )
    return replace(
        evidence,
        coded=CodedScore(kept, coded.baseline, coded.candidate),
        estimate=part.estimate,
        open_ended_gaps=part.open_ended_gaps,
        clusters=part.clusters,
        before=part.before,
        now=part.now,
    )
