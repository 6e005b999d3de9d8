"""Two `runs rescore` of one baseline at the same time: one run, and each reply is paid once."""

from __future__ import annotations

import threading
import time

from tests.cli.project import Project, ended
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer


def test_the_second_of_two_at_once_ends_in_one_line(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    one_has_ended = threading.Event()

    def script(_: ModelRequest) -> Answer:
        one_has_ended.wait(20)
        return judged(8)

    judge_server.begin_again(script=script)
    judged_accepted.edit("prompts/relevance.md", "good answer", "fine answer")
    rescore = ("runs", "rescore", judged_accepted.baseline_run, "--gate", "gates/agent.toml")
    both = [judged_accepted.start(*rescore) for _ in range(2)]
    deadline = time.monotonic() + 20
    while all(process.poll() is None for process in both) and time.monotonic() < deadline:
        time.sleep(0.02)
    one_has_ended.set()
    first, second = sorted((ended(process) for process in both), key=lambda one: one.code)

    assert first.code == 0, first.err
    assert (second.code, second.out) == (2, "")
    told = second.err.splitlines()[-1]
    assert told.endswith(" is being run by another process (wait for it, or stop it first)")
    runs = judged_accepted.scoregate("runs", "list", "--json").json()
    assert len([run for run in runs if "rescored" in run["run"]]) == 1
    assert all(run["finished_at"] for run in runs)
    assert len(judge_server.requests) == 8
