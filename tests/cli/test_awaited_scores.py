"""`wait_for`: scores that evaluators in Langfuse write of a delivered run, before the verdict."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.langfuse import ids
from scoregate.store import Store
from tests.cli.project import GATE, NOTE_CALL, Ended, Project, agent, ended
from tests.fork_server.process import Process
from tests.langfuse_server.score_bodies import event_of
from tests.langfuse_server.server import LangfuseServer

WAIT = 'wait_for = ["helpful"]\nwait_seconds = {seconds}\n'
HELPFUL = '\n[scores.helpful]\ndirection = "higher"\nmax_drop = 0.3\n'
NUMBER = 8


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as started:
        yield started


@pytest.fixture
def waiting(server: LangfuseServer, tmp_path: Path) -> Callable[[float], Project]:
    """Makes a project of 8 items whose gate waits so many seconds for `helpful`; no store, keys of the server."""

    def make(seconds: float, gate: str = GATE, experiment: str | None = None) -> Project:
        folder = tmp_path / "project"
        text = WAIT.format(seconds=seconds) + gate + HELPFUL
        made = Project.small(folder, number=NUMBER, gate=text, experiment=experiment or agent("return n"))
        return Project(made.folder, server.environment)

    return make


def until_it_waits(process: Process) -> tuple[str, str]:
    """Id of the run that it announced, and what it has said on stderr when it waits for scores."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("scoregate: waiting up to "):
            break
    found = re.search(r"^scoregate: run (\S+): ", said, re.MULTILINE)
    assert found, said
    return found[1], said


def evaluate(server: LangfuseServer, run: str, item: str, value: float, *, on_trace: bool = False) -> None:
    """What an evaluator of the server's own writes; a client may not write such a score."""
    body = {
        "id": f"{run}-{item}-eval",
        "traceId": ids.trace_id(run, item, 0),
        "name": "helpful",
        "value": value,
        "source": "EVAL",
        "comment": "it helps",
    }
    if not on_trace:
        body["observationId"] = ids.root_span_id(run, item, 0)
    with server.state.lock:
        now = server.state.clock.now()
        server.state.accept_score(event_of(body, received=now, timestamp=now))


def run_and_evaluate(project: Project, server: LangfuseServer, values: dict[str, float]) -> Ended:
    """Run the gate while an evaluator writes these values."""
    process = project.start("run", "gates/agent.toml")
    run, said = until_it_waits(process)
    for n, (item, value) in enumerate(values.items()):
        evaluate(server, run, item, value, on_trace=n % 2 == 0)
    done = ended(process)
    return replace(done, err=said + done.err)


def all_of(value: float, *, but: int = 0) -> dict[str, float]:
    return {f"q{n:03}": value for n in range(NUMBER - but)}


def cells(project: Project, run: str) -> dict[str, tuple[object, str, str]]:
    with Store.open(project.path(".scoregate/store.sqlite3"), create=False) as store:
        loaded = store.load_run(run)
        return {
            one.item: (one.value, one.status, one.source) for one in loaded.scores if one.score == "helpful"
        }


def test_scores_that_arrive_later_decide_the_gate(
    waiting: Callable[[float], Project], server: LangfuseServer
) -> None:
    project = waiting(20)
    first = run_and_evaluate(project, server, all_of(0.9))
    assert "waiting up to 20 s for helpful, which Langfuse writes" in first.err
    assert "helpful: 8 of 8 arrived" in first.err
    assert set(cells(project, first.started).values()) == {(0.9, "ok", "judge")}
    accept = ("baseline", "accept", "gates/agent.toml", first.started, "--why", "x")
    assert project.scoregate(*accept).code == 0

    worse = run_and_evaluate(project, server, all_of(0.1))
    assert worse.outcome(1) == "REGRESSION"


def test_what_did_not_arrive_is_missing(waiting: Callable[[float], Project], server: LangfuseServer) -> None:
    project = waiting(4)
    done = run_and_evaluate(project, server, all_of(0.9, but=3))
    assert "helpful: 5 of 8 arrived" in done.err
    found = cells(project, done.started)
    assert [found[f"q{n:03}"][1] for n in range(NUMBER)] == ["ok"] * 5 + ["error"] * 3
    shown = project.scoregate("runs", "show", done.started).out
    assert "no score named helpful arrived within 4 s" in shown


def test_what_langfuse_has_written_is_not_sent_back(
    waiting: Callable[[float], Project], server: LangfuseServer
) -> None:
    project = waiting(20)
    done = run_and_evaluate(project, server, all_of(0.9))
    assert "delivered 8 of 8 items, 8 of 8 scores" in done.err
    assert project.scoregate("runs", "push", done.started).code == 0
    kept = [score for score in server.state.kept_scores().values() if score.name == "helpful"]
    assert len(kept) == NUMBER


def test_a_baseline_in_langfuse_has_what_langfuse_has_written(
    waiting: Callable[[float], Project], server: LangfuseServer
) -> None:
    project = waiting(20)
    first = run_and_evaluate(project, server, all_of(0.9)).started
    project.edit("gates/agent.toml", '"gates/agent.baseline.jsonl"', f'"langfuse:{first}"')
    project.path(".scoregate/store.sqlite3").unlink()
    shown = project.scoregate("baseline", "show", "gates/agent.toml").out
    assert re.search(r"^helpful +0\.9 +8 of 8", shown, re.MULTILINE), shown
    second = run_and_evaluate(project, server, all_of(0.9))
    assert second.outcome(0) == "INCONCLUSIVE"  # 8 items show no drop


def test_failed_items_are_not_waited_for(waiting: Callable[..., Project], server: LangfuseServer) -> None:
    project = waiting(20, experiment=agent("if n == 7:\n    raise ValueError('no')\nreturn n"))
    done = run_and_evaluate(project, server, all_of(0.9, but=1))
    assert "helpful: 7 of 7 arrived" in done.err
    assert cells(project, done.started)["q007"][1] == "error"


def test_without_langfuse_it_is_refused_before_a_call(waiting: Callable[..., Project]) -> None:
    project = waiting(20, experiment=agent(f"{NOTE_CALL}\nreturn n"))
    line = project.run("--local").error(2)
    assert line.startswith("gates/agent.toml: wait_for names helpful, which evaluators in Langfuse write")
    assert project.calls() == []
    beside = project.run("--against", "experiments/agent.py").error(2)
    assert "wait_for goes with a stored baseline" in beside


def test_a_score_that_is_made_here_is_not_waited_for(waiting: Callable[..., Project]) -> None:
    project = waiting(20)
    project.edit("gates/agent.toml", '["helpful"]', '["helpful", "correct"]')
    assert "wait_for names 'correct', which a scorer makes here" in project.run().error(2)


def test_an_interrupted_wait_is_gone_on_with(
    waiting: Callable[[float], Project], server: LangfuseServer
) -> None:
    project = waiting(20)
    process = project.start("run", "gates/agent.toml")
    run, _ = until_it_waits(process)
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 5, stopped.err
    assert f"go on with: scoregate run gates/agent.toml --resume {run}" in stopped.err
    resumed = project.start("run", "gates/agent.toml", "--resume", run)
    for item in all_of(0.9):
        evaluate(server, run, item, 0.9)
    done = ended(resumed)
    assert "helpful: 8 of 8 arrived" in done.err
