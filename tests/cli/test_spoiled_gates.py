"""A gate among several that goes wrong: it is told as what it is, and the verdicts of the others are theirs."""

from __future__ import annotations

import pytest

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
