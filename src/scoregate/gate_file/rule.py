"""The rule of one score: the keys of a gate's `[scores.x]` table, and the contract they are read against."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from scoregate.calibration.requirement import REQUIREMENT_KEYS, Requirement
from scoregate.catalog import DIRECTIONS, Catalog, Contract, Direction, built_in_contract
from scoregate.config.table import Choice, Flag, Keys, Number, Table, Text, Texts

DEFAULT_MARGIN = 0.05
"""Non-inferiority margin of a rule that names none, in the score's unit."""
DEFAULT_RATIO_MARGIN = 0.10
"""The same for latency, cost and tokens: a ratio of 1.10."""

Statistic = Literal["mean", "p50", "p90", "p95", "p99", "sum"]
STATISTICS: tuple[Statistic, ...] = ("mean", "p50", "p90", "p95", "p99", "sum")
MarginOf = Literal["judge", "truth"]
MARGINS_OF: tuple[MarginOf, ...] = ("judge", "truth")
Absent = Literal["missing", "not_applicable"]
ABSENT: tuple[Absent, ...] = ("missing", "not_applicable")
FailsOn = Literal["any proved drop", "a proved drop beyond the margin"]
ANY_DROP: FailsOn = "any proved drop"
BEYOND_MARGIN: FailsOn = "a proved drop beyond the margin"
"""What breaks a rule: superiority of the baseline, or that non-inferiority is refuted. A pass rules the margin out."""
FAILS_ON = (ANY_DROP, BEYOND_MARGIN)
_REDUCER = re.compile(r"pass([@^])([1-9][0-9]?)")
RULE_KEYS: Keys = {
    "min": Number(),
    "max": Number(),
    "max_drop": Number(at_least=0, zero=False),
    "max_increase": Number(at_least=0, zero=False),
    "min_effect": Number(at_least=0),
    "strict": Flag(),
    "critical": Flag(),
    "direction": Choice(DIRECTIONS),
    "pass": Texts(),
    "ignore": Texts(),
    "statistic": Choice(STATISTICS),
    "reducer": Text(pattern=_REDUCER.pattern),
    "slices": Texts(may_be_empty=True),
    "primary": Flag(),
    "advisory": Flag(),
    "require_calibration": Table(keys=REQUIREMENT_KEYS),
    "labels": Text(),
    "margin_of": Choice(MARGINS_OF),
    "absent": Choice(ABSENT),
    "fails_on": Choice(FAILS_ON),
}


@dataclass(frozen=True, slots=True)
class Reducer:
    """How the trials of one item become one value."""

    kind: Literal["any", "all"]
    """any: `pass@k`, at least one of k trials passes; all: `pass^k`, every one does."""
    k: int

    def __str__(self) -> str:
        return f"pass{'@' if self.kind == 'any' else '^'}{self.k}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The keys of a gate's `[scores.x]` table."""

    min: float | None = None
    """Floor on the candidate's own value."""
    max: float | None = None
    """Ceiling on the candidate's own value."""
    max_drop: float | None = None
    """Margin: the largest loss that does not matter, in the score's unit (any direction of "worse")."""
    max_increase: float | None = None
    """Margin of a lower-is-better score: relative for latency, cost and tokens, else in the score's unit."""
    min_effect: float = 0.0
    """A proved drop smaller than this does not break the rule."""
    strict: bool = False
    """The plain value decides floors, not its interval."""
    critical: bool = False
    """Any item that passed in the baseline and fails now breaks the gate."""
    direction: Direction | None = None
    """Overrides the catalog's, or stands in for it."""
    passing: tuple[str, ...] = ()
    """Categories that pass (key `pass`), where there is no catalog entry."""
    ignore: tuple[str, ...] = ()
    """Categories that do not count, where there is no catalog entry."""
    statistic: Statistic = "mean"
    """What is compared: the mean over items, a quantile of all values, or their sum."""
    reducer: str | None = None
    """`pass@K` or `pass^K`: the item's value from its trials, instead of their mean."""
    slices: tuple[str, ...] | None = None
    """Slices of the dataset in each value of which a regression is sought as well; None: all that the gate names."""
    primary: bool = False
    """The pass is decided by the primary scores alone, where there are any; the others gate regressions only."""
    advisory: bool = False
    """Reported, and never gates."""
    require_calibration: Requirement | None = None
    """What the judge's calibration must show before its scores decide; None: nothing."""
    labels: str | None = None
    """Path of human labels of the judge's score, relative to the project's root."""
    margin_of: MarginOf = "judge"
    """Whose scale the margin is told in: the judge's own scores, or the truth, of which an imperfect judge shows a
    part. The margin is then multiplied by the part that its calibration proves."""
    absent: Absent = "missing"
    """What an item counts as of which no scorer gave the score, and none failed."""
    fails_on: FailsOn | None = None
    """None: any proved drop, and of the latency of a stored baseline one beyond what its reruns differ by as well."""
    where: str | None = None

    @property
    def reduced(self) -> Reducer | None:
        """The reducer, read."""
        match = _REDUCER.fullmatch(self.reducer) if self.reducer else None
        return Reducer("any" if match[1] == "@" else "all", int(match[2])) if match else None

    @property
    def no_item_may_flip(self) -> bool:
        """Whether the rule is that no item may be lost, which needs no margin and no number of items."""
        return self.critical and self.max_drop is None and self.max_increase is None

    @property
    def quantile(self) -> float | None:
        """0.95 for `p95`; None where no quantile is compared."""
        return int(self.statistic[1:]) / 100 if self.statistic[0] == "p" else None


def contract_of(score: str, rule: Rule | None, catalog: Catalog) -> Contract | None:
    """The contract that a score's values are held to, or None where only the values can tell.

    1. The catalog's entry, else the built-in one of a measured score, with the rule's own `direction`, `pass`
       and `ignore` put over it.
    2. No entry, but the rule gives `pass`: categorical and `inferred`; any category may come, and one that is
       neither in `pass` nor in `ignore` fails.
    3. No entry, but the rule gives `direction`: numeric and `inferred`; the values may be numbers or booleans.
    4. Neither: None. The comparison takes such a score as boolean and higher-is-better if all its values are
       booleans, and refuses anything else.
    """
    known = known_contract(score, catalog)
    if rule is None:
        return known
    if known is not None:
        return replace(
            known,
            direction=rule.direction or known.direction,
            passing=rule.passing or known.passing,
            ignore=rule.ignore or known.ignore,
        )
    if rule.passing:
        return Contract(
            name=score,
            type="categorical",
            passing=rule.passing,
            ignore=rule.ignore,
            where=rule.where,
            inferred=True,
        )
    if rule.direction:
        return Contract(name=score, type="numeric", direction=rule.direction, where=rule.where, inferred=True)
    return None


def known_contract(score: str, catalog: Catalog) -> Contract | None:
    """The catalog's entry, else the built-in one of a measured score, without what a rule puts over it."""
    return catalog.get(score) or built_in_contract(score)
