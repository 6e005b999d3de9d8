"""What must have passed before a scorer is called, and what becomes of its score where it did not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scoregate.records import Score, ScoreValue
from scoregate.scorers.outcome import Scored, shortened

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A score, and the values with which it passes."""

    score: str
    passing: tuple[ScoreValue, ...] = (True,)
    failing: tuple[ScoreValue, ...] | None = (False,)
    """None: every other value fails."""

    def outcome(self, scores: Iterable[Score]) -> Scored | None:
        """None where it passed; else what the scorer's cell says in place of a value.

        A score that failed to be made is an error of this one too: the item does not leave the denominator for
        want of an answer.
        """
        cell = next((each for each in scores if each.score == self.score), None)
        if cell is None:
            return _error(f"nothing made the score '{self.score}', which must have passed")
        if cell.status == "error":
            return _error(f"'{self.score}', which must have passed, has no value: {cell.comment}")
        if cell.status == "not_applicable":
            return Scored("", None, "not_applicable", f"{self.score} does not apply")
        if cell.value in self.passing:
            return None
        if self.failing is not None and cell.value not in self.failing:
            return _error(f"'{self.score}' is {cell.value!r}, which neither passes nor fails")
        return Scored("", None, "not_applicable", f"{self.score} did not pass")


def _error(reason: str) -> Scored:
    return Scored("", None, "error", shortened(reason, _LONGEST_REASON))
