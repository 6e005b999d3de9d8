"""The Langfuse clients that the candidate's own code makes, and where they send their spans.

We make no client for the candidate. The SDK has one a public key and process, and the first one decides for all: had
we made it, then the mask, the filter, the sampling, and the OpenTelemetry provider that the candidate's code asks for
would be ignored without a word. So its client is left as it was made, and only its exporter is replaced, which is
what masks and filters have been applied before. The SDK has no public way of doing this to a client that exists; where
a release of it is built otherwise, its client sends the spans itself, without the outbox, and `problems` says so.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoregate.langfuse.settings import Settings

if TYPE_CHECKING:
    from scoregate.langfuse.span_export import SinkExporter, SpanSink, TraceAttributes

_REGISTRY = "langfuse._client.resource_manager"


@dataclass(frozen=True, slots=True)
class _Adopted:
    """One client's span processor, with our exporter in it."""

    processor: Any
    """`force_flush()` exports what is finished, in the calling thread."""
    holder: Any
    """Has the exporter as its attribute `_exporter`."""
    exporter: SinkExporter

    def give_back(self) -> None:
        """Let the client export by itself again."""
        self.holder._exporter = self.exporter.replaced


class OwnClients:
    """Finds the clients of the settings' project as they come to be, and puts our exporter into them.

    A client of another project or address keeps its own: its spans must not end up in this one. So does one that
    was given an exporter.
    """

    def __init__(
        self,
        settings: Settings,
        sink: SpanSink,
        completion: TraceAttributes,
        spent: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._spent = spent
        self._sink = sink
        self._completion = completion
        self._seen: dict[int, Any] = {}
        """Identity -> client, of those that were looked at. Kept, so that none has another's identity."""
        self._lock = threading.Lock()
        self.adopted: list[_Adopted] = []
        self._bypasses: list[str] = []
        self._unreadable: str | None = None
        self._ended = False

    @property
    def problems(self) -> list[str]:
        """A sentence for each way in which spans bypass the outbox."""
        reasons = [*self._bypasses, *([self._unreadable] if self._unreadable else [])]
        return [f"the candidate's own spans are not kept in the outbox: {reason}" for reason in reasons]

    def adopt(self) -> None:
        """Look for clients that are new. Cheap where there are none, and does not load the SDK."""
        registry = sys.modules.get(_REGISTRY)
        if registry is None or self._ended:
            return
        try:
            clients = list(registry.LangfuseResourceManager._instances.values())
        except (AttributeError, RuntimeError) as error:
            # Half imported, or a client is just being made: the next look will tell. Or it stays so.
            self._unreadable = _built_otherwise(error)
            return
        self._unreadable = None
        if all(id(client) in self._seen for client in clients):
            return
        with self._lock:
            for client in clients:
                if id(client) not in self._seen and not self._ended:
                    self._seen[id(client)] = client
                    self._try_to_adopt(client)

    def give_back(self) -> None:
        """Let the clients export by themselves again, and look for no more."""
        with self._lock:
            self._ended = True
        for adopted in self.adopted:
            adopted.give_back()

    def _try_to_adopt(self, client: Any) -> None:
        try:
            self._adopt(client)
        except Exception as error:  # noqa: BLE001  another release of the SDK may be built in any other way
            self._bypassed(_built_otherwise(error))

    def _adopt(self, client: Any) -> None:
        from scoregate.langfuse.span_export import SinkExporter

        if client.tracer_provider is None:
            return  # Its tracing is switched off.
        ours = self._settings
        if (client.public_key, client.base_url.rstrip("/")) != (ours.public_key, ours.base_url):
            self._bypassed(f"a client of its own sends to another project or address ({client.base_url})")
            return
        for processor in _processors(client):
            holder = _holder(processor)
            if not _is_default(holder._exporter):
                self._bypassed(f"its client has the exporter {type(holder._exporter).__name__}")
                continue
            exporter = SinkExporter(self._sink, self._completion, holder._exporter, self._spent)
            holder._exporter = exporter
            self.adopted.append(_Adopted(processor, holder, exporter))

    def _bypassed(self, why: str) -> None:
        if why not in self._bypasses:
            self._bypasses.append(why)


def _built_otherwise(error: Exception) -> str:
    return f"this release of the SDK is built otherwise ({type(error).__name__}: {error})"


def _processors(client: Any) -> Iterator[Any]:
    """The span processors of a client's project; another client's may hang on the same provider."""
    from langfuse._client.span_processor import LangfuseSpanProcessor

    for processor in client.tracer_provider._active_span_processor._span_processors:
        if isinstance(processor, LangfuseSpanProcessor) and processor.public_key == client.public_key:
            yield processor


def _holder(processor: Any) -> Any:
    """What holds the exporter that sends: the SDK's masks and media uploads come before it."""
    from langfuse._client.span_exporter import LangfuseTransformingSpanExporter

    exporter = processor.span_exporter
    if isinstance(exporter, LangfuseTransformingSpanExporter):
        return exporter
    return processor._batch_processor


def _is_default(exporter: object) -> bool:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return isinstance(exporter, OTLPSpanExporter)
