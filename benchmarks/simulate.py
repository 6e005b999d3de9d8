"""The gate's published operating characteristics, measured on simulated agents with the shipped `compare`.

Every row has a threshold that was fixed before it was measured. `--builds quick` is a smoke test with few builds
(a row fails only when chance cannot explain it); `--builds full` makes the figures that are published.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import click
import numpy as np
from metamorphic import metamorphic_failures
from scipy.stats import beta, binom
from tabulate import tabulate
from worlds import Drop, Lose, World, as_table, lose_at_random, lose_failures

from scoregate import Gate, Rule, compare

QUICK_SHARE = 0.03
"""Share of the full number of builds that the quick run makes."""
FEWEST_QUICK = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """One simulated situation: what happens in every build, and which outcome is counted."""

    row: int
    what: str
    world: World
    baseline_trials: int = 1
    candidate_trials: int = 1
    drop: float = 0.0
    kind: Drop = "diffuse"
    worse_scores: int = 1
    tenths: bool = False
    """Scores are numbers in tenths instead of booleans."""
    lose: Lose | None = None
    rule: Rule = field(default_factory=Rule)
    max_failed_items: float = 0.05
    counted: str = "regression"
    at_most: float | None = None
    at_least: float | None = None
    builds: int = 1000

    def gate(self) -> Gate:
        rule = dataclasses.replace(self.rule, direction="higher") if self.tenths else self.rule
        rules = {f"score_{i}": rule for i in range(self.world.scores)}
        return Gate(name="simulated", rules=rules, max_failed_items=self.max_failed_items)


def one_build(cell: Cell, seed: int) -> str:
    """The outcome of one simulated build."""
    rng = np.random.default_rng(seed)
    difficulty = cell.world.difficulty(rng)
    baseline = cell.world.run(rng, difficulty, cell.baseline_trials)
    candidate = cell.world.run(
        rng, difficulty, cell.candidate_trials, drop=cell.drop, kind=cell.kind, worse_scores=cell.worse_scores
    )
    if cell.tenths:
        baseline, candidate = (_in_tenths(rng, arm) for arm in (baseline, candidate))
    if cell.lose is not None:
        baseline, candidate = cell.lose(rng, baseline, candidate)
    tables = (as_table(cell.world, baseline, "baseline"), as_table(cell.world, candidate, "candidate"))
    return compare(*tables, cell.gate(), seed=seed).outcome


def _in_tenths(
    rng: np.random.Generator, passed: np.typing.NDArray[np.float64]
) -> np.typing.NDArray[np.float64]:
    """A graded judgment: passing answers get 0.7 to 1.0, failing ones 0.1 to 0.6."""
    grade = np.where(passed == 1, rng.integers(7, 11, passed.shape), rng.integers(1, 7, passed.shape))
    return np.asarray(grade / 10.0)


def share_counted(cell: Cell, first_seed: int, builds: int) -> int:
    return sum(one_build(cell, first_seed + i) == cell.counted for i in range(builds))


def cells() -> list[Cell]:
    """The rows of the published table that need only stored results."""
    unchanged = partial(Cell, at_most=0.016, builds=3000)
    result = [
        unchanged(2, f"unchanged, N=100, 10 scores, trials {kb}/{kc}", World(100, 10), kb, kc)
        for kb, kc in ((1, 1), (3, 3), (5, 5), (5, 1))
    ]
    result += [
        unchanged(2, f"unchanged, numbers in tenths, N=100, trials {kb}/{kc}", World(100), kb, kc,
                  tenths=True, rule=Rule(max_drop=0.05))
        for kb, kc in ((1, 1), (3, 3), (5, 1))
    ]  # fmt: skip
    result.append(unchanged(4, "unchanged, 30 conversations of 20 turns", World(600, turns=20), 1, 1))
    result.append(
        unchanged(4, "unchanged, 30 conversations of 20 turns, 3 trials", World(600, turns=20), 3, 3)
    )
    missing = partial(unchanged, lose=partial(lose_at_random, 0.10), max_failed_items=1.0)
    result += [
        missing(5, "unchanged, 10 % missing in both arms, N=100, 10 scores", World(100, 10), 1, 1),
        missing(5, "unchanged, 10 % missing in both arms, N=300, 3 trials", World(300), 3, 3),
    ]
    exact = World(30, judge_flips=0.0, base=0.97)
    false_pass = partial(Cell, counted="pass", at_most=0.06, builds=2000, rule=Rule(max_drop=0.05))
    for items in (30, 100, 300):
        for trials in (1, 3):
            for kind in ("diffuse", "concentrated"):
                noisy = World(items)
                seen = 0.05 / (1 - 2 * noisy.judge_flips)
                shape = f"N={items}, {kind}, {trials} trial{'s' if trials > 1 else ''}"
                result.append(
                    false_pass(6, f"drop = margin, noisy judge, {shape}", noisy, trials, trials, seen, kind)
                )
                sharp = dataclasses.replace(exact, items=items)
                result.append(
                    false_pass(6, f"drop = margin, exact scorer, {shape}", sharp, trials, trials, 0.05, kind)
                )
    power = partial(Cell, 14, builds=1000)
    ten = partial(World, scores=10)
    result += [
        power(
            "10 points of 1 in 10, N=100, 5 trials, concentrated",
            ten(100),
            5,
            5,
            0.10,
            "concentrated",
            at_least=0.80,
        ),
        power(
            "10 points of 1 in 10, N=100, 5 trials, diffuse", ten(100), 5, 5, 0.10, "diffuse", at_least=0.90
        ),
        power(
            "5 points of 1 in 10, N=300, 5 trials, concentrated",
            ten(300),
            5,
            5,
            0.05,
            "concentrated",
            at_least=0.77,
        ),
        power(
            "5 points of 1 in 10, N=300, 5 trials, diffuse", ten(300), 5, 5, 0.05, "diffuse", at_least=0.86
        ),
        power(
            "10 points of 1 in 10, N=300, 3 trials, concentrated",
            ten(300),
            3,
            3,
            0.10,
            "concentrated",
            at_least=0.97,
        ),
        power(
            "10 points of 1 in 10, N=300, 3 trials, diffuse", ten(300), 3, 3, 0.10, "diffuse", at_least=0.97
        ),
    ]
    hiding = partial(
        Cell,
        18,
        world=World(300),
        drop=0.05,
        lose=partial(lose_failures, 0.60),
        rule=Rule(max_drop=0.05),
        builds=500,
    )
    result += [
        hiding("5 points worse, 60 % of failures lost, found", max_failed_items=1.0, at_least=0.97),
        hiding(
            "5 points worse, 60 % of failures lost, passed",
            max_failed_items=1.0,
            counted="pass",
            at_most=0.01,
        ),
        hiding("the same with the default max_failed_items, passed", counted="pass", at_most=0.0),
    ]
    return result


@dataclass(frozen=True, slots=True)
class Measured:
    cell: Cell
    hits: int
    builds: int

    @property
    def share(self) -> float:
        return self.hits / self.builds

    def interval(self) -> tuple[float, float]:
        """Clopper-Pearson, 95 %."""
        low = beta.ppf(0.025, self.hits, self.builds - self.hits + 1) if self.hits else 0.0
        high = beta.ppf(0.975, self.hits + 1, self.builds - self.hits) if self.hits < self.builds else 1.0
        return float(low), float(high)

    def holds(self, *, quick: bool) -> bool:
        """In the quick run a row fails only where chance in so few builds cannot explain it (1 in 1,000)."""
        if self.cell.at_most is not None:
            limit = self.cell.at_most
            beyond = float(binom.sf(self.hits - 1, self.builds, limit))
            return self.share <= limit or (quick and beyond > 0.001)
        limit = self.cell.at_least or 0.0
        beyond = float(binom.cdf(self.hits, self.builds, limit))
        return self.share >= limit or (quick and beyond > 0.001)


def measure(
    situations: Sequence[Cell], *, quick: bool, seed: int, workers: int, say: Callable[[str], None]
) -> list[Measured]:
    """All cells, side by side on `workers` processes; the figures do not depend on their number."""
    measured = []
    with ProcessPoolExecutor(workers) as pool:
        for number, cell in enumerate(situations):
            builds = max(FEWEST_QUICK, int(cell.builds * QUICK_SHARE)) if quick else cell.builds
            start = (seed + 1) * 10_000_000 + number * 100_000
            chunk = max(1, builds // (workers * 4))
            firsts = list(range(0, builds, chunk))
            counts = [min(chunk, builds - first) for first in firsts]
            began = time.perf_counter()
            hits = sum(pool.map(share_counted, [cell] * len(firsts), [start + f for f in firsts], counts))
            measured.append(Measured(cell, hits, builds))
            say(f"  {cell.row:>2}  {cell.what}: {hits} of {builds} ({time.perf_counter() - began:.1f} s)")
    return measured


def table(measured: Sequence[Measured], *, quick: bool) -> str:
    rows = []
    for m in measured:
        low, high = m.interval()
        limit = (
            f"≤ {100 * m.cell.at_most:.1f} %"
            if m.cell.at_most is not None
            else f"≥ {100 * (m.cell.at_least or 0):.1f} %"
        )
        rows.append(
            (
                m.cell.row,
                m.cell.what,
                m.cell.counted,
                limit,
                f"{100 * m.share:.1f} %",
                f"{100 * low:.1f} to {100 * high:.1f} %",
                m.builds,
                "yes" if m.holds(quick=quick) else "NO",
            )
        )
    headers = ("row", "situation", "counted", "threshold", "measured", "95 % interval", "builds", "holds")
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


@click.command(help=__doc__)
@click.option("--builds", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--row", "rows", type=int, multiple=True, help="Only these rows; may be repeated.")
def main(builds: str, seed: int, workers: int, rows: tuple[int, ...]) -> None:
    quick = builds == "quick"
    wanted = [cell for cell in cells() if not rows or cell.row in rows]
    say = partial(click.echo, err=True)
    measured = measure(wanted, quick=quick, seed=seed, workers=workers, say=say)
    click.echo(f"scoregate, stored-results mode, seed {seed}, {builds} run\n")
    click.echo(table(measured, quick=quick))
    failures = sum(not m.holds(quick=quick) for m in measured)
    if not rows or 21 in rows:
        rounds = 20 if quick else 400
        broken = metamorphic_failures(rounds, seed)
        click.echo(f"\nrow 21, metamorphic checks on {rounds} random comparisons: {len(broken)} broken")
        for line in broken[:10]:
            click.echo(f"  {line}")
        failures += len(broken)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
