"""Whether a judge errs differently in two versions, by human labels of the answers of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scoregate.statistics.differential import (
    FEWEST_PAIRS,
    ErrorRates,
    Offset,
    compare_errors,
    offset_at_equal_labels,
)

ENOUGH_LABELS = 50
"""Labelled answers of each version that the check takes, or all that differ where they are fewer."""
SIGNIFICANT = 0.05

Fault = Literal["lenient", "strict", "offset"]


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """One answer as the judge and as people see it: 1 for what passes and 0 for what fails, else in numbers."""

    judge: float
    human: float


@dataclass(frozen=True, slots=True)
class Errors:
    """The judge's errors in both versions, of a score that passes or fails."""

    lenient: ErrorRates
    """Of the answers that people fail: those that the judge passes."""
    strict: ErrorRates
    """Of the answers that people pass: those that the judge fails."""

    @property
    def p_value(self) -> float:
        """That errors are equally frequent, of either kind: the smaller of two, made good for the choice."""
        return min(1.0, 2 * min(self.lenient.p_value, self.strict.p_value))

    @property
    def differ(self) -> Fault | None:
        """The kind of error of which the versions differ most clearly, where it is proved that they do."""
        if self.p_value > SIGNIFICANT:
            return None
        return "lenient" if self.lenient.p_value <= self.strict.p_value else "strict"


def compare_pass_errors(
    baseline: Mapping[str, LabelledAnswer], candidate: Mapping[str, LabelledAnswer]
) -> Errors:
    """Item -> the labelled answer of each version, without answers that both versions gave: these tell nothing.

    Both kinds of error are looked at. Leniency towards the candidate hides a drop, strictness makes one; and the
    check as a whole cries wolf over at most 5 % of the judges that err alike.
    """

    def errors(answers: Mapping[str, LabelledAnswer], human: float) -> dict[str, bool]:
        return {item: one.judge != human for item, one in answers.items() if one.human == human}

    return Errors(
        compare_errors(errors(baseline, 0.0), errors(candidate, 0.0)),
        compare_errors(errors(baseline, 1.0), errors(candidate, 1.0)),
    )


def compare_numbers(
    baseline: Mapping[str, LabelledAnswer], candidate: Mapping[str, LabelledAnswer]
) -> Offset | None:
    """The same of numbers, of the items that are labelled in both versions; None where they are too few to tell."""
    both = sorted(baseline.keys() & candidate.keys())
    if len(both) < FEWEST_PAIRS:
        return None
    judge = np.array([candidate[item].judge - baseline[item].judge for item in both])
    human = np.array([candidate[item].human - baseline[item].human for item in both])
    return offset_at_equal_labels(judge, human)
