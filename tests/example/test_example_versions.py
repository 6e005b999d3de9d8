"""Version 2 of the example moves the mean by a point, two intents by a lot, and breaks the policy once."""

from __future__ import annotations

from dataclasses import replace

from scoregate.gate_file import Gate
from scoregate.gates.compare import compare
from scoregate.records import Run, Score, ScoreValue


def values(run: Run, score: str) -> dict[str, ScoreValue]:
    """Item -> value of one score."""
    return {cell.item: cell.value for cell in run.scores if cell.score == score}


def correct_by_intent(run: Run) -> dict[str, int]:
    """Intent -> number of items answered rightly."""
    correct = values(run, "answer_correctness")
    counts: dict[str, int] = {}
    for item in run.items:
        intent = item.slices["intent"]
        counts[intent] = counts.get(intent, 0) + bool(correct[item.item])
    return counts


def share_correct(run: Run) -> float:
    return sum(map(bool, values(run, "answer_correctness").values())) / len(run.items)


def policy_failures(run: Run) -> list[str]:
    return [item for item, value in values(run, "policy_compliance").items() if value == "fail"]


def test_every_scorer_speaks_about_every_item(run_v1: Run, gate: Gate) -> None:
    cells = [(cell.item, cell.score) for cell in run_v1.scores]

    assert len(cells) == len(set(cells)) == len(run_v1.items) * len(gate.rules)
    assert not [cell for cell in run_v1.scores if cell.status == "error"]


def test_version_1_answers_about_nine_in_ten_rightly(run_v1: Run) -> None:
    assert 0.88 <= share_correct(run_v1) <= 0.93


def test_version_1_never_breaks_the_policy(run_v1: Run) -> None:
    assert policy_failures(run_v1) == []


def test_version_2_shows_a_staff_article_to_a_customer(run_v2: Run) -> None:
    breaches = [cell for cell in run_v2.scores if cell.score == "policy_compliance" and cell.value == "fail"]

    assert breaches == [
        Score(
            item="shipping-040",
            trial=0,
            score="policy_compliance",
            value="fail",
            comment="a customer was shown staff-goodwill (staff)",
        )
    ]


def test_the_overall_correctness_of_version_2_hardly_moves(run_v1: Run, run_v2: Run) -> None:
    assert abs(share_correct(run_v2) - share_correct(run_v1)) <= 0.02


def test_version_2_gains_on_devices_and_loses_on_shipping_and_refunds(run_v1: Run, run_v2: Run) -> None:
    before, after = correct_by_intent(run_v1), correct_by_intent(run_v2)
    moved = {intent: after[intent] - before[intent] for intent in before}

    assert moved == {"devices": 9, "shipping": -6, "refunds": -3, "orders": -2, "account": 0, "billing": 0}


def test_the_gate_passes_a_second_run_of_version_1(run_v1: Run, gate: Gate) -> None:
    again = replace(run_v1, header=replace(run_v1.header, run="support-agent-1-again"))
    verdict = compare(run_v1, again, gate)

    assert verdict.outcome == "pass", verdict.reason
    assert verdict.flips == ()


def test_the_gate_stops_version_2_for_its_policy_and_names_the_item(
    run_v1: Run, run_v2: Run, gate: Gate
) -> None:
    verdict = compare(run_v1, run_v2, gate)
    broken = {rule.score for rule in verdict.rules if rule.outcome == "regression"}

    assert verdict.outcome == "regression"
    assert broken == {"policy_compliance"}
    assert [flip.item for flip in verdict.flips if flip.critical] == ["shipping-040"]
    assert len([flip for flip in verdict.flips if flip.score == "answer_correctness"]) == 32
