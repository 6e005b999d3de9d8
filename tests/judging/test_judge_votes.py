"""Several votes and the rule that makes them one score; never a number that rests on a bad reply."""

from __future__ import annotations

import pytest

from scoregate.judging.judge import Judge
from scoregate.judging.votes import Vote, decide_votes
from tests.judging.judges import YES_NO, ask, spec_of
from tests.model_server.answers import judged
from tests.model_server.server import ModelServer

BAD = Vote(None, None, "invalid reply: empty")


def votes(*values: float | bool | str) -> list[Vote]:
    return [Vote(value, f"because {value}") for value in values]


def test_one_vote_is_the_score() -> None:
    decision = decide_votes(votes(7), None)
    assert (decision.value, decision.comment, decision.unanimous) == (7, "because 7", True)


def test_the_majority_decides_and_the_disagreement_is_kept() -> None:
    decision = decide_votes(votes(True, False, True), "majority")
    assert (decision.value, decision.unanimous) == (True, False)
    assert decision.comment == "[majority of 2 × true, 1 × false] because True"


def test_true_is_not_one() -> None:
    assert decide_votes([Vote(True, "a"), Vote(1, "b"), Vote(2, "c")], "majority").value is None


@pytest.mark.parametrize(("rule", "value"), [("mean", 4.0), ("median", 3.0)])
def test_mean_and_median(rule: str, value: float) -> None:
    decision = decide_votes(votes(3, 2, 7), rule)  # type: ignore[arg-type]  # one of the rules
    assert decision.value == value
    assert decision.comment.startswith(f"[{rule} of 1 × 3, 1 × 2, 1 × 7] because ")


@pytest.mark.parametrize("value", [0.8, 1.1, 4.35, 1e308, -1e308])
def test_the_mean_of_equal_votes_is_the_vote(value: float) -> None:
    assert decide_votes(votes(value, value, value), "mean").value == value


def test_without_a_majority_there_is_no_score() -> None:
    decision = decide_votes(votes("a", "b", "c"), "majority")
    assert decision.value is None
    assert decision.comment == "no majority: 1 × a, 1 × b, 1 × c"


def test_a_bad_vote_counts_against_the_majority() -> None:
    assert decide_votes([*votes(True, True), BAD], "majority").value is True
    assert decide_votes([*votes(True), BAD, BAD], "majority").value is None


def test_a_mean_needs_every_vote() -> None:
    decision = decide_votes([*votes(3, 5), BAD], "mean")
    assert decision.value is None
    assert decision.comment == "no mean without every vote: 1 × 3, 1 × 5, 1 × invalid; invalid reply: empty"


def test_a_judge_asks_for_each_of_its_votes() -> None:
    with ModelServer(script=[judged(True, "yes"), judged(False, "no"), judged(True, "yes")]) as server:
        judge = Judge(spec_of(server.url, contract=YES_NO, votes=3, rule="majority"))
        judgement = ask(judge)[0]
        assert len(server.requests) == 3
    assert (judgement.value, judgement.unanimous, len(judgement.votes)) == (True, False, 3)
    assert (judge.usage.judged, judge.usage.disagreed) == (1, 1)
    assert "votes differ on 1 of 1 answers" in judge.usage.line("relevance")
