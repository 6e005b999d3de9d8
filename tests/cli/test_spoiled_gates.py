"""A gate among several that goes wrong: it is told as what it is, and the verdicts of the others are theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.cli.many import Part
from scoregate.reports.build import Refused
from tests.cli.project import Project, agent
from tests.cli.three_gates import WORSE, document, table


@pytest.mark.parametrize(
    ("doing", "word", "code"),
    [
        ("os._exit(0)", "error", 5),
        ("os.kill(os.getpid(), signal.SIGKILL)", "error", 5),
        ("os.kill(os.getpid(), signal.SIGINT)", "error", 5),
        ("os.closerange(0, 200)", "error", 5),
        ("raise SystemExit(0)", "error", 5),
        ("os.environ.clear(); os.chdir('/'); sys.stdout = None", "pass", 1),
    ],
)
def test_what_a_candidate_does_to_its_own_process_changes_no_verdict_of_the_gates_behind_it(
    three: Project, doing: str, word: str, code: int
) -> None:
    three.write("experiments/agent.py", agent(f"import os, signal, sys\n{doing}\nreturn n"))
    three.write("experiments/billing.py", WORSE)

    found = three.scoregate("run", "gates", "-o", "json=build.json", "-o", "junit=build.xml")

    assert found.code == code, found.err
    assert table(found) == {"agent": word, "billing": "regression", "refunds": "pass"}
    outcomes = {one["gate"]: one["outcome"] for one in document(three)["gates"]}
    assert (outcomes["billing"], outcomes["refunds"]) == ("regression", "pass")
    assert {one["gate"] for one in document(three)["refused"]} == ({"agent"} if word == "error" else set())
    assert three.read("build.xml").count("<testsuite ") == 3


def test_why_a_gate_has_no_verdict_is_told_as_in_the_log_wherever_it_is_read(three: Project) -> None:
    """A reader of a comment has another folder than the build had."""
    three.write("gates/project.toml", "[project]\nalpha = 0.7\n")
    three.write("experiments/billing.py", "import nothing_like_that\n")

    found = three.scoregate("run", "gates", "-o", "json=build.json", "-o", "markdown=build.md")

    assert found.code == 2
    wheres = {one["where"] for one in document(three)["refused"]}
    assert wheres == {"gates/project.toml:2"}
    three.path("gates/project.toml").unlink()
    checked = three.scoregate("run", "gates", "-o", "json=build.json", "-o", "markdown=build.md")
    (refused,) = document(three)["refused"]
    assert refused["where"] == "experiments/billing.py:1"
    for face in (found.out, checked.out, three.read("build.md"), three.read("build.json")):
        assert str(three.folder) not in face


def test_an_error_that_nobody_expected_is_told_in_the_reports_as_well(tmp_path: Path) -> None:
    part = Part(tmp_path, silent=True)

    with pytest.raises(ZeroDivisionError):
        part.noting(lambda: 1 // 0)

    told = part.came_to(Path("gates/agent.toml"), 5)
    assert isinstance(told, Refused)
    assert told.exit_code == 5
    assert told.message.startswith(
        "internal error: ZeroDivisionError: integer division or modulo by zero (this "
    )
