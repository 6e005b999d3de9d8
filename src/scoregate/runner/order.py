"""The order in which a session calls its cells.

One arm: all items of a trial as they are given, then those of the next trial. Two arms: within a trial the items in
random order, and for each item both arms directly one after the other, who goes first being drawn item by item. So
whatever drifts in the course of a session (a provider, a cache, the machine) meets both arms alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from scoregate.records import DatasetItem
from scoregate.runner.plan import Arm, RunPlan


class Cell(NamedTuple):
    """What one run item will come of."""

    arm: Arm
    item: DatasetItem
    trial: int


def missing_cells(plan: RunPlan) -> Iterator[Cell]:
    """The cells that are not done, in order.

    Where every cell stands follows from the seed, the items and its trial alone: what is done already, and which
    other trials the session is about, moves nothing.
    """
    for trial in plan.trials:
        for cell in _interleaved(plan, trial) if plan.interleaved else _as_given(plan, trial):
            if (cell.item.id, trial) not in cell.arm.done:
                yield cell


def _as_given(plan: RunPlan, trial: int) -> Iterator[Cell]:
    for item in plan.items:
        for arm in plan.arms:
            yield Cell(arm, item, trial)


def _interleaved(plan: RunPlan, trial: int) -> Iterator[Cell]:
    random = Random(f"{plan.seed} {trial}")
    items, arms = list(plan.items), list(plan.arms)
    random.shuffle(items)
    for item in items:
        random.shuffle(arms)
        for arm in arms:
            yield Cell(arm, item, trial)
