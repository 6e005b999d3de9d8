"""`scoregate run` with Langfuse keys: the run is seen there, and whatever the server does, the verdict stands."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.langfuse import ids
from scoregate.store import Store
from tests.cli.project import NOTE_CALL, Ended, Project, agent, ended
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer
from tests.langfuse_server.state import State


@pytest.fixture(scope="module")
def _server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


@pytest.fixture
def server(_server: LangfuseServer) -> LangfuseServer:
    """One at the same address for all tests; each finds it empty."""
    _server.begin_again()
    return _server


@pytest.fixture
def project(tmp_path: Path, server: LangfuseServer) -> Project:
    """8 items, an agent that knows them all, and the keys of the server."""
    made = Project.small(tmp_path / "project")
    return Project(made.folder, server.environment)


@pytest.fixture(scope="module")
def _accepted_here(
    _server: LangfuseServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, State]:
    _server.begin_again()
    folder = Project.small(tmp_path_factory.mktemp("accepted") / "project").folder
    made = Project(folder, _server.environment).with_baseline()
    return made, _server.state.copied()


@pytest.fixture
def accepted(_accepted_here: tuple[Project, State], server: LangfuseServer, tmp_path: Path) -> Project:
    """The same with an accepted baseline, which was delivered."""
    made, state = _accepted_here
    server.begin_again(state.copied())
    return made.copied_to(tmp_path / "project")


def delivery(done: Ended) -> str:
    """The line that says what was delivered."""
    [line] = [line for line in done.err.splitlines() if line.startswith("scoregate: delivered ")]
    return line.removeprefix("scoregate: ")


def test_a_run_is_delivered_and_read_back(project: Project, server: LangfuseServer) -> None:
    done = replace(project, cold=True).run()
    assert re.fullmatch(
        rf"delivered 8 of 8 items, 8 of 8 scores: {server.url}/project/\S+\?baseline=\w+", delivery(done)
    )
    assert len(server.state.kept_scores()) == 8 + 1  # and the verdict


def test_the_verdict_is_a_score_of_the_experiment(accepted: Project, server: LangfuseServer) -> None:
    accepted.write("experiments/agent.py", agent("return -1", version="v2"))
    assert accepted.run().code == 1
    scores = [score for score in server.state.kept_scores().values() if score.name == "gate_verdict"]
    assert sorted(str(score.value) for score in scores) == ["invalid", "regression"]


def test_a_shard_is_delivered_without_a_verdict(accepted: Project, server: LangfuseServer) -> None:
    ran = accepted.run("--shard", "1/2", "--require-delivery")
    assert ran.code == 0
    own = int(ran.out.partition("run items  ")[2].split()[0])
    assert delivery(ran).startswith(f"delivered {own} of {own} items, {own} of {own} scores: ")
    names = [score.name for score in server.state.kept_scores().values()]
    assert names.count("gate_verdict") == 1, "of the baseline's run"


def test_without_keys_the_run_stays_here_and_says_so_once(project: Project) -> None:
    done = Project(project.folder).run()
    assert done.err.count("Langfuse") == 1
    assert "no Langfuse keys: the run stays here" in done.err


def test_a_run_can_be_kept_here_although_there_are_keys(project: Project, server: LangfuseServer) -> None:
    done = project.run("--local")
    assert "Langfuse" not in done.err
    assert server.received == []


def test_keys_may_stand_in_a_dotenv_file(project: Project, server: LangfuseServer) -> None:
    project.write(".env", "".join(f"{name}='{value}'\n" for name, value in server.environment.items()))
    assert "8 of 8 items" in delivery(Project(project.folder).run())


def test_wrong_keys_are_one_line_before_a_call_is_paid_for(project: Project) -> None:
    project.write("experiments/agent.py", agent(f"{NOTE_CALL}\nreturn n"))
    done = project.scoregate("run", "gates/agent.toml", environment={"LANGFUSE_SECRET_KEY": "sk-lf-mistaken"})
    line = done.error(2)
    assert "401" in line
    assert "LANGFUSE_SECRET_KEY" in line
    assert "sk-lf-mistaken" not in done.err
    assert project.calls() == []
    assert "no runs" in project.scoregate("runs", "list").out


def test_one_key_without_the_other_is_a_mistake(project: Project) -> None:
    done = project.scoregate("run", "gates/agent.toml", environment={"LANGFUSE_SECRET_KEY": ""})
    assert "LANGFUSE_PUBLIC_KEY is set and LANGFUSE_SECRET_KEY is not" in done.error(2)


def test_a_server_that_is_away_changes_no_verdict(accepted: Project, server: LangfuseServer) -> None:
    server.stop()
    done = accepted.run("--delivery-seconds", "1")
    assert done.outcome(0) == "PASS" or done.code == 0
    assert "go on with: scoregate runs push" in done.err


def test_required_delivery_makes_a_build_wait_for_its_service(
    accepted: Project, server: LangfuseServer
) -> None:
    server.stop()
    done = accepted.run("--delivery-seconds", "1", "--require-delivery")
    assert done.code == 5
    server.start()
    pushed = accepted.scoregate("runs", "push", done.started)
    assert pushed.code == 0
    assert "delivered 8 of 8 items, 8 of 8 scores" in pushed.out


def test_every_report_states_the_exit_code_of_a_delivery_that_was_required_and_failed(
    accepted: Project, server: LangfuseServer
) -> None:
    server.stop()
    words = ("--delivery-seconds", "1", "--require-delivery")
    outputs = ("-o", "json=out.json", "-o", "markdown=out.md")
    done = accepted.run(*words, *outputs)
    assert done.code == 5
    assert "exit code 5 (--require-delivery: not everything is seen in Langfuse)" in done.out
    assert "exit code 5" in accepted.read("out.md")
    written = json.loads(accepted.read("out.json"))
    assert written["exit_code"] == 5
    # The verdict is another thing, and stays.
    assert written["outcome"] == done.outcome(5).lower()
    assert accepted.run(*words, "--json").json()["exit_code"] == 5


def test_a_required_delivery_that_succeeds_leaves_the_exit_code_to_the_verdict(accepted: Project) -> None:
    done = accepted.run("--require-delivery", "-o", "json=out.json")
    assert json.loads(accepted.read("out.json"))["exit_code"] == done.code == 0


def test_required_delivery_without_keys_is_refused(project: Project) -> None:
    done = Project(project.folder).scoregate("run", "gates/agent.toml", "--require-delivery")
    assert "no Langfuse keys" in done.error(2)


def test_a_process_that_is_killed_while_it_delivers_loses_nothing(
    project: Project, server: LangfuseServer
) -> None:
    project.write_lines(
        "datasets/agent.jsonl",
        [
            {"id": f"q{n:04}", "input": {"n": n}, "expected_output": n, "metadata": {"intent": "a"}}
            for n in range(900)
        ],
    )
    server.behaviour.latency = 0.3
    process = project.start("run", "gates/agent.toml")
    wait_for(
        lambda: any(one.path.endswith("/traces") for one in server.received) and items_stored(project) == 900
    )
    os.kill(process.pid, signal.SIGKILL)
    run = ended(process).started
    server.behaviour.latency = 0.0
    pushed = project.scoregate("runs", "push", run)
    assert "delivered 900 of 900 items, 900 of 900 scores" in pushed.out
    assert len(server.state.kept_items(ids.experiment_id(run, 0))) == 900
    assert sum(score.name == "correct" for score in server.state.kept_scores().values()) == 900


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def items_stored(project: Project) -> int:
    with Store.open(project.path(".scoregate/store.sqlite3"), create=False) as store:
        return sum(run.done for run in store.list_runs())


def test_pushing_a_run_that_is_there_sends_nothing(project: Project, server: LangfuseServer) -> None:
    run = project.run().started
    before = sum(one.method == "POST" for one in server.received)
    assert project.scoregate("runs", "push", run).code == 0
    assert sum(one.method == "POST" for one in server.received) == before


def test_a_push_tells_programs_what_became_of_everything(project: Project) -> None:
    run = project.run("--local").started
    told = project.scoregate("runs", "push", run, "--json").json()
    assert told["complete"] is True
    [one] = told["runs"]
    assert (one["run"], one["items"], one["items_seen"], one["scores_seen"]) == (run, 8, 8, 8)


def test_a_push_without_keys_says_what_to_set(project: Project) -> None:
    run = project.run("--local").started
    line = Project(project.folder).scoregate("runs", "push", run).error(2)
    assert "LANGFUSE_PUBLIC_KEY" in line


def test_a_rate_limit_on_every_third_answer_loses_nothing(project: Project, server: LangfuseServer) -> None:
    server.faults.plan(Fault(status=429, retry_after=0.2), every=3)
    assert "delivered 8 of 8 items, 8 of 8 scores" in delivery(project.run())


def test_items_that_crash_are_seen_as_errors(project: Project, server: LangfuseServer) -> None:
    project.write("experiments/agent.py", agent("assert n != 3, 'no answer'\nreturn n"))
    done = project.run()
    assert "delivered 8 of 8 items, 7 of 7 scores" in delivery(done)
    rows = server.state.kept_items(ids.experiment_id(done.started, 0)).values()
    levels = [row.level for row in rows]
    assert sorted(levels) == ["DEFAULT"] * 7 + ["ERROR"]


def test_the_candidates_own_spans_stand_under_their_items(project: Project, server: LangfuseServer) -> None:
    body = "return look_up(n)"
    before = (
        "from langfuse import observe\n\n\n@observe(as_type='generation')\ndef look_up(n):\n    return n\n"
    )
    project.write("experiments/agent.py", agent(body, before=before))
    done = project.run()
    assert "delivered 8 of 8 items" in delivery(done)
    roots = server.state.kept_items(ids.experiment_id(done.started, 0))
    children = [row for row in server.state.spans if row.parent_id in roots]
    assert [row.name for row in children] == ["look_up"] * 8


def test_both_versions_of_a_session_are_delivered(project: Project) -> None:
    project.write("experiments/old.py", agent("return n", version="v0"))
    done = project.run("--against", "experiments/old.py", "--concurrency", "2")
    assert re.match(r"delivered (\d+) of \1 items, \1 of \1 scores", delivery(done))


def test_the_secret_key_is_nowhere(accepted: Project, server: LangfuseServer) -> None:
    server.faults.plan(Fault(status=401), next_requests=2)
    done = accepted.run("--debug", "-o", "json=verdict.json", "-o", "markdown=verdict.md")
    assert server.secret_key not in done.out + done.err
    for path in accepted.folder.rglob("*"):
        if path.is_file():
            assert server.secret_key.encode() not in path.read_bytes(), path


def test_a_local_run_keeps_the_candidates_own_spans_here_too(
    project: Project, server: LangfuseServer
) -> None:
    before = "from langfuse import observe\n\n\n@observe()\ndef look_up(n):\n    return n\n"
    project.write("experiments/agent.py", agent("return look_up(n)", before=before))
    done = project.run("--local")
    assert "Authentication" not in done.err
    assert server.received == []


def test_a_server_that_answers_nonsense_changes_no_exit_code(
    accepted: Project, server: LangfuseServer
) -> None:
    accepted.write("experiments/agent.py", agent("return -1", version="v2"))
    server.faults.plan(Fault(kind="answers", body="{}"), path="/api/public/experiment")
    done = accepted.run("--delivery-seconds", "2")
    assert done.outcome(1) == "REGRESSION"
    assert "go on with: scoregate runs push" in done.err


def test_the_time_for_a_delivery_is_kept_although_the_server_hangs(
    project: Project, server: LangfuseServer
) -> None:
    run = project.run("--local").started
    server.behaviour.latency = 600.0
    began = time.monotonic()
    done = project.scoregate("runs", "push", run, "--delivery-seconds", "1")
    assert done.code == 5
    assert time.monotonic() - began < 30


def test_an_interrupt_while_it_delivers_leaves_the_verdict_and_says_how_to_go_on(
    accepted: Project, server: LangfuseServer
) -> None:
    accepted.write("experiments/agent.py", agent("return -1", version="v2"))
    server.behaviour.span_lag = 600.0
    server.received.clear()
    process = accepted.start("run", "gates/agent.toml")
    # The first of these questions comes before the verdict, the others ask what of the run is seen.
    wait_for(lambda: sum("/experiments" in one.path for one in server.received) >= 4)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.outcome(1) == "REGRESSION"
    assert "go on with: scoregate runs push" in done.err
