"""Score configs of a Langfuse project: what the server lets a score of a name hold, and what the catalog wants of it.

The server takes a score that breaks its config with a 200 and then drops it without a word, so the rules are
followed here before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scoregate.catalog import Catalog, Contract, ScoreType
from scoregate.langfuse.connection import Connection
from scoregate.records import JSON

DataType = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT"]
DATA_TYPES: dict[ScoreType, DataType] = {
    "numeric": "NUMERIC",
    "boolean": "BOOLEAN",
    "categorical": "CATEGORICAL",
    "text": "TEXT",
}
"""A contract's type -> Langfuse's."""
PATH = "/score-configs"
_Standing = Literal["same", "missing", "different", "archived", "conflict", "refused", "only in Langfuse"]
"""same: nothing to do. missing, different, archived: to be created, updated, taken out of the archive. conflict: there
is a config of another type. refused: the server takes no such config. only in Langfuse: not in the catalog."""
TO_DO: tuple[_Standing, ...] = ("missing", "different", "archived")
"""What `scores sync` puts right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreConfig:
    """One config as the server holds it. Several may have the same name."""

    id: str
    name: str
    data_type: str
    min: float | None = None
    max: float | None = None
    categories: tuple[tuple[str, float], ...] = ()
    """(label, number) of each category; the two that the server makes for booleans too."""
    description: str | None = None
    archived: bool = False
    """Nothing may be scored by it any more."""
    created_at: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for label, _ in self.categories)

    def broken_rule(self, value: str | float) -> str | None:
        """What is wrong with a value that is about to be sent, or None. Its data type is not looked at."""
        if isinstance(value, str):
            unknown = self.data_type == "CATEGORICAL" and value not in self.labels
            return f"is not one of its categories: {', '.join(self.labels)}" if unknown else None
        if self.data_type != "NUMERIC":
            return None
        if self.min is not None and value < self.min:
            return f"is below its minimum {self.min:g}"
        if self.max is not None and value > self.max:
            return f"is above its maximum {self.max:g}"
        return None


def read_configs(connection: Connection) -> list[ScoreConfig]:
    """All configs of the project, archived ones too, oldest first. Raises Refused, ServiceError."""
    found = {entry["id"]: config_of(entry) for entry in connection.pages(PATH)}
    return sorted(found.values(), key=lambda config: (config.created_at, config.id))


def usable_config(name: str, data_type: str, configs: Iterable[ScoreConfig]) -> ScoreConfig | None:
    """The config that a score of this name and type is sent with, or None: the oldest that is not archived."""
    fitting = (c for c in configs if c.name == name and c.data_type == data_type and not c.archived)
    return min(fitting, key=lambda config: (config.created_at, config.id), default=None)


def config_of(entry: JSON) -> ScoreConfig:
    """A config from one entry of the server's answer."""
    return ScoreConfig(
        id=entry["id"],
        name=entry["name"],
        data_type=entry["dataType"],
        min=entry.get("minValue"),
        max=entry.get("maxValue"),
        categories=tuple((c["label"], c["value"]) for c in entry.get("categories") or ()),
        description=entry.get("description"),
        archived=bool(entry.get("isArchived")),
        created_at=entry.get("createdAt") or "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigState:
    """One score on both sides."""

    name: str
    standing: _Standing
    contract: Contract | None = None
    config: ScoreConfig | None = None
    """The config that counts; of several of one name and type the oldest that is not archived."""
    changes: Mapping[str, JSON] | None = None
    """The body that creates or updates the config; None where nothing is to be done."""
    reasons: tuple[str, ...] = ()
    """What differs, a phrase each."""
    duplicates: int = 0
    """How many more configs that are not archived have the same name."""

    @property
    def line(self) -> str:
        """One line: the score, and what is the matter with its config."""
        parts = [*self.reasons]
        if self.duplicates:
            more = "one more config" if self.duplicates == 1 else f"{self.duplicates} more configs"
            parts.append(f"{more} of this name in Langfuse: archive what is not needed")
        return f"{self.name}: {'; '.join(parts) or self.standing}"


def differences(catalog: Catalog, configs: Iterable[ScoreConfig]) -> list[ConfigState]:
    """The scores of the catalog whose config is not as it should be, or is there several times, in their order."""
    states = compare_configs(catalog, configs)
    return [s for s in states if s.contract is not None and (s.standing != "same" or s.duplicates)]


def compare_configs(catalog: Catalog, configs: Iterable[ScoreConfig]) -> list[ConfigState]:
    """Every score of the catalog, in its order, then what is only in Langfuse, by name."""
    known = list(configs)
    states = [
        _state(contract, [config for config in known if config.name == contract.name])
        for contract in catalog.contracts.values()
    ]
    others = sorted({config.name for config in known} - set(catalog.contracts))
    return states + [
        _only_there(name, [config for config in known if config.name == name]) for name in others
    ]


def wanted_config(contract: Contract) -> dict[str, JSON]:
    """The body that creates a contract's config. Categories are numbered in the order of the catalog."""
    body: dict[str, JSON] = {"name": contract.name, "dataType": DATA_TYPES[contract.type]}
    if contract.min is not None:
        body["minValue"] = contract.min
    if contract.max is not None:
        body["maxValue"] = contract.max
    if contract.type == "categorical":
        body["categories"] = [{"label": label, "value": n} for n, label in enumerate(contract.categories)]
    if contract.description:
        body["description"] = contract.description
    return body


def _state(contract: Contract, named: Sequence[ScoreConfig]) -> ConfigState:
    name, kind = contract.name, DATA_TYPES[contract.type]
    active = [config for config in named if not config.archived]
    of_type = [config for config in named if config.data_type == kind]
    if contract.min is not None and contract.min == contract.max:
        reason = f"Langfuse takes no range that is one value ({contract.min:g})"
        return ConfigState(name=name, standing="refused", contract=contract, reasons=(reason,))
    config = usable_config(name, kind, named)
    if config is not None:
        reasons, changes = _changes(contract, config)
        return ConfigState(
            name=name,
            standing="different" if changes else "same",
            contract=contract,
            config=config,
            changes=changes or None,
            reasons=tuple(reasons),
            duplicates=len(active) - 1,
        )
    if active:
        reason = (
            f"is {active[0].data_type} in Langfuse and {kind} in the catalog, and a config's type cannot be changed: "
            "archive that config, or rename the score"
        )
        return ConfigState(
            name=name, standing="conflict", contract=contract, config=active[0], reasons=(reason,)
        )
    if of_type:
        reasons, changes = _changes(contract, of_type[-1])
        return ConfigState(
            name=name,
            standing="archived",
            contract=contract,
            config=of_type[-1],
            changes={"isArchived": False, **changes},
            reasons=("is archived in Langfuse", *reasons),
        )
    return ConfigState(
        name=name,
        standing="missing",
        contract=contract,
        changes=wanted_config(contract),
        reasons=("is not in Langfuse",),
    )


def _changes(contract: Contract, config: ScoreConfig) -> tuple[list[str], dict[str, JSON]]:
    """What differs in words, and the fields that put it right."""
    reasons: list[str] = []
    changes: dict[str, JSON] = {}
    if contract.type == "numeric":
        for key, ours, theirs in (
            ("min", contract.min, config.min),
            ("max", contract.max, config.max),
        ):
            if ours != theirs:
                reasons.append(f"{key} is {_number(ours)} in the catalog and {_number(theirs)} in Langfuse")
                changes[f"{key}Value"] = ours
    if contract.type == "categorical" and not _same_categories(contract, config):
        theirs_ = ", ".join(config.labels) or "none"
        reasons.append(
            f"categories are {', '.join(contract.categories)} in the catalog and {theirs_} in Langfuse"
        )
        changes["categories"] = _numbered(contract, config)
    # A catalog that says nothing about a score leaves what people wrote in Langfuse.
    if contract.description and contract.description != config.description:
        reasons.append("the description differs")
        changes["description"] = contract.description
    return reasons, changes


def _same_categories(contract: Contract, config: ScoreConfig) -> bool:
    if set(contract.categories) != set(config.labels) or len(config.labels) != len(contract.categories):
        return False
    numbers = dict(config.categories)
    grades = [numbers[label] for label in contract.categories] if contract.ordered else []
    return grades == sorted(grades)


def _numbered(contract: Contract, config: ScoreConfig) -> list[JSON]:
    """The catalog's categories; those that Langfuse knows keep their number, unless they are grades."""
    if contract.ordered:
        return [{"label": label, "value": n} for n, label in enumerate(contract.categories)]
    known = {label: number for label, number in config.categories if label in contract.categories}
    taken = set(known.values())
    free = (n for n in range(len(contract.categories) * 2 + 1) if n not in taken)
    return [
        {"label": label, "value": known[label] if label in known else next(free)}
        for label in contract.categories
    ]


def _only_there(name: str, named: Sequence[ScoreConfig]) -> ConfigState:
    active = [config for config in named if not config.archived]
    config = (active or list(named))[0]
    return ConfigState(
        name=name,
        standing="only in Langfuse",
        config=config,
        reasons=("is archived" if config.archived else "is not in the catalog",),
        duplicates=max(len(active) - 1, 0),
    )


def _number(value: float | None) -> str:
    return "open" if value is None else f"{value:g}"
