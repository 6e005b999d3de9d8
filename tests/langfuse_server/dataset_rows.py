"""Datasets and their items as rows: every version of an item is kept, and valid from a time to a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tests.langfuse_server.answers import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    id: str
    name: str
    description: str | None
    metadata: Json
    input_schema: Json
    expected_output_schema: Json
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One version of an item. `created` is the version's own; `ended` is None while it is the current one."""

    id: str
    dataset_id: str
    input: Json
    expected_output: Json
    metadata: Json
    status: str
    source_trace_id: str | None
    source_observation_id: str | None
    created: datetime
    updated: datetime
    ended: datetime | None = None


class DatasetRows:
    """All datasets by name, all items by id."""

    def __init__(self) -> None:
        self.by_name: dict[str, DatasetRow] = {}
        self._versions: dict[str, list[ItemRow]] = {}

    def item(self, item_id: str) -> ItemRow | None:
        """The current version, None where there is none or it was deleted."""
        versions = self._versions.get(item_id)
        return versions[-1] if versions and versions[-1].ended is None else None

    def put(self, row: ItemRow) -> None:
        """Make a row its item's current version."""
        self.end(row.id, row.created)
        self._versions.setdefault(row.id, []).append(row)

    def end(self, item_id: str, moment: datetime) -> None:
        """Close the current version, if there is one: the item is gone from then on."""
        current = self.item(item_id)
        if current is not None:
            self._versions[item_id][-1] = replace(current, ended=moment, updated=moment)

    def items(self, dataset_id: str | None, *, at: datetime | None = None) -> list[ItemRow]:
        """The active items of a dataset, or of all, now or at a time; newest first."""
        rows = []
        for versions in self._versions.values():
            for row in reversed(versions):
                if _valid(row, at):
                    if row.status == "ACTIVE" and dataset_id in (None, row.dataset_id):
                        rows.append(row)
                    break
        return sorted(rows, key=lambda row: (row.created, row.id), reverse=True)


def _valid(row: ItemRow, at: datetime | None) -> bool:
    if at is None:
        return row.ended is None
    return row.created <= at and (row.ended is None or at < row.ended)
