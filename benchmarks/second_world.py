"""The same rows in a world that the rule was not made on: other base rates, grades, conversations, gaps.

Half of its situations have a true pass rate of 0.6, half of 0.97. Items are the turns of conversations of 3 to 20
turns, all turns of one run sharing their noise; 2 % of all cells are missing. With 10 scores every other one is a
grade in tenths; a single score is a boolean or a grade. Only the false alarms have a threshold; what is found of a
drop is reported as it is.
"""

from __future__ import annotations

from functools import partial

from builds import Situation
from figures import Figure
from rows import FALSE_ALARM, KINDS, trials
from worlds import Change, World

_BASES = (0.6, 0.97)
_second = partial(World, turns=(3, 20), missing=0.02)
_unchanged = partial(Situation, builds=3000)


def second_world_rows() -> list[Figure]:
    """False alarms of rows 1 to 5, with what else becomes of those builds, and the drops of rows 7 to 14 and 17."""
    figures = []
    for base in _BASES:
        figures += [*_false_alarms(base), *_drops(base)]
    return sorted(figures, key=lambda figure: int(figure.row))


def _false_alarms(base: float) -> list[Figure]:
    figures = []
    for situation in _unchanged_in_rounds(base):
        figures += [
            Figure("1", situation, "regression", at_most=FALSE_ALARM),
            Figure("15", situation, "pass"),
        ]
    stored = [
        _unchanged(
            f"unchanged, stored, base {base:g}, N=100, 10 scores, trials {kb}/{kc}",
            _second(100, 10, base, tenths="odd"),
            trials=(kb, kc),
        )
        for kb, kc in ((1, 1), (3, 3), (5, 5), (5, 1))
    ]
    sliced = [
        _unchanged(
            f"unchanged, stored, base {base:g}, 10 scores × 8 slices, N=300, {k} {trials(k)}",
            _second(300, 10, base, tenths="odd", slices=8, first_slice=50),
            trials=(k, k),
        )
        for k in (1, 3)
    ]
    talks = [
        _unchanged(
            f"unchanged, stored, base {base:g}, N=600, 1 score, {k} {trials(k)}",
            _second(600, 1, base),
            trials=(k, k),
        )
        for k in (1, 3)
    ]
    gaps = [
        _unchanged(
            f"unchanged, stored, base {base:g}, 10 % missing, N=300, 10 scores, 1 trial",
            World(300, 10, base, turns=(3, 20), missing=0.1, tenths="odd"),
            trials=(1, 1),
        )
    ]
    numbered = (("2", stored), ("3", sliced), ("4", talks), ("5", gaps))
    figures += [
        Figure(row, cell, "regression", at_most=FALSE_ALARM) for row, cells in numbered for cell in cells
    ]
    return figures


def _unchanged_in_rounds(base: float) -> list[Situation]:
    cells = []
    for items in (30, 100, 300, 1000):
        cells += [
            _unchanged(f"unchanged, base {base:g}, N={items}, 1 score", _second(items, 1, base)),
            _unchanged(
                f"unchanged, base {base:g}, N={items}, 1 score in tenths",
                _second(items, 1, base, tenths="all"),
            ),
            _unchanged(
                f"unchanged, base {base:g}, N={items}, 10 scores, one gated",
                _second(items, 10, base, tenths="odd"),
            ),
        ]
    return cells


def _drops(base: float) -> list[Figure]:
    figures = []
    for row, items, scores, drop in (
        ("7", 100, 10, 0.10),
        ("8", 300, 10, 0.05),
        ("9", 1000, 10, 0.05),
        ("10", 100, 10, 0.05),
        ("11", 30, 10, 0.10),
        ("13", 100, 1, 0.10),
        ("13", 300, 1, 0.05),
    ):
        for kind in KINDS:
            world = _second(items, scores, base, tenths="odd")
            figures.append(_drop(row, world, Change(drop, kind), builds=600 if items == 1000 else 1000))
    for items, k, drop in ((100, 5, 0.10), (300, 5, 0.05), (300, 3, 0.10)):
        for kind in KINDS:
            world = _second(items, 10, base, tenths="odd")
            figures.append(_drop("14", world, Change(drop, kind), stored=k))
    for kind in KINDS:
        world = _second(300, 10, base, tenths="odd", slices=8, first_slice=50)
        change = Change(0.30, kind, first_slice_only=True)
        figures.append(_drop("17", world, change, stored=3, builds=400))
    for items in (100, 300):
        everywhere = Change(0.05, worse_scores=10)
        figures.append(_drop("12", _second(items, 10, base, tenths="odd"), everywhere))
    return figures


def _drop(row: str, world: World, change: Change, *, stored: int | None = None, builds: int = 1000) -> Figure:
    among = f"{change.worse_scores} of {world.scores}"
    where = " in a slice of 50" if change.first_slice_only else ""
    how = f", stored, {stored} {trials(stored)}" if stored else ""
    shape = (
        f"{100 * change.drop:g} points of {among}{where}, base {world.base:g}, N={world.items}, {change.kind}"
    )
    situation = Situation(
        shape + how, world, change, trials=(stored, stored) if stored else "rounds", builds=builds
    )
    return Figure(row, situation, "regression")
