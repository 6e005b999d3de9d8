"""A run of an experiment with the real engine, store, SDK and tracing, in a process of its own.

`python traced_run.py EXPERIMENT ITEMS` prints one JSON object: `spans` (what came to the sink, decoded), `batches`,
`items` (item id -> error or None), `spending` (items whose own spans say a cost),
`outputs`, `flushed`, `problems`, `sdk_loaded`, and what the experiment `said`.

The SDK has one client a public key and process and no public way of forgetting it, hence a process a run.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from scoregate.gate_file import CandidateSpec, Limits
from scoregate.langfuse import ids
from scoregate.langfuse.settings import Settings
from scoregate.langfuse.tracing import ItemTracing, prepare_environment
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates import build_candidate
from scoregate.runner.plan import Arm, RunPlan
from scoregate.runner.session import run
from scoregate.store import Store

SETTINGS = Settings("pk-lf-nested", "sk-lf-nested", "http://127.0.0.1:9", "ci")
ATTRIBUTES = {"langfuse.environment": "ci", "langfuse.experiment.id": "experiment-1"}


def main(experiment: Path, items: int) -> dict[str, Any]:
    """Run it over items named item-0, item-1, …"""
    prepare_environment(SETTINGS)
    chosen = [DatasetItem(f"item-{number}", number, None, {"case": number}) for number in range(items)]
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db") as store:
        store.create_run(RunHeader("run-1", "demo", "v1", expected_items=items))
        isolated = os.environ.get("ISOLATED") == "1"
        spec = CandidateSpec(python=str(experiment), version="v1", isolate=isolated)
        candidate = build_candidate(spec, root=Path(folder), timeout=None)
        received: list[tuple[bytes, int]] = []
        refusals = int(os.environ.get("REFUSALS", "0"))

        def sink(payload: bytes, spans: int) -> None:
            nonlocal refusals
            refusals -= 1
            if refusals >= 0:
                raise OSError("no space left on device")
            received.append((payload, spans))

        tracing = ItemTracing(SETTINGS, sink, lambda _run, _trial: ATTRIBUTES)
        arm = Arm(run="run-1", candidate=candidate)
        run(RunPlan(arms=[arm], items=chosen, store=store, limits=Limits(concurrency=20), tracing=tracing))
        loaded = sorted({"langfuse", "opentelemetry.sdk"} & set(sys.modules))
        traces = {ids.trace_id("run-1", item.id, 0): item.id for item in chosen}
        spending = sorted(traces[trace] for trace in tracing.spending(list(traces)))
        flushed = tracing.close(10) and tracing.close(10)
        outcome = store.load_run("run-1")
    module = next((m for name, m in sys.modules.items() if name.startswith("scoregate_experiment_")), None)
    return {
        "spans": [span for payload, _ in received for span in decoded(payload)],
        "batches": [spans for _, spans in received],
        "items": {item.item: item.error for item in outcome.items},
        "outputs": {item.item: item.output for item in outcome.items},
        "flushed": flushed,
        "problems": tracing.problems,
        "spending": spending,
        "sdk_loaded": loaded,
        "said": getattr(module, "said", None),
    }


def decoded(payload: bytes) -> list[dict[str, Any]]:
    """The spans of an OTLP export request, with ids in hexadecimal."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(payload)
    return [
        {
            "name": span.name,
            "trace": span.trace_id.hex(),
            "id": span.span_id.hex(),
            "parent": span.parent_span_id.hex(),
            "attributes": {a.key: _value(a.value) for a in span.attributes},
            "keys": [a.key for a in span.attributes],
        }
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(member) for member in value.array_value.values]
    return getattr(value, kind)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
