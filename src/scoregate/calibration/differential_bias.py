"""Whether a judge errs differently in two versions, by human labels of the answers of both."""

from __future__ import annotations

import math
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
WRONG_LABELS = 0.05
"""Share of the labels of scores that pass or fail that may be wrong, without a true change becoming a fault."""

_Fault = Literal["lenient", "strict", "offset"]


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
    def differ(self) -> _Fault | None:
        """The kind of error of which the versions differ most clearly, where it is proved that they do."""
        if self.p_value > SIGNIFICANT:
            return None
        return "lenient" if self.lenient.p_value <= self.strict.p_value else "strict"

    @property
    def favours_candidate(self) -> bool:
        """Whether it is proved that the judge is kinder to the candidate, and nothing speaks for the contrary."""
        kinder = {"lenient": self.lenient.excess > 0, "strict": self.strict.excess < 0}
        p_values = {"lenient": self.lenient.p_value, "strict": self.strict.p_value}
        proved = self.differ
        if proved is None or not kinder[proved]:
            return False
        return all(kind or p_values[name] > SIGNIFICANT for name, kind in kinder.items())


def compare_pass_errors(
    baseline: Mapping[str, LabelledAnswer], candidate: Mapping[str, LabelledAnswer]
) -> Errors:
    """Item -> the labelled answer of each version, without answers that both versions gave: these tell nothing.

    Both kinds of error are looked at. Leniency towards the candidate hides a drop, strictness makes one; and the
    check as a whole cries wolf over at most 5 % of the judges that err alike. `WRONG_LABELS` of the answers that people
    pass, of either version, may be bad ones or the other way round: so many errors are nobody's.
    """

    def errors(answers: Mapping[str, LabelledAnswer], human: float) -> dict[str, bool]:
        return {item: one.judge != human for item, one in answers.items() if one.human == human}

    def of_kind(human: float) -> ErrorRates:
        others = (sum(one.human != human for one in answers.values()) for answers in (baseline, candidate))
        before, now = (math.ceil(WRONG_LABELS * number) for number in others)
        return compare_errors(errors(baseline, human), errors(candidate, human), explained=(before, now))

    return Errors(lenient=of_kind(0.0), strict=of_kind(1.0))


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
