"""The candidate's own spans under the root observation of their run item.

Whatever the candidate traces with the Langfuse SDK or OpenTelemetry (its `@observe`, its `start_as_current_…`, its
instrumented OpenAI client) has the root observation as its parent. The root itself is written from the store, so
LANGFUSE_SAMPLE_RATE thins out the candidate's spans, trace by trace, and never the run items.

What the candidate traces in other processes (workers, commands, services) goes to Langfuse from there, by that
process's own client: it is told its parent, but its spans do not pass through here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from scoregate.langfuse import ids
from scoregate.langfuse.own_clients import OwnClients
from scoregate.langfuse.settings import BASE_URLS, ENVIRONMENT, PUBLIC_KEY, SECRET_KEY, Settings
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem
from scoregate.runner.candidates.parent_span import load, traceparent, under
from scoregate.runner.tracing import current_traceparent

if TYPE_CHECKING:
    from scoregate.langfuse.span_export import SpanSink

_QUEUE_SPANS = 1_000_000
"""Spans that the SDK's queue holds before it drops any (its own default is 2,048). Costs nothing while it is empty."""
_DELAY_MILLISECONDS = 500
"""How long a finished span stays in that queue, and would be lost with the process."""
_SECONDS_TO_LOOK = 0.1
"""How often clients are looked for. Less than the delay, so that ours is the exporter of a client's first spans."""
_SECONDS_TO_TELL = 5.0
"""How long the candidate's spans are waited for before a root is written without knowing of them."""
_SECONDS_TO_OFFER = 0.2
"""How long a flush waits before it offers the sink again what that did not take."""
_ExperimentAttributes = Callable[[str, int], Mapping[str, str]]
"""`(run, trial)` to the attributes that every span of that experiment carries, the root's own included."""


def prepare_environment(settings: Settings, environ: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that the candidate's own SDK client will read, as far as they are not set.

    Before the candidate is loaded: the keys, which may stand in a `.env` that the SDK does not read, and the size
    and delay of the SDK's span queue. Processes that are started later are given them as well.
    """
    values = {
        PUBLIC_KEY: settings.public_key,
        SECRET_KEY: settings.secret_key,
        BASE_URLS[0]: settings.base_url,
        ENVIRONMENT: settings.run_environment,
        "OTEL_BSP_MAX_QUEUE_SIZE": str(_QUEUE_SPANS),
        "OTEL_BSP_SCHEDULE_DELAY": str(_DELAY_MILLISECONDS),
    }
    for name, value in values.items():
        if not environ.get(name, "").strip():
            environ[name] = value


class ItemTracing:
    """The engine's hook (`RunPlan.tracing`) for one session. Made once the candidate is loaded.

    Spans are handed to `sink` by threads of the SDK, in batches, each with `attributes` and those of its item.
    """

    def __init__(self, settings: Settings, sink: SpanSink, attributes: _ExperimentAttributes) -> None:
        load()
        self._attributes = cache(attributes)
        self._calls: dict[bytes, tuple[str, DatasetItem, int]] = {}
        """Trace id -> the run item that it is of. Kept to the end: a span may end long after its call."""
        self._spent: set[bytes] = set()
        self._clients = OwnClients(settings, sink, self._completion, self._spent.add)
        self._clients.adopt()
        self._closed = threading.Event()
        self._flushed = False
        threading.Thread(target=self._watch, name="scoregate-clients", daemon=True).start()

    @contextmanager
    def around(self, run: str, item: DatasetItem, trial: int) -> Iterator[None]:
        trace_id, span_id = ids.trace_id(run, item.id, trial), ids.root_span_id(run, item.id, trial)
        self._calls[bytes.fromhex(trace_id)] = (run, item, trial)
        token = current_traceparent.set(traceparent(trace_id, span_id))
        try:
            with under(trace_id, span_id):
                yield
        finally:
            current_traceparent.reset(token)
            self._clients.adopt()

    @property
    def problems(self) -> list[str]:
        """What a user should be told: a sentence for each client whose spans bypass the outbox."""
        return list(self._clients.problems)

    def spending(self, traces: Collection[str]) -> frozenset[str]:
        """Those of these traces in which the candidate's own spans say tokens or a cost, of the calls that are over.

        A root that said them too would have them counted twice.
        """
        self._clients.adopt()
        if self._clients.adopted and not self._closed.is_set():
            self.flush(_SECONDS_TO_TELL)
        return frozenset(trace for trace in traces if bytes.fromhex(trace) in self._spent)

    def flush(self, seconds: float) -> bool:
        """Hand over every span that is finished; whether that was done in so many seconds."""
        self._clients.adopt()
        over, done = threading.Event(), threading.Event()

        def export() -> None:
            for adopted in list(self._clients.adopted):
                adopted.processor.force_flush()
                while not adopted.exporter.offer() and not over.wait(_SECONDS_TO_OFFER):
                    continue
            done.set()

        # A thread of its own, because neither a sink nor an instrumented library promises to end.
        threading.Thread(target=export, name="scoregate-spans", daemon=True).start()
        in_time = done.wait(seconds)
        over.set()
        return in_time

    def close(self, seconds: float) -> bool:
        """`flush`, and let the candidate's clients export by themselves again: the sink can be closed.

        False where spans were left over: they are lost. A second time does nothing.
        """
        if self._closed.is_set():
            return self._flushed
        self._flushed = self.flush(seconds)
        self._closed.set()
        self._clients.give_back()
        return self._flushed

    @property
    def waiting(self) -> int:
        """Finished spans that the sink was offered and has not taken."""
        return sum(adopted.exporter.waiting for adopted in self._clients.adopted)

    def _watch(self) -> None:
        """The SDK makes its client when it is first used, so in a call that may go on for long."""
        while not self._closed.wait(_SECONDS_TO_LOOK):
            self._clients.adopt()

    def _completion(self, trace_id: bytes) -> Mapping[str, str]:
        call = self._calls.get(trace_id)
        if call is None:
            return {}
        run, item, trial = call
        return {
            **self._attributes(run, trial),
            "langfuse.experiment.item.id": item.id,
            "langfuse.experiment.item.metadata": _text(dict(item.metadata)),
            "langfuse.experiment.item.root_observation_id": ids.root_span_id(run, item.id, trial),
        }


def _text(value: JSON) -> str:
    return json_codec.dumps(value, ensure_ascii=False, separators=(",", ":"))
