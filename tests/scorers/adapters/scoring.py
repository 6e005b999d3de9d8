"""One item scored by an evaluator, as the engine does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from scoregate.records import JSON, DatasetItem, RunItem, Score
from scoregate.scorers import from_function, score_item_async


def scored(
    evaluator: Callable[..., Any],
    output: JSON,
    expected_output: JSON = None,
    *,
    input: JSON = "What is it?",
    metadata: dict[str, JSON] | None = None,
    latency_seconds: float | None = None,
) -> Score:
    """The one cell that the evaluator makes."""
    item = DatasetItem("a", input, expected_output, metadata or {})
    run_item = RunItem("a", 0, "ok", output=output, latency_seconds=latency_seconds)
    cells = asyncio.run(score_item_async(from_function(evaluator), item, run_item))
    assert len(cells) == 1, cells
    return cells[0]


def version(evaluator: Callable[..., Any]) -> str:
    return from_function(evaluator).version
