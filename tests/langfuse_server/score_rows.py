"""Scores and score configs as rows: what a config drops, and what a second sending of an id keeps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tests.langfuse_server.answers import Json

TEXT_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRow:
    """A score config; categories are (label, value)."""

    id: str
    name: str
    data_type: str
    minimum: float | None
    maximum: float | None
    categories: tuple[tuple[str, float], ...] | None
    description: str | None
    archived: bool
    created: datetime
    updated: datetime

    def takes(self, data_type: str, value: float | str) -> bool:
        """Whether a value of this type is kept."""
        if self.archived or data_type != self.data_type:
            return False
        if isinstance(value, str):
            if self.data_type == "CATEGORICAL":
                return any(value == label for label, _ in self.categories or ())
            return len(value) <= TEXT_LIMIT
        if self.data_type == "BOOLEAN":
            return value in (0, 1)
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What a score belongs to: `kind` is trace, observation, session or experiment."""

    kind: str
    id: str
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreEvent:
    """An accepted score that was not yet checked against its config. `data_type` is None where not sent.

    Of two events of one id the one with the later `ordered_by` wins, whichever comes first. Environment, trace and
    timestamp stay those of the first.
    """

    id: str
    name: str
    value: float | str
    data_type: str | None
    parent: Parent
    environment: str
    timestamp: datetime
    received: datetime
    ordered_by: datetime
    comment: str | None
    metadata: Json
    config_id: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A kept score. A boolean's value is 0 or 1."""

    id: str
    name: str
    value: float | str
    data_type: str
    parent: Parent
    environment: str
    timestamp: datetime
    created: datetime
    updated: datetime
    comment: str | None
    metadata: dict[str, Json]
    config_id: str | None
    source: str
    ordered_by: datetime
    sequence: int


class ScoreRows:
    """All scores. A row is found by id and name: an id that comes again under another name leaves the old row."""

    def __init__(self) -> None:
        self.dropped: list[ScoreEvent] = []  # by their config, in silence
        self._rows: dict[tuple[str, str], ScoreRow] = {}
        self._of_parent: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        self._newest: dict[str, tuple[str, str]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._newest)

    def merge(self, event: ScoreEvent, configs: Mapping[str, ConfigRow]) -> None:
        """Keep an event, over what its id had before, or drop it because its config does not take it."""
        self._sequence += 1
        data_type = event.data_type or ("CATEGORICAL" if isinstance(event.value, str) else "NUMERIC")
        name = event.name
        if event.config_id is not None:
            config = configs.get(event.config_id)
            if config is not None and event.data_type is None:
                data_type = config.data_type
            if config is None or not config.takes(data_type, event.value):
                self.dropped.append(event)
                return
            name = config.name
        metadata = event.metadata if isinstance(event.metadata, dict) else {}
        row = ScoreRow(
            id=event.id,
            name=name,
            value=event.value,
            data_type=data_type,
            parent=event.parent,
            environment=event.environment,
            timestamp=event.timestamp,
            created=event.received.replace(microsecond=0),
            updated=event.received,
            comment=event.comment,
            metadata=metadata,
            config_id=event.config_id,
            source=event.source,
            ordered_by=event.ordered_by,
            sequence=self._sequence,
        )
        before = self.by_id(event.id)
        if before is not None:
            older, newer = sorted((before, row), key=lambda each: each.ordered_by)
            row = replace(
                newer,
                timestamp=before.timestamp,
                created=before.created,
                environment=before.environment,
                parent=_moved(before.parent, newer.parent),
                updated=row.updated,
                comment=newer.comment if newer.comment is not None else older.comment,
                metadata=older.metadata | newer.metadata,
                sequence=row.sequence,
            )
        self._put(row)

    def by_id(self, score_id: str) -> ScoreRow | None:
        key = self._newest.get(score_id)
        return None if key is None else self._rows[key]

    def of_parent(self, kind: str, parent_id: str) -> list[ScoreRow]:
        """The rows under a parent; for kind trace, with those of the trace's observations."""
        return [self._rows[key] for key in self._of_parent.get((kind, parent_id), ())]

    def newest(self) -> list[ScoreRow]:
        """One row for each id."""
        return [self._rows[key] for key in self._newest.values()]

    def all(self) -> list[ScoreRow]:
        """All rows; an id has one under each name it ever had."""
        return list(self._rows.values())

    def remove(self, score_id: str) -> None:
        """Forget an id under every name; nothing happens where it is unknown."""
        for key in [key for key in self._rows if key[0] == score_id]:
            for place in _places(self._rows.pop(key).parent):
                self._of_parent[place].discard(key)
        self._newest.pop(score_id, None)

    def _put(self, row: ScoreRow) -> None:
        key = (row.id, row.name)
        before = self._rows.get(key)
        if before is not None:
            for place in _places(before.parent):
                self._of_parent[place].discard(key)
        self._rows[key] = row
        self._newest[row.id] = key
        for place in _places(row.parent):
            self._of_parent[place].add(key)


def newest_of_each_id(rows: Iterable[ScoreRow]) -> list[ScoreRow]:
    """Of several rows of one id the one that was written last."""
    return list({row.id: row for row in sorted(rows, key=lambda row: row.sequence)}.values())


def _moved(before: Parent, sent: Parent) -> Parent:
    """Where a score is that comes again for another parent: within its trace, which it never leaves."""
    trace = _trace(before)
    if trace is None or _trace(sent) == trace:
        return sent
    return replace(sent, trace_id=trace) if sent.kind == "observation" else before


def _trace(parent: Parent) -> str | None:
    return parent.id if parent.kind == "trace" else parent.trace_id


def _places(parent: Parent) -> list[tuple[str, str]]:
    places = [(parent.kind, parent.id)]
    if parent.trace_id is not None:
        places.append(("trace", parent.trace_id))
    return places
