"""How far it is through the code from a command to its verdict: benchmarks/corridor.py traces a real one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "corridor.py"


@pytest.mark.parametrize(
    ("command", "most"),
    [("run", ["--most-files", "100", "--most-changes", "30"]), ("check", ["--most-files", "60"])],
)
def test_a_plain_command_enters_few_files(command: str, most: list[str]) -> None:
    done = traced(command, *most)
    assert done.returncode == 0, done.stdout + done.stderr


def test_contributing_shows_the_corridor_of_a_run() -> None:
    shown = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert files_of(shown[shown.index("| room | files") :].partition("\n\n")[0]) == files_of(
        traced("run", "--markdown").stdout
    )


def traced(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False)


def files_of(table: str) -> set[tuple[str, str]]:
    """Room and file. Threads of a run may change the order a little, and so which stay a file is told in."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)
    return {(room, file) for room, files in rows for file in files.split(", ")}
