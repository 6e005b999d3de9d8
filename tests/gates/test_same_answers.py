"""Equal answers with other scores under what is called the same scorer are no drop of the agent's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scoregate import Gate, Rule, compare
from scoregate.records import JSON, Run, RunHeader, RunItem, Score, ScoreValue

ITEMS = [f"q{n:03d}" for n in range(60)]
RULES = {"correct": Rule(max_drop=0.05)}


def run(
    name: str,
    scores: Mapping[str, ScoreValue],
    outputs: Mapping[str, JSON] | None = None,
    *,
    version: str | None = "src-1",
    metadata: Mapping[str, JSON] | None = None,
    source: str = "code",
) -> Run:
    """A run that scored these items; every answer is "yes" but those that `outputs` tells."""
    header = RunHeader(
        run=name, dataset="d", candidate=name, expected_items=len(scores),
        scorers={"correct": version} if version else {}, metadata=metadata or {},
    )  # fmt: skip
    given = outputs or {}
    return Run(
        header,
        tuple(RunItem(item, 0, "ok", output=given.get(item, "yes"), content="same") for item in scores),
        tuple(Score(item, 0, "correct", value, source=source) for item, value in scores.items()),  # type: ignore[arg-type]
    )


def failing(number: int) -> dict[str, ScoreValue]:
    return {item: n >= number for n, item in enumerate(ITEMS)}


def otherwise(number: int) -> dict[str, JSON]:
    """Answers that are other ones for so many items, from the first on."""
    return dict.fromkeys(ITEMS[:number], "no")


def test_scores_that_fell_without_an_answer_that_changed_are_the_scorers() -> None:
    verdict = compare(run("a", failing(0)), run("b", failing(60)), RULES)
    assert verdict.outcome == "invalid"
    assert "the scorer of correct is called the same (src-1) and is not" in verdict.reason
    assert "60 items have the same answer as in the baseline and another score (q000, q001" in verdict.reason
    assert verdict.rules[0].outcome == "invalid"


def test_a_drop_of_answers_that_changed_stays_a_regression() -> None:
    # 20 answers are worse, and 5 of those that are as they were have another score.
    verdict = compare(run("a", failing(0)), run("b", failing(25), otherwise(20)), RULES)
    assert verdict.outcome == "regression"
    assert any("5 items have the same answer" in note for note in verdict.notes)


def test_a_drop_that_needs_the_equal_answers_is_not_the_agents() -> None:
    verdict = compare(run("a", failing(0)), run("b", failing(25), otherwise(3)), RULES)
    assert verdict.outcome == "invalid"


def test_a_scorer_that_became_kinder_passes_nothing() -> None:
    verdict = compare(run("a", failing(30)), run("b", failing(0)), RULES)
    assert verdict.outcome == "invalid"
    assert "30 items have the same answer" in verdict.reason


def test_a_scorer_that_varies_is_told_and_decides_nothing() -> None:
    before = {**failing(0), "q000": False, "q001": False}
    now = {**failing(0), "q002": False, "q003": False}
    verdict = compare(run("a", before), run("b", now), {"correct": Rule(max_drop=0.3)})
    assert verdict.outcome == "pass"
    assert any("4 items have the same answer" in note for note in verdict.notes)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (run("a", failing(0), version=None), run("b", failing(60), version=None)),
        (run("a", failing(0)), run("b", failing(60), otherwise(60))),
        (run("a", failing(0), source="judge"), run("b", failing(60), source="judge")),
        (run("a", failing(0)), run("b", failing(60), metadata={"scored_by_more": ["correct"]})),
    ],
    ids=["no scorer is named", "other answers", "a judge", "a scorer of latency"],
)
def test_all_else_is_a_regression(before: Run, after: Run) -> None:
    assert compare(before, after, RULES).outcome == "regression"


def test_a_case_that_changed_has_another_score_for_the_same_answer() -> None:
    after = run("b", failing(60))
    changed = tuple(replace(item, content="another") for item in after.items)
    assert compare(run("a", failing(0)), replace(after, items=changed), RULES).outcome == "regression"


def test_what_another_score_proves_stands() -> None:
    before, after = (
        replace(
            one,
            header=replace(one.header, scorers={"correct": "src-1", "tone": "src-2"}),
            scores=(*one.scores, *(Score(item, 0, "tone", tone) for item in ITEMS)),
        )
        for one, tone in ((run("a", failing(0)), True), (run("b", failing(60), otherwise(0)), False))
    )
    answers = tuple(replace(item, output={"text": "yes", "n": n}) for n, item in enumerate(after.items))
    gate = Gate(name="g", rules={"correct": Rule(), "tone": Rule()})
    assert compare(before, after, gate).outcome == "invalid"
    assert compare(before, replace(after, items=answers), gate).outcome == "regression"


def test_answers_are_compared_as_json() -> None:
    before = run("a", failing(0), {item: {"a": 1, "b": True} for item in ITEMS})
    same = run("b", failing(60), {item: {"b": True, "a": 1} for item in ITEMS})
    assert compare(before, same, RULES).outcome == "invalid"
    other = run("b", failing(60), {item: {"b": 1, "a": 1} for item in ITEMS})
    assert compare(before, other, RULES).outcome == "regression"
