"""What the server remembers, and when a write becomes visible to reads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

from tests.langfuse_server.clock import Clock
from tests.langfuse_server.dataset_rows import DatasetRows
from tests.langfuse_server.score_rows import ConfigRow, ScoreEvent, ScoreRow, ScoreRows
from tests.langfuse_server.span_rows import SpanRow, SpanRows

WriteMode = Literal["events_only", "dual"]


@dataclass(slots=True)
class Behaviour:
    """What a test may change while the server runs. Times are in seconds."""

    batches: bool = True  # whether POST /scores takes an array: servers before 4.59 do not
    mode: WriteMode = "events_only"
    version: str = "4.59.0"  # what the health endpoint says
    latency: float = 0.0  # before each request is handled
    span_lag: float = 0.0  # between an accepted export and its visibility
    score_lag: float = 0.0  # between an accepted score and its visibility
    delete_lag: float = 120.0  # between an accepted deletion of a score and its effect


@dataclass(slots=True)
class Accepted:
    """How many spans and scores were accepted by a write, each sending counted, duplicates too."""

    spans: int = 0
    scores: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """One request that reached the server. `status` is None where the connection was cut instead of answered."""

    method: str
    path: str
    status: int | None


@dataclass(slots=True)
class State:
    """All rows of one project. Handlers hold `lock` while they read or write."""

    project: str = "lf-project"
    clock: Clock = field(default_factory=Clock)
    behaviour: Behaviour = field(default_factory=Behaviour)
    lock: threading.RLock = field(default_factory=threading.RLock)
    datasets: DatasetRows = field(default_factory=DatasetRows)
    spans: SpanRows = field(default_factory=SpanRows)
    scores: ScoreRows = field(default_factory=ScoreRows)
    configs: dict[str, ConfigRow] = field(default_factory=dict)
    accepted: Accepted = field(default_factory=Accepted)
    received: list[Received] = field(default_factory=list)
    _waiting: deque[tuple[float, Callable[[], None]]] = field(default_factory=deque)

    def copied(self) -> State:
        """A state of its own with the same rows, all of them visible; nothing of it has been received yet."""
        with self.lock:
            self.settle(everything=True)
            datasets, spans, scores, configs = deepcopy(
                (self.datasets, self.spans, self.scores, self.configs)
            )
        return State(self.project, datasets=datasets, spans=spans, scores=scores, configs=configs)

    def accept_spans(self, rows: list[SpanRow]) -> None:
        """Take over an export: its rows show after the span lag."""
        with self.lock:
            self.accepted.spans += len(rows)
            self._later(self.behaviour.span_lag, lambda: self.spans.store(rows))

    def accept_score(self, event: ScoreEvent) -> None:
        """Take over a score: it is checked against its config, and merged, when it shows."""
        with self.lock:
            self.accepted.scores += 1
            self._later(self.behaviour.score_lag, lambda: self.scores.merge(event, self.configs))

    def delete_score(self, score_id: str) -> None:
        """Take over a deletion, known id or not; it is made after the delete lag."""
        with self.lock:
            self._later(self.behaviour.delete_lag, lambda: self.scores.remove(score_id))

    def settle(self, *, everything: bool = False) -> None:
        """Make visible what is due, or everything that was accepted."""
        with self.lock:
            now = time.monotonic()
            due = [entry for entry in self._waiting if everything or entry[0] <= now]
            if not due:
                return
            self._waiting = deque(entry for entry in self._waiting if not (everything or entry[0] <= now))
            for _, apply in due:
                apply()

    def kept_scores(self) -> dict[str, ScoreRow]:
        """Every accepted score that was kept, by id, whether or not reads see it yet."""
        with self.lock:
            self.settle(everything=True)
            return {row.id: row for row in self.scores.newest()}

    def kept_items(self, experiment: str) -> dict[str, SpanRow]:
        """The item spans of an experiment by span id, whether or not reads see them yet."""
        with self.lock:
            self.settle(everything=True)
            return {row.span_id: row for row in self.spans.of_experiment(experiment) if row.is_item}

    def _later(self, lag: float, apply: Callable[[], None]) -> None:
        if lag <= 0:
            apply()
        else:
            self._waiting.append((time.monotonic() + lag, apply))
