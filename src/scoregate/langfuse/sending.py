"""One request after another: what the store holds of runs, sent, and marked with what the server said of it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from scoregate.catalog import Catalog
from scoregate.errors import ConfigError, ContractError, ScoregateError, ServiceError
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.score_body import ScoreParent, at_parent, data_type, score_body
from scoregate.langfuse.score_configs import ScoreConfig, usable_config
from scoregate.langfuse.score_places import environment_of_run
from scoregate.langfuse.score_sending import send_scores
from scoregate.langfuse.spans import TRACES, SpanWriter, trace_headers
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem, RunItem, Score
from scoregate.store import Store
from scoregate.store.outbox import ROOT, WHOLE_RUN, Delivered, DeliveryState, Parcel, RunScore

_BYTES_OF_A_REQUEST = 2_000_000
_WRONG_CONTENT = (400, 413, 422)
"""Refusals that are about what was sent, not about who sent it or where to."""
Spending = Callable[[Sequence[str]], Collection[str]]
"""Of some traces those whose other spans say what they cost (see `ItemTracing.spending`)."""


class Sender:
    """Sends to one project. Safe to use from several threads. What a method raises was not settled and stays due."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        catalog: Catalog,
        configs: Sequence[ScoreConfig] = (),
        spending: Spending = lambda _: frozenset(),
    ) -> None:
        """A score refers to the one of the project's `configs` with its name."""
        self._spending = spending
        self._store = store
        self._outbox = store.outbox
        self._connection = connection
        self._target = connection.settings.target
        self._catalog = catalog
        self._configs = tuple(configs)
        self._lock = threading.Lock()
        self._writers: dict[str, SpanWriter] = {}
        self._items: dict[str, dict[str, DatasetItem]] = {}
        self._environments: dict[str, str] = {}

    def items(self, run: str, items: Sequence[RunItem]) -> int:
        """Root spans; how many were settled. Raises Refused, ServiceError."""
        cells = self._outbox.cells_of(run, items)
        spending = self._spending([ids.trace_id(run, item.item, item.trial) for item in items])
        content = self._writer(run).request(
            [(item, cells[item.item, item.trial]) for item in items], spending
        )
        if len(content) > _BYTES_OF_A_REQUEST and len(items) > 1:
            half = len(items) // 2
            return self.items(run, items[:half]) + self.items(run, items[half:])
        refusal = self._export(content)
        if refusal is not None and len(items) > 1:
            half = len(items) // 2
            return self.items(run, items[:half]) + self.items(run, items[half:])
        state: DeliveryState = "accepted" if refusal is None else "rejected"
        self._outbox.mark(
            run, self._target, [Delivered(i.item, i.trial, ROOT, state, refusal) for i in items]
        )
        return len(items)

    def parcels(self, _run: str, parcels: Sequence[Parcel]) -> int:
        """Spans of the candidate, a request each; how many were settled. Raises Refused, ServiceError."""
        for parcel in parcels:
            refusal = self._export(parcel.payload)
            if refusal is None:
                self._outbox.accepted(parcel)
            else:
                self._outbox.refused(parcel, refusal)
        return len(parcels)

    def run_scores(self, run: str, scores: Sequence[RunScore]) -> int:
        """Scores of the whole run; how many were settled. Raises Refused, ServiceError where some were not."""
        cells = {score.id: Delivered(WHOLE_RUN, score.trial, score.id, "accepted") for score in scores}
        return self._send(run, [json_codec.loads(score.body) for score in scores], cells, [])

    def _export(self, content: bytes) -> str | None:
        """Post spans; the server's reason where it will not have this content. Raises Refused for anything else."""
        headers = trace_headers(self._connection.settings.public_key)
        try:
            self._connection.request(
                "POST", TRACES, content=gzip.compress(content, compresslevel=1), headers=headers
            )
        except Refused as refusal:
            if refusal.status in _WRONG_CONTENT:
                return refusal.reason
            raise
        return None

    def scores(self, run: str, scores: Sequence[Score]) -> int:
        """Scores of run items; how many were settled. Raises Refused, ServiceError where some were not."""
        rejected, bodies, cells = [], [], {}
        for score in scores:
            try:
                body = self._body(run, score)
            except (ContractError, ConfigError) as broken:
                rejected.append(Delivered(score.item, score.trial, score.score, "rejected", str(broken)))
                continue
            bodies.append(body)
            cells[str(body["id"])] = Delivered(score.item, score.trial, score.score, "accepted")
        return self._send(run, bodies, cells, rejected)

    def _send(
        self,
        run: str,
        bodies: Sequence[dict[str, JSON]],
        cells: Mapping[str, Delivered],
        settled: list[Delivered],
    ) -> int:
        """Send bodies and mark their cells (score id -> cell), with what was settled before."""
        failure: ScoregateError | None = None
        for sent in send_scores(self._connection, bodies) if bodies else ():
            if sent.state == "failed":
                failure = sent.error or ServiceError(sent.reason or "the server does not serve")
            else:
                settled.append(cells[sent.id]._replace(state=sent.state, reason=sent.reason))
        self._outbox.mark(run, self._target, settled)
        if failure is not None:
            raise failure
        return len(settled)

    def _body(self, run: str, score: Score) -> dict[str, JSON]:
        """Raises ContractError, ConfigError for what the server would drop."""
        contract = self._catalog.get(score.score)
        item, trial = score.item, score.trial
        return score_body(
            score.score,
            score.value,
            # Whatever the score is of in production, here it is of a run item.
            contract=contract and at_parent(contract, "run_item"),
            parent=ScoreParent.run_item(ids.trace_id(run, item, trial), ids.root_span_id(run, item, trial)),
            score_id=ids.score_id(run, item, trial, score.score),
            environment=self._environment_of(run),
            comment=score.comment,
            config=usable_config(score.score, data_type(score.value, contract), self._configs),
        )

    def _writer(self, run: str) -> SpanWriter:
        """The header is read again for every request: a run gets trials while it goes on."""
        with self._lock:
            return self._current_writer(run)

    def _current_writer(self, run: str) -> SpanWriter:
        header = self._store.header(run)
        known = self._writers.get(run)
        if known is None or known.header != header:
            fingerprint = header.dataset_fingerprint or ""
            if fingerprint not in self._items:
                self._items[fingerprint] = self._store.dataset_items(fingerprint)
            public_key = self._connection.settings.public_key
            known = SpanWriter(header, self._items[fingerprint], self._environment_of(run), public_key)
            self._writers[run] = known
        return known

    def _environment_of(self, run: str) -> str:
        found = self._environments.get(run)
        if found is None:
            found = self._environments[run] = run_environment(self._connection, self._store, run)
        return found


def run_environment(connection: Connection, store: Store, run: str) -> str:
    """Where the rest of a run goes: where its items are already, else where the settings say."""
    settings = connection.settings
    if store.outbox.tally(run, settings.target).items_accepted:
        with suppress(ScoregateError):
            found = environment_of_run(connection, ids.experiment_id(run, 0))
            if found is not None:
                return found
    return settings.run_environment
