"""Spans as rows: one for each trace id, span id and start time; the whole row is replaced by a later sending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.langfuse_server.answers import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentMark:
    """What a span says about the experiment it belongs to; absent texts are empty, as the real server has them."""

    id: str
    name: str
    description: str
    dataset_id: str | None
    metadata: dict[str, str]
    item_id: str
    item_version: str | None
    item_metadata: dict[str, str]
    expected_output: str
    root_observation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """One observation. `metadata` values are the texts sent; input and output are None where absent."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    type: str
    start: datetime
    end: datetime
    level: str
    status_message: str
    environment: str
    version: str
    release: str
    user_id: str
    session_id: str
    trace_name: str | None
    tags: tuple[str, ...]
    input: str | None
    output: str | None
    metadata: dict[str, str]
    model: str
    model_parameters: dict[str, Json]
    usage: dict[str, int]
    cost: dict[str, float]
    completion_start: datetime | None
    received: datetime
    experiment: ExperimentMark | None

    @property
    def is_item(self) -> bool:
        """Whether the span counts as an item of its experiment: it names itself as the item's root."""
        return self.experiment is not None and self.experiment.root_observation_id == self.span_id

    @property
    def is_root(self) -> bool:
        return self.parent_id is None


class SpanRows:
    """All spans, found by trace or by experiment."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, datetime], SpanRow] = {}
        self._of_trace: defaultdict[str, set[tuple[str, str, datetime]]] = defaultdict(set)
        self._of_experiment: defaultdict[str, set[tuple[str, str, datetime]]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[SpanRow]:
        return iter(list(self._rows.values()))

    def store(self, rows: Iterable[SpanRow]) -> None:
        """Put rows in, each in the place of the row with the same ids and start time."""
        for row in rows:
            key = (row.trace_id, row.span_id, row.start)
            before = self._rows.get(key)
            if before is not None and before.experiment is not None:
                self._of_experiment[before.experiment.id].discard(key)
            self._rows[key] = row
            self._of_trace[row.trace_id].add(key)
            if row.experiment is not None:
                self._of_experiment[row.experiment.id].add(key)

    def of_trace(self, trace_id: str) -> list[SpanRow]:
        return [self._rows[key] for key in self._of_trace.get(trace_id, ())]

    def of_experiment(self, experiment: str) -> list[SpanRow]:
        return [self._rows[key] for key in self._of_experiment.get(experiment, ())]

    def experiments(self) -> list[str]:
        """The ids of all experiments that have a span."""
        return [name for name, keys in self._of_experiment.items() if keys]

    def traces(self) -> list[str]:
        return list(self._of_trace)
