from __future__ import annotations

import sys
import time
from pathlib import Path
from textwrap import dedent

from scoregate.gate_file import Limits
from scoregate.runner.candidates.version import Version
from scoregate.runner.candidates.worker import worker_candidate
from tests.runner.conftest import Driver

SOURCE = """
    import os, time

    time.sleep(0.5)  # a slow import, which no item's latency may hold

    def task(*, item):
        if item.id == "c": time.sleep(60)
        if item.id == "e": os._exit(4)
        return item.input["q"]
"""


def test_hanging_and_dying_items_cost_themselves_alone(drive: Driver, tmp_path: Path) -> None:
    (tmp_path / "e.py").write_text(dedent(SOURCE))
    candidate = worker_candidate(
        tmp_path / "e.py", root=tmp_path, python=Path(sys.executable), version=Version("v"), at_once=4
    )
    started = time.monotonic()
    limits = Limits(concurrency=4, timeout_seconds=1.5, retries=0)
    driven = drive(lambda: None, items=10, candidate=candidate, limits=limits)
    assert time.monotonic() - started < 6
    ended = {item.item: (item.status, item.error) for item in driven.run.items}
    assert ended.pop("c")[0] == "timeout"
    assert ended.pop("e") == ("error", "exit code 4")
    assert set(ended.values()) == {("ok", None)}
    latencies = [item.latency_seconds or 0.0 for item in driven.run.items if item.status == "ok"]
    assert max(latencies) < 0.4
