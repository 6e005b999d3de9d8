"""What failed in the candidate's run: told first, whatever else keeps two runs from being compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from scoregate.gate_file import Gate
from scoregate.gates.table import RunTable
from scoregate.wording import count, error_without_id


def with_failures(reason: str, candidate: RunTable, gate: Gate) -> str:
    """The reason why nothing is compared, behind the failures where more items failed than the gate allows.

    Calls that failed, else a gated score that could not be made.
    """
    expected = max(candidate.header.expected_items, len(candidate.items))
    most = gate.max_failed_items * expected
    if len(candidate.failures) > most:
        failed = _told(candidate.failures, expected, "failed in the candidate's run")
        return f"{failed}; besides, {reason}"
    for score in gate.gated_scores:
        failures = _scoring_failures(candidate, score)
        if len(failures) > most:
            return f"{_told(failures, expected, f'have no {score}')}; besides, {reason}"
    return reason


def _scoring_failures(table: RunTable, score: str) -> dict[str, str]:
    """Item -> why it has no value of a score that was to be made."""
    column = table.columns.get(score)
    if column is None:
        return {}
    places = {int(place) for place, value in zip(column.items, column.values, strict=True) if value is None}
    names = (table.items[place] for place in sorted(places))
    return {name: table.comments.get((name, score), "no reason given") for name in names}


def _told(failures: Mapping[str, str], expected: int, what: str) -> str:
    """`64 of 64 items failed in the candidate's run: KeyError: 'text' (first: q000)`."""
    alike = Counter(error_without_id(error, item) for item, error in failures.items())
    most, times = alike.most_common(1)[0]
    first = min(item for item, error in failures.items() if error_without_id(error, item) == most)
    others = f"{times:,} times, " if times < len(failures) else ""
    return (
        f"{len(failures):,} of {count(expected, 'item')} {what}: {failures[first]} ({others}first: {first})"
    )
