"""Score configs of a Langfuse project: what the server lets a score of a name hold.

The server takes a score that breaks its config with a 200 and then drops it without a word, so the rules are
followed here before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scoregate.catalog import ScoreType
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
    found = {entry["id"]: parsed(entry) for entry in connection.pages(PATH)}
    return sorted(found.values(), key=lambda config: (config.created_at, config.id))


def usable_config(name: str, data_type: str, configs: Iterable[ScoreConfig]) -> ScoreConfig | None:
    """The config that a score of this name and type is sent with, or None: the oldest that is not archived."""
    fitting = (c for c in configs if c.name == name and c.data_type == data_type and not c.archived)
    return min(fitting, key=lambda config: (config.created_at, config.id), default=None)


def parsed(entry: JSON) -> ScoreConfig:
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
