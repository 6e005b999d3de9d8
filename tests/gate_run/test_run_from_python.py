"""`scoregate.run` and `scoregate.check`: the command's work and its verdict, without its printing."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import shutil
import sys
import threading
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest

import scoregate
from scoregate.gate_run.listener import Announcement, Silent
from scoregate.gate_run.request import Request
from scoregate.gate_run.run import RunOptions
from scoregate.runner.plan import RunReport
from tests.cli.project import Project, agent, ended
from tests.fork_server.process import start_python, usual_environment
from tests.langfuse_server.server import LangfuseServer

WORSE = agent("return n if n >= 10 else -1", version="v2")


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.small(tmp_path_factory.mktemp("made") / "project", number=64).with_baseline()


@pytest.fixture
def project(_made: Project, tmp_path: Path) -> Project:
    """64 items, all answered as expected by the accepted baseline."""
    return _made.copied_to(tmp_path / "project")


@pytest.fixture
def gate(project: Project) -> Path:
    return project.path("gates/agent.toml")


@dataclass
class Heard:
    """A listener that keeps what it hears."""

    announced: list[Announcement] = field(default_factory=list)
    reports: list[RunReport] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def announce(self, facts: Announcement, /) -> None:
        self.announced.append(facts)

    def progress(self, report: RunReport, /) -> None:
        self.reports.append(report)

    def say(self, line: str, /) -> None:
        self.lines.append(line)

    def ask(self, question: str, /) -> bool:
        raise AssertionError(question)


def of_the_data(verdict: scoregate.Verdict) -> dict[str, Any]:
    """A verdict without what tells one run from another of the same answers."""
    document: dict[str, Any] = json.loads(verdict.to_json())
    return {name: document[name] for name in ("outcome", "reason", "rules")}


def of_the_command(project: Project) -> dict[str, Any]:
    """The same of the verdict that `scoregate run` prints."""
    document: Any = project.run("--json", "--local").json()
    return {name: document[name] for name in ("outcome", "reason", "rules")}


class TestRun:
    def test_a_pass_and_a_regression_are_those_of_the_command(self, project: Project, gate: Path) -> None:
        unchanged = scoregate.run(gate, local=True)
        assert (unchanged.verdict.outcome, unchanged.exit_code) == ("pass", 0)
        assert of_the_data(unchanged.verdict) == of_the_command(project)

        project.write("experiments/agent.py", WORSE)
        worse = scoregate.run(gate, local=True)
        assert (worse.verdict.outcome, worse.exit_code) == ("regression", 1)
        assert of_the_data(worse.verdict) == of_the_command(project)

    def test_the_run_is_whole_and_kept(self, gate: Path) -> None:
        outcome = scoregate.run(gate, local=True)
        assert len(outcome.run.items) == 64
        assert outcome.delivery is None
        assert scoregate.check(gate, outcome.run.id) == outcome.verdict

    def test_nothing_is_printed(self, gate: Path, capfd: pytest.CaptureFixture[str]) -> None:
        scoregate.run(gate, local=True)
        assert capfd.readouterr() == ("", "")

    def test_a_listener_hears_what_the_command_line_shows(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended = project.copied_to(tmp_path / "twin").run()
        heard = Heard()
        monkeypatch.chdir(project.folder)
        outcome = scoregate.run("gates/agent.toml", listener=heard)
        shown = ended.err.replace(ended.started, outcome.run.id)
        (announced,) = heard.announced
        assert (announced.run, announced.calls, announced.round) == (outcome.run.id, 64, None)
        assert announced.text.partition(":")[0] in shown
        for line in heard.lines:
            assert f"scoregate: {line}\n" in shown
        assert heard.reports[-1].complete
        assert (heard.reports[-1].ok, heard.reports[-1].expected) == (64, 64)

    def test_options_stand_in_for_the_gates_own_word(self, project: Project, gate: Path) -> None:
        project.write("experiments/other.py", WORSE)
        outcome = scoregate.run(
            gate, local=True, experiment=project.path("experiments/other.py"), trials=2, item=("q000", "q001")
        )
        assert outcome.run.header.candidate == "v2"
        assert [(one.item, one.trial) for one in outcome.run.items] == [
            ("q000", 0),
            ("q000", 1),
            ("q001", 0),
            ("q001", 1),
        ]

    def test_two_versions_run_side_by_side(self, project: Project, gate: Path) -> None:
        project.write("experiments/other.py", WORSE)
        heard = Heard()
        other = str(project.path("experiments/other.py"))
        outcome = scoregate.run(
            gate,
            listener=heard,
            local=True,
            concurrency=2,
            candidate=other,
            against=str(project.path("experiments/agent.py")),
        )
        assert outcome.verdict.outcome == "regression"
        assert [one.round for one in heard.announced] == ["A", "B"]

    def test_an_empty_name_of_the_other_version_is_none(self, gate: Path) -> None:
        with pytest.raises(scoregate.ConfigError, match="cannot be run beside the candidate"):
            scoregate.run(gate, local=True, against="")

    def test_no_baseline_is_no_pass(self, project: Project, gate: Path) -> None:
        project.path("gates/agent.baseline.jsonl").unlink()
        outcome = scoregate.run(gate, local=True)
        assert (outcome.verdict.outcome, outcome.exit_code) == ("invalid", 4)
        assert outcome.decided.hints[0].startswith("scoregate baseline accept ")

    def test_the_environment_is_left_as_it_was(self, gate: Path) -> None:
        before = dict(os.environ)
        scoregate.run(gate, local=True)
        assert dict(os.environ) == before

    def test_errors_say_where_and_what_to_do(self, gate: Path) -> None:
        with pytest.raises(scoregate.ScoregateError) as caught:
            scoregate.run(gate, local=True, baseline="nowhere.jsonl")
        assert caught.value.exit_code == 2
        assert "nowhere.jsonl" in caught.value.message
        assert caught.value.hint

    def test_an_unknown_option_is_refused_with_the_nearest(self, gate: Path) -> None:
        with pytest.raises(scoregate.ScoregateError, match=r"takes no 'trial' \(did you mean 'trials'\?\)"):
            scoregate.run(gate, trial=3)  # type: ignore[call-arg]

    def test_a_cap_ends_it_with_the_command_that_goes_on(self, gate: Path) -> None:
        with pytest.raises(scoregate.ScoregateError) as caught:
            scoregate.run(gate, local=True, max_calls=4, concurrency=1)
        assert caught.value.exit_code == 5
        assert "--resume agent-" in str(caught.value.hint)
        run = str(caught.value.hint).split("--resume ")[1].split()[0]
        resumed = scoregate.run(gate, local=True, resume=run)
        assert (resumed.run.id, resumed.verdict.outcome) == (run, "pass")


class TestWhereItIsCalled:
    def test_in_a_plain_script(self, project: Project) -> None:
        script = project.write(
            "decide.py",
            "import scoregate\n"
            'outcome = scoregate.run("gates/agent.toml", local=True)\n'
            "raise SystemExit(outcome.exit_code + 40)\n",
        )
        done = ended(start_python([str(script)], folder=project.folder, environment=usual_environment()))
        assert (done.code, done.out, done.err) == (40, "", "")

    def test_in_an_event_loop_that_goes_on_meanwhile(self, gate: Path) -> None:
        async def main() -> tuple[scoregate.RunOutcome, int]:
            ticks = 0
            task = asyncio.create_task(scoregate.run_async(gate, local=True))
            while not task.done():
                ticks += 1
                await asyncio.sleep(0)
            return await task, ticks

        outcome, ticks = asyncio.run(main())
        assert outcome.verdict.outcome == "pass"
        assert ticks > 1

    def test_a_task_that_is_cancelled_ends_its_run_which_can_be_gone_on_with(
        self, project: Project, gate: Path
    ) -> None:
        slow = agent("import time; time.sleep(0.05 if n else 0)\nreturn n", version="v3")
        project.write("experiments/agent.py", slow)

        async def main() -> str:
            heard = Heard()
            task = asyncio.create_task(scoregate.run_async(gate, listener=heard, local=True, concurrency=1))
            while not any(report.done for report in heard.reports):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return heard.announced[0].run

        run = asyncio.run(main())
        threads = {thread.name for thread in threading.enumerate() if thread.name.startswith("scoregate-run")}
        assert threads == set()
        resumed = scoregate.run(gate, local=True, resume=run)
        assert (resumed.run.id, len(resumed.run.items)) == (run, 64)

    def test_in_a_function_that_an_event_loop_calls(self, gate: Path) -> None:
        async def main() -> scoregate.RunOutcome:
            return scoregate.run(gate, local=True)

        assert asyncio.run(main()).verdict.outcome == "pass"

    def test_in_two_threads_on_two_gates(self, project: Project, gate: Path, tmp_path: Path) -> None:
        other = project.copied_to(tmp_path / "other")
        other.write("experiments/agent.py", WORSE)
        gates = {"same": gate, "worse": other.path("gates/agent.toml")}
        found: dict[str, scoregate.RunOutcome] = {}

        def decide(name: str) -> None:
            found[name] = scoregate.run(gates[name], local=True)

        threads = [threading.Thread(target=decide, args=(name,)) for name in gates]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert {name: one.verdict.outcome for name, one in found.items()} == {
            "same": "pass",
            "worse": "regression",
        }
        assert of_the_data(found["same"].verdict) == of_the_command(project)
        assert of_the_data(found["worse"].verdict) == of_the_command(other)


WITH_HELPER = """\
import helper
from mylib import NAME

version = helper.NAME + NAME


def task(*, item, **kwargs):
    return helper.NAME


evaluators = [lambda *, output, **kwargs: {"name": "correct", "value": True}]
"""


def with_modules(project: Project, name: str) -> Path:
    """Give the project modules of the same names as every other one, beside its experiment and in its root."""
    project.write("experiments/agent.py", WITH_HELPER)
    project.write("experiments/helper.py", f"import time\ntime.sleep(0.2)\nNAME = {name!r}\n")
    project.write("mylib/__init__.py", f"NAME = {name!r}\n")
    return project.path("gates/agent.toml")


class TestModulesOfTheProject:
    def test_two_projects_at_once_have_each_their_own(self, project: Project, tmp_path: Path) -> None:
        gates = {
            "a": with_modules(project, "a"),
            "b": with_modules(project.copied_to(tmp_path / "other"), "b"),
        }
        versions: dict[str, str] = {}

        def decide(name: str) -> None:
            versions[name] = scoregate.run(gates[name], local=True).run.header.candidate

        threads = [threading.Thread(target=decide, args=(name,)) for name in gates]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert versions == {"a": "aa", "b": "bb"}

    def test_one_after_the_other_too(self, project: Project, tmp_path: Path) -> None:
        first = with_modules(project, "a")
        second = with_modules(project.copied_to(tmp_path / "other"), "b")
        assert [scoregate.run(gate, local=True).run.header.candidate for gate in (first, second, first)] == [
            "aa",
            "bb",
            "aa",
        ]

    def test_one_that_was_edited_is_loaded_anew(self, project: Project) -> None:
        gate = with_modules(project, "a")
        scoregate.run(gate, local=True)
        with_modules(project, "edited")
        assert scoregate.run(gate, local=True).run.header.candidate == "editededited"

    def test_the_import_path_is_left_as_it_was(self, project: Project) -> None:
        before = list(sys.path)
        scoregate.run(with_modules(project, "a"), local=True)
        assert sys.path == before


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("on_inconclusive", "Fail"),
            ("trials", 0),
            ("trials", "3"),
            ("trials", True),
            ("concurrency", 0),
            ("timeout", 0),
            ("max_calls", -1),
            ("max_seconds", float("nan")),
            ("max_cost", -1.0),
            ("seed", -1),
            ("delivery_seconds", -1.0),
        ],
    )
    def test_what_the_command_line_refuses_is_refused(self, gate: Path, name: str, value: object) -> None:
        with pytest.raises(scoregate.ConfigError, match=f"^{name} is .*, not "):
            scoregate.run(gate, local=True, **{name: value})  # type: ignore[arg-type]

    def test_check_refuses_them_too(self, gate: Path) -> None:
        with pytest.raises(scoregate.ConfigError, match="on_inconclusive is"):
            scoregate.check(gate, "x.jsonl", on_inconclusive="Fail")  # type: ignore[arg-type]
        with pytest.raises(scoregate.ConfigError, match="seed is"):
            scoregate.check(gate, "x.jsonl", seed=-1)

    def test_versions_and_baselines_may_be_paths(self, project: Project, gate: Path) -> None:
        outcome = scoregate.run(gate, local=True, baseline=project.path("gates/agent.baseline.jsonl"))
        assert outcome.verdict.outcome == "pass"


CTRL_C_IN_A_LOOP = """\
import asyncio, os, signal, sys, threading
import scoregate

class Listener:
    def announce(self, facts): threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    def progress(self, report): pass
    def say(self, line): pass
    def ask(self, question): return False

async def main():
    try:
        scoregate.run("gates/agent.toml", local=True, concurrency=1, listener=Listener())
    except scoregate.RunInterrupted as error:
        print(error.exit_code, error.run in str(error.hint))

asyncio.run(main())
"""


def test_ctrl_c_ends_a_run_in_a_function_that_an_event_loop_calls(project: Project) -> None:
    project.write("experiments/agent.py", agent("import time; time.sleep(0.5)\nreturn n"))
    words = ("-c", CTRL_C_IN_A_LOOP)
    done = ended(start_python(words, folder=project.folder, environment=usual_environment()))
    assert (done.code, done.out) == (0, "5 True\n"), done.err


def test_two_projects_of_langfuse_are_not_served_at_once(
    project: Project, gate: Path, tmp_path: Path
) -> None:
    other = project.copied_to(tmp_path / "other")
    seen: list[str] = []

    class Nested(Heard):
        def announce(self, facts: Announcement, /) -> None:
            with pytest.raises(scoregate.ConfigError, match="goes to another Langfuse project") as caught:
                scoregate.run(other.path("gates/agent.toml"))
            seen.append(str(caught.value))

    with LangfuseServer() as server:
        project.write(".env", "".join(f"{name}={value}\n" for name, value in server.environment.items()))
        scoregate.run(gate, listener=Nested())
    assert len(seen) == 1
    assert scoregate.run(other.path("gates/agent.toml")).delivery is None


class TestCheck:
    def test_a_file_is_decided_as_by_the_command(self, project: Project, gate: Path) -> None:
        project.write("experiments/agent.py", WORSE)
        run = project.run("--local").started
        file = project.path("worse.jsonl")
        assert project.scoregate("runs", "export", run, "-o", file).code == 0
        verdict = scoregate.check(gate, candidate=file)
        told: Any = project.scoregate("check", "gates/agent.toml", "--candidate", file, "--json").json()
        document = json.loads(verdict.to_json())
        assert document == {name: told[name] for name in document}
        assert verdict.outcome == "regression"

    def test_another_baseline_may_be_named(self, project: Project, gate: Path) -> None:
        first = scoregate.run(gate, local=True).run.id
        verdict = scoregate.check(gate, first, baseline=project.baseline_run)
        assert (verdict.outcome, verdict.baseline_run) == ("pass", project.baseline_run)

    def test_no_store_is_made_where_there_is_none(self, project: Project, gate: Path) -> None:
        file = project.path("now.jsonl")
        run = scoregate.run(gate, local=True).run
        scoregate.write_results(run, file)
        shutil.rmtree(project.path(".scoregate"))
        assert scoregate.check(gate, file).outcome == "pass"
        assert not project.path(".scoregate").exists()


def test_the_options_of_run_are_those_of_the_command() -> None:
    of_the_request = {one.name for one in fields(Request)} - {"gate_path", "outputs", "as_json"}
    assert set(RunOptions.__annotations__) == of_the_request


def test_the_listener_of_nobody_and_ours_are_listeners() -> None:
    assert isinstance(Silent(), scoregate.Listener)
    assert isinstance(Heard(), scoregate.Listener)
    assert Silent().ask("Delete everything?") is False
    assert inspect.iscoroutinefunction(scoregate.run_async)
