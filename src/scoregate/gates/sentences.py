"""The words of a verdict: numbers as a person says them, in the unit of the score, and the sentence of a build."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scoregate.catalog import MEASURED_UNITS
from scoregate.gates.pairing import Scale
from scoregate.records import Outcome, RuleResult
from scoregate.wording import count

_FIRST_IDS = 5
"""So many ids are named before "and N more"."""
_LIKELY = 0.05
"""A drop with an adjusted p-value up to this comes before one that chance explains."""


def amount_text(value: float, scale: Scale, unit: str | None = None) -> str:
    """A value: 81.0 % for rates, else three significant digits and the unit."""
    if scale == "rate":
        return f"{100 * value:.1f} %"
    return f"{value:.3g}" + (f" {unit}" if unit else "")


def change_text(difference: float, scale: Scale, unit: str | None = None) -> str:
    """A signed difference: −4.3 points for rates, +12.0 % for ratios, else in the unit."""
    if scale == "numeric":
        return _signed(f"{abs(difference):.3g}", difference) + (f" {unit}" if unit else "")
    word = "points" if scale == "rate" else "%"
    return _signed(f"{100 * abs(difference):.1f}", difference) + f" {word}"


def size_text(value: float, scale: Scale, unit: str | None = None) -> str:
    """An unsigned difference, such as a margin or a smallest visible drop."""
    return change_text(abs(value), scale, unit).lstrip("+")


def _signed(text: str, value: float) -> str:
    if math.isclose(float(text), 0.0, abs_tol=1e-12):
        return text
    return ("+" if value > 0 else "−") + text


def interval_text(low: float, high: float, scale: Scale, unit: str | None = None) -> str:
    """`95 % interval −7.1 to −1.5`: the unit is the one of the difference beside it."""
    ends = (change_text(end, scale).removesuffix(" points").removesuffix(" %") for end in (low, high))
    return f"95 % interval {' to '.join(ends)}" + (f" {unit}" if unit and scale == "numeric" else "")


def p_text(p: float) -> str:
    return "p < 1e-6" if p < 1e-6 else f"p = {p:.2g}"


def named_ids(ids: Sequence[str], total: int | None = None) -> str:
    """The first ids, and how many more there are."""
    shown = ", ".join(ids[:_FIRST_IDS])
    rest = (len(ids) if total is None else total) - min(len(ids), _FIRST_IDS)
    return shown + (
        f" and {rest:,} more" if rest > 0 and shown else f"{rest:,} without a name" if rest else ""
    )


def why(outcome: Outcome, rules: Sequence[RuleResult]) -> str:
    """One sentence for the whole build, from the rules that decided it. Needs a rule with this outcome."""
    deciding = [rule for rule in rules if rule.outcome == outcome]
    if outcome == "pass" and len(rules) > 1:
        scores = sum(rule.slice is None and rule.role != "secondary" for rule in rules)
        slices = len({rule.slice for rule in rules if rule.slice is not None})
        held = f"all {scores} rules hold" if scores > 1 else "the rule holds"
        where = f" on the whole or on one of {slices} slices" if slices > 1 else ""
        return f"{held}, and no score is proved to be worse{where}"
    more = f" (and {count(len(deciding) - 1, 'more rule')})" if len(deciding) > 1 else ""
    first = most_important(deciding, rules)
    label = first.score if first.slice is None else f"{first.score} on {first.slice}"
    return f"{label}: {first.reason}{more}"


def most_important(deciding: Sequence[RuleResult], rules: Sequence[RuleResult]) -> RuleResult:
    """Proved before likely before possible, then the largest loss; in the gate's order where these are the same.

    `rules` are all rules: a slice weighs as much as it is of its score.
    """
    whole = {rule.score: rule.n_items for rule in rules if rule.slice is None}

    def rank(rule: RuleResult) -> tuple[bool, bool, float]:
        share = rule.n_items / max(1, whole.get(rule.score, 0), rule.n_items)
        lost = _margins_lost(rule) * share if share else 0.0
        return not _up_to(rule.adjusted_p_value, lost), not _up_to(rule.p_value, lost), -lost

    return min(deciding, key=rank)


def _up_to(p_value: float | None, lost: float) -> bool:
    """Whether chance does not explain a loss; where no item may be lost, one that is needs no proof."""
    return math.isinf(lost) or (p_value is not None and p_value <= _LIKELY)


def _margins_lost(rule: RuleResult) -> float:
    """The loss in margins of its rule, so that seconds and points compare; 0 where nothing is lost."""
    if rule.difference is None or rule.margin is None:
        return 0.0
    loss = -rule.difference if rule.direction == "higher" else rule.difference
    if loss <= 0:
        return 0.0
    if not rule.margin:
        return math.inf
    if rule.score in MEASURED_UNITS and rule.direction == "lower":
        return math.log1p(loss) / math.log1p(rule.margin)
    return loss / rule.margin
