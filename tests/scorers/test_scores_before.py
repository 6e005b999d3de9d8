"""What must have passed before a scorer is called, and what its cell says where it did not."""

from __future__ import annotations

import pytest

from scoregate.records import RunItem, Score
from scoregate.scorers.scorer import Prerequisite, Scorer, skipped_scores

RUN_ITEM = RunItem(item="q1", trial=2, status="ok", output="x")


def cells_after(score: Score | None, prerequisite: Prerequisite) -> list[Score]:
    scorer = Scorer("judge", "1", lambda **_: 1, scores=("tone",), source="judge", after=(prerequisite,))
    return skipped_scores(scorer, RUN_ITEM, [score] if score is not None else [])


def made(value: object, status: str = "ok", comment: str | None = None) -> Score:
    return Score("q1", 2, "valid", value, status, comment)  # type: ignore[arg-type]  # a value and a status


@pytest.mark.parametrize(
    ("value", "prerequisite"),
    [
        (True, Prerequisite("valid")),
        (1, Prerequisite("valid")),
        (False, Prerequisite("valid", (False,), (True,))),
        ("good", Prerequisite("valid", ("good", "fair"), None)),
    ],
)
def test_where_it_passed_the_scorer_is_called(value: object, prerequisite: Prerequisite) -> None:
    assert cells_after(made(value), prerequisite) == []


@pytest.mark.parametrize(
    ("value", "prerequisite"),
    [(False, Prerequisite("valid")), ("bad", Prerequisite("valid", ("good", "fair"), None))],
)
def test_where_it_did_not_pass_the_score_does_not_apply(value: object, prerequisite: Prerequisite) -> None:
    assert cells_after(made(value), prerequisite) == [
        Score("q1", 2, "tone", None, "not_applicable", "valid did not pass", "judge")
    ]


def test_what_does_not_apply_lets_nothing_after_it_apply() -> None:
    (cell,) = cells_after(made(None, "not_applicable", "small talk"), Prerequisite("valid"))
    assert (cell.status, cell.comment) == ("not_applicable", "valid does not apply")


def test_a_failed_score_is_an_error_of_what_comes_after_it() -> None:
    (cell,) = cells_after(made(None, "error", "no JSON library"), Prerequisite("valid"))
    assert (cell.status, cell.comment) == (
        "error",
        "'valid', which must have passed, has no value: no JSON library",
    )


def test_a_score_that_nobody_made_is_an_error() -> None:
    (cell,) = cells_after(None, Prerequisite("valid"))
    assert (cell.status, cell.comment) == (
        "error",
        "nothing made the score 'valid', which must have passed",
    )


def test_a_value_that_neither_passes_nor_fails_is_an_error() -> None:
    (cell,) = cells_after(made(0.7), Prerequisite("valid"))
    assert (cell.status, cell.comment) == ("error", "'valid' is 0.7, which neither passes nor fails")
