"""What is looked at twice, for worse and for better, is doubted at half the level each time."""

from __future__ import annotations

from scoregate.judge_trust.corrected_values import why_not_random
from scoregate.judge_trust.judged_answers import JudgedAnswer


def answers(version: str, *, lost: int) -> dict[str, list[JudgedAnswer]]:
    """300 items of which 60 are labelled. So many of these fail, and as large a part of the others in both versions."""
    bad = {*range(lost), *range(200, 212)}
    return {
        f"i{n}": [
            JudgedAnswer(0, f"{version}{n}", float(n not in bad), float(n not in bad) if n < 60 else None)
        ]
        for n in range(300)
    }


def test_three_lost_items_of_sixty_labelled_ones_may_be_chance() -> None:
    """p = 0.0077: seldom, but not for the rarer of two looks."""
    assert why_not_random(answers("a", lost=0), answers("b", lost=3), worst=0.0) is None


def test_four_are_hardly_chance() -> None:
    told = why_not_random(answers("a", lost=0), answers("b", lost=4), worst=0.0)
    assert told is not None
    assert (
        "4 of the 60 that are labelled in both versions are worse by the judge, and 0 of the 240 others"
        in told
    )
