"""A judge's values with human labels of the same items, checked, and how the two are compared by the kind of score.

- boolean, categories: they agree where they are the same.
- ordered categories: the same; a disagreement is larger the more grades lie between.
- numbers: they agree where they differ by at most `tolerance` (0: where they are equal), or, with `pass_at`, where both
  pass or both fail. Classes, which κ, AC1, the rates and the confusion table need, are pass and fail with `pass_at`,
  else the numbers themselves where there are at most ten different ones, as with grades from 1 to 5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scoregate.calibration.comparison import Comparison, unsuited
from scoregate.catalog import Contract
from scoregate.errors import ConfigError, DatasetError
from scoregate.records import ScoreValue

ScaleKind = Literal["boolean", "categorical", "ordered", "numeric"]
KINDS: tuple[ScaleKind, ...] = ("boolean", "categorical", "ordered", "numeric")

_NAMES = {"tolerance": "tolerance", "pass_at": "pass mark"}
_MOST_NUMBERS = 10
"""So many different numbers are still classes."""
_ROUNDING = 1e-9
"""0.8 − 0.7 is a little more than 0.1."""


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """One item with a human label."""

    item: str
    judge: ScoreValue
    """None where the judge gave no valid reply."""
    label: bool | int | float | str
    reasoning: str | None = None
    """The judge's."""


def checked(judged: Sequence[JudgedItem], contract: Contract) -> None:
    """Refuse what breaks the score's contract, an item that is there twice, and nothing at all.

    Raises ContractError naming score and item, DatasetError for the rest.
    """
    if not judged:
        raise DatasetError(
            "no item has a human label, so there is nothing to calibrate with",
            where=contract.name,
            hint="give labels of at least 50 items, drawn at random",
        )
    seen = set()
    for one in judged:
        if one.item in seen:
            raise DatasetError(
                f"item '{one.item}' has two labels",
                where=contract.name,
                hint="settle on one label an item: agreement counts items",
            )
        seen.add(one.item)
        contract.check(one.label, item=one.item)
        if one.judge is not None:
            contract.check(one.judge, item=one.item)


def labels_fingerprint(judged: Sequence[JudgedItem], contract: Contract) -> str:
    """64 hexadecimal digits over the ids and labels, in any order; 1 and true are one boolean label."""
    labels = sorted([one.item, _spelling(one.label, contract)] for one in judged)
    return hashlib.sha256(json.dumps(labels, separators=(",", ":")).encode("utf-8")).hexdigest()


def _spelling(label: bool | int | float | str, contract: Contract) -> str:
    if isinstance(label, str):
        return label
    return str(bool(label)).lower() if contract.type == "boolean" else repr(float(label))


@dataclass(frozen=True, slots=True)
class LabelScale:
    """The values of one score as classes, numbers and gaps."""

    contract: Contract
    kind: ScaleKind
    comparison: Comparison
    classes: tuple[str, ...]
    """Empty for numbers that have none."""

    @property
    def words(self) -> str:
        """When a judge's value and a label agree."""
        return self.comparison.words(self.contract.direction)

    def class_of(self, value: ScoreValue) -> str:
        """The class of a valid value."""
        if isinstance(value, str):
            return value
        if self.kind == "boolean":
            return "true" if value else "false"
        if self.comparison.pass_at is not None:
            return "pass" if self._passes(value) else "fail"
        return _spelled(value)

    def number(self, value: ScoreValue) -> float | None:
        """The value as a number of the scale: a grade is its place from the worst; None where it has none."""
        if self.kind == "numeric" and value is not None and not isinstance(value, str):
            return float(value)
        if self.kind == "ordered" and value in self.contract.grades:
            return float(self.contract.grades.index(str(value)))
        return None

    def agree(self, judge: ScoreValue, label: ScoreValue) -> bool:
        if self.kind == "numeric" and self.comparison.pass_at is None:
            return self.gap(judge, label) <= (self.comparison.tolerance or 0.0) * (1 + _ROUNDING)
        return self.class_of(judge) == self.class_of(label)

    def gap(self, judge: ScoreValue, label: ScoreValue) -> float:
        """How far apart they are: in the score's unit, in grades, else 0 or 1.

        A grade and a category that does not count are as far apart as there are grades.
        """
        given, wanted = self.number(judge), self.number(label)
        if given is not None and wanted is not None:
            return abs(given - wanted)
        if self.class_of(judge) == self.class_of(label):
            return 0.0
        return float(len(self.contract.grades)) if self.kind == "ordered" else 1.0

    def lenient(self, judge: ScoreValue, label: ScoreValue) -> bool:
        """Whether the judge passes what the person fails: the error that lets a regression through."""
        return self._good(judge) and not self._good(label)

    def _good(self, value: ScoreValue) -> bool:
        if self.kind == "boolean":
            return bool(value) != (self.contract.direction == "lower")
        return value in self.contract.passing

    def _passes(self, value: ScoreValue) -> bool:
        number, limit = self.number(value), self.comparison.pass_at
        assert number is not None
        assert limit is not None
        return number <= limit if self.contract.direction == "lower" else number >= limit


def scale_of(contract: Contract, comparison: Comparison, judged: Sequence[JudgedItem]) -> LabelScale:
    """The scale of a score. Raises ConfigError for texts, and for a comparison that its values do not have."""
    if contract.type == "text":
        raise ConfigError("is a text, and texts cannot be counted as agreeing", where=contract.name)
    check_comparison(contract, comparison)
    if contract.type == "numeric":
        return LabelScale(contract, "numeric", comparison, _number_classes(comparison, judged))
    if contract.type == "boolean":
        return LabelScale(contract, "boolean", comparison, ("false", "true"))
    seen = {str(value) for one in judged for value in (one.judge, one.label) if value is not None}
    classes = contract.categories or tuple(sorted(seen))
    return LabelScale(contract, "ordered" if contract.ordered else "categorical", comparison, classes)


def check_comparison(contract: Contract, comparison: Comparison) -> None:
    """Raise ConfigError for a comparison that the score's values do not have, or that lets everything agree."""
    fault = unsuited(contract, comparison)
    if fault is not None:
        raise ConfigError(f"the {_NAMES[fault.key]} {fault.message}", where=contract.name, hint=fault.hint)


def _number_classes(comparison: Comparison, judged: Sequence[JudgedItem]) -> tuple[str, ...]:
    if comparison.pass_at is not None:
        return ("fail", "pass")
    numbers = {
        float(value)
        for one in judged
        for value in (one.judge, one.label)
        if value is not None and not isinstance(value, str)
    }
    return tuple(map(_spelled, sorted(numbers))) if len(numbers) <= _MOST_NUMBERS else ()


def _spelled(value: bool | int | float | None) -> str:
    """A number as the name of its class: the same for 1, 1.0 and true."""
    assert value is not None
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)
