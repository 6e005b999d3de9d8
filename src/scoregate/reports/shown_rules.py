"""Which rules a table shows: every score on the whole, and of its slices those worth reading.

A gate of 20 scores and 11 slices has 220 slice results, nearly all of which say "nothing here". Shown are the broken
ones, and as a reading aid those that stand out at a false discovery rate (Benjamini and Hochberg); the rest is counted.
Advisory scores decide nothing, so their slices are not in the count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from scoregate.records import RuleResult, Verdict
from scoregate.wording import count

FALSE_DISCOVERY_RATE = 0.10
MOST_SLICES = 5
"""Slices shown of one score."""
MOST_ADVISORY_SLICES = 2
"""Of an advisory score, which decides nothing anyway."""


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
        shown += _worst_first(rules)[: MOST_ADVISORY_SLICES if advisory else MOST_SLICES]
    return ShownRules(tuple(shown), _summary(by_score.values(), shown))


def broken_scores(verdict: Verdict) -> frozenset[str]:
    """Scores of which a rule that decides is broken."""
    return frozenset(rule.score for rule in verdict.rules if is_broken(rule))


def is_broken(rule: RuleResult) -> bool:
    """Whether the rule breaks the gate: one that is advisory never does."""
    return rule.outcome == "regression" and rule.role != "advisory"


def looks_worse(rule: RuleResult) -> bool:
    """Whether a slice that breaks nothing stands out: of such, about one in ten is chance."""
    stands_out = rule.q_value is not None and rule.q_value <= FALSE_DISCOVERY_RATE
    return stands_out and rule.slice is not None and rule.outcome == "pass"


def _worst_first(rules: Iterable[RuleResult]) -> list[RuleResult]:
    return sorted(
        filter(_worth_reading, rules),
        key=lambda rule: (not is_broken(rule), _or_one(rule.q_value), _or_one(rule.p_value)),
    )


def _worth_reading(rule: RuleResult) -> bool:
    return rule.slice is not None and (rule.outcome != "pass" or looks_worse(rule))


def _or_one(value: float | None) -> float:
    return 1.0 if value is None else value


def _summary(by_score: Iterable[Sequence[RuleResult]], shown: Sequence[RuleResult]) -> str | None:
    slices = [found for rules in by_score if (found := [rule for rule in rules if _counts(rule)])]
    everything = [rule for rules in slices for rule in rules]
    if not everything:
        return None
    broken, worse = sum(map(is_broken, everything)), sum(map(looks_worse, everything))
    text = f"{_sought(slices)}, {broken or 'none'} broken"
    if worse:
        more = " more" if broken else ""
        text += (
            f"; {worse:,}{more} look{'s' if worse == 1 else ''} worse, which decides nothing "
            f"(false discovery rate {100 * FALSE_DISCOVERY_RATE:.0f} %: of such slices, about 1 in 10 is chance)"
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
