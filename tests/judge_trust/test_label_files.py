"""Files of human labels as people write them, and what is said of those that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoregate.catalog import Contract
from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate
from scoregate.judge_trust.human_labels import HumanLabel, one_an_item, read_all_labels
from scoregate.judge_trust.judged_answers import judged_answers
from scoregate.records import JSON, Run, RunHeader, RunItem

STARS = Contract(name="stars", type="numeric", min=0, max=10, direction="higher")
CORRECT = Contract(name="correct", type="boolean")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate() -> Gate:
    return Gate(name="agent", rules={})


def labels(text: str, contract: Contract = STARS, *, name: str = "labels.csv") -> list[HumanLabel]:
    Path(name).write_text(text, encoding="utf-8")
    return read_all_labels(name, contract, gate(), None)


def refused(text: str, contract: Contract = STARS, *, name: str = "labels.csv") -> str:
    with pytest.raises(ScoregateError) as error:
        labels(text, contract, name=name)
    assert error.value.exit_code == 2
    return str(error.value)


def test_blanks_after_commas_are_no_part_of_names_and_values(folder: Path) -> None:
    found = labels('item, label, output\nq1, 8, "yes, it is"\nq2 , 3 , no\n')
    assert [(one.item, one.label, one.output) for one in found] == [("q1", 8, "yes, it is"), ("q2", 3, "no")]


def test_a_blank_that_the_header_does_not_have_belongs_to_the_answer(folder: Path) -> None:
    assert labels("item,label,output\nq1,8, yes\n")[0].output == " yes"


def test_a_blank_cell_says_that_no_output_is_given(folder: Path) -> None:
    found = labels("item,label,output\nq1,8,\nq2,3,  \nq3,5,no\n")
    assert [(one.has_output, one.output) for one in found] == [(False, None), (False, None), (True, "no")]


def test_an_answer_may_be_as_long_as_an_item(folder: Path) -> None:
    answer = "long, " * 50_000
    assert labels(f'item,label,output\nq1,8,"{answer}"\n')[0].output == answer


def test_booleans_are_written_in_any_of_three_ways(folder: Path) -> None:
    cells = ["true", "Yes", "1", "FALSE", "no", "0"]
    text = "item,label\n" + "".join(f"q{n},{cell}\n" for n, cell in enumerate(cells))
    assert [one.label for one in labels(text, CORRECT)] == [True] * 3 + [False] * 3


def test_null_in_json_lines_is_an_output(folder: Path) -> None:
    found = labels('{"item": "q1", "label": 8, "output": null}\n', name="labels.jsonl")
    assert (found[0].has_output, found[0].answers) == (True, ("null",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,label,label\nq1,8,9\n", "labels.csv:1: there are 2 columns 'label' (keep one)"),
        ("item,label, label\nq1,8,9\n", "labels.csv:1: there are 2 columns 'label'"),
        (
            "Item,Label\nq1,8\n",
            "labels.csv:1: there is no column 'item' (the column 'Item' is written 'item', in ",
        ),
        (
            "item;label\nq1;8\n",
            "labels.csv:1: there is no column 'item' (the cells are set apart by semicolons",
        ),
        ("item\tlabel\nq1\t8\n", "are set apart by tabs"),
        (
            "id,label\nq1,8\n",
            "there is no column 'item' (the first line names the columns: item, label, output; this ",
        ),
        ("item,label\nq1,1_0\n", "labels.csv:2: stars: value \"1_0\" of item 'q1' is not a number"),
        ("item,label\nq1,inf\n", "labels.csv:2: stars: value inf of item 'q1' "),
        ("item,label\nq1,\n", "labels.csv:2: item 'q1' has no label"),
        ("item,label\nq1,8\nq1,9\n", "labels.csv:3: a second label of item 'q1', first at labels.csv:2"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_told_with_what_to_do(
    folder: Path, text: str, message: str
) -> None:
    assert message in refused(text)


@pytest.mark.parametrize("text", ['[{"item": "q1", "label": 8}]', '\n[\n {"item": "q1", "label": 8}\n]\n'])
def test_a_json_array_is_told_as_such(folder: Path, text: str) -> None:
    assert refused(text, name="labels.jsonl").startswith(
        "labels.jsonl: is a JSON array, and labels are JSON Lines: one object a line"
    )


def test_two_people_who_say_the_same_are_one_label(folder: Path) -> None:
    line = json.dumps({"item": "q1", "label": True, "output": "yes"})
    found = labels(f"{line}\n{line}\n", CORRECT, name="labels.jsonl")
    assert [(one.item, one.where) for one in found] == [("q1", "labels.jsonl:1")]
    assert len(labels("item,label\nq1,true\nq1,1\n", CORRECT)) == 1


def test_two_people_who_differ_are_told_with_both_places(folder: Path) -> None:
    lines = [{"item": "q1", "label": told, "output": "yes"} for told in (True, False)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert refused(text, CORRECT, name="labels.jsonl").startswith(
        "labels.jsonl:2: a second label of item 'q1', first at labels.jsonl:1"
    )


def results(*cells: tuple[int, JSON, bool]) -> str:
    """A results file of one item: trial, output (None: the file leaves it out), what people say."""
    header = {"kind": "run", "schema": 1, "run": "r1", "dataset": "d", "candidate": "v1"}
    lines: list[JSON] = [{**header, "expected_items": 1, "trials": 2}]
    for trial, output, told in cells:
        cell: JSON = {"item": "q1", "trial": trial, "status": "ok"}
        lines.append({"kind": "item", **cell, **({} if output is None else {"output": output})})
        lines.append({"kind": "score", **cell, "score": "correct", "value": told, "source": "human"})
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_the_same_answer_in_two_trials_is_labelled_once(folder: Path) -> None:
    found = labels(results((0, "yes", True), (1, "yes", True)), CORRECT, name="seen.jsonl")
    assert [(one.trial, one.output, one.run) for one in found] == [(0, "yes", "r1")]


def test_different_answers_in_two_trials_are_two_labels_and_the_last_one_counts(folder: Path) -> None:
    found = labels(results((0, "yes", True), (1, "no", False)), CORRECT, name="seen.jsonl")
    kept, others = one_an_item(found)
    assert [one.trial for one in kept] == [1]
    assert [one.where for one in others] == ["seen.jsonl, item 'q1', trial 0"]


def test_one_answer_that_is_labelled_differently_in_two_trials_is_refused(folder: Path) -> None:
    assert refused(results((0, "yes", True), (1, "yes", False)), CORRECT, name="seen.jsonl").startswith(
        "seen.jsonl, item 'q1', trial 1: a second label of item 'q1', first at seen.jsonl, item 'q1', trial 0"
    )


def test_two_trials_whose_answers_the_file_leaves_out_are_two_labels(folder: Path) -> None:
    found = labels(results((0, None, True), (1, None, False)), CORRECT, name="seen.jsonl")
    assert [(one.trial, one.has_output) for one in found] == [(0, False), (1, False)]


def answers_of(*outputs: JSON) -> Run:
    header = RunHeader(run="r", dataset="d", candidate="v", expected_items=len(outputs))
    return Run(header, tuple(RunItem(f"q{n}", 0, "ok", output=output) for n, output in enumerate(outputs)))


def test_a_cell_of_json_is_a_label_of_the_object_and_of_the_text(folder: Path) -> None:
    found = labels('item,label,output\nq0,8,"{""b"": 1, ""a"": [2]}"\nq1,7,42\n')
    for run in (answers_of({"a": [2], "b": 1}, 42), answers_of('{"b": 1, "a": [2]}', "42")):
        told = judged_answers(STARS, found, run)
        assert [told[item][0].label for item in ("q0", "q1")] == [8, 7]


def test_the_text_of_a_cell_is_surer_than_what_it_spells(folder: Path) -> None:
    found = labels('item,label,output\nq0,8,"""yes"""\nq0,3,yes\n')
    told = judged_answers(STARS, found, answers_of("yes"))
    assert told["q0"][0].label == 3
