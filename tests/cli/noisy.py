"""Results of an agent that answers rightly now and then, as a file of several trials."""

from __future__ import annotations

import random
from collections.abc import Sequence

from scoregate.records import JSON
from tests.cli.project import Project


def noisy_results(
    project: Project,
    name: str,
    *,
    items: int = 60,
    trials: int = 6,
    scores: Sequence[str] = ("correct",),
    rate: float = 0.8,
    version: str = "v1",
    seed: int = 0,
    cluster: int | None = None,
) -> str:
    """Write `name` and return it: every cell passes with the same probability; `cluster` items stand together."""
    drawn = random.Random(seed)
    lines: list[JSON] = [
        {
            "kind": "run", "schema": 1, "run": name.removesuffix(".jsonl"), "dataset": "agent",
            "candidate": version, "expected_items": items, "trials": trials,
        }
    ]  # fmt: skip
    for n in range(items):
        for trial in range(trials):
            item = f"q{n:03}"
            about = {"cluster": f"c{n // cluster}"} if cluster else {}
            lines.append({"kind": "item", "item": item, "trial": trial, "status": "ok", **about})
            for score in scores:
                value = drawn.random() < rate
                cell = {"kind": "score", "item": item, "trial": trial, "score": score}
                lines.append({**cell, "value": value, "status": "ok"})
    project.write_lines(name, lines)
    return name
