"""A file of evaluators beside a command, and beside an endpoint: from the gate file to the exit code."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import Project, items
from tests.loopback import LoopbackHandler, LoopbackServer

GATE = """\
dataset = "datasets/agent.jsonl"
baseline = "gates/agent.baseline.jsonl"

[candidate]
{candidate}
evaluators = "evaluators/checks.py"

[scores.correct]
critical = true

[scores.polite]
critical = true
"""
CHECKS = """\
from shared.words import same


def correct(*, input, output, expected_output, metadata, item, trial, cost_usd, tokens):
    told = (input["n"], item.expected_output, metadata["intent"], trial, cost_usd, tokens.input, tokens.output)
    assert told == (expected_output, expected_output, ("refund", "hours")[input["n"] % 2], 0, 0.25, 3, 4), told
    output["text"] = output["text"].upper()
    return same(output["n"], expected_output)


async def polite(*, output, **kwargs):
    return {"name": "polite", "value": output["text"] == "please", "comment": output["text"]}


evaluators = [correct, polite]
"""
ANSWER = '{"output": {"n": N, "text": "please"}, "cost_usd": 0.25, "tokens": {"input": 3, "output": 4}}'
COMMAND = f"""\
import json
import os
import sys

asked = json.load(sys.stdin)
assert set(asked) == {{"id", "input", "metadata", "trial"}}, asked
n = asked["input"]["n"]
print({ANSWER!r}.replace("N", str(n + (n == 5 and os.path.exists("wrong")))))
"""


class _Endpoint(LoopbackServer):
    """Answers with the number that it is asked about; with one more for 5, once the project holds a file `wrong`."""

    def __init__(self, project: Project) -> None:
        self.project = project
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        asked = json.loads(self.read_body())
        assert set(asked) == {"id", "input", "metadata", "trial"}, asked
        n = asked["input"]["n"]
        answer = ANSWER.replace(
            "N", str(n + (n == 5 and self.server.project.path("wrong").exists()))
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture(params=["command", "http"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """Eight items, without a baseline."""
    made = Project(tmp_path / "project")
    made.write_lines("datasets/agent.jsonl", items(8))
    made.write("evaluators/checks.py", CHECKS)
    made.write("shared/words.py", "def same(one, other):\n    return one == other\n")
    if request.param == "command":
        made.write("agent.py", COMMAND)
        made.write("gates/agent.toml", GATE.format(candidate=f'command = ["{sys.executable}", "agent.py"]'))
        yield made
        return
    with _Endpoint(made) as server:
        threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
        url = f'http = "http://127.0.0.1:{server.port}/ask"\nanswer = "output"'
        made.write("gates/agent.toml", GATE.format(candidate=url))
        yield made
        server.shutdown()
        server.close_all()


def test_they_score_every_item_and_one_that_flips_breaks_the_gate(project: Project) -> None:
    project.with_baseline()
    assert project.run().outcome(0) == "PASS"
    project.write("wrong", "")
    worse = project.run("--json")
    assert (worse.code, worse.json()["regressed_items"]) == (1, ["q005"])
    polite = next(rule for rule in worse.json()["rules"] if rule["score"] == "polite")
    assert (polite["outcome"], polite["n_scored"]) == ("pass", 8)


def test_a_change_in_a_module_that_they_import_is_a_change_of_the_scorer(project: Project) -> None:
    project.with_baseline()
    project.write("shared/words.py", "def same(one, other):\n    return other == one\n")
    assert "the scorer of correct changed since the baseline" in project.run("--json").json()["reason"]
    assert project.run("--rescore-baseline").outcome(0) == "PASS"


def test_they_score_what_a_resumed_run_has_left(project: Project) -> None:
    project.with_baseline()
    project.write("wrong", "")
    stopped = project.run("--max-calls", "3")
    assert stopped.code == 5
    assert project.run("--resume", stopped.started, "--max-calls", "8").outcome(1) == "REGRESSION"


STANDS_IN = """\
from scoregate import Answer, Tokens


def task(*, item, **kwargs):
    n = item.input["n"]
    return Answer({"n": n if n != 2 else -1, "text": "please"}, cost_usd=0.25, tokens=Tokens(3, 4))
"""


def test_a_python_file_that_stands_in_is_scored_by_them_unless_it_has_its_own(project: Project) -> None:
    project.with_baseline()
    project.write("offline.py", STANDS_IN)
    worse = project.run("--experiment", "offline.py", "--json")
    assert (worse.code, worse.json()["regressed_items"]) == (1, ["q002"])
    own = "\n\ndef correct(**kwargs):\n    return True\n\n\ndef polite(**kwargs):\n    return True\n"
    project.write("offline.py", f"{STANDS_IN}{own}\n\nevaluators = [correct, polite]\n")
    reason = project.run("--experiment", "offline.py", "--json").json()["reason"]
    assert "the scorer of correct, polite changed since the baseline" in reason


def test_recorded_outputs_are_scored_by_them(project: Project) -> None:
    project.with_baseline()
    measures = {"cost_usd": 0.25, "tokens": {"input": 3, "output": 4}}
    recorded = [
        {"id": f"q{n:03}", "output": {"n": n if n != 6 else 0, "text": "please"}, **measures}
        for n in range(8)
    ]
    project.write_lines("recorded.jsonl", recorded)
    worse = project.run("--replay", "recorded.jsonl", "--json")
    assert (worse.code, worse.json()["regressed_items"]) == (1, ["q006"])


def test_a_score_that_nothing_makes_is_to_be_put_into_such_a_file(project: Project) -> None:
    project.edit("gates/agent.toml", 'evaluators = "evaluators/checks.py"\n', "")
    hint = "an evaluator of that name to a Python file that `evaluators` in [candidate] names"
    assert hint in project.run().error(2)
