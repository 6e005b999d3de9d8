"""A run whose process gives no sign of life any more: it ends by itself, and goes on without hanging again."""

from __future__ import annotations

import re
import shlex

from tests.cli.project import Project, agent


def test_it_is_ended_with_the_item_and_goes_on_with_that_in_a_process_of_its_own(accepted: Project) -> None:
    stops = "if n == 9: os.kill(os.getpid(), signal.SIGSTOP)\nreturn n"
    accepted.write("experiments/agent.py", agent(stops, before="import os, signal"))
    line = accepted.run("--timeout", "2", "--concurrency", "1").error(5)
    assert re.match(
        r"the run's process gave no sign of life for \d+ s and was ended: the call for .*'q009'", line
    )
    command = re.search(r"go on with: scoregate (.*?), which makes it in a process of its own", line)
    assert command, line

    resumed = accepted.scoregate(*shlex.split(command[1]))
    assert "63 of 64" in resumed.out or "63/64" in resumed.out, resumed.out + resumed.err
    assert "(the candidate failed: timed out after 2 s)" in resumed.out
