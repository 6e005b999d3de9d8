"""What a run says where a scorer gave no value and did not fail either: it may not apply to that item.

A cell keeps its reason as text, so that whoever reads the run knows it again by these words.
"""

from __future__ import annotations

from scoregate.records import Score

RETURNED_NOTHING = "the scorer returned nothing"
EMPTY_LIST = "the scorer returned an empty list"
NO_VALUE = "the score has no value"
NOT_AMONG_THEM = "returned no score of this name"
NOT_GIVEN = "no scorer gave this score for this item"

_REASONS = (RETURNED_NOTHING, EMPTY_LIST, NO_VALUE, NOT_GIVEN)


def gave_nothing(score: Score) -> bool:
    """Whether a cell is an error for the one reason that nothing was said of it."""
    comment = score.comment or ""
    return score.status == "error" and (comment in _REASONS or comment.endswith(NOT_AMONG_THEM))
