"""Replies that stay invalid: kept like others, told, and asked for again when somebody says so."""

from __future__ import annotations

from pathlib import Path

from tests.cli.judged import judged_project
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer


def test_invalid_replies_are_asked_for_again_without_the_candidate(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        is_bad = confused and "Answer: again 5" in str(request.prompt)
        return judged("good" if is_bad else 8)

    confused = False
    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=30).with_baseline()
        project.edit("experiments/agent.py", "answer {item", "again {item")
        confused = True
        run = project.run()
        command = f"scoregate runs rescore {run.started} --gate gates/agent.toml"
        assert "1 reply of a judge is invalid, which counts against the candidate, and is kept" in run.err
        assert f"call no candidate: scoregate judge cache forget-invalid, then {command}" in run.err

        confused = False
        asked = len(server.requests)
        assert project.run().code == run.code, "a kept reply stays what it is"
        assert len(server.requests) == asked
        assert project.scoregate("judge", "cache", "forget-invalid").out == "1 invalid reply forgotten\n"
        again = project.scoregate(*command.split()[1:])
        assert again.code == 0
        assert len(server.requests) == asked + 1
        check = next(line for line in again.err.splitlines() if "as the candidate: " in line)
        checked = project.scoregate(*check.split("as the candidate: scoregate ")[1].split())
        assert checked.outcome(0) == "PASS"
