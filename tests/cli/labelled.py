"""Results of two versions that a judge has scored, in files, beside people's labels of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scoregate.records import JSON
from tests.cli.project import Project

GATE = """\
baseline = "before.jsonl"

[scorers.correct]
use = "judge"
prompt = "prompt.md"
model = "stand-in"

[scores.correct]
max_drop = 0.05
labels = "labels.jsonl"
"""
Cell = tuple[str, bool, bool]
"""Answer, what the judge says, what people would say."""


def labelled_project(folder: Path, before: Sequence[Cell], now: Sequence[Cell]) -> Project:
    """The project; its files are `before.jsonl` and `now.jsonl`, and nobody has labelled anything."""
    project = Project(folder)
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    project.write("gates/agent.toml", GATE)
    project.write("prompt.md", "Is it right? {{output}}")
    write_results(project, "before", [[cell] for cell in before])
    write_results(project, "now", [[cell] for cell in now])
    return project


def write_results(
    project: Project, name: str, rows: Sequence[Sequence[Cell]], *, made_by: str | None = None
) -> None:
    """A results file: a row an item, a cell a trial. `made_by` is the version of the judge."""
    header: JSON = {
        "kind": "run",
        "schema": 1,
        "run": name,
        "dataset": "d",
        "candidate": name,
        "expected_items": len(rows),
        "trials": len(rows[0]),
        **({"scorers": {"correct": made_by}} if made_by else {}),
    }
    cells = [(f"q{n:03}", trial, cell) for n, row in enumerate(rows) for trial, cell in enumerate(row)]
    items = [
        {"kind": "item", "item": item, "trial": trial, "status": "ok", "output": cell[0]}
        for item, trial, cell in cells
    ]
    scores = [
        {
            "kind": "score",
            "item": item,
            "trial": trial,
            "score": "correct",
            "status": "ok",
            "value": cell[1],
            "source": "judge",
        }
        for item, trial, cell in cells
    ]
    project.write_lines(f"{name}.jsonl", [header, *items, *scores])


def write_labels(project: Project, *versions: Sequence[Cell], first: int = 10_000) -> None:
    """Labels of the answers to the first items of each version."""
    lines = {
        (f"q{n:03}", cell[0]): {"item": f"q{n:03}", "output": cell[0], "label": cell[2]}
        for cells in versions
        for n, cell in list(enumerate(cells))[:first]
    }
    project.write_lines("labels.jsonl", list(lines.values()))
