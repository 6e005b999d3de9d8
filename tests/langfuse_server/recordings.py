"""Recorded exchanges with a real server, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.langfuse_server.answers import Json

FOLDER = Path(__file__).parents[3] / "shared" / "langfuse-recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One recorded request and its answer. `run` names write mode and build, `area` the subject."""

    run: str
    area: str
    scenario: str
    sequence: int
    at: datetime
    request: Mapping[str, Json]
    status: int
    content_type: str | None
    body: Json

    @property
    def path(self) -> str:
        return str(self.request["path"]).partition("?")[0]


def exchanges(run: str, folder: Path = FOLDER) -> list[Exchange]:
    """All exchanges of a run (`events_only.stock` …), over its files, in the order they were recorded."""
    return sorted(_read(run, folder), key=lambda exchange: exchange.sequence)


def _read(run: str, folder: Path) -> Iterator[Exchange]:
    for file in sorted(folder.glob(f"{run}.*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Exchange(
                run=run,
                area=file.name.split(".")[2],
                scenario=row["scenario"],
                sequence=row["seq"],
                at=datetime.fromisoformat(row["at"]).astimezone(UTC),
                request=row["request"],
                status=row["response"]["status"],
                content_type=row["response"]["headers"].get("content-type"),
                body=row["response"]["body"],
            )
