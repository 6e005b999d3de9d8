"""What the user's code does to its process changes no exit code, no report and no time limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Ended, Project, agent, ended
from tests.fork_server.process import Process

LOST = "return -1"
"""Every answer is wrong: a regression, whatever else happens."""


def regressed(
    project: Project, body: str, *, before: str = "", options: tuple[str, ...] = ()
) -> tuple[str, str]:
    """What a run prints whose answers are all wrong; checks that it ends as a regression, with its report."""
    return is_regression(project, ended(begun(project, body, before=before, options=options)))


def begun(project: Project, body: str, *, before: str = "", options: tuple[str, ...] = ()) -> Process:
    project.write("experiments/agent.py", agent(f"{body}\n{LOST}", before=before, version="v2"))
    return project.start("run", "gates/agent.toml", "-o", "json=verdict.json", *options)


def is_regression(project: Project, ran: Ended) -> tuple[str, str]:
    assert ran.outcome(1) == "REGRESSION"
    assert "this is a bug" not in ran.err
    assert project.path("verdict.json").is_file()
    return ran.out, ran.err


@pytest.fixture(scope="module", autouse=True)
def ends_late(_accepted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Process]:
    """Its code at exit runs for ever. Begun before all tests, so that the other ones are what it is waited with."""
    project = Project(_accepted).copied_to(tmp_path_factory.mktemp("ends-late") / "project")
    return project, begun(project, "pass", before="import atexit, time\natexit.register(time.sleep, 600)")


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("import os\nos.makedirs('elsewhere')", "os.chdir('elsewhere' if n == 3 else '.')"),
        ("import os, tempfile", "with tempfile.TemporaryDirectory() as gone: os.chdir(gone)"),
        ("import sys", "sys.stdout = None; sys.stderr = None"),
        ("import sys", "sys.stdout.close(); sys.stderr.close()"),
        ("import os", "n == 3 and os.close(1)"),
        ("import sys, io", "sys.stdout = sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding='ascii')"),
        ("import json", "json.dumps = json.loads = lambda *a, **k: 1"),
        ("import json", "json.JSONEncoder.default = json.JSONEncoder.encode = lambda *a: 'replaced'"),
        ("import os", "os._exit = lambda code: None"),
        ("import sys", "sys.exit = print"),
        ("import time", "time.time = time.monotonic = time.perf_counter = lambda: 0.0"),
    ],
)
def test_the_verdict_is_told_and_keeps_its_exit_code(accepted: Project, before: str, body: str) -> None:
    out, _ = regressed(accepted, body, before=before)
    assert "64" in out


@pytest.mark.parametrize(
    "statement",
    [
        "asyncio.get_running_loop().stop()",
        "asyncio.get_running_loop().call_soon(sys.exit, 0)",
        "asyncio.get_running_loop().call_soon(exec, 'raise KeyboardInterrupt')",
    ],
)
def test_a_task_that_stops_its_event_loop_loses_no_item(accepted: Project, statement: str) -> None:
    accepted.write(
        "experiments/agent.py",
        "import asyncio, sys\n\n"
        "async def task(*, item, **kwargs):\n"
        f"    if item.id == 'q003': {statement}; await asyncio.sleep(0.05)\n"
        "    return item.input['n']\n\n"
        "def correct(*, output, expected_output, **kwargs):\n    return output == expected_output\n\n"
        "evaluators = [correct]\n",
    )
    ran = accepted.run()
    assert "this is a bug" not in ran.err
    if "KeyboardInterrupt" in statement:
        assert "go on with: scoregate run" in ran.error(5)
    else:
        assert ran.code == 0, ran.err


def test_a_task_that_cancels_the_run_is_named_with_the_way_to_go_on(accepted: Project) -> None:
    accepted.write(
        "experiments/agent.py",
        "import asyncio\n\n"
        "async def task(*, item, **kwargs):\n"
        "    if item.id == 'q003': [t.cancel() for t in asyncio.all_tasks()]\n"
        "    return item.input['n']\n\n"
        "def correct(*, output, expected_output, **kwargs):\n    return output == expected_output\n\n"
        "evaluators = [correct]\n",
    )
    line = accepted.run().error(5)
    assert line.startswith(
        "code of the candidate or of a scorer cancelled the tasks of the run (go on with: "
    )


@pytest.mark.parametrize(
    ("before", "body", "doing"),
    [
        ("import math", "math.exp = math.log = math.sqrt = None", "a scorer has replaced math."),
        ("import os", "os.stat = lambda *a, **k: 1 / 0", ", in experiments/agent.py:"),
    ],
)
def test_an_error_that_the_candidate_brought_about_is_no_bug_of_ours(
    accepted: Project, before: str, body: str, doing: str
) -> None:
    accepted.write("experiments/agent.py", agent(f"{body}\nreturn n", before=before))
    ran = accepted.run()
    assert ran.code == 5, (ran.out, ran.err)
    assert doing in ran.lines[-1]
    assert "this is a bug" not in ran.err
    proposed = ran.lines[-1].partition("mend it, then: scoregate ")[2].removesuffix(")")
    accepted.write("experiments/agent.py", agent("return n"))
    assert accepted.scoregate(*proposed.split()).code == 0


AT_EXIT = {
    "os._exit(0)": "ended with exit code 0",
    "os._exit(3)": "ended with exit code 3",
    "os.kill(os.getpid(), signal.SIGKILL)": "was killed by SIGKILL",
}


@pytest.mark.parametrize("statement", AT_EXIT)
def test_code_that_runs_at_exit_changes_no_exit_code_and_is_named(accepted: Project, statement: str) -> None:
    before = f"import atexit, os, signal\natexit.register(lambda: {statement})"
    _, err = regressed(accepted, "pass", before=before)
    assert (
        f"the process {AT_EXIT[statement]} by code of the candidate that runs at exit; the exit code stays 1"
        in err
    )


def test_code_that_runs_at_exit_for_ever_is_ended(ends_late: tuple[Project, Process]) -> None:
    project, process = ends_late
    _, err = is_regression(project, ended(process))
    assert "code that runs at exit took more than 10 s: ended; the exit code stays 1" in err


FREEZE = """\
import time
real = time.time, time.monotonic, time.perf_counter
hours = [0.0]
found = []

def hurry():
    hours[0] += 1
    return 3600.0 * hours[0]
"""


@pytest.mark.parametrize("is_async", [False, True])
def test_a_clock_that_a_task_replaces_shortens_no_time_limit(accepted: Project, is_async: bool) -> None:
    sleep = "await asyncio.sleep(0.01)" if is_async else "time.sleep(0.01)"
    accepted.write(
        "experiments/agent.py",
        f"import asyncio\n{FREEZE}\n"
        f"{'async ' if is_async else ''}def task(*, item, **kwargs):\n"
        "    time.time = time.monotonic = time.perf_counter = hurry\n"
        "    import sys\n"
        "    for module in [] if found else list(sys.modules.values()):\n"
        "        for name, value in list(vars(module).items()):\n"
        "            if any(value is one for one in real): setattr(module, name, hurry)\n"
        "    found.append(True)\n"
        f"    {sleep}\n"
        "    return item.input['n']\n\n"
        "def correct(*, output, expected_output, **kwargs):\n    return output == expected_output\n\n"
        "evaluators = [correct]\n",
    )
    ran = accepted.run("--timeout", "20", "--limit", "8", "--json")
    items = ran.json()
    assert ran.code in (0, 3), ran.err
    assert items["outcome"] == "inconclusive"
    shown = accepted.scoregate("runs", "show", ran.started).out
    assert "8 ok of 8 expected" in shown
