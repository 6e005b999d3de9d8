"""Which answers labels are of: those that they hold, those of the run that they name, those of a run that is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate, read_gate
from scoregate.judge_trust.calibrating import LabelledAnswers, labelled_answers, labels_left_out
from scoregate.judge_trust.human_labels import HumanLabel, read_all_labels
from scoregate.records import JSON, DatasetItem, Run, RunHeader, RunItem
from scoregate.store import Store
from tests.judge_trust.judged_gate import GATE

ITEMS = tuple(DatasetItem(f"q{n}", f"question {n}") for n in range(3))
FINGERPRINT = "f" * 64


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Of a project whose runs A and B answered every item, B later and otherwise."""
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("prompt.md", "Is it right? {{output}}"),
        ("gates/scores.toml", '[correct]\ntype = "boolean"\n'),
        ("gates/agent.toml", f'dataset = "items.jsonl"\n{GATE}'),
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    write("items.jsonl", *({"id": one.id, "input": one.input} for one in ITEMS))
    with Store.open(tmp_path / "runs.sqlite") as store:
        store.import_run(run("A", "old", 1), dataset_items=ITEMS)
        store.import_run(run("B", "new", 2), dataset_items=ITEMS)
        yield store


def run(name: str, candidate: str, day: int, *, trials: int = 1, outputs: bool = True) -> Run:
    """Its answer to question n in trial t is "NAME n t"."""
    time = f"2026-01-0{day}T10:00:00+00:00"
    header = RunHeader(
        run=name,
        dataset="items",
        candidate=candidate,
        expected_items=len(ITEMS),
        trials=trials,
        dataset_fingerprint=FINGERPRINT,
        started_at=time,
        finished_at=time,
        metadata={"gate": "agent"},
    )
    return Run(
        header,
        tuple(
            RunItem(one.id, t, "ok", output=f"{name} {one.id} {t}" if outputs else None)
            for one in ITEMS
            for t in range(trials)
        ),
    )


def write(name: str, *lines: JSON) -> None:
    Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def gate() -> Gate:
    return read_gate(Path("gates/agent.toml"))


def answers(store: Store | None, source: str = "labels.jsonl", *, of: str | None = None) -> LabelledAnswers:
    contract = gate().contract("correct")
    assert contract is not None
    return labelled_answers(gate(), read_all_labels(source, contract, gate(), store, of), store, of)


def outputs(found: LabelledAnswers) -> list[JSON]:
    return [one.answer.output for one in found.found]


def scored_by_people(name: str, *, trials: int = 1) -> None:
    """A results file of a run that people have scored, without the outputs."""
    header = {"kind": "run", "schema": 1, "run": name, "dataset": "items", "candidate": "old"}
    cells = [{"item": one.id, "trial": t, "status": "ok"} for one in ITEMS for t in range(trials)]
    write(
        "seen.jsonl",
        {**header, "expected_items": len(ITEMS), "trials": trials},
        *({"kind": "item", **cell} for cell in cells),
        *({"kind": "score", **cell, "score": "correct", "value": True, "source": "human"} for cell in cells),
    )


def test_labels_that_are_left_out_are_named_up_to_five() -> None:
    labels = [HumanLabel(item=f"q{n}", label=True, where=f"labels.jsonl:{n + 1}") for n in range(7)]
    five = ", ".join(f"q{n} (labels.jsonl:{n + 1})" for n in range(5))
    about = "of an item with several labelled answers the last one counts; "
    assert labels_left_out(labels[:5]) == f"{about}5 labels are left out: {five}"
    assert labels_left_out(labels) == f"{about}7 labels are left out: {five} and 2 more"
    assert labels_left_out(labels[:1]) == f"{about}1 label is left out: q0 (labels.jsonl:1)"
    assert labels_left_out([]) is None


def test_labels_without_outputs_are_of_the_newest_run_which_is_named(store: Store) -> None:
    write("labels.jsonl", {"item": "q0", "label": True}, {"item": "q2", "label": False})
    found = answers(store)
    assert outputs(found) == ["B q0 0", "B q2 0"]
    assert found.notes == (
        "labels without an output are taken to be of run B (new, 2026-01-02 10:00:00); say --run for another",
    )


def test_a_run_that_is_named_needs_no_word(store: Store) -> None:
    write("labels.jsonl", {"item": "q0", "label": True})
    found = answers(store, of="A")
    assert (outputs(found), found.notes) == (["A q0 0"], ())


def test_human_scores_of_a_results_file_are_of_the_run_that_it_names(store: Store) -> None:
    scored_by_people("A")
    found = answers(store, "seen.jsonl")
    assert (outputs(found), found.notes) == (["A q0 0", "A q1 0", "A q2 0"], ())


def test_each_trial_of_a_results_file_has_the_answer_of_its_own_trial(store: Store) -> None:
    store.import_run(run("C", "old", 3, trials=2), dataset_items=ITEMS)
    scored_by_people("C", trials=2)
    assert outputs(answers(store, "seen.jsonl"))[:2] == ["C q0 0", "C q0 1"]


def test_human_scores_of_a_run_that_is_nowhere_are_refused(store: Store) -> None:
    scored_by_people("elsewhere")
    with pytest.raises(ScoregateError) as refused:
        answers(store, "seen.jsonl")
    assert str(refused.value).startswith(
        "seen.jsonl, item 'q0': the label is of run elsewhere, and neither the file holds its outputs nor the store "
        "has the run (add the outputs, or take the run over with `scoregate runs import`)"
    )


def test_labels_of_one_run_are_not_taken_for_those_of_another(store: Store) -> None:
    scored_by_people("A")
    with pytest.raises(ScoregateError, match="--run: the labels are of run A, not of B"):
        answers(store, "seen.jsonl", of="B")
    assert outputs(answers(store, "seen.jsonl", of="A"))[0] == "A q0 0"


def test_an_item_that_was_changed_since_the_run_is_warned_of_and_judged_as_asked(store: Store) -> None:
    write("labels.jsonl", {"item": "q0", "label": True}, {"item": "q1", "label": True})
    changed = [{"id": one.id, "input": one.input + ("?" if one.id == "q1" else "")} for one in ITEMS]
    write("items.jsonl", *changed)
    found = answers(store, of="A")
    assert found.notes == (
        "warning: 1 labelled item was changed in the dataset since run A and judged as asked then: q1",
    )
    assert [one.answer.item.input for one in found.found] == ["question 0", "question 1"]


def test_labels_of_items_without_an_answer_are_named_with_their_places(store: Store) -> None:
    part = run("C", "new", 3)
    failed = RunItem("q1", 0, "error", error="it broke")
    store.import_run(Run(part.header, (part.items[0], failed)), dataset_items=ITEMS)
    write("labels.jsonl", {"item": "q0", "label": True}, {"item": "q1", "label": True})
    found = answers(store, of="C")
    assert outputs(found) == ["C q0 0"]
    assert found.notes == ("1 labelled item has no answer in the run and is left out: q1 (labels.jsonl:2)",)
    write("labels.jsonl", {"item": "q1", "label": True})
    with pytest.raises(ScoregateError, match=r"no labelled item has an answer: q1 \(labels.jsonl:1\)"):
        answers(store, of="C")


def test_a_csv_cell_is_judged_as_the_object_that_it_spells_where_answers_are_objects(store: Store) -> None:
    Path("labels.csv").write_text('item,label,output\nq0,true,"{""a"": 1}"\n', encoding="utf-8")
    assert outputs(answers(store, "labels.csv")) == ['{"a": 1}']
    objects = run("C", "new", 3)
    items = tuple(RunItem(one.item, 0, "ok", output={"a": 2}) for one in objects.items)
    store.import_run(Run(objects.header, items), dataset_items=ITEMS)
    assert outputs(answers(store, "labels.csv")) == [{"a": 1}]


def test_without_a_run_the_expected_outputs_say_what_answers_are(store: Store) -> None:
    Path("labels.csv").write_text('item,label,output\nq0,true,"{""a"": 1}"\n', encoding="utf-8")
    assert outputs(answers(None, "labels.csv")) == ['{"a": 1}']
    write("items.jsonl", {"id": "q0", "input": "?", "expected_output": {"a": 1}})
    assert outputs(answers(None, "labels.csv")) == [{"a": 1}]
