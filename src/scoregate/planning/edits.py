"""What would help a gate that is inconclusive too often: changes, each as it would be written, and their price."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from scoregate.gate_file import Gate
from scoregate.planning.chances import Size, Unchanged
from scoregate.planning.costs import Prices, spending
from scoregate.planning.noise import Noise, with_margin
from scoregate.planning.outlook import cannot_gate, unchanged
from scoregate.planning.planned import Edit

MARGINS = (0.02, 0.03, 0.05, 0.08, 0.10, 0.15)
"""Margins that are tried: points of a rate, shares of a number's range, ratios."""
WANTED = 0.05
"""Share of inconclusive builds of an unchanged agent below which the gate may fail on `inconclusive`."""
_MOST_TRIALS = 10
_MOST_FACTOR = 1000.0


def helpful_edits(
    gate: Gate, noises: Sequence[Noise], size: Size, prices: Prices, now: Unchanged
) -> list[Edit]:
    """Cheapest first in calls; a wider margin costs none, but a pass then promises less, so it comes last."""
    if now.inconclusive < WANTED and not cannot_gate(gate, size):
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
        if then.inconclusive < WANTED and not cannot_gate(other, same):
            stored = size.baseline_trials is not None and size.baseline_trials < trials
            note = "and accept a baseline of as many trials" if stored else None
            spent = spending(prices, then.calls)
            return Edit(edit=f"trials = {trials}", inconclusive=then.inconclusive, expected=spent, note=note)
    return None


def _more_items(gate: Gate, noises: Sequence[Noise], size: Size, prices: Prices) -> Edit | None:
    def enough(factor: float) -> bool:
        larger = size.times(factor)
        return not cannot_gate(gate, larger) and unchanged(gate, noises, larger).inconclusive < WANTED

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
    wanted = (1.0 - WANTED) ** (1 / max(1, len(deciding)))
    changed, words = list(noises), []
    for position, noise in enumerate(noises):
        if noise not in deciding or unchanged(gate, [noise], size).passes >= wanted:
            continue
        wider = (m for m in MARGINS if unchanged(gate, [alone(noise, m)], size).passes >= wanted)
        margin = next((m for m in wider if alone(noise, m).margin > noise.margin), None)  # type: ignore[operator]
        if margin is None:
            return None
        changed[position] = with_margin(noise, margin)
        key = (
            "max_increase"
            if gate.rules[noise.score].max_increase is not None or noise.scale == "ratio"
            else "max_drop"
        )
        words.append(f"{key} = {as_written(noise, margin):.6g} in [scores.{noise.score}]")
    then = unchanged(gate, changed, size)
    if not words or then.inconclusive >= WANTED:
        return None
    return Edit(
        edit=", ".join(words),
        inconclusive=then.inconclusive,
        expected=spending(prices, then.calls),
        note="no further call, but a pass then rules out less",
    )


def as_written(noise: Noise, margin: float) -> float:
    """One of `MARGINS` as the gate's file holds it: of a number in the score's unit."""
    return margin if noise.scale == "ratio" else margin * noise.reach


def alone(noise: Noise, margin: float) -> Noise:
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
