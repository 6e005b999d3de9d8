"""A gate's judges held against people's labels of both versions' answers: runs and files as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scoregate.errors import DatasetError
from scoregate.gate_file import Gate, read_gate
from scoregate.judge_trust.trust import BiasCheck, check_bias
from scoregate.records import Run, RunHeader, RunItem, Score, ScoreValue

CATALOG = """\
[correct]
type = "boolean"

[toxic]
type = "boolean"
direction = "lower"

[grade]
type = "numeric"
min = 0
max = 10
direction = "higher"

[tone]
type = "categorical"
categories = ["rude", "plain", "kind"]
ordered = true
"""
Cell = tuple[str, ScoreValue, bool | int | str | None]
"""Answer, what the judge says, what people say (None: nobody read it)."""
Check = Callable[..., BiasCheck]


def run_of(score: str, cells: Sequence[Sequence[Cell]], made_by: str = "judge 0123456789ab") -> Run:
    """An item a row, a trial a cell."""
    trials = max(map(len, cells))
    header = RunHeader("r", "d", "v", len(cells), trials=trials, scorers={score: made_by})
    flat = [(f"i{n:03}", t, cell) for n, row in enumerate(cells) for t, cell in enumerate(row)]
    return Run(
        header,
        tuple(RunItem(item, trial, "ok", output=answer) for item, trial, (answer, _, _) in flat),
        tuple(
            Score(item, trial, score, value, "error" if value is None else "ok", source="judge")
            for item, trial, (_, value, _) in flat
        ),
    )


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """The check of two versions, given their cells."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "scores.toml").write_text(CATALOG, encoding="utf-8")
    (tmp_path / "prompt.md").write_text("{{output}}", encoding="utf-8")

    def gate(score: str, keys: str) -> Gate:
        judge = f'[scorers.{score}]\nuse = "judge"\nprompt = "prompt.md"\nmodel = "m"\n'
        text = f"{judge}[scores.{score}]\nmax_drop = 0.05\n"
        if score == "toxic":
            text = text.replace("max_drop", "max_increase")
        path = tmp_path / "gates" / "agent.toml"
        path.write_text(text + keys, encoding="utf-8")
        return read_gate(path)

    def check(
        score: str,
        before: Sequence[Sequence[Cell]],
        now: Sequence[Sequence[Cell]],
        keys: str = 'labels = "labels.jsonl"\n',
        made_by: str = "judge 0123456789ab",
    ) -> BiasCheck:
        labels = {
            (f"i{n:03}", answer): label
            for cells in (before, now)
            for n, row in enumerate(cells)
            for answer, _, label in row
            if label is not None
        }
        lines = [
            json.dumps({"item": item, "label": label, "output": answer})
            for (item, answer), label in labels.items()
        ]
        (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return check_bias(gate(score, keys), run_of(score, before), run_of(score, now, made_by))

    return check


def rows(
    version: str, counted: Sequence[tuple[ScoreValue, bool | int | str | None, int]]
) -> list[list[Cell]]:
    """(judge, people, how many) -> items with one answer each, which only this version gives."""
    every = [(judge, label) for judge, label, many in counted for _ in range(many)]
    return [[(f"{version}{n}", judge, label)] for n, (judge, label) in enumerate(every)]


HONEST = rows("a", [(True, True, 40), (False, False, 17), (True, False, 3)])
FLATTERED = rows("b", [(True, True, 36), (False, False, 8), (True, False, 16)])


def test_a_judge_that_passes_what_people_fail_of_one_version_only_is_named_with_counts(check: Check) -> None:
    found = check("correct", HONEST, FLATTERED)
    assert found.notes == {}
    assert found.faults["correct"].startswith(
        "the judge 'correct' is more lenient with the candidate than with the baseline: it passes 16 of 24 answers of "
        "the candidate that people fail, 3 of 20 of the baseline's; p = "
    )
    assert "(scoregate judge calibrate gates/agent.toml)" in found.faults["correct"]
    other_way = check("correct", FLATTERED, HONEST).faults["correct"]
    assert "more lenient with the baseline than with the candidate" in other_way


def test_a_judge_that_errs_alike_is_told_in_a_note(check: Check) -> None:
    found = check("correct", HONEST, rows("b", [(True, True, 30), (False, False, 26), (True, False, 4)]))
    assert found.faults == {}
    assert found.notes["correct"] == (
        "held against people's labels of 60 answers of the candidate and 60 of the baseline, the judge 'correct' is "
        "not proved to treat them differently: it passes 4 of 30 answers of the candidate that people fail, 3 of 20 of "
        "the baseline's (a difference of up to 24 points cannot be excluded); it fails 0 of 30 answers of the "
        "candidate that people pass, 0 of 40 of the baseline's (a difference of up to 11 points cannot be excluded); "
        "p = 1 where 5 % of the labels may be wrong"
    )


def test_where_one_version_has_no_bad_answers_nothing_is_known_of_its_leniency(check: Check) -> None:
    note = check("correct", rows("b", [(True, True, 60)]), HONEST).notes["correct"]
    assert "that people fail, 0 of 0 of the baseline's (which says nothing of a difference)" in note


def test_answers_of_both_versions_tell_nothing_and_do_no_harm(check: Check) -> None:
    shared = rows("c", [(True, False, 30), (True, True, 100)])
    found = check("correct", [*HONEST, *shared], [*FLATTERED, *shared])
    assert "16 of 24 answers of the candidate" in found.faults["correct"]
    assert check("correct", HONEST, HONEST) == BiasCheck()


def test_labels_of_shared_answers_are_not_enough(check: Check) -> None:
    shared = rows("c", [(True, True, 100)])
    found = check("correct", [*HONEST, *shared], [*rows("b", [(True, None, 60)]), *shared])
    assert found.notes["correct"] == (
        "whether the judge 'correct' errs alike in both versions is not checked: where the answers differ people have "
        "labelled 0 of 60 of the candidate's and 60 of 60 of the baseline's, and it takes 50 and 50, drawn at random"
    )


def test_where_all_that_differs_is_labelled_nobody_is_asked_for_more(check: Check) -> None:
    before = rows("a", [(False, False, 12)])
    now = rows("b", [(True, False, 12)])
    shared = rows("c", [(True, None, 80)])
    assert (
        "it passes 12 of 12 answers"
        in check("correct", [*before, *shared], [*now, *shared]).faults["correct"]
    )


def test_of_several_trials_the_first_labelled_answer_counts_once(check: Check) -> None:
    before = [[("same", True, True), (f"a{n}", n < 6, False), ("same", True, True)] for n in range(60)]
    now = [[(f"b{n}", True, None), ("same", True, True), (f"c{n}", n < 30, False)] for n in range(60)]
    assert (
        "it passes 30 of 60 answers of the candidate that people fail, 6 of 60"
        in (check("correct", before, now).faults["correct"])
    )


def test_an_item_is_looked_at_in_as_many_trials_of_one_version_as_of_the_other(check: Check) -> None:
    """Odd answers, which the other version never gave, are many where it was asked once and this one three times."""
    fair = [[(f"u{n}", n % 2 == 0, n % 2 == 0)] for n in range(60)]
    other = [[(f"v{n}", n % 2 == 0, n % 2 == 0)] for n in range(60)]
    usual = [[(f"same{n}", True, True)] for n in range(60)]
    odd = [[(f"same{n}", True, True), (f"odd{n}", True, False)] for n in range(60)]
    found = check("correct", [*fair, *usual], [*other, *odd])
    assert found.faults == {}
    assert "labels of 60 answers of the candidate and 60 of the baseline" in found.notes["correct"]


def test_a_judge_that_favours_the_candidate_is_told_apart(check: Check) -> None:
    assert check("correct", HONEST, FLATTERED).favoured == {"correct"}
    assert check("correct", FLATTERED, HONEST).favoured == frozenset()
    before = [[(f"a{n}", 5 + n % 3, 5 + n % 3)] for n in range(60)]
    now = [[(f"b{n}", 6 + n % 3 + n % 2, 5 + n % 3)] for n in range(60)]
    assert check("grade", before, now).favoured == {"grade"}
    assert check("grade", now, before).favoured == frozenset()


def test_what_the_judge_left_out_is_no_error(check: Check) -> None:
    now = rows("b", [(None, True, 10), (True, True, 30), (False, False, 20)])
    assert "it fails 0 of 30 answers" in check("correct", HONEST, now).notes["correct"]


def test_where_lower_is_better_false_passes(check: Check) -> None:
    def turned(cells: list[list[Cell]]) -> list[list[Cell]]:
        return [[(answer, not judge, not label) for answer, judge, label in row] for row in cells]

    assert "it passes 16 of 24 answers" in check("toxic", turned(HONEST), turned(FLATTERED)).faults["toxic"]


def test_numbers_are_held_against_labels_of_the_same_items(check: Check) -> None:
    before = [[(f"a{n}", 5 + n % 3, 5 + n % 3)] for n in range(60)]
    now = [[(f"b{n}", 6 + n % 3 + n % 2, 5 + n % 3)] for n in range(60)]
    told = check("grade", before, now).faults["grade"]
    assert told.startswith(
        "the judge 'grade' treats the versions differently: where people see no difference it gives the candidate 1.5 "
        "more than the baseline (95 % interval 1."
    )
    assert "60 items labelled in both; p < 1e-6" in told
    fair = [[(f"b{n}", 5 + n % 3 + (0, 1, 0, -1)[n % 4], 5 + n % 3)] for n in range(60)]
    assert (
        "where people see no difference it gives the candidate +"
        in check("grade", before, fair).notes["grade"]
    )


def test_grades_are_numbers(check: Check) -> None:
    before = [[(f"a{n}", "plain", "plain")] for n in range(60)]
    now = [[(f"b{n}", "kind", "plain")] for n in range(60)]
    assert "it gives the candidate 1 more" in check("tone", before, now).faults["tone"]


def test_of_numbers_items_are_counted_that_are_labelled_in_both(check: Check) -> None:
    before = [[(f"a{n}", 5, 5)] for n in range(60)]
    now = [[(f"b{n}", 5, 5 if n < 20 else None)] for n in range(60)]
    assert (
        check("grade", before, now)
        .notes["grade"]
        .endswith(
            "of the 60 items whose answers differ 20 are labelled in both versions, and it takes 50, drawn at random"
        )
    )
    assert "only 4 items have two different answers" in (check("grade", before[:4], now[:4]).notes["grade"])


def test_a_required_calibration_without_labels_is_reminded_of(check: Check) -> None:
    found = check("correct", HONEST, FLATTERED, "require_calibration = { kappa = 0.6 }\n")
    assert found.faults == {}
    assert found.notes["correct"].endswith(
        "is not checked: that takes human labels of their answers (key `labels`)"
    )
    assert check("correct", HONEST, FLATTERED, "") == BiasCheck()


def test_labels_that_cannot_be_read_are_no_reason_to_trust_a_judge(check: Check) -> None:
    with pytest.raises(DatasetError, match="nowhere.jsonl: no such file"):
        check("correct", HONEST, FLATTERED, 'labels = "nowhere.jsonl"\n')


def test_another_judge_in_the_baseline_is_left_to_the_comparison(check: Check) -> None:
    assert check("correct", HONEST, FLATTERED, made_by="judge ba9876543210") == BiasCheck()
