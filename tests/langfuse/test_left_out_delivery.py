"""A run whose record leaves outputs out, in Langfuse: nothing is shown for them, and nothing else comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_runs import read_run
from tests.langfuse.delivered import deliver, small_run
from tests.langfuse.put_spans import settings_of
from tests.langfuse_server.server import LangfuseServer


def test_what_was_left_out_is_not_delivered_as_null(tmp_path: Path) -> None:
    whole = small_run(trials=1)
    first, *others = whole.items
    run = replace(whole, items=(replace(first, output=None, output_left_out=True), *others))
    with LangfuseServer() as server, Connection(settings_of(server)) as connection:
        stored = deliver(server, run, tmp_path)
        shown = connection.cursor(
            "/experiment-items",
            {"experimentName": "agent-1", "fields": "core,io", "fromStartTime": "2026-01-01T00:00:00Z"},
        )
        outputs = {entry["experimentItemId"]: entry.get("output") for entry in shown}
        found = read_run(connection, "agent-1").run
    assert stored.items == run.items
    assert found.items == run.items
    assert outputs["a"] == ""  # a server's word for no output
    assert outputs["b"] == '"42"'
