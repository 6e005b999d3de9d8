"""A run whose first calls all fail alike ends early, says the error once, and goes on once that is mended."""

from __future__ import annotations

import re
import shlex

from tests.cli.project import NOTE_CALL, Project, agent

LOCKED = agent(
    f"{NOTE_CALL}\nif not os.path.exists('key'): raise PermissionError(f'no key, request {{n}}')\nreturn n",
    before="import os",
)
"""Refuses every call as long as there is no file `key`."""


def test_it_ends_early_and_goes_on_once_it_is_mended(accepted: Project) -> None:
    accepted.write("experiments/agent.py", LOCKED)
    stopped = accepted.run("--concurrency", "4")
    line = stopped.error(5)
    told = re.search(
        r"^all of the first (\d+) calls failed alike \(PermissionError: no key, request \d+\)", line
    )
    assert told, line
    calls = len(accepted.calls())
    assert 16 <= int(told[1]) == calls < 20
    assert stopped.err.count("no key") == 1

    # Every call that was made is accounted for with its reason, and no other.
    accepted.scoregate("runs", "export", stopped.started, "-o", "cells.jsonl")
    lines = accepted.read_lines("cells.jsonl")
    assert lines[0]["expected_items"] == 64
    items = [line for line in lines if line["kind"] == "item"]
    assert len(items) == calls
    assert all(item["error"].startswith("PermissionError: no key") for item in items)

    accepted.write("key", "")
    command = re.search(r"go on with: scoregate (.*?), which makes them again", line)
    assert command, line
    resumed = accepted.scoregate(*shlex.split(command[1]))
    assert resumed.code == 0, resumed.err
    assert len(accepted.calls()) == calls + 64


def test_keep_going_makes_all_calls_and_decides(accepted: Project) -> None:
    accepted.write("experiments/agent.py", LOCKED)
    lost = accepted.run("--keep-going")
    assert lost.outcome(4) == "INVALID"
    assert len(accepted.calls()) == 64

    shown = accepted.scoregate("runs", "show", lost.started).out
    assert shown.count("no key") == 1
    assert "64 times (first: q000): error: PermissionError: no key, request 0" in shown


def test_the_gate_may_say_so_as_well(accepted: Project) -> None:
    accepted.write("experiments/agent.py", LOCKED)
    accepted.write("gates/agent.toml", f"{accepted.read('gates/agent.toml')}\n[limits]\nkeep_going = true\n")
    assert accepted.run().outcome(4) == "INVALID"
