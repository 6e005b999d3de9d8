"""How much each gated score varies from trial to trial: measured on stored trials of one version, or assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import MEASURED_UNITS, Contract
from scoregate.errors import ConfigError
from scoregate.gate_file import DEFAULT_MARGIN, DEFAULT_RATIO_MARGIN, Gate, Rule
from scoregate.gates.coding import CodedScore, code_for_pass
from scoregate.gates.evidence import Evidence
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import PairedScore, Scale, paired_score, universe
from scoregate.gates.rules import roles
from scoregate.gates.sentences import size_text
from scoregate.gates.table import RunTable
from scoregate.statistics.bounds import observed_range
from scoregate.statistics.power import normal_quantile, within_variance

ASSUMED_RATE = 0.85
ASSUMED_WITHIN = 0.0714
"""Of a rate: two runs of one version disagree on one item in seven."""
_ASSUMED_LOG_WITHIN = 0.16
"""Of a measured quantity: a call takes half as long again, or two thirds, as often as not."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """How near a version stands to a floor (or ceiling) of its own rule, in the score's unit."""

    limit: float
    room: float
    """By how much its value keeps the limit; negative: it does not."""
    error: float
    """Standard error of the value with `items`; 0 where the plain value decides."""
    items: int

    def holds(self, items: int, level: float) -> bool:
        """Whether so many items will prove it at this one-sided level."""
        return self.room >= normal_quantile(1.0 - level) * self.error * math.sqrt(self.items / items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The noise of one gated score, in the scale of the test (logs for latency, cost and tokens)."""

    score: str
    scale: Scale
    unit: str | None
    decides: bool
    """A build passes only where this score does."""
    margin: float | None
    """None: the rule asks for floors only."""
    of_margin: float = 1.0
    """What the gate's own margin is multiplied by to give `margin`: less than 1 where it is one of the truth."""
    within: float
    """Variance of one trial within its item."""
    design_effect: float = 1.0
    """How much more that is worth where the items of a cluster vary together."""
    reach: float
    """Range of one item's value, or what stands for it where the scale has no ends."""
    bounded: bool
    counted: float = 1.0
    """Share of the items that the score says something about."""
    gaps: float = 0.0
    """How far cells without a value lower the bound that a pass needs."""
    loss: float
    """Largest drop that is possible; infinite without an end of the scale."""
    trials: int = 0
    """Trials an item behind it; 0: assumed."""
    no_flips: bool = False
    """No item may flip, for which neither a margin nor a number of items is needed."""
    floors: tuple[Floor, ...] = ()
    """Where the version itself stands to the rule's `min` and `max`; empty for assumed noise."""


def measured_noise(gate: Gate, table: RunTable) -> tuple[Noise, ...]:
    """Of the scores that gate, from at least two trials of one version.

    Raises ConfigError and ResultsError where a comparison of these scores would, and ConfigError for a score that
    the trials do not hold.
    """
    everything = universe(table, table)
    found = []
    for name in gate.gated_scores:
        if name not in table.columns:
            raise ConfigError(
                f"the stored trials have no score '{name}'",
                where=gate.rules[name].where,
                hint="run the gate again with its present scores, or name other runs with --from",
            )
        contract = gate.contract(name)
        pair = paired_score(name, contract, everything, table, table)
        # What is planned of a quantile or a reducer is the mean behind it.
        rule = replace(gate.rules[name], statistic="mean", reducer=None)
        level = gate.pass_level
        evidence = gather(name, pair, contract, rule, everything, alpha=gate.alpha, level=level)
        found.append(_measured(gate, evidence, everything.clusters))
    return tuple(found)


def assumed_noise(
    gate: Gate, *, rate: float = ASSUMED_RATE, within: float = ASSUMED_WITHIN
) -> tuple[Noise, ...]:
    """The same without any trial: `rate` and `within` are of every score that passes or fails.

    A number with a range is taken to be as noisy as a rate on that range, which is more than most are; one without
    can only be measured and is left out.
    """
    found = []
    for name in gate.gated_scores:
        contract, rule = gate.contract(name), gate.rules[name]
        scale, low, high = _scale(name, contract)
        if scale == "ratio":
            reach, loss, variance = math.log(2.0), math.inf, _ASSUMED_LOG_WITHIN
        elif math.isfinite(high - low):
            reach = high - low
            loss, variance = (rate * reach, within * reach**2)
        else:
            continue
        found.append(
            Noise(
                score=name,
                scale=scale,
                unit=contract.unit if contract else None,
                decides=decides(gate, name),
                margin=_margin(rule, contract, scale, reach),
                within=variance,
                reach=reach,
                bounded=scale != "ratio",
                loss=loss,
                no_flips=rule.no_item_may_flip,
            )
        )
    return tuple(found)


def decides(gate: Gate, score: str) -> bool:
    """Whether a build passes only where this score does."""
    return roles(gate)[score] in ("gate", "primary")


def with_margin(noise: Noise, margin: float) -> Noise:
    """The same under another margin of the gate: points of a rate, a share of a number's range, a ratio."""
    if noise.scale == "ratio":
        return replace(noise, margin=math.log1p(margin))
    return replace(noise, margin=margin * noise.reach * noise.of_margin)


def _measured(gate: Gate, evidence: Evidence, clusters: NDArray[np.intp]) -> Noise:
    name, pair, contract = evidence.name, evidence.pair, evidence.contract
    coded = code_for_pass(pair)
    counted = coded.counted
    arms = [arm[counted] for arm in (coded.baseline, coded.candidate)]
    if not counted.any():
        raise ConfigError(
            f"score '{name}' applies to no item of the stored trials", where=gate.rules[name].where
        )
    gaps = float((arms[0].mean(axis=1) - arms[1].mean(axis=1)).mean())
    open_ended = not math.isfinite(gaps)  # a gap on a scale without a worst end: nothing can be ruled out
    usable = arms[:1] if open_ended else arms
    within = sum(within_variance(arm) for arm in usable) / len(usable)
    together = sum(_within_clusters(arm, clusters[counted]) for arm in usable) / len(usable)
    bounded = pair.scale != "ratio" and math.isfinite(pair.size)
    return Noise(
        score=name,
        scale=pair.scale,
        unit=contract.unit if contract else None,
        decides=decides(gate, name),
        margin=evidence.margin,
        within=within,
        design_effect=together / within if within > 0 else 1.0,
        reach=_reach(pair, coded),
        bounded=bounded,
        counted=float(counted.mean()),
        gaps=math.inf if open_ended else gaps,
        loss=float(arms[1].mean()) - pair.low if bounded else math.inf,
        trials=coded.baseline.shape[1],
        no_flips=evidence.rule.no_item_may_flip,
        floors=_floors(gate, evidence),
    )


def _floors(gate: Gate, evidence: Evidence) -> tuple[Floor, ...]:
    rule, own, pair = evidence.rule, evidence.own_worst_case, evidence.pair
    if own is None:
        return ()
    low, high = sorted((pair.sign * pair.low, pair.sign * pair.high))
    found = []
    for limit, sign, end in ((rule.min, 1.0, high), (rule.max, -1.0, low)):
        if limit is None:
            continue
        # An end of the scale can be reached but not be proved, so there the plain value decides.
        plain = rule.strict or sign * limit >= sign * end
        bound = own.lower_bound(gate.pass_level) if sign > 0 else own.upper_bound(gate.pass_level)
        error = 0.0 if plain else sign * (own.value - bound) / normal_quantile(1.0 - gate.pass_level)
        room = sign * (own.value - limit) + _ROUNDING
        found.append(Floor(limit=limit, room=room, error=error, items=int(evidence.coded.counted.sum())))
    return tuple(found)


def _within_clusters(values: NDArray[np.float64], clusters: NDArray[np.intp]) -> float:
    """Variance of the totals of whole cluster runs, an item: w · design effect."""
    _, position = np.unique(clusters, return_inverse=True)
    totals = np.stack([np.bincount(position, weights=column) for column in values.T], axis=1)
    return float(totals.var(axis=1, ddof=1).sum()) / len(values)


def _reach(pair: PairedScore, coded: CodedScore) -> float:
    if pair.scale == "ratio":
        return math.log(2.0)
    if math.isfinite(pair.size):
        return pair.size
    values = coded.baseline[coded.counted]
    halves: Sequence[NDArray[np.float64]] = (values[:, ::2], values[:, 1::2])
    return observed_range(halves[0].mean(axis=1) - halves[1].mean(axis=1), values.ravel())


def _scale(name: str, contract: Contract | None) -> tuple[Scale, float, float]:
    if name in MEASURED_UNITS:
        return "ratio", -math.inf, math.inf
    if contract is None or contract.type in ("boolean", "categorical"):
        return "rate", 0.0, 1.0
    low = -math.inf if contract.min is None else float(contract.min)
    return "numeric", low, math.inf if contract.max is None else float(contract.max)


def _margin(rule: Rule, contract: Contract | None, scale: Scale, size: float) -> float:
    """The rule's margin in the scale of the test, or the one that a comparison assumes."""
    given = rule.max_drop if rule.max_drop is not None else rule.max_increase
    if scale == "ratio":
        share = DEFAULT_RATIO_MARGIN if given is None else given
        higher = contract is not None and contract.direction == "higher"
        return -math.log1p(-min(share, 1 - 1e-9)) if higher else math.log1p(share)
    return DEFAULT_MARGIN * size if given is None else given


def in_unit(noise: Noise, value: float | None) -> float | None:
    """A difference on the scale of the test in the score's own unit; None where it has no end."""
    if value is None or not math.isfinite(value):
        return None
    return math.expm1(value) if noise.scale == "ratio" else value


def margin_text(noise: Noise, value: float) -> str:
    """The same for people."""
    return size_text(in_unit(noise, value) or 0.0, noise.scale, noise.unit)
