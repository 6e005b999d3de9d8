from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec
from scoregate.runner.candidates import build_candidate


def test_each_source_makes_its_kind(tmp_path: Path) -> None:
    (tmp_path / "e.py").write_text("def task(*, item): ...")
    (tmp_path / "o.jsonl").write_text('{"id": "a", "output": 1}')
    specs = [
        CandidateSpec(python="e.py"),
        CandidateSpec(command=("cat",)),
        CandidateSpec(http="http://localhost:1/"),
        CandidateSpec(replay="o.jsonl"),
    ]
    kinds = [build_candidate(spec, root=tmp_path, timeout=1.0).kind for spec in specs]
    assert kinds == ["python", "command", "http", "replay"]


def test_no_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no candidate to run"):
        build_candidate(CandidateSpec(), root=tmp_path, timeout=None)


def test_importing_the_candidates_loads_nothing_heavy() -> None:
    code = "import sys, scoregate.runner.candidates; print({'httpx', 'asyncio', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
