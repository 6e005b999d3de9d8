"""The report of a gate that was tried on builds made of stored trials."""

from __future__ import annotations

from scoregate.planning.self_test_result import Detection, SelfTest, Share
from scoregate.reports.selftest_text import selftest_text


def detection(kind: str, count: int) -> Detection:
    """Of a drop of five points, found in so many of 40 builds."""
    found = Share(count=count, builds=40, low=count / 40 - 0.05, high=count / 40 + 0.05)
    return Detection(score="correct", drop=0.05, scale="rate", unit=None, kind=kind, found=found)


TEST = SelfTest(
    gate="agent",
    trials_from="run one",
    runs=1,
    items=100,
    side_by_side=False,
    trials=1,
    gate_trials=1,
    drawn_again=False,
    alpha=0.01,
    anchored=False,
    seed=0,
    false_alarms=Share(count=1, builds=40, low=0.001, high=0.13),
    outcomes={"pass": 33, "inconclusive": 6, "false alarm": 1},
    by_score={"correct": 1},
    invalid_reason=None,
    detections=(detection("concentrated", 30), detection("diffuse", 10)),
)


def test_what_became_of_the_builds_is_told_in_shares_of_them() -> None:
    lines = [" ".join(line.split()) for line in selftest_text(TEST, width=100).splitlines()]
    assert "agent: 40 A/A builds of 100 items, one look, 1 trial an arm" in lines
    assert "false alarms 1 2.5 % 95 % interval 0.1 to 13.0 %; the gate allows 1 %" in lines
    assert "pass 33 82.5 %" in lines
    assert "inconclusive 6 15.0 %" in lines


def test_planted_drops_are_told_by_the_share_of_builds_that_found_them() -> None:
    told = " ".join(selftest_text(TEST, width=100).split())
    assert "correct, 5 points 75.0 % (70.0 to 80.0 %) 25.0 % (20.0 to 30.0 %)" in told
