"""Where blocking code of an experiment runs: in threads side by side, or alone in the thread that imported it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest

from tests.cli.project import GATE, Project, ended
from tests.cli.test_nothing_is_shared import cells, values

Small = Callable[..., Project]

CONNECTED = """\
import sqlite3
import time

answers = sqlite3.connect(":memory:")
answers.execute("create table answers (n integer)")
seen = []


def task(*, item, **kwargs):
    answers.execute("insert into answers values (?)", [item.input["n"]])
    (last,) = answers.execute("select n from answers order by rowid desc").fetchone()
    time.sleep(0.01)
    return last


def correct(*, output, expected_output, **kwargs):
    answers.execute("select n from answers")
    seen.append(output)
    time.sleep(0.01)
    return seen[-1] == expected_output


evaluators = [correct]
"""
ALONE = '[candidate]\nthreads = "main"\n'


@pytest.mark.parametrize(
    ("more", "options"),
    [
        (ALONE, ()),
        ("", ("--concurrency", "1")),
        ("[limits]\nconcurrency = 1\n", ()),
        (f"{ALONE}isolate = true\n", ()),
    ],
)
def test_what_is_bound_to_its_thread_works_in_the_thread_that_imported_it(
    small: Small, more: str, options: tuple[str, ...]
) -> None:
    project = small(number=6, experiment=CONNECTED, gate=GATE + more)
    ran = project.run(*options)
    assert values(project, ran.started) == {"correct": {True}}
    if not options:
        again = project.scoregate("runs", "rescore", ran.started, "--gate", "gates/agent.toml")
        assert again.code == 0, again.err
        newest = json.loads(project.scoregate("runs", "list", "--json").out)[0]["run"]
        assert newest != ran.started
        assert values(project, newest) == {"correct": {True}}


BOUND = {
    "ProgrammingError: SQLite objects created in a thread": "answers.execute('select 1')",
    "ValueError: signal only works in main thread": "signal.signal(signal.SIGUSR2, signal.SIG_IGN)",
    "RuntimeError: There is no current event loop in thread": "asyncio.get_event_loop()",
}


@pytest.mark.parametrize("error", BOUND)
@pytest.mark.parametrize("where", ["task", "correct"])
def test_elsewhere_the_error_says_what_to_do(small: Small, error: str, where: str) -> None:
    lines = {"task": "pass", "correct": "pass"} | {where: BOUND[error]}
    experiment = f"""\
import asyncio
import signal
import sqlite3

answers = sqlite3.connect(":memory:")


def task(*, item, **kwargs):
    {lines["task"]}
    return 1


def correct(**kwargs):
    {lines["correct"]}
    return True


evaluators = [correct]
"""
    project = small(number=2, experiment=experiment)
    run = project.run().started
    told = [
        cell["error"] if where == "task" else cell["comment"]
        for cell in cells(project, run, "item" if where == "task" else "score")
    ]
    assert all(text.startswith(error) for text in told), told
    assert all('(set threads = "main" in [candidate], or isolate = true, or' in text for text in told)


@pytest.mark.parametrize("where", ["task", "correct"])
def test_blocking_code_that_hangs_there_is_ended_at_its_limit(small: Small, where: str) -> None:
    lines = {"task": "pass", "correct": "pass"} | {where: "while item.id == 'q001': pass"}
    experiment = f"""\
def task(*, item, **kwargs):
    {lines["task"]}
    return item.input["n"]


def correct(*, item, output, **kwargs):
    {lines["correct"]}
    return output == item.input["n"]


evaluators = [correct]
"""
    project = small(number=4, experiment=experiment, gate=GATE + ALONE)
    run = project.run("--timeout", "0.5").started
    found = {cell["item"]: cell for cell in cells(project, run)}
    assert [found[f"q00{n}"]["value"] for n in range(4)] == [True, None, True, True]
    assert "timed out after 0.5 s" in found["q001"]["comment"]


def test_ctrl_c_ends_blocking_code_there_and_keeps_what_is_finished(small: Small) -> None:
    experiment = """\
import os


def task(*, item, **kwargs):
    n = item.input["n"]
    with open("calls", "a") as log:
        log.write(f"{n}\\n")
    while n == 3 and os.path.exists("hold"):
        pass
    return n


def correct(*, output, expected_output, **kwargs):
    return output == expected_output


evaluators = [correct]
"""
    project = small(number=6, experiment=experiment, gate=GATE + ALONE)
    project.write("hold", "")
    process = project.start("run", "gates/agent.toml", "--concurrency", "1", cold=True)
    project.wait_for_calls(4)
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 5
    project.path("hold").unlink()
    resumed = project.run("--concurrency", "1", "--resume", stopped.started)
    assert values(project, stopped.started) == {"correct": {True}}, resumed.err
    assert [cell["status"] for cell in cells(project, stopped.started, "item")] == ["ok"] * 6
    assert json.loads(project.scoregate("runs", "list", "--json").out)[0]["run"] == stopped.started


def test_the_key_takes_one_of_its_words(small: Small) -> None:
    project = small(number=1, gate=GATE + '[candidate]\nthreads = "one"\n'.replace("one", "side by side"))
    assert "threads" in project.run().error(2)
