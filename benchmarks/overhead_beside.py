"""The engine's overhead of this checkout beside another's (`overhead.py --beside PYTHON`): seconds, pair by pair.

Every figure is of a process of its own, which has made one small run before the one that counts. The interpreters take
turns, each first in every other pair, so that whatever else the machine does touches them alike. Processor time is
that of the whole process during the run, user and system, in all its threads, what the task itself takes included;
wall time holds the ideal as well, which no engine can save.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SCRIPT = Path(__file__).with_name("overhead.py")


class Row(NamedTuple):
    """What is run: a number of `overhead.CASES`, and the least sizes of an item's input and of an answer, in bytes."""

    name: str
    case: int
    item_bytes: int
    answer_bytes: int


class Taken(NamedTuple):
    """What one run took: seconds, and bytes of memory an item at its peak."""

    processor: float
    wall: float
    memory: float


SIZES = (("", 0, 0), (", items of 2 KB", 2000, 0), (", answers of 2 KB", 0, 2000))
"""What a row's name says of them, and the sizes of items and answers."""
HEADERS = (
    "case",
    "processor",
    "theirs",
    "ratio",
    "wall",
    "theirs",
    "ratio",
    "bytes an item",
    "theirs",
    "ratio",
)


def compare(other: str, rows: Sequence[Row], repetitions: int) -> list[list[str]]:
    """A line a row: for every figure the medians of this checkout and of the other, and the median of the ratios."""
    return [[row.name, *_cells([_pair(other, row, bool(n % 2)) for n in range(repetitions)])] for row in rows]


def _cells(pairs: Sequence[tuple[Taken, Taken]]) -> list[str]:
    cells = []
    for figure, form in (("processor", ",.3f"), ("wall", ",.3f"), ("memory", ",.0f")):
        both = [(getattr(this, figure), getattr(that, figure)) for this, that in pairs]
        cells += [format(statistics.median(side), form) for side in zip(*both, strict=True)]
        # The warm-up may have reached as high a peak of memory as the run.
        ratios = [mine / theirs for mine, theirs in both if theirs]
        cells.append(f"{statistics.median(ratios):.2f}" if ratios else "")
    return cells


def _pair(other: str, row: Row, other_first: bool) -> tuple[Taken, Taken]:
    if other_first:
        that = taken_by(other, row)
        return taken_by(sys.executable, row), that
    return taken_by(sys.executable, row), taken_by(other, row)


def taken_by(python: str, row: Row) -> Taken:
    """What a fresh process of this interpreter takes for a row."""
    sizes = ["--item-bytes", str(row.item_bytes), "--answer-bytes", str(row.answer_bytes)]
    child = subprocess.run(
        [python, str(_SCRIPT), "--one", str(row.case), *sizes], stdout=subprocess.PIPE, text=True, check=True
    )
    return Taken(*json.loads(child.stdout))
