"""The items of a verdict: those that moved, and the fresh trials behind a suspected drop.

Of an item that moved, once each: all its scores that did, and what went in and came out. Of one that was run again:
"refund-017: 5 of 5 before, 0 of 5 now".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from scoregate.catalog import MEASURED_UNITS, Contract
from scoregate.records import JSON, Flip, FreshItem
from scoregate.reports.report import Report
from scoregate.reports.rounding import decimals_for, number
from scoregate.reports.shown_rules import broken_scores
from scoregate.reports.text import as_text
from scoregate.wording import count, error_without_id

MOST_ITEMS = 10
"""Items of the fresh trials that are shown; the others are counted."""
_NO_OUTPUT = "(no output)"
_SAME_OUTPUT = "(the same)"


@dataclass(frozen=True, slots=True)
class MovedItem:
    """One item with its flips, worst first."""

    id: str
    flips: tuple[Flip, ...]
    evidence: bool
    """It got worse on a score whose rule is broken."""

    @property
    def worse(self) -> bool:
        return any(flip.worse for flip in self.flips)


def moved_items(report: Report) -> tuple[MovedItem, ...]:
    """Items that moved: those that break a rule first (critical ones before all), then the worse, then the better.

    What was not worse in fresh trials is no evidence, and stands behind what is.
    """
    broken = broken_scores(report.verdict)
    cleared = {(fresh.item, fresh.score) for fresh in report.verdict.confirmed if not fresh.worse}

    def evidence(flip: Flip) -> bool:
        return flip.worse and flip.score in broken and (flip.item, flip.score) not in cleared

    def place(flip: Flip) -> tuple[bool, bool, bool]:
        return not flip.worse, not flip.critical, not evidence(flip)

    by_item: dict[str, list[Flip]] = {}
    for flip in sorted(report.verdict.flips, key=place):
        by_item.setdefault(flip.item, []).append(flip)
    return tuple(MovedItem(item, tuple(flips), any(map(evidence, flips))) for item, flips in by_item.items())


def grouped(report: Report, items: Sequence[MovedItem]) -> list[list[MovedItem]]:
    """The items in their order; those that failed with one error together, at the place of their first."""
    groups: dict[tuple[str, ...], list[MovedItem]] = {}
    for item in items:
        alike = _failed_alike(report, item)
        groups.setdefault((item.id,) if alike is None else ("", *alike), []).append(item)
    return list(groups.values())


def _failed_alike(report: Report, moved: MovedItem) -> tuple[str, ...] | None:
    """What items have in common that failed with one error: all that is to be said of each; None for all others."""
    flips = moved.flips
    if any(flip.candidate_value is not None or not flip.comment for flip in flips):
        return None
    changed = (f"{score} {text}" for score, text in changes(report, moved))
    errors = (error_without_id(flip.comment or "", moved.id) for flip in flips)
    return (*changed, *errors)


def _change(flip: Flip, contract: Contract | None) -> str:
    """A flip's values, such as `true → false`, `pass → fail`, `0.91 → 0.4` or `1 → missing`."""
    boolean = contract is not None and contract.type == "boolean"
    before, after = (_value(value, boolean) for value in (flip.baseline_value, flip.candidate_value))
    return f"{before} → {after}" + (", critical" if flip.critical else "")


def changes(report: Report, moved: MovedItem) -> tuple[tuple[str, str], ...]:
    """Score and change of each of the item's flips, with its fresh trials where it was run again."""
    contracts = report.contracts
    fresh = {
        f.score: in_short(f, contracts.get(f.score)) for f in report.verdict.confirmed if f.item == moved.id
    }
    return tuple(
        (
            flip.score,
            _change(flip, contracts.get(flip.score))
            + (f" (fresh {fresh[flip.score]})" if flip.score in fresh else ""),
        )
        for flip in moved.flips
    )


def details(report: Report, item: str) -> dict[str, str]:
    """What is known of the item, as text of any length: input, expected, before, after. Unknown ones are absent."""
    known: dict[str, str] = {}
    if item in report.items:
        known["input"] = as_text(report.items[item].input)
        if report.items[item].expected_output is not None:
            known["expected"] = as_text(report.items[item].expected_output)
    if item in report.baseline_outputs or item in report.candidate_outputs:
        known["before"] = _output(report.baseline_outputs, item)
        known["after"] = _output(report.candidate_outputs, item)
        if known["before"] == known["after"]:
            known["after"] = _SAME_OUTPUT
    return known


def comments(moved: MovedItem) -> tuple[str, ...]:
    """What the candidate's scorers said of the item, each once; with the score's name if several moved."""
    several = len(moved.flips) > 1
    said = (
        f"{flip.score}: {flip.comment}" if several else flip.comment for flip in moved.flips if flip.comment
    )
    return tuple(dict.fromkeys(said))


def _output(outputs: Mapping[str, JSON], item: str) -> str:
    return as_text(outputs[item]) if item in outputs else _NO_OUTPUT


def _value(value: float | str | None, boolean: bool) -> str:
    if value is None:
        return "missing"
    if isinstance(value, str):
        return value
    if boolean and value in (0, 1):
        return "true" if value else "false"
    text = number(value, decimals_for(None, value))
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """An item that was worse in its fresh trials, with the scores on which it was."""

    id: str
    scores: tuple[FreshItem, ...]
    breaks: bool
    """One of these scores breaks the gate."""


@dataclass(frozen=True, slots=True)
class _FreshEvidence:
    """What the fresh trials of all items came to."""

    items: tuple[ItemEvidence, ...]
    """Worse again: those of a broken score first, each group worst first."""
    not_worse: int
    """Items that were run again and not worse on any score."""

    @property
    def title(self) -> str:
        """How many items were run again, and how many of them were worse."""
        run_again = count(len(self.items) + self.not_worse, "item")
        return f"Fresh trials of the {run_again} behind the suspicion: {len(self.items) or 'none'} worse"


def fresh_evidence(report: Report) -> _FreshEvidence:
    """The evidence in the order of the verdict."""
    broken = broken_scores(report.verdict)
    by_item: dict[str, list[FreshItem]] = {}
    for fresh in report.verdict.confirmed:
        by_item.setdefault(fresh.item, []).append(fresh)
    items = []
    for item, scores in by_item.items():
        worse = tuple(fresh for fresh in scores if fresh.worse)
        if worse:
            items.append(ItemEvidence(item, worse, any(fresh.score in broken for fresh in worse)))
    ordered = sorted(items, key=lambda item: not item.breaks)  # stable: worst first within each group
    return _FreshEvidence(tuple(ordered), len(by_item) - len(ordered))


def in_short(fresh: FreshItem, contract: Contract | None) -> str:
    """`5/5 → 0/5, 2 missing`; of numbers their means, `0.84 → 0.35`."""
    if _is_rate(fresh, contract):
        sides = [f"{sum(value == 1 for value in values):,}/{len(values):,}" for values, _ in _arms(fresh)]
    else:
        sides = _means(fresh)
    absent = _absent((*fresh.baseline_values, *fresh.candidate_values), contract)
    return " → ".join(sides) + (f", {absent}" if absent else "")


def in_words(fresh: FreshItem, contract: Contract | None) -> str:
    """`5 of 5 before, 0 of 5 now (2 missing)`; of numbers `0.84 before, 0.35 now (means of 5 trials)`."""
    if _is_rate(fresh, contract):
        what = "true in " if contract is not None and contract.direction == "lower" else ""
        return what + ", ".join(_count(values, when, contract) for values, when in _arms(fresh))
    sides = ", ".join(f"{mean} {when}" for mean, (_, when) in zip(_means(fresh), _arms(fresh), strict=True))
    gaps = [f"{absent} {when}" for values, when in _arms(fresh) if (absent := _absent(values, contract))]
    return f"{sides} ({'; '.join([_kind(fresh), *gaps])})"


def _arms(fresh: FreshItem) -> tuple[tuple[Sequence[float | None], str], tuple[Sequence[float | None], str]]:
    return (fresh.baseline_values, "before"), (fresh.candidate_values, "now")


def _is_rate(fresh: FreshItem, contract: Contract | None) -> bool:
    if contract is not None and not contract.inferred:
        return contract.type in ("boolean", "categorical")
    return {*fresh.baseline_values, *fresh.candidate_values} <= {0, 1, None}


def _count(values: Sequence[float | None], when: str, contract: Contract | None) -> str:
    absent = _absent(values, contract)
    return f"{sum(value == 1 for value in values):,} of {len(values):,} {when}" + (
        f" ({absent})" if absent else ""
    )


def _absent(values: Sequence[float | None], contract: Contract | None) -> str:
    absent = sum(value is None for value in values)
    # A category may also not apply, which is nothing that went missing.
    word = "without a value" if contract is not None and contract.ignore else "missing"
    return f"{absent:,} {word}" if absent else ""


def _means(fresh: FreshItem) -> list[str]:
    """The mean of each arm, both with the same decimals."""
    average = geometric_mean if _is_geometric(fresh) else _arithmetic_mean
    known = [[value for value in values if value is not None] for values, _ in _arms(fresh)]
    means = [average(values) if values else None for values in known]
    decimals = decimals_for(None, *means)
    return ["no value" if mean is None else number(mean, decimals) for mean in means]


def _arithmetic_mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _is_geometric(fresh: FreshItem) -> bool:
    known = [value for values, _ in _arms(fresh) for value in values if value is not None]
    return fresh.score in MEASURED_UNITS and all(0 < value < math.inf for value in known)


def _kind(fresh: FreshItem) -> str:
    trials = sorted({len(values) for values, _ in _arms(fresh)})
    once = trials == [1]
    kind = ("geometric " if _is_geometric(fresh) else "") + ("mean" if once else "means")
    return f"{kind} of {' and '.join(f'{count:,}' for count in trials)} trial{'' if once else 's'}"


def further_items(items: int, shown: int) -> str | None:
    """`… and 3 more items`; None where all were shown."""
    return f"… and {count(items - shown, 'item').replace(' ', ' more ', 1)}" if items > shown else None
