"""What is run to measure the engine's overhead: tasks that only wait, and how large their items and answers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scoregate.records import DatasetItem

CONCURRENCY = 50


@dataclass(frozen=True)
class Case:
    """So many items that take so long, and the most that wall over ideal may be."""

    items: int
    seconds: float
    is_async: bool
    target: float
    item_bytes: int = 0
    """How large an item's input is at least: ten turns of a conversation, a list of objects."""
    answer_bytes: int = 0
    """How large an answer is at least: an object with ten sources; 0 for a short text."""

    @property
    def name(self) -> str:
        return f"{self.items:,} {'async' if self.is_async else 'sync'} × {self.seconds * 1000:g} ms"

    @property
    def ideal(self) -> float:
        return self.items * self.seconds / CONCURRENCY


CASES = (
    Case(1_000, 0.020, True, 1.2),
    Case(200, 0.020, False, 1.5),
    Case(10_000, 0.002, True, 2.0),
)


def exact(*, output: Any, expected_output: Any, **_: Any) -> bool:
    """The evaluator of every contender that takes one of this shape."""
    return bool(output == expected_output)


def make_items(case: Case) -> list[DatasetItem]:
    return [
        DatasetItem(
            f"item-{number}", {"question": number, "turns": _parts("content", case.item_bytes)}, answer(case)
        )
        for number in range(case.items)
    ]


def answer(case: Case) -> Any:
    """What every contender answers and expects."""
    return (
        {"text": "answer", "sources": _parts("quote", case.answer_bytes)} if case.answer_bytes else "answer"
    )


def _parts(name: str, size: int) -> list[dict[str, str]]:
    return [{"role": "user", name: "x" * (size // 10)} for _ in range(10 if size else 0)]
