"""Judged items with human labels, made to order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.comparison import Comparison
from scoregate.calibration.record import Calibration, Identity, identity_of
from scoregate.calibration.scale import JudgedItem
from scoregate.catalog import Contract
from scoregate.judging.identity import digest
from scoregate.records import JSON

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CORRECT = Contract(name="correct", type="boolean")
PARTS: dict[str, JSON] = {
    "prompt": "Is it right? {{output}}",
    "model": "small",
    "parameters": {"temperature": 0},
}


def identity(parts: Mapping[str, JSON]) -> Identity:
    """Of a judge with these parts."""
    return identity_of(digest(dict(parts)), parts)


IDENTITY = identity(PARTS)


def items(counted: Iterable[tuple[object, object, int]]) -> list[JudgedItem]:
    """(judge's value, label, how many) -> so many items each, named i000, i001, …"""
    pairs = [(judge, label) for judge, label, many in counted for _ in range(many)]
    return [
        JudgedItem(f"i{number:03}", judge, label, f"because {number}")  # type: ignore[arg-type]  # score values
        for number, (judge, label) in enumerate(pairs)
    ]


def calibrated(
    judged: list[JudgedItem],
    contract: Contract = CORRECT,
    *,
    comparison: Comparison | None = None,
    previous: Calibration | None = None,
    identity: Identity = IDENTITY,
) -> Calibration:
    return calibrate(
        judged,
        contract,
        judge=contract.name,
        identity=identity,
        made_at=MADE,
        comparison=comparison,
        previous=previous,
    )


def boolean(
    right_pass: int, lenient: int, strict: int, right_fail: int, missing: int = 0
) -> list[JudgedItem]:
    """Items by what judge and person say: pass/pass, pass/fail, fail/pass, fail/fail, no reply/pass."""
    return items(
        [
            (True, True, right_pass),
            (True, False, lenient),
            (False, True, strict),
            (False, False, right_fail),
            (None, True, missing),
        ]
    )
