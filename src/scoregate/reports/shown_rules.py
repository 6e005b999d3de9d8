"""The rules of a verdict as text: which of them a table shows, and the cells of their rows.

Shown is every score on the whole, and of its slices those worth reading. A gate of 20 scores and 11 slices has 220
slice results, nearly all of which say "nothing here". Shown are the broken ones, and as a reading aid those that stand
out at a false discovery rate (Benjamini and Hochberg); the rest is counted. Advisory scores decide nothing, so their
slices are not in the count.

A pass is said to be one only where it decides: of a slice, or of a score beside primary ones, it means no more than
that no drop is proved, and what an advisory score would be stands in brackets.

Marks: `+` better beyond doubt, `-` worse beyond doubt, `~` not told apart, `=` nothing moved, `!` invalid,
blank where there is nothing to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from scoregate.catalog import MEASURED_UNITS, Contract
from scoregate.records import RuleResult, Spread, Verdict
from scoregate.reports.report import Report
from scoregate.reports.rounding import UNKNOWN, decimals_for, half_width, number, p_value
from scoregate.wording import count

_ANY_DROP = "any proved drop"
_FALSE_DISCOVERY_RATE = 0.10
MOST_SLICES = 5
"""Slices shown of one score."""
_MOST_ADVISORY_SLICES = 2
"""Of an advisory score, which decides nothing anyway."""
POLICY_CHANGES = "This change also moves the gate"
"""Above the lines of `Verdict.policy_changes`."""
MARKS = {
    "+": "better",
    "-": "worse",
    "~": "not told apart",
    "=": "nothing moved",
    "!": "invalid",
}
_SHORT_UNITS = {"second": "s", "seconds": "s", "millisecond": "ms", "milliseconds": "ms"}


@dataclass(frozen=True, slots=True)
class ShownRules:
    """The rules of one table, and the count of the slices."""

    rules: tuple[RuleResult, ...]
    """Scores in their order, each followed by its slices, worst first."""
    summary: str | None
    """One sentence on the slices that decide; None where there are none."""


def shown_rules(verdict: Verdict, against: Literal["baseline", "anchor"] = "baseline") -> ShownRules:
    """What the table of the rules against the baseline, or the anchor, shows."""
    by_score: dict[str, list[RuleResult]] = {}
    for rule in verdict.rules:
        if rule.against == against:
            by_score.setdefault(rule.score, []).append(rule)
    shown: list[RuleResult] = []
    for rules in by_score.values():
        shown += (rule for rule in rules if rule.slice is None)
        advisory = all(rule.role == "advisory" for rule in rules)
        shown += _worst_first(rules)[: _MOST_ADVISORY_SLICES if advisory else MOST_SLICES]
    return ShownRules(tuple(shown), _summary(by_score.values(), shown))


def broken_scores(verdict: Verdict) -> frozenset[str]:
    """Scores of which a rule that decides is broken."""
    return frozenset(rule.score for rule in verdict.rules if is_broken(rule))


def is_broken(rule: RuleResult) -> bool:
    """Whether the rule breaks the gate: one that is advisory never does."""
    return rule.outcome == "regression" and rule.role != "advisory"


def _looks_worse(rule: RuleResult) -> bool:
    """Whether a slice that breaks nothing stands out: of such, about one in ten is chance."""
    stands_out = rule.q_value is not None and rule.q_value <= _FALSE_DISCOVERY_RATE
    return stands_out and rule.slice is not None and rule.outcome == "pass"


def _worst_first(rules: Iterable[RuleResult]) -> list[RuleResult]:
    return sorted(
        filter(_worth_reading, rules),
        key=lambda rule: (not is_broken(rule), _or_one(rule.q_value), _or_one(rule.p_value)),
    )


def _worth_reading(rule: RuleResult) -> bool:
    return rule.slice is not None and (rule.outcome != "pass" or _looks_worse(rule))


def _or_one(value: float | None) -> float:
    return 1.0 if value is None else value


def _summary(by_score: Iterable[Sequence[RuleResult]], shown: Sequence[RuleResult]) -> str | None:
    slices = [found for rules in by_score if (found := [rule for rule in rules if _counts(rule)])]
    everything = [rule for rules in slices for rule in rules]
    if not everything:
        return None
    broken, worse = sum(map(is_broken, everything)), sum(map(_looks_worse, everything))
    text = f"{_sought(slices)}, {broken or 'none'} broken"
    if worse:
        more = " more" if broken else ""
        text += (
            f"; {worse:,}{more} look{'s' if worse == 1 else ''} worse, which decides nothing "
            f"(false discovery rate {100 * _FALSE_DISCOVERY_RATE:.0f} %: of such slices, about 1 in 10 is chance)"
        )
    left = sum(map(_worth_reading, everything)) - sum(map(_counts, shown))
    return text + (f"; {left:,} of these left out here" if left else "")


def _counts(rule: RuleResult) -> bool:
    return rule.slice is not None and rule.role != "advisory"


def _sought(slices: Sequence[Sequence[RuleResult]]) -> str:
    counts = {len(rules) for rules in slices}
    total = sum(map(len, slices))
    if len(slices) == 1:
        return f"{count(total, 'slice')} sought"
    if len(counts) == 1:
        each = counts.pop()
        return f"{count(each, 'slice')} sought in each of {len(slices):,} scores"
    return f"{total:,} slices sought over {len(slices):,} scores"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """The cells of one rule. All but `label` are made of digits, signs and words of ours."""

    mark: str
    label: str
    """Score, statistic, slice and unit, as the user named them."""
    baseline: str
    candidate: str
    difference: str
    """Candidate − baseline with its 95 % interval."""
    p: str
    """Adjusted p-value, one-sided for "worse"."""
    scored: str
    """Candidate cells that hold a score, of those that should."""
    moved: str
    """Items that are worse, items that are better."""
    detectable: str
    """Smallest drop that the data would have shown with 80 % probability."""
    outcome: str
    holds: bool
    """Nothing in it needs a reader's eye."""


def rule_rows(report: Report, rules: Sequence[RuleResult]) -> tuple[RuleRow, ...]:
    """The rows of these rules, in their order; a slice right below its score is named by itself."""
    above = (None, *(rule.score for rule in rules))
    return tuple(
        _row(rule, report.contracts.get(rule.score), below_its_score=rule.score == score_above)
        for rule, score_above in zip(rules, above, strict=False)
    )


def further_reasons(verdict: Verdict, shown: Sequence[RuleResult]) -> tuple[tuple[str, str], ...]:
    """Label and reason of every shown rule that does not hold, except what the verdict's own sentence has said.

    Of advisory scores only those that would break the gate, on the whole.
    """
    return tuple(
        (_label_of_reason(rule), rule.reason)
        for rule in shown
        if _to_be_explained(rule) and not (rule.score in verdict.reason and rule.reason in verdict.reason)
    )


def _to_be_explained(rule: RuleResult) -> bool:
    if rule.role == "advisory":
        return rule.outcome == "regression" and rule.slice is None
    return rule.outcome != "pass"


def _rule_label(rule: RuleResult) -> str:
    """Score, statistic and slice of a rule."""
    score = rule.score if rule.statistic == "mean" else f"{rule.score} {rule.statistic}"
    return score if rule.slice is None else f"{score} · {rule.slice}"


def rule_name(rule: RuleResult) -> str:
    """What no other rule of the verdict is called."""
    return _rule_label(rule) + (" (against the anchor)" if rule.against == "anchor" else "")


def _label_of_reason(rule: RuleResult) -> str:
    marks = [
        *(["advisory"] if rule.role == "advisory" else []),
        *(["against the anchor"] if rule.against == "anchor" else []),
    ]
    return _rule_label(rule) + (f" ({', '.join(marks)})" if marks else "")


def outcome_of(rule: RuleResult) -> str:
    """What became of a rule, in words that claim no more than it decides."""
    word: str = rule.outcome
    if _looks_worse(rule):
        word = "looks worse"
    elif rule.outcome == "pass" and (rule.slice is not None or rule.role == "secondary"):
        word = "no drop proved"
    return f"advisory ({word})" if rule.role == "advisory" else word


def primary_sentence(rules: Sequence[RuleResult]) -> str | None:
    """On which scores a pass rests; None where all scores count alike."""
    primary = dict.fromkeys(rule.score for rule in rules if rule.role == "primary")
    return f"a pass rests on {', '.join(primary)}; other scores can only break the gate" if primary else None


def p_sentence(shown: ShownRules) -> str:
    """What the p-values of a table are."""
    alone = len(shown.rules) == 1 and shown.summary is None
    return "p: one-sided for worse" + ("" if alone else ", adjusted for all rules")


def fails_on_sentences(rules: Sequence[RuleResult]) -> list[str]:
    """What breaks these rules and what passes them: not the same for all of a gate."""
    whole = [rule for rule in rules if rule.slice is None and rule.margin]
    beyond = dict.fromkeys(rule.score for rule in whole if rule.fails_on != _ANY_DROP)
    sentences = []
    if len(beyond) < len(dict.fromkeys(rule.score for rule in whole)):
        sentences.append(
            "a rule fails on any proved drop and passes only where a drop of its margin is ruled out"
        )
    if beyond:
        sentences.append(f"{', '.join(beyond)}: fails only on a proved drop beyond the margin")
    return sentences


def mark_of(rule: RuleResult) -> str:
    """How the candidate compares with the baseline, one of `MARKS` or a blank."""
    if rule.outcome == "invalid":
        return "!"
    if rule.outcome == "regression":
        return "-"
    if rule.difference is None or math.isnan(rule.difference):
        return " "
    if rule.difference == 0 and rule.lost == rule.won == 0:
        return "="
    low, high = rule.ci_low, rule.ci_high
    above = low is not None and low > 0
    below = high is not None and high < 0
    better, worse = (below, above) if rule.direction == "lower" else (above, below)
    return "+" if better else "-" if worse else "~"


def _is_relative(rule: RuleResult) -> bool:
    """Whether the rule's difference is a share of the baseline's value, as for latency, cost and tokens."""
    return rule.score in MEASURED_UNITS


def _is_rate(rule: RuleResult, contract: Contract | None) -> bool:
    """Whether the rule's values are shares, shown in percent and their difference in points."""
    if _is_relative(rule) or rule.statistic == "sum":
        return False
    if contract is not None:
        return contract.type in ("boolean", "categorical")
    known = [value for value in (rule.baseline_value, rule.candidate_value) if value is not None]
    return bool(known) and all(0 <= value <= 1 for value in known)


def _row(rule: RuleResult, contract: Contract | None, *, below_its_score: bool) -> RuleRow:
    rate = _is_rate(rule, contract)
    relative = _is_relative(rule)
    baseline, candidate = (_times(100 if rate else 1, v) for v in (rule.baseline_value, rule.candidate_value))
    difference, low, high, smallest = (
        _times(100 if rate or relative else 1, value)
        for value in (rule.difference, rule.ci_low, rule.ci_high, rule.minimum_detectable_drop)
    )
    half = half_width(low, high)
    decimals = (
        decimals_for(half, difference) if relative else decimals_for(half, baseline, candidate, difference)
    )
    half_in_unit = _times((baseline or 0) / 100, half) if relative else half
    value_decimals = decimals_for(half_in_unit, baseline, candidate)
    value_unit = " %" if rate else ""
    difference_unit = " pt" if rate else " %" if relative else ""
    label = _rule_label(rule) + _unit_beside(rule.score, contract)
    if below_its_score and rule.slice is not None:
        label = f"· {rule.slice}"
    shown = _with_unit(number(difference, decimals, signed=True), difference_unit)
    if low is not None and high is not None:
        bounds = ", ".join(number(bound, decimals, signed=True) for bound in (low, high))
        shown = f"{shown} [{bounds}]"
    return RuleRow(
        mark=mark_of(rule),
        label=label,
        baseline=_with_unit(number(baseline, value_decimals), value_unit),
        candidate=_with_unit(number(candidate, value_decimals), value_unit),
        difference=shown,
        p=p_value(rule.adjusted_p_value),
        scored=_scored(rule),
        moved=f"{rule.lost}/{rule.won}",
        # With as many digits as in the sentences on the same rule.
        detectable=_with_unit(
            number(smallest, 1 if rate or relative else decimals_for(smallest)), difference_unit
        ),
        outcome=outcome_of(rule),
        holds=rule.outcome == "pass" or rule.role == "advisory",
    )


def _scored(rule: RuleResult) -> str:
    """Cells with a value, of those that the score applies to."""
    return f"{rule.n_scored - rule.not_applicable}/{rule.n_expected - rule.not_applicable}"


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else value * factor


def _with_unit(text: str, unit: str) -> str:
    return text if text == UNKNOWN else text + unit


def _unit_beside(score: str, contract: Contract | None) -> str:
    """The unit in brackets, unless the score's own name says it (`latency_seconds`, `cost_usd`)."""
    if contract is None or not contract.unit:
        return ""
    unit = _SHORT_UNITS.get(contract.unit, contract.unit)
    words = {_SHORT_UNITS.get(word, word) for word in score.lower().replace(" ", "_").split("_")}
    return "" if unit.lower() in words else f" ({unit})"


def spread_lines(report: Report) -> list[str]:
    """Such as `latency_seconds: p50 0.81 → 0.84, p90 1.9 → 2, p95 2.4 → 2.6, p99 4.1 → 5.9, sum 81 → 84 (+3.7 %)`."""
    return [f"{spread.score}: {_quantiles(spread)}{_bill(spread)}" for spread in report.verdict.spreads]


def _quantiles(spread: Spread) -> str:
    return ", ".join(
        f"{name} {_amount(before)} → {_amount(now)}"
        for name, before, now in zip(spread.quantiles, spread.baseline, spread.candidate, strict=True)
    )


def _bill(spread: Spread) -> str:
    """What all items took or cost together, beside what the typical call did."""
    before, now = spread.totals
    if before is None or now is None:
        return ""
    change = f" ({number(100 * (now / before - 1), 1, signed=True)} %)" if before else ""
    return f", sum {_amount(before)} → {_amount(now)}{change}"


def _amount(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"
