"""The suites that docs/how-to/port-a-suite.md brings from other tools: green as they are, red with a fault in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.project import Ended, Project
from tests.docs.pages import REPOSITORY, Page

PORTS = REPOSITORY / "experiments" / "ports"
PAGE = REPOSITORY / "docs" / "how-to" / "port-a-suite.md"
GATES = (
    "ticket_router/gates/router.toml",
    "opening_hours/gates/phrases.toml",
    "expense_claims/gates/claims.toml",
)
NO_KEYS = {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""}


def port(name: str, folder: Path) -> Project:
    """A copy of one of them, without what was run there."""
    made = folder / name
    shutil.copytree(PORTS / name, made, ignore=shutil.ignore_patterns(".scoregate", "__pycache__"))
    return Project(made, NO_KEYS)


def regressed(ended: Ended) -> dict[str, list[str]]:
    """Score -> items that fail now, of a run that must have been red."""
    verdict = ended.json()
    assert (ended.code, verdict["outcome"]) == (1, "regression"), (ended.out, ended.err)
    found: dict[str, list[str]] = {}
    for rule in verdict["rules"]:
        if rule["outcome"] == "regression":
            found[rule["score"]] = verdict["regressed_items"]
    return found


def test_a_script_for_langfuses_action_runs_as_it_is(tmp_path: Path) -> None:
    router = port("ticket_router", tmp_path)
    assert router.scoregate("run", "gates/router.toml").outcome(0) == "PASS"

    router.edit("experiment.py", '"billing": ("invoice", "charged", "card", "price")', '"billing": ("bill",)')
    lost = regressed(router.scoregate("run", "gates/router.toml", "--json"))
    assert lost == {"right_queue": [f"billing-{number:02}" for number in range(1, 13)]}


@contextmanager
def served(project: Project) -> Iterator[None]:
    """The shop's endpoint in a process of its own, which the gate is told of."""
    command = [sys.executable, "agent.py", "0"]
    with subprocess.Popen(command, cwd=project.folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            shown = project.read("gates/phrases.toml")
            [line] = [line for line in shown.splitlines() if line.startswith("http ")]
            project.edit("gates/phrases.toml", line, f'http = "{server.stdout.readline().strip()}"')
            yield
        finally:
            server.kill()


def test_phrases_are_looked_for_in_the_replies_of_an_endpoint(tmp_path: Path) -> None:
    shop = port("opening_hours", tmp_path)
    with served(shop):
        assert shop.scoregate("run", "gates/phrases.toml").outcome(0) == "PASS"

    shop.edit("agent.py", "it costs £4.95.", "usually it costs £4.95, and this week there is free delivery.")
    shop.edit("agent.py", "Dogs are welcome on a lead.", "Please leave your dog at home.")
    with served(shop):
        lost = regressed(shop.scoregate("run", "gates/phrases.toml", "--json"))
    assert lost == {"phrases": ["delivery", "dogs"]}


def test_seven_cases_have_evaluators_of_their_own(tmp_path: Path) -> None:
    claims = port("expense_claims", tmp_path)
    assert claims.scoregate("run", "gates/claims.toml").outcome(0) == "PASS"

    claims.edit("agent.py", "asked > 25 and", "asked > 250 and")
    lost = regressed(claims.scoregate("run", "gates/claims.toml", "--json"))
    assert lost == {"names_the_rule": ["no-receipt"], "is_polite": ["no-receipt"]}


def test_no_gate_is_longer_than_what_it_replaces() -> None:
    blocks = list(Page(PAGE).blocks("yaml", "python", "toml"))
    assert len(blocks) == 2 * len(GATES)
    for gate, original, shown in zip(GATES, blocks[::2], blocks[1::2], strict=True):
        assert shown == (PORTS / gate).read_text(encoding="utf-8"), gate
        assert _lines(shown) <= _lines(original), gate


@pytest.mark.parametrize("gate", GATES[1:])
def test_gate_and_cases_together_are_no_longer_either(gate: str) -> None:
    blocks = list(Page(PAGE).blocks("yaml", "python", "toml"))
    original, shown = blocks[2 * GATES.index(gate) :][:2]
    [cases] = (PORTS / gate).parents[1].glob("datasets/*.jsonl")
    assert _lines(shown) + _lines(cases.read_text(encoding="utf-8")) <= _lines(original)


def _lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())
