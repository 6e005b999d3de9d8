"""A side-by-side session that is ended in any of its rounds: what is done is kept, and it is gone on with."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from scoregate.records import JSON
from tests.cli.beside import BESIDE, Branch, answers, rounds_told
from tests.cli.project import GATE, Ended, Project, ended
from tests.fork_server.process import Process
from tests.git.repository import Repository

ITEMS = 30
ROUNDS = BESIDE + "[rounds]\nconfirm_trials = 2\n"
"""Two fresh trials confirm nothing, so that two lost items of 30 are found in round D."""
ALONE = GATE + "\n[limits]\nconcurrency = 2\n[rounds]\nmax_trials = 1\n"
"""A gate whose baseline is stored, that is content with one round."""
HOLD = "n == 0 and open(os.environ['CALLS']).read().count('new q000') >= int(os.environ['HOLD_FROM'])"
NEW = answers("new", "n >= 2", before=f"import os\n    while {HOLD}: time.sleep(0.02)\n    time.sleep(0.005)")
"""From its call number HOLD_FROM on the first of the lost items gets no answer: the round cannot end by itself."""
FIRST_OF_ROUND = {"A": 1, "B": 2, "C": 3}
"""Which call of that item is the round's first, where the one before was not answered: B has two trials."""
EXPECTED = {"": 5 * ITEMS, "-baseline": 5 * ITEMS, "-confirm": 4, "-baseline-confirm": 4}
"""Run items of each run of the session, by what its id ends with."""


def begin_until(
    branch: Branch, words: list[str], round_: str, environment: Mapping[str, str] | None = None
) -> Process:
    """Start a command and wait until the round has called the candidate."""
    process = branch.project.start(*words, environment=environment)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"scoregate: round {round_}, "):
            break
    else:
        raise AssertionError(f"round {round_} was not reached")
    branch.wait_for_calls(len(branch.calls()) + 2)
    return process


def stop(process: Process, number: signal.Signals) -> Ended:
    process.send_signal(number)
    return ended(process)


def resume_command(stopped: Ended, round_: str) -> list[str]:
    """The words of the command that a session printed when it was ended."""
    line = stopped.error(5)
    done = rf"stopped in round {round_} after [\d,]+ of [\d,]+ run items, which are kept"
    found = re.fullmatch(rf"{done} \(go on with: scoregate (.*)\)", line)
    assert found, line
    return shlex.split(found[1])


def assert_nothing_runs(branch: Branch) -> None:
    """Every process that was given the branch's environment, or works in its folder, has ended, or soon does."""
    own = f"CALLS={branch.project.environment['CALLS']}".encode()

    def runs(process: Path) -> bool:
        try:
            here = (process / "cwd").readlink().is_relative_to(branch.project.folder)
            return here or own in (process / "environ").read_bytes()
        except OSError:
            return False  # it has just ended, or belongs to somebody else

    deadline = time.monotonic() + 30
    while left := [process.name for process in Path("/proc").glob("[0-9]*") if runs(process)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def cells(branch: Branch, run: str) -> Counter[tuple[str, str, int]]:
    """How often each run item is in the store, for each run of the session."""
    with sqlite3.connect(branch.project.path(".scoregate/store.sqlite3")) as store:
        rows = store.execute(
            "SELECT runs.run, item, trial FROM run_items JOIN runs ON runs.key = run_items.run"
        )
        return Counter((name.removeprefix(run), item, trial) for name, item, trial in rows)


def findings(verdict: JSON) -> JSON:
    """A verdict without the names of its runs."""
    return {key: verdict[key] for key in ("outcome", "reason", "rules", "rounds", "confirmed", "flips")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> JSON:
    """The verdict of a session that nothing has interrupted."""
    branch = Branch.made(
        tmp_path_factory.mktemp("whole") / "project", number=ITEMS, gate=ROUNDS, new=answers("new", "n >= 2")
    )
    said = branch.run("--json")
    assert rounds_told(said) == ["A", "B", "C", "D"]
    return said.json()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_session_is_ended_and_gone_on_with_in_every_round(
    tmp_path: Path, whole: JSON, number: signal.Signals
) -> None:
    branch = Branch.made(tmp_path / "project", number=ITEMS, gate=ROUNDS, new=NEW)
    words = ["run", "gates/agent.toml", "--json"]
    for round_ in "ABC":
        hold_from = branch.calls().count(("new", "q000")) + FIRST_OF_ROUND[round_]
        session = begin_until(branch, words, round_, {"HOLD_FROM": str(hold_from)})
        stopped = stop(session, number)
        assert stopped.out == ""
        if number == signal.SIGKILL:
            assert stopped.code == -signal.SIGKILL
            words = ["run", "gates/agent.toml", "--json", "--resume"]
        else:
            words = resume_command(stopped, round_)
        assert_nothing_runs(branch)
    last = branch.project.scoregate(*words, environment={"HOLD_FROM": "1000"})

    assert last.code == 1, last.err
    assert rounds_told(last) == ["C", "D"]
    assert findings(last.json()) == findings(whole)
    assert Counter(run for run, _, _ in cells(branch, last.started)) == EXPECTED
    # Called again is what was in flight, two calls at once; after SIGKILL also what was not yet committed.
    again = len(branch.calls()) - sum(EXPECTED.values())
    assert 0 <= again <= (30 if number == signal.SIGKILL else 3 * 2)


@pytest.fixture(scope="module")
def _stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Branch, str]:
    folder = tmp_path_factory.mktemp("stopped") / "project"
    branch = Branch.made(folder, number=8, gate=ALONE, new=answers("new"))
    return branch, branch.run("--against", "git:main", "--max-calls", "6").started


@pytest.fixture
def stopped(_stopped: tuple[Branch, str], tmp_path: Path) -> tuple[Branch, str]:
    """A copy of a project with a session that has 6 of 16 run items of its first round, and the session's id."""
    made, run = _stopped
    shutil.copytree(
        made.project.folder, tmp_path / "project", ignore=shutil.ignore_patterns("worktrees", "environments")
    )
    repository = Repository(tmp_path / "project")
    repository.git("worktree", "prune")
    return Branch(Project(tmp_path / "project", {"CALLS": str(tmp_path / "calls")}), repository), run


def test_a_session_that_a_cap_ended_goes_on(stopped: tuple[Branch, str]) -> None:
    branch, run = stopped
    said = branch.run("--resume", run, "--against", "git:main")

    assert said.outcome(0) == "INCONCLUSIVE"
    assert said.started == run
    assert "round A, every item in both versions: 8 items × 2 versions, 10 calls" in said.err


def test_a_session_is_not_gone_on_with_beside_another_version(stopped: tuple[Branch, str]) -> None:
    branch, run = stopped
    line = branch.run("--resume", run, "--against", "experiments/agent.py").error(2)

    assert re.fullmatch(
        rf"run {run} was started beside git:main \(commit \w{{8}}\), and experiments/agent.py \(commit \w{{8}}\) "
        r"is another version \(go on with --against git:main, or start a new run\)",
        line,
    )


def test_a_session_is_not_gone_on_with_when_its_ref_has_moved(stopped: tuple[Branch, str]) -> None:
    branch, run = stopped
    began = branch.repository.git("rev-parse", "main")
    branch.repository.git("stash", "--quiet")
    now = branch.commit_on("main", {"README": "x"})
    branch.repository.git("stash", "pop", "--quiet")
    line = branch.run("--resume", run, "--against", "git:main").error(2)

    assert line == (
        f"run {run} was started beside git:main (commit {began[:8]}), and git:main (commit {now[:8]}) is another "
        f"version (go on with --against git:{began}, or start a new run)"
    )
    assert branch.run("--resume", run, "--against", f"git:{began}").outcome(0) == "INCONCLUSIVE"


def test_a_session_is_not_gone_on_with_alone(stopped: tuple[Branch, str]) -> None:
    branch, run = stopped
    line = branch.run("--resume", run).error(2)

    assert line == (
        f"run {run} was started beside another version "
        "(name that version with --against, as the command that started it did)"
    )


def test_a_run_that_was_started_alone_gets_no_second_version(stopped: tuple[Branch, str]) -> None:
    branch, _ = stopped
    alone = branch.run("--max-calls", "3").started
    line = branch.run("--resume", alone, "--against", "git:main").error(2)

    assert line == (
        f"run {alone} was started alone, so no other version can join it "
        "(resume it without --against, or start a new run)"
    )


def test_a_session_that_is_decided_is_over(stopped: tuple[Branch, str]) -> None:
    branch, run = stopped
    branch.run("--resume", run, "--against", "git:main")

    assert branch.run("--resume", run, "--against", "git:main").error(2).startswith(f"run {run} is finished")


def test_only_one_command_goes_on_with_a_session(stopped: tuple[Branch, str]) -> None:
    branch, run = stopped
    branch.project.write("experiments/answers.py", answers("new", before="time.sleep(600)"))
    words = ("run", "gates/agent.toml", "--resume", run, "--against", "git:main")
    first = begin_until(branch, list(words), "A")
    second = branch.project.scoregate(*words)
    stop(first, signal.SIGINT)

    assert run in second.error(2)
