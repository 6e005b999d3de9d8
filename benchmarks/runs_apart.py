"""What moves a whole run, and what a few items hide: rows 23 to 25 of the published table.

23: the first trial is 8 points worse in both versions, and the runs have different numbers of trials. 24: latency, cost
or the bill rises by exactly the margin, carried by a few items in a hundred. 25: reruns of one unchanged agent move
their latency as a whole; a pass/fail score stands beside it. `--builds quick` takes some seconds, `full` is published.
"""

from __future__ import annotations

import math
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from statistics import stdev

import click
import numpy as np
from figures import HEADERS, exact_interval
from measuring import worker_pool
from numpy.typing import NDArray
from rows import FALSE_ALARM
from run_tables import Items, run_table
from scipy.stats import binom
from tabulate import tabulate
from worlds import Change, World

from scoregate.gate_file import Gate, Rule
from scoregate.gate_file.rule import FailsOn, Statistic
from scoregate.gates.compare import compare
from scoregate.gates.rounds import RoundRequest, decide_in_rounds
from scoregate.gates.table import RunTable
from scoregate.records import RunHeader, Verdict
from scoregate.records.run_facts import RunFacts, RunShift

Values = NDArray[np.float64]
_MARGIN = 0.10
_CHUNK = 50
_QUICK = 60
_BY_CHANCE = 0.001


@dataclass(frozen=True, slots=True)
class Row:
    """One line: builds of a situation, and the outcome that is counted."""

    number: str
    what: str
    build: Callable[[np.random.Generator], Verdict]
    counted: str
    builds: int
    at_most: float | None = None
    at_least: float | None = None


def cold_trials() -> Iterator[Row]:
    """Row 23."""
    for before, now in ((3, 1), (5, 1), (1, 3), (5, 3), (3, 3)):
        for kind in ("by chance", "the same items"):
            what = f"first trial 8 points worse in both, {kind}, N=200, trials {before}/{now}"
            yield Row(
                "23",
                f"unchanged, {what}",
                partial(_cold, before, now, kind, 0.0),
                "regression",
                3000,
                FALSE_ALARM,
            )
        what = f"10 points worse, first trial 8 points worse in both, N=200, trials {before}/{now}"
        yield Row("23", what, partial(_cold, before, now, "by chance", 0.10), "regression", 1000)


def _cold(before: int, now: int, kind: str, drop: float, rng: np.random.Generator) -> Verdict:
    world = World(200)
    arms = list(world.meet(rng, Change(drop)).fresh(np.arange(world.items), max(before, now)))
    asleep = rng.random((world.items, 1)) < 0.08 / 0.85
    for arm in arms:
        arm[:, 0] *= 1.0 - (
            asleep if kind == "the same items" else rng.random((world.items, 1)) < 0.08 / 0.85
        )
    names = world.score_names()
    runs = [
        run_table(world.dataset(), a[:, :k], n, names)
        for a, k, n in zip(arms, (before, now), "bc", strict=True)
    ]
    return compare(runs[0], runs[1], Gate(name="simulated", rules={names[0]: Rule(max_drop=0.05)}))


def few_items() -> Iterator[Row]:
    """Row 24."""
    for items in (50, 100, 130, 200):
        for times in (10, 24, 50):
            for noise in (0.1, 0.3):
                share = math.log1p(_MARGIN) / math.log(times)
                what = (
                    f"typical call +10 % = margin, by {100 * share:.1f} items in a hundred ×{times}, N={items}, "
                    f"noise {100 * noise:.0f} %"
                )
                yield Row("24", what, partial(_dear, items, times, share, noise, "mean"), "pass", 2000, 0.06)
    for items in (50, 100, 200, 300):
        for noise in (0.1, 0.3):
            what = f"bill +10 % = margin, by 2 items in a hundred ×6, N={items}, noise {100 * noise:.0f} %"
            yield Row("24", what, partial(_dear, items, 6, 0.02, noise, "sum"), "pass", 2000, 0.06)
    for items in (130, 200, 300):
        what = f"cost unchanged, N={items}, noise 10 %"
        yield Row("24", what, partial(_dear, items, 1, 0.0, 0.1, "mean"), "pass", 1000)
        yield Row("24", f"{what}, bill", partial(_dear, items, 1, 0.0, 0.1, "sum"), "pass", 1000)


def _dear(
    items: int, times: float, share: float, noise: float, statistic: Statistic, rng: np.random.Generator
) -> Verdict:
    typical = np.exp(0.3 * rng.standard_normal((items, 1)) - 6.0)
    arms = [typical * np.exp(noise * rng.standard_normal((items, 1))) for _ in "bc"]
    arms[1] = arms[1] * np.where(rng.random((items, 1)) < share, times, 1.0)
    runs = [
        run_table(Items(items), arm[..., None], name, ("cost_usd",))
        for arm, name in zip(arms, "bc", strict=True)
    ]
    rule = Rule(statistic=statistic, max_increase=_MARGIN)
    return compare(runs[0], runs[1], Gate(name="simulated", rules={"cost_usd": rule}))


def run_shifts() -> Iterator[Row]:
    """Row 25."""
    for shift in (0.0, 0.1, 0.2, 0.4):
        for past in (0, 4, 8):
            known = f"{past} past runs" if past else "no past runs"
            what = f"unchanged, stored, each run's latency moves by {100 * shift:.0f} %, {known}, N=100"
            yield Row("25", what, partial(_shifted, shift, past, None, 1.0), "regression", 3000, FALSE_ALARM)
        what = f"unchanged, stored, each run's latency moves by {100 * shift:.0f} %, any proved drop fails, N=100"
        yield Row("25", what, partial(_shifted, shift, 0, "any proved drop", 1.0), "regression", 1000)
    for slower in (2.0, 6.0):
        what = f"latency ×{slower:g}, stored, each run's latency moves by 20 %, {{}}, N=100"
        yield Row(
            "25", what.format("no past runs"), partial(_shifted, 0.2, 0, None, slower), "regression", 1000
        )
        yield Row(
            "25", what.format("8 past runs"), partial(_shifted, 0.2, 8, None, slower), "regression", 1000
        )
    what = "side by side, both versions' latency moves by 40 % together, N=100"
    yield Row("25", f"unchanged, {what}", partial(_beside, 0.4, 1.0), "regression", 1000, FALSE_ALARM)
    yield Row("25", f"latency +25 %, {what}", partial(_beside, 0.4, 1.25), "regression", 500, None, 0.85)


def _seconds(rng: np.random.Generator, typical: Values, moved: float, trials: int = 1) -> Values:
    return np.exp(typical + moved + 0.4 * rng.standard_normal((len(typical), trials)))


def _run(
    rng: np.random.Generator, chance: Values, seconds: Values, name: str, facts: RunFacts | None = None
) -> RunTable:
    items = Items(len(chance))
    passed = run_table(
        items, (rng.random(seconds.shape) < chance).astype(float)[..., None], name, ("correct",)
    )
    timed = run_table(items, seconds[..., None], name, ("latency_seconds",))
    header: RunHeader = passed.header.with_facts(facts or RunFacts())
    return RunTable(header, passed.items, {**passed.columns, **timed.columns})


def _shifted(
    shift: float, past: int, fails_on: FailsOn | None, slower: float, rng: np.random.Generator
) -> Verdict:
    typical = 0.5 * rng.standard_normal((100, 1))
    chance = np.where(rng.random((100, 1)) < 0.6, 0.98, 0.65)
    moved = shift * rng.standard_normal(max(past, 1) + 1)
    runs = [_seconds(rng, typical, move) for move in moved]
    facts = RunFacts()
    if past:
        spread = stdev(float(np.log(run).mean()) for run in runs[:-1])
        facts = RunFacts(run_shifts={"latency_seconds": RunShift(spread, past)})
    rule = Rule(fails_on=fails_on)
    gate = Gate(name="simulated", rules={"correct": Rule(max_drop=0.05), "latency_seconds": rule})
    baseline = _run(rng, chance, runs[0], "baseline", facts)
    return compare(baseline, _run(rng, chance, slower * runs[-1], "candidate"), gate)


def _beside(shift: float, slower: float, rng: np.random.Generator) -> Verdict:
    typical = 0.5 * rng.standard_normal((100, 1))
    chance = np.where(rng.random((100, 1)) < 0.6, 0.98, 0.65)
    ids = Items(100).ids().tolist()

    def serve(request: RoundRequest) -> tuple[RunTable, RunTable]:
        chosen = (
            sorted(ids.index(item) for item in request.items) if request.items is not None else range(100)
        )
        at = np.array(list(chosen))
        moved = shift * float(rng.standard_normal())
        arms = []
        for name, factor in (("baseline", 1.0), ("candidate", slower)):
            seconds = factor * _seconds(rng, typical[at], moved, request.trials)
            passed = (rng.random(seconds.shape) < chance[at]).astype(float)
            arms.append((name, seconds, passed))
        tables = []
        for name, seconds, passed in arms:
            part = None if request.items is None else at
            one = run_table(Items(100), passed[..., None], name, ("correct",), part)
            timed = run_table(Items(100), seconds[..., None], name, ("latency_seconds",), part)
            tables.append(RunTable(one.header, one.items, {**one.columns, **timed.columns}))
        return tables[0], tables[1]

    rules = {"correct": Rule(max_drop=0.05), "latency_seconds": Rule()}
    return decide_in_rounds(Gate(name="simulated", rules=rules), serve)


def all_rows() -> list[Row]:
    return [*cold_trials(), *few_items(), *run_shifts()]


def _some(position: int, seed: int, numbers: range) -> Counter[str]:
    row = all_rows()[position]
    found: Counter[str] = Counter()
    for number in numbers:
        rng = np.random.default_rng((seed, zlib.crc32(row.what.encode()), number))
        found[row.build(rng).outcome] += 1
    return found


@click.command(help=__doc__)
@click.option("--builds", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--row", "wanted", multiple=True, help="Only these rows (23, 24, 25); may be repeated.")
@click.option("--max-builds", type=int, help="No more builds than this in any situation.")
def main(builds: str, seed: int, workers: int, wanted: tuple[str, ...], max_builds: int | None) -> None:
    quick = builds == "quick"
    rows = all_rows()
    chosen = [place for place, row in enumerate(rows) if not wanted or row.number in wanted]
    number = {
        place: min(_QUICK if quick else rows[place].builds, max_builds or sys.maxsize) for place in chosen
    }
    found: dict[int, Counter[str]] = {place: Counter() for place in chosen}
    with worker_pool(workers) as pool:
        waiting = {
            pool.submit(_some, place, seed, range(first, min(first + _CHUNK, number[place]))): place
            for place in chosen
            for first in range(0, number[place], _CHUNK)
        }
        left = Counter(waiting.values())
        for done in as_completed(waiting):
            place = waiting[done]
            found[place] += done.result()
            left[place] -= 1
            if not left[place]:
                click.echo(f"  {rows[place].what}: {number[place]} builds", err=True)
    lines = [_line(rows[place], found[place], number[place], seed, quick=quick) for place in chosen]
    click.echo(tabulate(lines, headers=HEADERS, tablefmt="github", disable_numparse=True))
    sys.exit(1 if any(line[-1] == "NO" for line in lines) else 0)


def _line(row: Row, found: Counter[str], builds: int, seed: int, *, quick: bool) -> tuple[str, ...]:
    hits = found[row.counted]
    low, high = exact_interval(hits, builds)
    threshold, holds = "", ""
    if row.at_most is not None:
        chance = quick and float(binom.sf(hits - 1, builds, row.at_most)) > _BY_CHANCE
        threshold, holds = (
            f"≤ {100 * row.at_most:.1f} %",
            "yes" if hits <= row.at_most * builds or chance else "NO",
        )
    if row.at_least is not None:
        chance = quick and float(binom.cdf(hits, builds, row.at_least)) > _BY_CHANCE
        threshold, holds = (
            f"≥ {100 * row.at_least:.1f} %",
            "yes" if hits >= row.at_least * builds or chance else "NO",
        )
    share, interval = f"{100 * hits / builds:.1f} %", f"{100 * low:.1f} to {100 * high:.1f} %"
    return (
        row.number,
        row.what,
        row.counted,
        threshold,
        share,
        interval,
        f"{builds:,}",
        str(seed),
        "",
        holds,
    )


if __name__ == "__main__":
    main()
