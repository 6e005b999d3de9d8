"""How far it is through the code from a command to its verdict: benchmarks/corridor.py traces a real one."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "corridor.py"


OF_A_RUN = ("run", "--most-files", "100", "--most-changes", "30", "--markdown")
OF_A_CHECK = ("check", "--most-files", "60")


@pytest.mark.parametrize("words", [OF_A_RUN, OF_A_CHECK], ids=["run", "check"])
def test_a_plain_command_enters_few_files(words: tuple[str, ...]) -> None:
    done = traced(*words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_contributing_shows_the_corridor_of_a_run() -> None:
    shown = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert files_of(shown[shown.index("| room | files") :].partition("\n\n")[0]) == files_of(
        traced(*OF_A_RUN).stdout
    )


@cache
def traced(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False)


def files_of(table: str) -> set[tuple[str, str]]:
    """Room and file. Threads of a run may change the order a little, and so which stay a file is told in."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)
    return {(room, file) for room, files in rows for file in files.split(", ")}
