"""`scoregate plan`: what a gate will say of an unchanged agent, what it sees, what it costs, and what would help.

Nothing is run. What is known of the noise comes from stored trials of one version, or is assumed and said to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate
from scoregate.gates.levels import main_share
from scoregate.gates.sentences import amount_text
from scoregate.planning.basis import Basis, Prices, spending
from scoregate.planning.chances import Size, Unchanged, trials_of
from scoregate.planning.noise import Noise, in_unit, margin_text, with_margin
from scoregate.planning.outlook import VisibleDrop, cannot_gate, unchanged, visible_drops
from scoregate.planning.plan_result import Edit, Plan, ScorePlan
from scoregate.wording import count, proposed_command

_TRIALS = (1, 2, 3, 5)
_FACTORS = (1, 2, 4)
_MARGINS = (0.02, 0.03, 0.05, 0.08, 0.10, 0.15)
"""Margins that are tried: points of a rate, shares of a number's range, ratios."""
_WANTED = 0.05
"""Share of inconclusive builds of an unchanged agent below which the gate may fail on `inconclusive`."""
_MOST_TRIALS = 10
_MOST_FACTOR = 1000.0


def plan_gate(gate: Gate, basis: Basis) -> Plan:
    """What is to be expected of this gate with this dataset and noise. Raises ConfigError where no score has any."""
    if not basis.noises:
        raise ConfigError(
            f"nothing is known of the noise of {', '.join(basis.unknown)}, and without a range none can be assumed",
            where=gate.place,
            hint=f"run {proposed_command('run', gate.place, '--trials', 5)}",
        )
    alpha, gate = gate.alpha, main_share(gate)
    size, noises, prices = basis.size, basis.noises, basis.prices
    now = unchanged(gate, noises, size)
    drops = visible_drops(gate, noises, size)
    deciding = sum(noise.decides for noise in noises)
    return Plan(
        gate=gate.place,
        noise_from=basis.origin,
        assumed=basis.assumed,
        items=size.items,
        clusters=size.clusters,
        trials=trials_of(gate),
        side_by_side=gate.side_by_side,
        baseline_trials=size.baseline_trials,
        alpha=alpha,
        invalid=cannot_gate(gate, size),
        scores=tuple(
            _score(gate, noise, drop, passes, size, deciding)
            for noise, drop, passes in zip(noises, drops, now.scores, strict=True)
        ),
        unknown=basis.unknown,
        passes=now.passes,
        inconclusive=now.inconclusive,
        one_pass=spending(prices, (2 if gate.side_by_side else 1) * size.items * gate.trials),
        expected=spending(prices, now.calls),
        cap=spending(prices, now.most_calls),
        settings=tuple(_settings(gate, noises, size)),
        margins=tuple((margin, _under(gate, noises, size, margin)) for margin in _MARGINS),
        edits=tuple(_helpful_edits(gate, noises, size, prices, now)),
        notes=tuple(_notes(gate, basis)),
    )


def _score(
    gate: Gate, noise: Noise, drop: VisibleDrop, passes: float, size: Size, deciding: int
) -> ScorePlan:
    # Each of several scores has to pass more often than all of them together.
    wanted = (1.0 - _WANTED) ** (1 / max(1, deciding))
    enough = (m for m in _MARGINS if unchanged(gate, [_alone(noise, m)], size).passes >= wanted)
    smallest = next(enough, None) if noise.decides and noise.margin is not None else None
    return ScorePlan(
        score=noise.score,
        scale=noise.scale,
        unit=noise.unit,
        decides=noise.decides,
        margin=in_unit(noise, noise.margin),
        noise=math.sqrt(noise.within),
        bounded=noise.bounded,
        visible_diffuse=in_unit(noise, drop.diffuse),
        visible_concentrated=in_unit(noise, drop.concentrated),
        passes=passes,
        smallest_margin=None if smallest is None else _as_written(noise, smallest),
    )


def _under(gate: Gate, noises: Sequence[Noise], size: Size, margin: float) -> float:
    changed = [with_margin(noise, margin) if noise.margin is not None else noise for noise in noises]
    return unchanged(gate, changed, size).inconclusive


def _settings(gate: Gate, noises: Sequence[Noise], size: Size) -> list[tuple[int, int, float | None]]:
    found: list[tuple[int, int, float | None]] = []
    for trials in _TRIALS:
        for factor in _FACTORS:
            other, larger = with_trials(gate, size.times(factor), trials)
            share = None if cannot_gate(other, larger) else unchanged(other, noises, larger).inconclusive
            found.append((trials, larger.items, share))
    return found


def _notes(gate: Gate, basis: Basis) -> list[str]:
    notes = []
    quiet = [noise.score for noise in basis.noises if noise.trials and noise.within == 0]
    if quiet:
        notes.append(
            f"no trial of {', '.join(quiet)} differs from another of its item, so that more trials add nothing; "
            "a candidate with noise will be inconclusive more often than this says"
        )
    notes += filter(None, [_of_few_items(gate, noise, basis) for noise in basis.noises])
    gaps = [noise for noise in basis.noises if noise.gaps > 0]
    for noise in gaps:
        if math.isinf(noise.gaps):
            notes.append(
                f"{noise.score} lacks values and has no range in its contract, so that it cannot pass"
            )
        else:
            notes.append(
                f"{noise.score} lacks values, which takes {margin_text(noise, noise.gaps)} from its margin"
            )
    notes += [note for noise in basis.noises for note in _about_floors(gate, noise, basis.size)]
    for noise in basis.noises:
        if (
            gate.rules[noise.score].critical
            and gate.trials == 1
            and not gate.side_by_side
            and noise.within > 0
        ):
            chance = 1.0 - (1.0 - min(1.0, noise.within)) ** (basis.size.items * noise.counted)
            notes.append(
                f"{noise.score} is critical, and with one trial every item that chance flips breaks the gate: "
                f"{100 * chance:.0f} % of an unchanged agent's builds; "
                "take trials = 5, or run both versions side by side"
            )
    special = [
        name for name, rule in gate.rules.items() if rule.statistic != "mean" or rule.reducer is not None
    ]
    if special:
        notes.append(
            f"{', '.join(special)}: planned by the mean; a quantile or a reducer sees less than that"
        )
    if gate.inference == "population":
        notes.append('with inference = "population" a drop in a few items has to be larger than this says')
    return [*notes, *basis.notes]


def _of_few_items(gate: Gate, noise: Noise, basis: Basis) -> str | None:
    """That no margin can be held with so few items, and the policy that needs none; None where it can."""
    if noise.scale != "rate" or noise.no_flips or noise.margin is None or not noise.decides:
        return None
    quiet = replace(noise, within=0.0, floors=(), gaps=0.0)

    def enough(factor: float) -> bool:
        larger = basis.size.times(factor)
        return not cannot_gate(gate, larger) and unchanged(gate, [quiet], larger).passes > 0.0

    factor = _smallest(enough, _MOST_FACTOR)
    if enough(1.0) or factor is None:
        return None
    disagree = noise.trials and noise.within > 0
    policy = (
        "critical = true in place of the margin asks that no item flips, and needs no number of items"
        if not disagree
        else "trials of one item differ, so that it takes more items, or an agent that answers alike"
    )
    return (
        f"{noise.score}: {count(basis.size.items, 'item')} cannot hold a margin of "
        f"{margin_text(noise, noise.margin)}, however equal the answers are, which takes about "
        f"{_rounded_up(basis.size.items * factor):,}; {policy} (docs/how-to/few-items.md)"
    )


def _about_floors(gate: Gate, noise: Noise, size: Size) -> list[str]:
    notes = []
    for floor in noise.floors:
        limit = amount_text(floor.limit, "numeric" if noise.scale == "ratio" else noise.scale, noise.unit)
        if floor.room < 0:
            notes.append(f"{noise.score} does not keep its own limit of {limit}: no build passes")
        elif not floor.holds(max(1, round(size.items * noise.counted)), gate.pass_level):
            notes.append(
                f"{noise.score} is too near its limit of {limit} to be sure with {count(size.items, 'item')}: "
                "no build passes, whatever the trials"
            )
    return notes


def _helpful_edits(
    gate: Gate, noises: Sequence[Noise], size: Size, prices: Prices, now: Unchanged
) -> list[Edit]:
    """Cheapest first in calls; a wider margin costs none, but a pass then promises less, so it comes last."""
    if now.inconclusive < _WANTED and not cannot_gate(gate, size):
        return []
    found = [edit for make in (_more_trials, _more_items) if (edit := make(gate, noises, size, prices))]
    found.sort(key=lambda edit: edit.expected.calls)
    margins = _wider_margins(gate, noises, size, prices)
    return [*found, *([margins] if margins else [])]


def with_trials(gate: Gate, size: Size, trials: int) -> tuple[Gate, Size]:
    """The gate with so many trials, and a baseline that has no fewer."""
    before = size.baseline_trials
    if before is not None and trials != gate.trials:
        size = replace(size, baseline_trials=max(before, trials))
    return replace(gate, trials=trials), size


def _more_trials(gate: Gate, noises: Sequence[Noise], size: Size, prices: Prices) -> Edit | None:
    for trials in range(gate.trials + 1, _MOST_TRIALS + 1):
        other, same = with_trials(gate, size, trials)
        then = unchanged(other, noises, same)
        if then.inconclusive < _WANTED and not cannot_gate(other, same):
            stored = size.baseline_trials is not None and size.baseline_trials < trials
            note = "and accept a baseline of as many trials" if stored else None
            spent = spending(prices, then.calls)
            return Edit(edit=f"trials = {trials}", inconclusive=then.inconclusive, expected=spent, note=note)
    return None


def _more_items(gate: Gate, noises: Sequence[Noise], size: Size, prices: Prices) -> Edit | None:
    def enough(factor: float) -> bool:
        larger = size.times(factor)
        return not cannot_gate(gate, larger) and unchanged(gate, noises, larger).inconclusive < _WANTED

    factor = _smallest(enough, _MOST_FACTOR)
    if factor is None:
        return None
    items = _rounded_up(size.items * factor)
    then = unchanged(gate, noises, size.times(items / size.items))
    return Edit(
        edit=f"about {items:,} items",
        inconclusive=then.inconclusive,
        expected=spending(prices, then.calls),
    )


def _wider_margins(gate: Gate, noises: Sequence[Noise], size: Size, prices: Prices) -> Edit | None:
    if cannot_gate(gate, size):
        return None
    deciding = [noise for noise in noises if noise.decides and noise.margin is not None]
    wanted = (1.0 - _WANTED) ** (1 / max(1, len(deciding)))
    changed, words = list(noises), []
    for position, noise in enumerate(noises):
        if noise not in deciding or unchanged(gate, [noise], size).passes >= wanted:
            continue
        wider = (m for m in _MARGINS if unchanged(gate, [_alone(noise, m)], size).passes >= wanted)
        margin = next((m for m in wider if _alone(noise, m).margin > noise.margin), None)  # type: ignore[operator]
        if margin is None:
            return None
        changed[position] = with_margin(noise, margin)
        key = (
            "max_increase"
            if gate.rules[noise.score].max_increase is not None or noise.scale == "ratio"
            else "max_drop"
        )
        words.append(f"{key} = {_as_written(noise, margin):.6g} in [scores.{noise.score}]")
    then = unchanged(gate, changed, size)
    if not words or then.inconclusive >= _WANTED:
        return None
    return Edit(
        edit=", ".join(words),
        inconclusive=then.inconclusive,
        expected=spending(prices, then.calls),
        note="no further call, but a pass then rules out less",
    )


def _as_written(noise: Noise, margin: float) -> float:
    """One of `_MARGINS` as the gate's file holds it: of a number in the score's unit."""
    return margin if noise.scale == "ratio" else margin * noise.reach


def _alone(noise: Noise, margin: float) -> Noise:
    return replace(with_margin(noise, margin), decides=True)


def _smallest(enough: Callable[[float], bool], most: float) -> float | None:
    """Smallest factor from 1 that is enough, to half a percent; None where `most` is not."""
    low, high = 1.0, 1.0
    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(most, 2 * high)
    while high / low > 1.005:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _rounded_up(items: float) -> int:
    """To two significant digits, upwards: more would be spurious."""
    step: int = 10 ** max(0, math.floor(math.log10(items)) - 1)
    return math.ceil(items / step - 1e-9) * step
