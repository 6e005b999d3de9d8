"""Answers of other types than JSON has: what evaluators are given, what is stored, and what is refused at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.project import AGENT, GATE, Project
from tests.cli.test_nothing_is_shared import cells, outputs, values

Small = Callable[..., Project]

TYPED = """\
from dataclasses import dataclass

from pydantic import BaseModel


class Source(BaseModel):
    name: str


@dataclass
class Reply:
    n: int
    sources: list[Source]


def task(*, item, **kwargs):
    return Reply(item.input["n"], [Source(name="faq")])


def correct(*, output, expected_output, **kwargs):
    output.sources.clear()
    return output.n == expected_output


def sourced(*, output, **kwargs):
    return [source.name for source in output.sources] == ["faq"]


evaluators = [correct, sourced]
"""
JSON = [{"n": n, "sources": [{"name": "faq"}]} for n in range(3)]


def typed(small: Small, more: str = "", *, experiment: str = TYPED) -> Project:
    scorer = '[scorers.equal]\nuse = "exact_match"\noutput_path = "n"\n'
    return small(number=3, experiment=experiment, gate=f"{GATE}\n[scores.equal]\n{scorer}{more}")


def test_evaluators_are_given_the_object_and_scorers_its_json(small: Small) -> None:
    project = typed(small)
    ran = project.run()
    assert values(project, ran.started) == {"correct": {True}, "sourced": {True}, "equal": {True}}
    assert outputs(project, ran.started) == JSON


@pytest.mark.parametrize("again", [False, True])
def test_elsewhere_evaluators_are_given_the_json_and_told_so(small: Small, again: bool) -> None:
    project = typed(small, "" if again else "[candidate]\nisolate = true\n")
    run = project.run().started
    if again:
        ran = project.scoregate("runs", "rescore", run, "--gate", "gates/agent.toml", "--json")
        run = ran.json()["run"] if ran.out else run
    assert outputs(project, run) == JSON
    found = [cell for cell in cells(project, run) if cell["score"] == "sourced"]
    assert {cell["comment"] for cell in found} == {
        "AttributeError: 'dict' object has no attribute 'sources' (here the output is JSON: output[\"field\"])"
    }


@pytest.mark.parametrize("more", ["", "[candidate]\nisolate = true\n"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_type_that_cannot_be_written_ends_the_run_at_once(small: Small, kind: str, more: str) -> None:
    experiment = f"""\
import threading


{kind} task(*, item, **kwargs):
    with open("calls", "a") as log:
        log.write(item.id + " ")
    return {{"lock": threading.Lock()}}


def correct(**kwargs):
    return True


evaluators = [correct]
"""
    project = small(number=64, experiment=experiment, gate=f"{GATE}{more}")
    ran = project.run("--concurrency", "1")
    assert ran.error(5) == (
        "item 'q000': the task returned something that is no JSON: lock at output.lock, so the run ended after 1 call "
        "(return its data: as it fits x.model_dump(), dataclasses.asdict(x), vars(x), x.value, list(x) or str(x))"
    )
    assert project.path("calls").read_text() == "q000 "


def test_one_answer_of_such_a_type_among_others_is_one_failed_item(small: Small) -> None:
    experiment = TYPED.replace("    return Reply(", "    return len if item.id == 'q002' else Reply(")
    project = small(number=3, experiment=experiment)
    ran = project.run("--concurrency", "1")
    assert [cell["status"] for cell in cells(project, ran.started, "item")] == ["ok", "ok", "error"]


def test_beside_another_version_that_ends_the_run_too(small: Small) -> None:
    project = small(number=8)
    project.write("experiments/other.py", AGENT.replace('item.input["n"]', "object"))
    versions = ("--candidate", "experiments/other.py", "--against", "experiments/agent.py")
    ran = project.run(*versions, "--concurrency", "2")
    assert ran.code == 5
    assert "the task returned something that is no JSON: object at output, so the run ended after" in ran.err
