"""Importing the package and asking for help load nothing heavy, a run and a check only what they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.project import GATE, Ended, Project, agent
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


UNUSED = {
    "pandas",
    "openai",
    "langfuse",
    "opentelemetry",
    "httpx",
    "tabulate",
    "wcwidth",
    "scipy.special",
    "numpy.ma",
    "difflib",
    "gzip",
    "scoregate.calibration.comparison",
    "scoregate.datasets.summary",
    "scoregate.gates.intersection",
    "scoregate.judging.judge",
    "scoregate.planning.basis",
    "scoregate.reports.rounds_log",
    "scoregate.runner.candidates.script",
    "scoregate.statistics.differential",
}
TELL_IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}


def loaded_by(ended: Ended) -> set[str]:
    """Every module that its processes loaded."""
    lines = [line for line in ended.err.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def test_a_run_of_a_replay_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    gate = GATE.replace('experiment = "experiments/agent.py"', "")
    gate += '[scorers.correct]\nuse = "exact_match"\n[candidate]\nreplay = "outputs.jsonl"\n'
    project = Project.small(tmp_path / "project", number=64, gate=gate)
    project.write_lines("outputs.jsonl", [{"id": f"q{n:03}", "output": n} for n in range(64)])
    project.with_baseline()
    ended = project.scoregate("run", "gates/agent.toml", "--local", environment=TELL_IMPORTS, cold=True)
    assert ended.code in (0, 3), ended.out
    assert "scoregate.gate_run.alone" in loaded_by(ended)
    assert not loaded_by(ended) & UNUSED


def test_a_check_loads_nothing_that_it_does_not_use(regressed: tuple[Project, str]) -> None:
    project, run = regressed
    words = ("check", "gates/agent.toml", "--candidate", run)
    ended = project.scoregate(*words, environment=TELL_IMPORTS, cold=True)
    assert ended.code == 1, ended.out
    assert "scoregate.gates.compare" in loaded_by(ended)
    assert not loaded_by(ended) & (UNUSED | {"asyncio", "scoregate.scorers", "scoregate.planning"})


IDLE_THREADS = "OPENBLAS_THREAD_TIMEOUT"
"""How long threads of numpy's library of linear algebra look for work, by the environment of numpy's import."""

AT_IMPORT = f"""\
import os, sys
sys.addaudithook(
    lambda event, words: event == "import" and words[0] == "numpy" and print(os.environ.get("{IDLE_THREADS}"))
)
from scoregate.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("users", "seen"), [(None, "20"), ("26", "26")])
def test_idle_threads_of_numpy_do_not_look_for_work_for_long(
    regressed: tuple[Project, str], users: str | None, seen: str
) -> None:
    project, run = regressed
    environment = {name: value for name, value in os.environ.items() if name != IDLE_THREADS}
    if users is not None:
        environment[IDLE_THREADS] = users
    words = ("check", "gates/agent.toml", "--candidate", run)
    done = subprocess.run(
        [sys.executable, "-c", AT_IMPORT, *words],
        cwd=project.folder,
        env={**environment, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[0] == seen


@pytest.mark.parametrize("users", [None, "26"])
def test_what_a_candidate_starts_has_the_environment_of_the_user(
    users: str | None, small: Callable[..., Project]
) -> None:
    noted = f"import os; return os.environ.get('{IDLE_THREADS}')"
    project = small(number=2, experiment=agent(noted))
    environment = {} if users is None else {IDLE_THREADS: users}
    ended = project.scoregate("run", "gates/agent.toml", "--local", environment=environment, cold=True)
    exported = project.scoregate("runs", "export", ended.started, "--output", "run.jsonl")
    assert exported.code == 0, exported.err
    items = [json.loads(line) for line in project.path("run.jsonl").read_text().splitlines()]
    assert {item["output"] for item in items if item["kind"] == "item"} == {users}
