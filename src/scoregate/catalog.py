"""Score contracts: what a score is, which values it may hold, which way is better, and who owns it.

One table a score in `gates/scores.toml`. A value that breaks its contract is an error that names score, item
and rule; nothing is clipped or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from scoregate.config.table import (
    Choice,
    ConfigTable,
    Flag,
    Keys,
    Number,
    Table,
    Text,
    Texts,
    finite_float,
    shown,
)
from scoregate.config.toml_lines import read_toml
from scoregate.errors import ContractError
from scoregate.records import ScoreValue

ScoreType = Literal["numeric", "boolean", "categorical", "text"]
Direction = Literal["higher", "lower", "none"]
Parent = Literal["observation", "trace", "session", "run_item", "run"]

SCORE_TYPES: tuple[ScoreType, ...] = ("numeric", "boolean", "categorical", "text")
DIRECTIONS: tuple[Direction, ...] = ("higher", "lower", "none")
PARENTS: tuple[Parent, ...] = ("observation", "trace", "session", "run_item", "run")

CATALOG_FILE = "scores.toml"
"""Name of the catalog, which stands beside the gate files."""
SCORED = "scored"
"""Reserved: whether a cell of a gated score holds a value at all. Made by the comparison, never by a scorer."""
LATENCY = "latency_seconds"
MEASURED_UNITS: Mapping[str, str] = {
    LATENCY: "s",
    "cost_usd": "USD",
    "tokens_input": "tokens",
    "tokens_output": "tokens",
    "tokens_total": "tokens",
}
"""The scores that are measured around the candidate and not judged, with their units."""

_MAX_NAME_LENGTH = 35
_NAME = re.compile(r"[A-Za-z0-9_ .()-]+")
_GENERIC_WORDS = frozenset(("quality", "score", "overall", "general", "total", "final", "rating"))
CONTRACT_KEYS: Keys = {
    "type": Choice(SCORE_TYPES),
    "direction": Choice(DIRECTIONS),
    "parent": Choice(PARENTS),
    "min": Number(),
    "max": Number(),
    "categories": Texts(),
    "pass": Texts(),
    "ignore": Texts(),
    "ordered": Flag(),
    "unit": Text(),
    "owner": Text(),
    "rubric": Text(),
    "description": Text(),
    "content_policy": Text(),
}
KEYS_OF_TYPE: Mapping[ScoreType, tuple[str, ...]] = {
    "numeric": ("min", "max"),
    "categorical": ("categories", "pass", "ignore"),
    "text": ("content_policy",),
}
"""Keys that stand in contracts of one type only."""
NEEDED_OF_TYPE: Mapping[ScoreType, str] = {"categorical": "categories", "text": "content_policy"}
"""The one of them that a contract of the type cannot do without."""
CATALOG = Table(
    others=Table(keys=CONTRACT_KEYS, required=("type",)),
    names=_NAME.pattern,
    longest_name=_MAX_NAME_LENGTH,
    never=frozenset((SCORED,)),
)
"""What may stand in a score catalog."""


_BEYOND = 1e-9
"""How far beyond a bound, for each unit of it, a number is taken for the bound: 1.0000000000000004 for 1."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one score."""

    name: str
    type: ScoreType
    direction: Direction = "higher"
    parent: Parent = "run_item"
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    """Every value a categorical score may hold; empty (any text) only where `inferred`."""
    passing: tuple[str, ...] = ()
    """Categories that pass (key `pass`)."""
    ignore: tuple[str, ...] = ()
    """Categories that do not count: the score does not apply to the item."""
    ordered: bool = False
    """The categories are grades, from the worst to the best, and gated as the numbers 0, 1, 2, …"""
    unit: str | None = None
    owner: str | None = None
    rubric: str | None = None
    description: str | None = None
    content_policy: str | None = None
    """Text scores only: the policy that allows free text. Without it a text score is refused."""
    where: str | None = None
    """`file:line` of the table, for messages."""
    inferred: bool = False
    """Made from a gate's own rule, because the catalog has no entry: numeric then means numbers or booleans."""

    @property
    def grades(self) -> tuple[str, ...]:
        """The categories of an ordered score that count, from the worst to the best."""
        return tuple(category for category in self.categories if category not in self.ignore)

    def check(self, value: ScoreValue, *, item: str) -> ScoreValue:
        """The value, unchanged, or a ContractError naming score, item and the broken rule.

        A boolean score takes true, false and the integers 1 and 0, which is how Langfuse writes them.
        """
        broken = self._broken_rule(value)
        if broken is None:
            return value
        hint = f"its contract is at {self.where}" if self.where else None
        raise ContractError(f"value {_shown(value)} of item '{item}' {broken}", where=self.name, hint=hint)

    def _broken_rule(self, value: ScoreValue) -> str | None:
        if self.type == "boolean":
            is_boolean = isinstance(value, int | float) and value in (
                0,
                1,
            )  # Langfuse knows no other booleans
            return None if is_boolean else "is not a boolean (true, false, 1 or 0)"
        if self.type == "numeric":
            return self._broken_number(value)
        if not isinstance(value, str):
            return "is not a text" if self.type == "text" else "is not the name of a category"
        if self.type == "categorical" and self.categories and value not in self.categories:
            return f"is not one of its categories: {', '.join(self.categories)}"
        return None

    def bound_for(self, value: ScoreValue) -> float | None:
        """The bound that a number just beyond it stands for, by no more than floating point may bring about.

        None for every other value. 1.0000000000000004 stands for the maximum 1.
        """
        if self.type != "numeric" or not isinstance(value, float):
            return None
        for bound, beyond in ((self.min, -1.0), (self.max, 1.0)):
            if bound is not None and 0 < (value - bound) * beyond <= _BEYOND * max(1.0, abs(bound)):
                return float(bound)
        return None

    def _broken_number(self, value: ScoreValue) -> str | None:
        if isinstance(value, bool) and self.inferred:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "is not a number"
        if finite_float(value) is None:
            return "is not a finite number"
        if self.min is not None and value < self.min:
            return f"is below its minimum {self.min}"
        if self.max is not None and value > self.max:
            return f"is above its maximum {self.max}"
        return None


@dataclass(frozen=True, slots=True)
class Catalog:
    """All contracts of a project, by score name."""

    contracts: Mapping[str, Contract] = field(default_factory=dict)
    where: str | None = None

    def get(self, name: str) -> Contract | None:
        """The contract of the score of this name; None where the catalog has none."""
        return self.contracts.get(name)


def built_in_contract(name: str) -> Contract | None:
    """The contract of a score that needs no entry in a catalog, or None.

    Measured scores are numeric, not negative, and lower is better; the reserved `scored` is boolean.
    """
    if name == SCORED:
        return Contract(name=name, type="boolean")
    if name not in MEASURED_UNITS:
        return None
    return Contract(name=name, type="numeric", direction="lower", min=0.0, unit=MEASURED_UNITS[name])


def read_catalog(path: Path) -> Catalog:
    """Parse and validate `scores.toml`. Raises ConfigError with file:line.

    Without a `direction` a boolean or categorical score is higher-is-better; a numeric one has none, and
    cannot be gated until it or the gate's own rule says which way is better.
    """
    top = ConfigTable.top_of(read_toml(path, "score catalog"))
    contracts = {name: _read_contract(name, table) for name, table in top.tables().items()}
    return Catalog(contracts, where=str(path))


def _read_contract(name: str, table: ConfigTable) -> Contract:
    _check_name(name, table)
    table = table.declared(CONTRACT_KEYS)
    kind = table.choice("type", SCORE_TYPES)
    if kind is None:
        raise table.error(None, "has no type", hint="add type = one of " + ", ".join(SCORE_TYPES))
    measured = built_in_contract(name)
    if measured is not None and kind != "numeric":
        raise table.error("type", f'is "{kind}", but {name} is measured and therefore numeric')
    low, high = _read_range(kind, table)
    categories, passing, ignore = _read_categories(kind, table)
    ordered = table.flag("ordered") or False
    if ordered and kind != "categorical":
        raise table.error("ordered", f"is only for categorical scores; this one is {kind}")
    if ordered and passing:
        raise table.error(
            "pass", "cannot stand beside 'ordered': grades are gated as numbers, none of them passes"
        )
    return Contract(
        name=name,
        type=kind,
        direction=_read_direction(kind, table, default=measured.direction if measured else None),
        parent=table.choice("parent", PARENTS) or "run_item",
        min=low,
        max=high,
        categories=categories,
        passing=passing,
        ignore=ignore,
        ordered=ordered,
        unit=table.text("unit") or (measured.unit if measured else None),
        owner=table.text("owner"),
        rubric=table.text("rubric"),
        description=table.text("description"),
        content_policy=_read_content_policy(kind, table),
        where=table.where(),
    )


def _check_name(name: str, table: ConfigTable) -> None:
    if len(name) > _MAX_NAME_LENGTH:
        raise table.error(
            None, f"is {len(name)} characters long; a score name has at most {_MAX_NAME_LENGTH}"
        )
    if not _NAME.fullmatch(name) or not name.strip():
        raise table.error(
            None, "is no score name", hint="use the letters A to Z and a to z, digits and _ space . ( ) -"
        )
    if name == SCORED:
        raise table.error(None, "is a reserved name: the share of cells that hold a value", hint="rename it")
    if set(re.findall(r"[a-z0-9]+", name.lower())) <= _GENERIC_WORDS:
        raise table.error(
            None,
            "is too generic to say what a value means",
            hint="name the criterion, such as answer_correctness or groundedness",
        )


def _read_range(kind: ScoreType, table: ConfigTable) -> tuple[float | None, float | None]:
    for key in KEYS_OF_TYPE["numeric"]:
        if kind != "numeric" and table.has(key):
            raise table.error(key, f"is only for numeric scores; this one is {kind}")
    low, high = table.number("min"), table.number("max")
    if low is not None and high is not None and low > high:
        raise table.error("min", f"is {low}, above its max {high}")
    return low, high


def _read_categories(kind: ScoreType, table: ConfigTable) -> tuple[tuple[str, ...], ...]:
    for key in KEYS_OF_TYPE["categorical"]:
        if kind != "categorical" and table.has(key):
            raise table.error(key, f"is only for categorical scores; this one is {kind}")
    categories = table.texts("categories")
    if kind == "categorical" and not categories:
        raise table.error(
            None, "is categorical but has no categories", hint='add categories = ["pass", "fail"]'
        )
    if len(set(categories)) < len(categories):
        raise table.error("categories", "names a category twice")
    passing, ignore = table.texts("pass"), table.texts("ignore")
    check_categories(table, categories, passing, ignore)
    return categories, passing, ignore


def check_categories(
    table: ConfigTable, categories: tuple[str, ...], passing: tuple[str, ...], ignore: tuple[str, ...]
) -> None:
    """Refuse `pass` or `ignore` that name an unknown category (where categories are known), or the same one."""
    for key, chosen in (("pass", passing), ("ignore", ignore)):
        unknown = [category for category in chosen if categories and category not in categories]
        if unknown:
            raise table.error(
                key, f'names "{unknown[0]}", which is not one of the categories: {", ".join(categories)}'
            )
    both = [category for category in passing if category in ignore]
    if both:
        raise table.error(
            "pass" if table.has("pass") else "ignore",
            f'names "{both[0]}" as a category that passes and as one that does not count',
        )


def _read_direction(kind: ScoreType, table: ConfigTable, *, default: Direction | None) -> Direction:
    direction = table.choice("direction", DIRECTIONS)
    if kind == "categorical" and direction == "lower":
        raise table.error("direction", 'is "lower"; a categorical score says with `pass` what is good')
    if kind == "text" and direction in ("higher", "lower"):
        raise table.error("direction", f'is "{direction}", but texts have no order', hint="leave it out")
    if direction is not None:
        return direction
    return default or ("higher" if kind in ("boolean", "categorical") else "none")


def _read_content_policy(kind: ScoreType, table: ConfigTable) -> str | None:
    policy = table.text("content_policy")
    if kind == "text" and policy is None:
        raise table.error(
            None,
            "is a text score without a content_policy: free text may carry what must not be kept",
            hint='name the policy that allows it, content_policy = "…", or use categories',
        )
    if kind != "text" and policy is not None:
        raise table.error("content_policy", f"is only for text scores; this one is {kind}")
    return policy


def _shown(value: ScoreValue) -> str:
    return "null" if value is None else shown(value)
