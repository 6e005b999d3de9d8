"""Answers that results files leave out: never the same as others, never labelled, never judged as null."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.calibration.corrected_value import CorrectedValue
from scoregate.errors import ConfigError, DatasetError
from scoregate.gate_file import Gate, read_gate
from scoregate.gate_run.assembly import Assembly, assemble_scorers
from scoregate.gate_run.rescore import prepare, rescore
from scoregate.judge_trust.calibrating import labelled_answers
from scoregate.judge_trust.corrected_values import corrected_values, why_not_random
from scoregate.judge_trust.human_labels import read_all_labels
from scoregate.judge_trust.judged_answers import JudgedAnswer, LeftOut
from scoregate.judge_trust.trust import check_bias
from scoregate.judge_trust.trying import answers_to_try, pairs_of
from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.results_file import write_results
from scoregate.store import Store

NUMBER = 12
GATE = """\
dataset = "items.jsonl"
experiment = "agent.py"

[scorers.grade]
use = "judge"
prompt = "prompt.md"
model = "small"

[scores.grade]
max_drop = 6
labels = "labels.jsonl"

[scores.same]
"""
CATALOG = """\
[grade]
type = "numeric"
min = 0
max = 10
direction = "higher"

[same]
type = "boolean"
"""
AGENT = """\
def task(*, item, **kwargs):
    raise RuntimeError("no candidate is called")


def same(*, output, **kwargs):
    return output is not None


evaluators = [same]
"""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Of a project with a judge `grade` and an evaluator `same`."""
    monkeypatch.chdir(tmp_path)
    Path("gates").mkdir()
    lines = "".join(json.dumps({"id": f"q{n:03}", "input": n}) + "\n" for n in range(NUMBER))
    for name, text in (
        ("items.jsonl", lines),
        ("agent.py", AGENT),
        ("prompt.md", "{{output}}"),
        ("gates/scores.toml", CATALOG),
        ("gates/agent.toml", GATE),
    ):
        Path(name).write_text(text, encoding="utf-8")
    return read_gate(Path("gates/agent.toml"))


@pytest.fixture
def store(gate: Gate) -> Store:
    return Store.open(Path("store.sqlite3"))


def run(name: str, grade: float, *, source: str = "judge", **header: object) -> Run:
    """Its answer to item n is "NAME n", graded alike throughout."""
    values: dict[str, object] = {"dataset": "items", "candidate": name, "expected_items": NUMBER}
    ids = [f"q{n:03}" for n in range(NUMBER)]
    return Run(
        RunHeader(run=name, **{**values, **header}),  # type: ignore[arg-type]  # a test's own words
        tuple(RunItem(item, 0, "ok", output=f"{name} {n}") for n, item in enumerate(ids)),
        tuple(Score(item, 0, "grade", grade, source=source) for item in ids),  # type: ignore[arg-type]  # likewise
    )


def evaluators_only() -> Assembly:
    """What scores again by the gate without its judge, so that no model is asked."""
    path = Path("gates/agent.toml")
    path.write_text(GATE.partition("[scorers.grade]")[0] + "[scores.same]\n", encoding="utf-8")
    return assemble_scorers(read_gate(path))


def without(made: Run, numbers: Collection[int]) -> Run:
    """The run without its outputs of these items."""
    bare = {f"q{n:03}" for n in numbers}
    return replace(
        made,
        items=tuple(
            replace(one, output=None, output_left_out=True) if one.item in bare else one for one in made.items
        ),
    )


def finished(made: Run) -> Run:
    """The run as one of the gate that came to its end."""
    ended = replace(made.header, finished_at="2026-01-01T10:00:00+00:00", metadata={"gate": "agent"})
    return replace(made, header=ended)


def label(grades: dict[str, float]) -> None:
    """People give every answer of a run its grade."""
    lines = [
        {"item": f"q{n:03}", "output": f"{name} {n}", "label": grade}
        for name, grade in grades.items()
        for n in range(NUMBER)
    ]
    Path("labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def corrected(gate: Gate, before: Run, now: Run) -> CorrectedValue:
    found = corrected_values(gate, now, before)["grade"]
    assert isinstance(found, CorrectedValue)
    return found


def test_two_answers_that_were_left_out_are_not_the_same(gate: Gate) -> None:
    before, now = run("old", 8), run("new", 8)
    label({"old": 8, "new": 2})
    whole = corrected(gate, before, now).difference
    gaps = corrected(gate, without(before, range(8)), without(now, range(8))).difference
    assert whole is not None
    assert gaps is not None
    assert (whole.items, whole.same, whole.labelled) == (12, 0, 12)
    assert (gaps.items, gaps.same, gaps.labelled) == (12, 0, 4)
    assert whole.prediction_powered.value == pytest.approx(-6)
    assert gaps.prediction_powered.value == pytest.approx(-6)


def test_an_answer_that_was_left_out_counts_as_one_without_a_label(gate: Gate) -> None:
    label({"new": 2})
    found = corrected(gate, run("old", 8), without(run("new", 8), range(8)))
    assert (found.items, found.labelled) == (12, 4)


def test_a_label_of_null_is_not_of_what_was_left_out(gate: Gate) -> None:
    lines = [{"item": f"q{n:03}", "output": None, "label": 2} for n in range(NUMBER)]
    Path("labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = corrected_values(gate, without(run("new", 8), range(NUMBER)))["grade"]
    assert found == "none of the 12 labels is of an answer in this run"


def test_a_judge_is_not_checked_on_answers_that_were_left_out(gate: Gate) -> None:
    before, now = run("old", 8), run("new", 8)
    label({"old": 8, "new": 2})
    for numbers, labelled in ((range(NUMBER), 0), (range(8), 4)):
        assert check_bias(gate, without(before, numbers), without(now, numbers)).notes == {
            "grade": "whether the judge 'grade' errs alike in both versions is not checked: of the 12 items whose "
            f"answers differ {labelled} are labelled in both versions, and it takes 12, drawn at random; of "
            f"{len(numbers)} items an answer is left out of the runs' files"
        }


def test_an_answer_may_be_that_which_the_other_version_left_out(gate: Gate) -> None:
    before = run("old", 8)
    label({"old": 8})
    again = replace(before, header=replace(before.header, run="again"))
    assert check_bias(gate, before, again).notes == {}
    note = check_bias(gate, before, without(again, [0])).notes["grade"]
    assert note.endswith(
        "only 1 item has two different answers; of 1 item an answer is left out of the runs' files"
    )


def test_of_several_trials_one_that_was_left_out_leaves_the_item_unchecked(gate: Gate) -> None:
    def twice(made: Run) -> Run:
        again = without(made, range(8))
        return replace(
            made,
            header=replace(made.header, trials=2),
            items=made.items + tuple(replace(one, trial=1) for one in again.items),
            scores=made.scores + tuple(replace(one, trial=1) for one in again.scores),
        )

    label({"old": 8, "new": 2})
    note = check_bias(gate, twice(run("old", 8)), twice(run("new", 8))).notes["grade"]
    assert "of the 12 items whose answers differ 4 are labelled in both versions" in note


def test_labels_are_not_doubted_for_what_was_left_out() -> None:
    def cells(version: str, *, labelled: bool) -> dict[str, list[JudgedAnswer]]:
        return {
            f"i{n}": [
                JudgedAnswer(
                    t,
                    LeftOut() if n < 40 else f"{version} {n}",
                    1.0,
                    1.0 if labelled and n >= 40 and n % 2 else None,
                )
                for t in range(2)
            ]
            for n in range(80)
        }

    assert why_not_random({}, cells("b", labelled=True), worst=0.0) is None


def test_what_one_record_leaves_out_the_store_fills_in(gate: Gate, store: Store) -> None:
    whole = run("old", 8, scorers={"same": "before"})
    store.import_run(whole)
    prepared = prepare(evaluators_only(), without(whole, [2, 3]), store)
    made = rescore(prepared, store)
    assert [one.output for one in made.items] == [one.output for one in whole.items]
    assert {score.value for score in made.scores if score.score == "same"} == {True}


def test_the_store_fills_in_what_the_file_that_is_given_leaves_out_too(gate: Gate, store: Store) -> None:
    whole = run("old", 8)
    store.import_run(without(whole, [2]))
    write_results(without(whole, [3]), Path("given.jsonl"))
    bare = without(whole, range(NUMBER))
    prepared = prepare(evaluators_only(), bare, store, outputs=Path("given.jsonl"))
    assert [one.output for one in prepared.before.items] == [one.output for one in whole.items]


def test_null_is_kept_where_it_was_the_answer(gate: Gate, store: Store) -> None:
    whole = run("old", 8)
    null = replace(whole, items=tuple(replace(one, output=None) for one in whole.items))
    made = rescore(prepare(evaluators_only(), null, store), store)
    assert {score.value for score in made.scores if score.score == "same"} == {False}


def test_no_run_is_scored_again_that_lacks_an_output(gate: Gate, store: Store) -> None:
    bare = without(run("old", 8), range(2, 9))
    with pytest.raises(ConfigError) as refused:
        prepare(evaluators_only(), bare, store)
    assert str(refused.value).startswith(
        "7 of the 12 outputs of run old are neither in the store nor the baseline's file, so they cannot be scored "
        "again: q002, q003, q004, q005, q006 and 2 more (give a results file that has them, --outputs FILE: "
    )
    assert store.list_runs() == []


def test_pairs_without_both_outputs_are_left_out_and_counted(gate: Gate) -> None:
    found = pairs_of(gate, run("old", 8), without(run("new", 8), [0, 3]), limit=5)
    assert [pair.item.id for pair in found.whole] == ["q001", "q002", "q004", "q005", "q006"]
    assert found.left_out == ("q000", "q003")


def test_a_judge_is_not_tried_on_an_answer_that_was_left_out(gate: Gate, store: Store) -> None:
    store.import_run(finished(without(run("old", 8), [0])))
    assert [one.output for one in answers_to_try(gate, store, limit=2)] == ["old 1", "old 2"]


def test_a_label_of_a_run_that_left_the_answer_out_is_left_out_and_named(gate: Gate, store: Store) -> None:
    seen = without(run("old", 8, source="human"), [0])
    store.import_run(seen)
    write_results(seen, Path("seen.jsonl"))
    contract = gate.contract("grade")
    assert contract is not None
    found = labelled_answers(gate, read_all_labels("seen.jsonl", contract, gate, store), store, None)
    assert [one.answer.output for one in found.found] == [f"old {n}" for n in range(1, NUMBER)]
    assert found.notes == (
        "1 labelled item has no answer in the run and is left out: q000 (seen.jsonl, item 'q000')",
    )


def test_a_label_without_an_output_is_not_of_one_that_the_newest_run_left_out(
    gate: Gate, store: Store
) -> None:
    store.import_run(finished(without(run("old", 8), [0])))
    lines = ({"item": f"q{n:03}", "label": 8} for n in range(3))
    Path("bare.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    contract = gate.contract("grade")
    assert contract is not None
    found = labelled_answers(gate, read_all_labels("bare.jsonl", contract, gate, store), store, None)
    assert [one.answer.output for one in found.found] == ["old 1", "old 2"]
    assert found.notes[1] == "1 labelled item has no answer in the run and is left out: q000 (bare.jsonl:1)"


def test_labels_of_a_run_whose_answers_are_nowhere_are_refused(gate: Gate, store: Store) -> None:
    write_results(without(run("old", 8, source="human"), range(NUMBER)), Path("seen.jsonl"))
    contract = gate.contract("grade")
    assert contract is not None
    with pytest.raises(DatasetError, match="neither the file holds its outputs nor the store has the run"):
        labelled_answers(gate, read_all_labels("seen.jsonl", contract, gate, store), store, None)
