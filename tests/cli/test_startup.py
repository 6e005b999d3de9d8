"""Importing the package and asking for help load nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fork_server.process import SOURCE

HEAVY = {"pandas", "numpy", "scipy", "langfuse", "opentelemetry", "httpx"}

HELP = """\
from scoregate.cli.main import main
try:
    main({words})
except SystemExit as end:
    assert end.code == 0
"""


@pytest.mark.parametrize(
    "code",
    ["import scoregate", HELP.format(words=["--help"]), HELP.format(words=["run", "--help"])],
    ids=["import scoregate", "scoregate --help", "scoregate run --help"],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    shown = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    found = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": found}
    done = subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, text=True, env=environment, check=True
    )
    loaded = set(done.stderr.split())
    assert "scoregate" in loaded
    assert not loaded & HEAVY
