"""The rows of the published table: situations of the reference world, and what was promised for each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

from builds import Situation
from figures import Figure
from latency import LatencyWorld
from worlds import Change, Kind, World

from scoregate.gate_file import Rounds

KINDS: tuple[Kind, Kind] = ("diffuse", "concentrated")
FALSE_ALARM = 0.016
"""Threshold of every false-alarm row: the true rate is promised to be at most 1.0 %, the rest is chance."""
OF_THREE_GATES = 0.013
"""The same of three gates together, of which at most 1.0 % is promised too."""
_ten = partial(World, scores=10)
_unchanged = partial(Situation, builds=3000)


def reference_rows() -> list[Figure]:
    """Rows 1 to 20 and 26, but those that are not measured by simulation."""
    return [
        *unchanged_in_rounds(),
        *unchanged_stored(),
        *false_passes(),
        *drops_in_rounds(),
        *drops_stored(),
        *passes(),
        *slices_and_losses(),
        *latency(),
        *bias(),
        *churn(),
        *many_gates(),
    ]


def _false_alarm(row: str, situation: Situation) -> Figure:
    return Figure(row, situation, "regression", at_most=FALSE_ALARM)


def _in_rounds(items: int, scores: int) -> Situation:
    many = f"{scores} scores, one gated" if scores > 1 else "1 score"
    return _unchanged(f"unchanged, N={items}, {many}", World(items, scores))


def unchanged_in_rounds() -> list[Figure]:
    """Row 1."""
    cells = [_in_rounds(items, scores) for scores in (1, 10) for items in (30, 100, 300, 1000)]
    cells.append(_unchanged("unchanged, N=100, 10 scores, all gated", _ten(100), gated=10))
    return [_false_alarm("1", cell) for cell in cells]


def unchanged_stored() -> list[Figure]:
    """Rows 2 to 5."""
    booleans = [
        _unchanged(f"unchanged, stored, N=100, 10 scores, trials {kb}/{kc}", _ten(100), trials=(kb, kc))
        for kb, kc in ((1, 1), (3, 3), (5, 5), (5, 1))
    ]
    tenths = [
        _unchanged(
            f"unchanged, stored, tenths, N=100, trials {kb}/{kc}", World(100, tenths="all"), trials=(kb, kc)
        )
        for kb, kc in ((1, 1), (3, 3), (5, 1))
    ]
    sliced = [
        _unchanged(
            f"unchanged, stored, 10 scores × 8 slices, N=300, {k} {trials(k)}",
            _ten(300, slices=8, first_slice=50),
            trials=(k, k),
        )
        for k in (1, 3)
    ]
    talks = World(600, turns=(20, 20))
    conversations = [
        _unchanged(f"unchanged, stored, 30 conversations of 20 turns, {k} {trials(k)}", talks, trials=(k, k))
        for k in (1, 3)
    ]
    conversations.append(_unchanged("unchanged, 30 conversations of 20 turns", talks))
    gaps = [
        _unchanged(
            "unchanged, stored, 10 % missing, N=100, 10 scores", _ten(100, missing=0.1), trials=(1, 1)
        ),
        _unchanged(
            "unchanged, stored, 10 % missing, N=300, 3 trials", World(300, missing=0.1), trials=(3, 3)
        ),
        _unchanged("unchanged, 10 % missing, N=100, 10 scores", _ten(100, missing=0.1)),
    ]
    numbered = (("2", booleans + tenths), ("3", sliced), ("4", conversations), ("5", gaps))
    return [_false_alarm(row, cell) for row, cells in numbered for cell in cells]


def false_passes() -> list[Figure]:
    """Row 6: the drop that is seen equals the margin."""
    cells = []
    for items in (30, 100, 300):
        noisy, exact = World(items), World(items, judge_flips=0.0, base=0.97)
        for name, world in (("noisy judge", noisy), ("exact scorer", exact)):
            for kind in KINDS:
                change = Change(0.05 / (1 - 2 * world.judge_flips), kind)
                shape = f"drop = margin, {name}, N={items}, {kind}"
                cells.append(Situation(shape, world, change, builds=2000))
                cells += [
                    Situation(f"{shape}, stored, {k} {trials(k)}", world, change, trials=(k, k), builds=2000)
                    for k in (1, 3)
                ]
    return [Figure("6", cell, "pass", at_most=0.06) for cell in cells]


def drops_in_rounds() -> list[Figure]:
    """Rows 7 to 13."""
    figures = [
        found("7", _ten(100), 0.10, kind, 0.88, cost=3.8) for kind in KINDS
    ] + [
        found("8", _ten(300), 0.05, kind, 0.85, cost=4.2) for kind in KINDS
    ] + [
        found("9", _ten(1000), 0.05, kind, 0.94, cost=2.6, builds=600) for kind in KINDS
    ]  # fmt: skip
    figures += [found("10", _ten(100), 0.05, *least) for least in zip(KINDS, (0.22, 0.45), strict=True)]
    figures += [found("11", _ten(30), 0.10, *least) for least in zip(KINDS, (0.26, 0.42), strict=True)]
    for items, least in ((100, 0.82), (300, 0.99)):
        everywhere = Situation(
            f"5 points of all 10 scores, N={items}", _ten(items), Change(0.05, worse_scores=10)
        )
        figures.append(Figure("12", everywhere, "regression", at_least=least))
    figures += [found("13", World(100), 0.10, kind, 0.93) for kind in KINDS]
    figures += [found("13", World(300), 0.05, kind, 0.91) for kind in KINDS]
    return figures


def found(
    row: str,
    world: World,
    drop: float,
    kind: Kind,
    least: float | None,
    *,
    cost: float | None = None,
    stored: int | None = None,
    builds: int = 1000,
) -> Figure:
    """A drop of one score has to be found in at least this share of the builds."""
    among = f"1 in {world.scores}" if world.scores > 1 else "the only score"
    how = f", stored, {stored} {trials(stored)}" if stored else ""
    situation = Situation(
        f"{100 * drop:g} points of {among}, N={world.items}, {kind}{how}",
        world,
        Change(drop, kind),
        trials=(stored, stored) if stored else "rounds",
        builds=builds,
    )
    return Figure(row, situation, "regression", at_least=least, cost_at_most=cost)


def drops_stored() -> list[Figure]:
    """Row 14."""
    return [
        found("14", _ten(items), drop, kind, least, stored=k)
        for items, k, drop, leasts in (
            (100, 5, 0.10, (0.90, 0.80)),
            (300, 5, 0.05, (0.86, 0.77)),
            (300, 3, 0.10, (0.97, 0.97)),
        )
        for kind, least in zip(KINDS, leasts, strict=True)
    ]


def passes() -> list[Figure]:
    """Rows 15 and 16: what the gate makes of an unchanged agent besides false alarms."""
    return [
        Figure("15", _in_rounds(100, 10), "pass", at_least=0.58),
        Figure("15", _in_rounds(300, 10), "pass", at_least=0.97, cost_at_most=3.3),
        Figure("15", _in_rounds(1000, 10), "pass", at_least=0.99, cost_at_most=2.0),
        Figure("16", _in_rounds(30, 10), "pass", at_most=0.06),
        Figure("16", _in_rounds(30, 10), "inconclusive", at_least=0.93),
    ]


def slices_and_losses() -> list[Figure]:
    """Rows 17 and 18."""
    sliced = _ten(300, slices=8, first_slice=50)
    figures = [
        Figure(
            "17",
            Situation(
                f"30 points of 1 in 10 in a slice of 50 of 300, {kind}, stored, 3 trials",
                sliced,
                Change(0.30, kind, first_slice_only=True),
                trials=(3, 3),
                builds=400,
            ),
            "regression",
            at_least=0.94,
        )
        for kind in KINDS
    ]
    hiding = partial(
        Situation, world=World(300), change=Change(0.05, lost_failures=0.6), trials=(1, 1), builds=500
    )
    hidden = hiding("5 points worse, 60 % of failures lost, N=300, stored")
    refused = hiding(
        "5 points worse, 60 % of failures lost, N=300, stored, default max_failed_items",
        max_failed_items=0.05,
    )
    return [
        *figures,
        Figure("18", hidden, "regression", at_least=0.97),
        Figure("18", hidden, "pass", at_most=0.01),
        Figure("18", refused, "pass", at_most=0.0),
    ]


def latency() -> list[Figure]:
    """Row 19."""
    same, slower = partial(_unchanged, trials=(1, 1)), partial(Situation, builds=1000)
    return [
        _false_alarm("19", same("latency unchanged, stored, N=100", LatencyWorld(100))),
        _false_alarm("19", same("latency unchanged, stored, N=300", LatencyWorld(300))),
        Figure(
            "19",
            slower("latency +25 %, stored, N=100, 1 trial", LatencyWorld(100, 1.25), trials=(1, 1)),
            "regression",
            at_least=0.85,
        ),
        Figure(
            "19",
            slower("latency +10 %, stored, N=300, 3 trials", LatencyWorld(300, 1.10), trials=(3, 3)),
            "regression",
            at_least=0.95,
        ),
    ]


def bias() -> list[Figure]:
    """Row 20: the error of the reported difference, where every build ends with the same whole-set trials.

    With `trials` equal to `max_trials` there is one whole-set round and the targeted one; nothing stops the first
    early, and what the second adds must not move the estimate. Below, the default rule, which does stop early.
    """
    figures = []
    cells: tuple[tuple[int, int, float, Kind], ...] = (
        (100, 1, 0.0, "diffuse"),
        (100, 1, 0.05, "concentrated"),
        (100, 3, 0.05, "diffuse"),
        (100, 5, 0.05, "concentrated"),
    )
    for items, k, drop, kind in cells:
        situation = Situation(
            f"estimate, {100 * drop:g} points worse, N={items}, {kind}, rounds A and B, {k} {trials(k)}",
            World(items),
            Change(drop, kind),
            first_trials=k,
            rounds=Rounds(max_trials=k),
            builds=3000,
        )
        figures.append(Figure("20", situation, "bias", at_most=0.2))
    stopping = found("20", World(100), 0.05, "diffuse", None).situation
    return [*figures, Figure("20", replace(stopping, what="estimate of the default rule, which stops early, N=100, "
        "5 points worse, diffuse", builds=3000), "bias")]  # fmt: skip


def churn() -> list[Figure]:
    """Below the table: 5 % of the items break, and as many points are won on others."""
    change = Change(0.05 * World(1).base, "churn")
    figures = []
    for items in (100, 300):
        neutral = Situation(
            f"5 % of the items broken, as much won on others, N={items}", World(items), change
        )
        figures.append(Figure("churn", neutral, "regression", at_most=0.12))
    population = Situation(
        "5 % of the items broken, as much won on others, N=300, stored, 5 trials, inference = population",
        World(300),
        change,
        trials=(5, 5),
        inference="population",
        builds=3000,
    )
    return [*figures, Figure("churn", population, "regression", at_most=FALSE_ALARM)]


def many_gates() -> list[Figure]:
    """Row 26: three gates of one build, which share its alpha. Only the first one's candidate is worse, if any is."""
    figures = []
    cells: tuple[tuple[str, World, tuple[int, int] | Literal["rounds"]], ...] = (
        ("in rounds", World(300), "rounds"),
        ("10 scores, stored, 3 trials", _ten(300), (3, 3)),
        ("3 scores × 8 slices, stored, 3 trials", World(300, 3, slices=8, first_slice=50), (3, 3)),
    )
    for name, world, stored in cells:
        three = partial(Situation, world=world, trials=stored, gates=3, builds=2000)
        same = three(f"3 gates of one build, unchanged, N=300, {name}")
        worse = three(
            f"3 gates of one build, 15 points of one score of one gate, N=300, {name}", change=Change(0.15)
        )
        figures += [
            Figure("26", same, "regression", at_most=OF_THREE_GATES),
            Figure("26", worse, "regression", at_least=0.95),
        ]
    return figures


def trials(number: int) -> str:
    return "trial" if number == 1 else "trials"
