from __future__ import annotations

import sys
import time
from pathlib import Path
from textwrap import dedent

from scoregate.gate_file import Limits
from scoregate.git.version import Version
from scoregate.runner.candidates.worker import worker_candidate
from tests.runner.conftest import Driver

SOURCE = """
    import os, time

    started = time.monotonic()
    time.sleep(0.2)  # a slow import, which no item's latency may hold

    def task(*, item):
        if item.id == "c": time.sleep(60)
        if item.id == "e": os._exit(4)
        return time.monotonic() - started
"""


def test_hanging_and_dying_items_cost_themselves_alone(drive: Driver, tmp_path: Path) -> None:
    (tmp_path / "e.py").write_text(dedent(SOURCE))
    candidate = worker_candidate(
        tmp_path / "e.py", root=tmp_path, python=Path(sys.executable), version=Version("v"), at_once=2
    )
    started = time.monotonic()
    limits = Limits(concurrency=2, timeout_seconds=2.0, retries=0)
    driven = drive(lambda: None, items=10, candidate=candidate, limits=limits)
    assert time.monotonic() - started < 30
    ended = {item.item: (item.status, item.error) for item in driven.run.items}
    assert ended.pop("c")[0] == "timeout"
    assert ended.pop("e") == ("error", "exit code 4")
    assert set(ended.values()) == {("ok", None)}
    # What an item says is how long ago its process began to import.
    answered = [item for item in driven.run.items if item.status == "ok"]
    assert all(item.latency_seconds < item.output for item in answered)
