"""What a task, an evaluator or a script changes on what it is given, nobody else sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from scoregate.records import JSON
from tests.cli.project import AGENT, GATE, Project, items

Small = Callable[..., Project]

DOCUMENTS = [{"id": "second"}, {"id": "first"}]
SPOILING = """\
def same_order(*, output, expected_output, **kwargs):
    return output == expected_output


def spoils(*, input, output, expected_output, metadata, item, **kwargs):
    output.sort(key=str)
    output[0]["id"] = "changed"
    expected_output.pop()
    metadata["intent"] = "changed"
    input.clear()
    item.metadata.clear()
    return True


async def spoils_later(*, output, expected_output, **kwargs):
    output.clear()
    expected_output.clear()
    return True


def as_given(*, input, output, expected_output, metadata, **kwargs):
    return len(output) == len(expected_output) == 2 and "n" in input and metadata["intent"] in ("refund", "hours")


evaluators = [{order}]
"""
TASK = """\
def task(*, item, **kwargs):
    item.metadata.clear()
    item.expected_output.reverse()
    return [item.expected_output[1], item.expected_output[0]]


"""


def rows(number: int) -> list[dict[str, JSON]]:
    return [row | {"expected_output": DOCUMENTS} for row in items(number)]


def cells(project: Project, run: str, kind: str = "score") -> list[dict[str, JSON]]:
    lines = map(json.loads, project.scoregate("runs", "export", run).out.splitlines())
    return [line for line in lines if line["kind"] == kind]


def values(project: Project, run: str) -> dict[str, set[JSON]]:
    found: dict[str, set[JSON]] = {}
    for cell in cells(project, run):
        found.setdefault(cell["score"], set()).add(cell.get("value"))
    return found


def outputs(project: Project, run: str) -> list[JSON]:
    return [cell["output"] for cell in cells(project, run, "item")]


def gate(*scores: str, more: str = "") -> str:
    return GATE.split("[scores")[0] + "\n".join(f"[scores.{score}]\n" for score in scores) + more


ALL_TRUE = {name: {True} for name in ("same_order", "spoils", "spoils_later", "as_given")}


@pytest.mark.parametrize("order", [tuple(ALL_TRUE), tuple(reversed(ALL_TRUE))])
@pytest.mark.parametrize("candidate", ["", "[candidate]\nisolate = true\n"])
def test_every_evaluator_sees_the_item_and_the_answer_as_they_are(
    small: Small, order: Sequence[str], candidate: str
) -> None:
    experiment = TASK + SPOILING.replace("{order}", ", ".join(order))
    project = small(number=3, experiment=experiment, gate=gate(*ALL_TRUE, more=candidate))
    project.write_lines("datasets/agent.jsonl", rows(3))
    ran = project.run("--trials", "2")
    assert values(project, ran.started) == ALL_TRUE
    assert outputs(project, ran.started) == [DOCUMENTS] * 6
    again = project.scoregate("runs", "rescore", ran.started, "--gate", "gates/agent.toml")
    assert again.code == 0, again.err
    newest = json.loads(project.scoregate("runs", "list", "--json").out)[0]["run"]
    assert newest != ran.started
    assert values(project, newest) == ALL_TRUE


def test_library_scorers_stand_between_evaluators_unharmed(small: Small) -> None:
    experiment = TASK + SPOILING.replace("{order}", "spoils, as_given, spoils_later")
    exact = '[scorers.exact]\nuse = "exact_match"\n'
    project = small(number=3, experiment=experiment, gate=gate("exact", "spoils", "as_given", more=exact))
    project.write_lines("datasets/agent.jsonl", rows(3))
    found = values(project, project.run().started)
    assert (found["exact"], found["as_given"]) == ({True}, {True})


def test_a_retry_asks_with_the_item_as_the_dataset_has_it(small: Small) -> None:
    experiment = """\
import scoregate

tried = set()


def task(*, item, **kwargs):
    item.input["turns"] = [*item.input.get("turns", []), "asked"]
    if item.id not in tried:
        tried.add(item.id)
        raise scoregate.TransientError("busy")
    return item.input["turns"]


def correct(*, output, **kwargs):
    return output == ["asked"]


evaluators = [correct]
"""
    project = small(number=2, experiment=experiment)
    assert outputs(project, project.run().started) == [["asked"], ["asked"]]


def test_both_arms_of_a_session_see_the_items_as_they_are(small: Small) -> None:
    experiment = TASK + SPOILING.replace("{order}", ", ".join(ALL_TRUE))
    project = small(number=8, experiment=experiment, gate=gate(*ALL_TRUE))
    project.write_lines("datasets/agent.jsonl", rows(8))
    project.write("experiments/other.py", experiment)
    ran = project.run("--against", "experiments/other.py", "--concurrency", "2")  # so many processes an arm
    runs = [one["run"] for one in json.loads(project.scoregate("runs", "list", "--json").out)]
    assert len(runs) == 2, ran.err
    for run in runs:
        assert values(project, run) == ALL_TRUE
        assert all(output == DOCUMENTS for output in outputs(project, run))


def test_an_answer_that_the_task_goes_on_with_is_kept_as_it_was(small: Small) -> None:
    experiment = AGENT.replace(
        '    return item.input["n"]', "    seen.append(item.input['n'])\n    return seen"
    )
    experiment = (
        f"seen = []\n{experiment}\n\ndef correct(*, output, expected_output, **kwargs):\n    output.clear()\n"
    )
    project = small(number=3, experiment=experiment + "    return True\n\n\nevaluators = [correct]\n")
    ran = project.run("--concurrency", "1")
    assert outputs(project, ran.started) == [[0], [0, 1], [0, 1, 2]]


@pytest.mark.parametrize("is_async", [True, False])
def test_an_answer_that_the_next_call_goes_on_with_is_kept_as_it_was(small: Small, is_async: bool) -> None:
    """The calls are under way at once, and the first to return has its answer changed by those after it."""
    wait = "await asyncio.sleep(0)" if is_async else "together.wait(); item.input['n'] and time.sleep(0.2)"
    experiment = f"""\
import asyncio
import threading
import time

turns = []
together = threading.Barrier(2)


{"async " if is_async else ""}def task(*, item, **kwargs):
    {wait}
    turns.append(item.id)
    return turns


def correct(*, output, item, **kwargs):
    return output[-1] == item.id


evaluators = [correct]
"""
    project = small(number=2, experiment=experiment)
    assert sorted(map(len, outputs(project, project.run("--concurrency", "2").started))) == [1, 2]


def test_a_script_its_composite_and_its_run_evaluators_change_only_what_they_are_given(small: Small) -> None:
    experiment = """\
from langfuse import Evaluation


def experiment(context):
    context.data[0].input.clear()

    def task(*, item, **kwargs):
        item.input["seen"] = True
        return {"documents": ["a", "b"], "keys": sorted(item.input)}

    def takes(*, output, **kwargs):
        return Evaluation(name="takes", value=output["documents"].pop(0) == "a")

    def both(*, output, **kwargs):
        return Evaluation(name="both", value=len(output["documents"]) == 2)

    def composite(*, output, evaluations, **kwargs):
        whole = len(output["documents"]) == 2 and output["keys"] == ["n", "seen"]
        evaluations[0].value = False
        return Evaluation(name="whole", value=whole and len(evaluations) == 2)

    def spoils(*, item_results, **kwargs):
        item_results[0].output["documents"].clear()
        item_results[0].item.input.clear()
        item_results.clear()
        return Evaluation(name="spoils", value=1.0)

    def counts(*, item_results, **kwargs):
        texts = [len(one.output["documents"]) for one in item_results if one.item.input]
        return Evaluation(name="documents", value=float(sum(texts)))

    result = context.run_experiment(
        name="chat",
        task=task,
        evaluators=[takes, both],
        composite_evaluator=composite,
        run_evaluators=[spoils, counts],
    )
    assert result.run_evaluations[1].value == 6, result.run_evaluations
    assert len(result.item_results[0].output["documents"]) == 2
    result.item_results[0].output.clear()
"""
    project = small(number=3, experiment=experiment, gate=gate("takes", "both", "whole"))
    ran = project.run()
    assert "failed after the run" not in ran.out, ran.out
    assert values(project, ran.started) == {name: {True} for name in ("takes", "both", "whole")}
    assert outputs(project, ran.started) == [{"documents": ["a", "b"], "keys": ["n", "seen"]}] * 3
