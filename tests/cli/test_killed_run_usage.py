"""What judges took stands in the report as it was, also where the process was killed and the run gone on with."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.cli.judged import judged_project
from tests.cli.project import ended
from tests.model_server.answers import Answer, judged, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

NUMBER = 12


def test_a_killed_run_that_goes_on_has_a_reply_a_vote_and_a_call_a_request(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return slow(60, judged(3)) if hanging and request.number >= 6 else judged(3)

    hanging = True
    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=NUMBER)
        process = project.start("run", "gates/agent.toml", "--concurrency", "2")
        deadline = time.monotonic() + 60
        while len(server.requests) < 8:  # six were answered, two hang
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        ended(process)
        hanging = False
        resumed = project.run("--resume", "--json")
        (used,) = resumed.json()["judges"]
        assert (used["replies"], used["from_cache"], used["calls"]) == (NUMBER, 0, len(server.requests))
