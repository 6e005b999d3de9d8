"""A candidate that is worse never gets the better verdict: the law, tried on random tables of every kind of score.

Each table is decided, made worse in one way, and decided again. Regression < inconclusive < pass may not rise when a
cell, an item, a cluster or 30 % of the cells is degraded, by a little, to the end of the scale, to missing or to a
thousand times as far; nor fall when a cell gets better. Counted by the kind of table and by what was done to it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import click
import numpy as np
from numpy.typing import NDArray
from run_tables import cells
from tabulate import tabulate

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.gate_file.rule import Statistic
from scoregate.gates.table import Column, RunTable
from scoregate.records import RunHeader

Values = NDArray[np.float64]
"""(N, k) of one score, larger is better; NaN: missing."""
RANK = {"regression": 0, "inconclusive": 1, "pass": 2}
SCOPES = ("cell", "item", "cluster", "30 % of cells")
AMOUNTS = ("a little", "end of the scale", "missing", "a thousand times")
KINDS = (
    "boolean", "category", "grades", "pass^k", "critical", "bounded", "bounded, heavy tails", "unbounded",
    "unbounded, heavy tails", "floor, unbounded", "floor, bounded", "cost, mean", "cost, sum", "cost, p95",
)  # fmt: skip
_GRADES = ("poor", "fair", "good", "best")
_STATISTICS: dict[str, Statistic] = {"cost, mean": "mean", "cost, sum": "sum", "cost, p95": "p95"}


@dataclass(frozen=True, slots=True)
class Score:
    """A score of a table: its rule and contract, and how its values become cells."""

    kind: str
    name: str
    rule: Rule
    contract: Contract | None
    low: float = -np.inf
    """Worst value, where larger is better."""
    high: float = np.inf
    step: float = 1.0
    """A little."""
    unit: float = 1.0
    """About the spread of its values."""

    def column(self, values: Values) -> Column:
        items, trials = values.shape
        rows, numbers = np.repeat(np.arange(items), trials), np.tile(np.arange(trials), items)
        flat = values.ravel()
        if self.kind == "category":
            flat_cells = np.array([_word(v, ("no", "yes")) for v in flat], dtype=object)
        elif self.kind == "grades":
            flat_cells = np.array([_word(v, _GRADES) for v in flat], dtype=object)
        elif self.high == 1.0:
            flat_cells = cells(flat)
        else:
            amounts = np.exp(-flat) if self.kind.startswith("cost") else flat
            flat_cells = np.empty(flat.size, dtype=object)
            flat_cells[:] = amounts.tolist()
            flat_cells[np.isnan(flat)] = None
        return Column(rows, numbers, flat_cells)


def _word(value: float, words: tuple[str, ...]) -> str | None:
    return None if np.isnan(value) else words[int(value)]


@dataclass(frozen=True, slots=True)
class Table:
    """Two runs of some scores and the gate that compares them."""

    scores: tuple[Score, ...]
    baseline: tuple[Values, ...]
    candidate: tuple[Values, ...]
    cluster: NDArray[np.intp]
    """(N,) number of each item's cluster."""
    slice: NDArray[np.intp]
    gate: Gate

    @property
    def kind(self) -> str:
        kinds = dict.fromkeys(score.kind for score in self.scores)
        return next(iter(kinds)) if len(kinds) == 1 else "several kinds"

    def outcome(self, *, seed: int = 0) -> str:
        """The verdict's word."""
        baseline = self._arm("baseline", self.baseline)
        return compare(baseline, self._arm("candidate", self.candidate), self.gate, seed=seed).outcome

    def _arm(self, label: str, values: tuple[Values, ...]) -> RunTable:
        items, trials = values[0].shape
        names = [f"q{i:03d}" for i in range(items)]
        clusters, slices = {}, {}
        if len(np.unique(self.cluster)) < items:
            clusters = {name: f"talk-{c}" for name, c in zip(names, self.cluster, strict=True)}
        if self.gate.slices:
            slices = {name: {"topic": f"topic-{s}"} for name, s in zip(names, self.slice, strict=True)}
        columns = {s.name: s.column(v) for s, v in zip(self.scores, values, strict=True)}
        header = RunHeader(run=label, dataset="d", candidate=label, expected_items=items, trials=trials)
        return RunTable(header, tuple(names), columns, clusters, slices)


def random_score(rng: np.random.Generator, kind: str, number: int) -> Score:
    """A score of this kind with a rule that suits it."""
    name, margin = f"score_{number}", float(rng.choice([0.05, 0.1, 0.2]))
    boolean = partial(Score, kind, name, low=0.0, high=1.0)
    if kind == "boolean":
        return boolean(Rule(max_drop=margin), None)
    if kind == "category":
        contract = Contract(name=name, type="categorical", categories=("no", "yes"), passing=("yes",))
        return boolean(Rule(max_drop=margin), contract)
    if kind == "critical":
        return boolean(Rule(max_drop=0.3, critical=True), None)
    if kind == "pass^k":
        return boolean(Rule(max_drop=margin, reducer="pass^2"), None)
    if kind == "grades":
        contract = Contract(
            name=name, type="categorical", categories=_GRADES, passing=("best",), ordered=True
        )
        return Score(kind, name, Rule(max_drop=3 * margin), contract, 0.0, 3.0)
    if kind.startswith("cost"):
        used = f"{('cost_usd', 'tokens_output', 'tokens_input', 'tokens_total')[number % 4]}"
        rule = Rule(max_increase=2 * margin, statistic=_STATISTICS[kind])
        return Score(kind, used, rule, None, step=0.05, unit=0.5)
    spread = float(rng.choice([0.1, 1.0, 10.0]))
    bounded = "bounded" in kind and "unbounded" not in kind
    contract = Contract(
        name=name,
        type="numeric",
        direction="higher",
        min=0.0 if bounded else None,
        max=100.0 if bounded else None,
    )
    rule = Rule(max_drop=float(spread * rng.choice([0.1, 0.3, 1.0])))
    if kind.startswith("floor"):
        rule = Rule(min=float(50 + spread * rng.choice([-0.5, -0.2, 0.0, 0.2])))
    ends = (0.0, 100.0) if bounded else (-np.inf, np.inf)
    return Score(kind, name, rule, contract, *ends, step=0.1 * spread, unit=spread)


def random_table(rng: np.random.Generator) -> Table:
    """Of one kind or of several, with effects near what can just be told."""
    items, trials = int(rng.integers(12, 70)), int(rng.choice([1, 1, 2, 3]))
    number = int(rng.choice([1, 1, 2, 3, 4]))
    kind = str(rng.choice(KINDS))
    kinds = [kind if rng.random() < 0.7 else str(rng.choice(KINDS)) for _ in range(number)]
    if trials < 2:
        kinds = ["boolean" if kind == "pass^k" else kind for kind in kinds]
    scores = tuple(random_score(rng, kind, i) for i, kind in enumerate(kinds))
    cluster = _random_clusters(rng, items)
    arms = [_random_values(rng, score, items, trials, cluster) for score in scores]
    before, now = tuple(arm[0] for arm in arms), tuple(arm[1] for arm in arms)
    if rng.random() < 0.2:
        for values in (*before, *now):
            values[rng.random(values.shape) < 0.04] = np.nan
    parts = int(rng.integers(2, 4)) if rng.random() < 0.3 else 0
    gate = Gate(
        name="",
        rules={score.name: score.rule for score in scores},
        catalog=Catalog({s.name: s.contract for s in scores if s.contract is not None}),
        max_failed_items=1.0,
        slices={"topic": "metadata.topic"} if parts else {},
    )
    return Table(scores, before, now, cluster, rng.integers(max(1, parts), size=items), gate)


def _random_clusters(rng: np.random.Generator, items: int) -> NDArray[np.intp]:
    chance = rng.random()
    if chance < 0.6:
        return np.arange(items)
    if chance < 0.8:
        return np.arange(items) // int(rng.integers(2, 4))
    # One conversation that outweighs the others.
    large = int(items * rng.uniform(0.2, 0.6))
    return np.maximum(np.arange(items) - large, 0)


def _random_values(
    rng: np.random.Generator, score: Score, items: int, trials: int, cluster: NDArray[np.intp]
) -> tuple[Values, Values]:
    """Baseline and candidate."""
    shape = (items, trials)
    if score.high == 1.0:
        rate, noise = rng.choice([0.6, 0.85, 0.97, 1.0]), rng.choice([0.0, 0.02, 0.1])
        good = rng.random((items, 1)) < rate
        before, now = (np.where(rng.random(shape) < noise, ~good, good).astype(float) for _ in range(2))
        lost = rng.random((items, 1)) < rng.choice([0.0, 0.05, 0.15, 0.3])
        won = rng.random((items, 1)) < rng.choice([0.0, 0.0, 0.1])
        return before, np.where(won, 1.0, np.where(lost, 0.0, now))
    if score.kind == "grades":
        good = rng.integers(1, 4, (items, 1)).astype(float)
        moved = [np.clip(good + np.rint(rng.normal(0, 0.4, shape)), 0, 3) for _ in range(2)]
        drop = rng.random((items, 1)) < rng.choice([0.0, 0.1, 0.3])
        return moved[0], np.where(drop, np.maximum(moved[1] - 1, 0), moved[1])
    middle = 0.0 if score.kind.startswith("cost") else 50.0
    level = middle + score.unit * rng.choice([0.0, 0.3, 1.0]) * rng.standard_normal((items, 1))
    heavy = "heavy" in score.kind or (score.kind != "bounded" and rng.random() < 0.3)
    noise = _noise(rng, shape, heavy=heavy), _noise(rng, shape, heavy=heavy)
    talk = rng.choice([0.0, 0.3]) * rng.standard_normal((int(cluster.max()) + 1, trials))[cluster]
    size = float(rng.choice([0.0, 0.02, 0.3]))
    shift = (
        rng.choice([0.0, 0.0, 0.1, 0.3, 1.0])
        * (rng.random((items, 1)) < rng.choice([0.1, 0.5, 1.0]))
        * rng.choice([-1, 1, 1])
    )
    before = level + score.unit * size * noise[0]
    now = level + score.unit * (size * (noise[1] + talk) - shift)
    if rng.random() < 0.2:
        now[int(rng.integers(items))] += score.unit * rng.choice([-1, 1]) * rng.choice([3.0, 10.0])
    return np.clip(before, score.low, score.high), np.clip(now, score.low, score.high)


def _noise(rng: np.random.Generator, shape: tuple[int, int], *, heavy: bool) -> Values:
    if not heavy:
        return rng.standard_normal(shape)
    if rng.random() < 0.5:
        return rng.standard_t(1.5, shape)
    return rng.choice([-1, 1], shape) * rng.lognormal(0.0, 1.5, shape)


def changed(
    rng: np.random.Generator, table: Table, scope: str, amount: str, *, better: bool = False
) -> Table | None:
    """The same with a worse (or better) candidate; None where that changes nothing."""
    items, trials = table.candidate[0].shape
    where = np.zeros((len(table.scores), items, trials), dtype=bool)
    if scope == "cell":
        where[int(rng.integers(len(where))), int(rng.integers(items)), int(rng.integers(trials))] = True
    elif scope == "item":
        where[:, int(rng.integers(items))] = True
    elif scope == "cluster":
        where[:, table.cluster == table.cluster[int(rng.integers(items))]] = True
    else:
        where[int(rng.integers(len(where)))] = rng.random((items, trials)) < 0.3
    worse = tuple(
        _moved(score, values, at, amount, better=better)
        for score, values, at in zip(table.scores, table.candidate, where, strict=True)
    )
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(worse, table.candidate, strict=True))
    return None if same else replace(table, candidate=worse)


def _moved(score: Score, values: Values, at: NDArray[np.bool_], amount: str, *, better: bool) -> Values:
    sign = 1.0 if better else -1.0
    if amount == "missing":
        # What was missing comes back, or what is there goes.
        return np.where(at, np.nan, values)
    seen = values[~np.isnan(values)]
    extreme = (float(seen.max()) if better else float(seen.min())) if len(seen) else 0.0
    end = score.high if better else score.low
    if amount == "a little":
        target = values + sign * score.step
    elif amount == "end of the scale":
        target = np.full(values.shape, end if np.isfinite(end) else extreme)
    elif score.kind.startswith("cost"):
        target = values + sign * np.log(1000.0)
    else:
        target = values + sign * 1000 * score.unit
    return np.where(at, np.clip(target, score.low, score.high), values)


@dataclass(frozen=True, slots=True)
class Broken:
    """A pair of verdicts in the wrong order."""

    table: int
    kind: str
    done: str
    before: str
    after: str


def tried(seed: int, number: int, changes: int) -> tuple[str, list[str], list[Broken]]:
    """The kind of table `number`, what was done to it, and what broke the law."""
    rng = np.random.default_rng((seed, number))
    table = random_table(rng)
    first = table.outcome()
    done: list[str] = []
    broken: list[Broken] = []
    if first not in RANK:
        return table.kind, done, broken
    for turn in range(changes):
        better = turn == 0
        scope = "cell" if better else str(rng.choice(SCOPES))
        amounts = [a for a in AMOUNTS if not (better and a == "missing")]
        amount = str(rng.choice(amounts))
        other = changed(rng, table, scope, amount, better=better)
        if other is None:
            continue
        second = other.outcome()
        if second not in RANK:
            continue
        what = f"{scope}: {amount}" + (" better" if better else "")
        done.append(what)
        rise = RANK[second] - RANK[first]
        if (rise < 0) if better else (rise > 0):
            broken.append(Broken(number, table.kind, what, first, second))
    return table.kind, done, broken


def _some(seed: int, changes: int, numbers: range) -> list[tuple[str, list[str], list[Broken]]]:
    return [tried(seed, number, changes) for number in numbers]


def all_tried(
    tables: int, seed: int, changes: int, workers: int
) -> Iterator[tuple[str, list[str], list[Broken]]]:
    """`tried` of every table."""
    chunks = [range(first, min(first + 25, tables)) for first in range(0, tables, 25)]
    work = partial(_some, seed, changes)
    if workers == 1:
        return chain.from_iterable(map(work, chunks))
    with ProcessPoolExecutor(workers) as pool:
        return chain.from_iterable(list(pool.map(work, chunks)))


@click.command(help=__doc__)
@click.option("--tables", default=20_000, show_default=True)
@click.option("--changes", default=4, show_default=True, help="Of each table; the first makes it better.")
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True)
def main(tables: int, changes: int, seed: int, workers: int) -> None:
    kinds: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    broken: list[Broken] = []
    for kind, done, wrong in all_tried(tables, seed, changes, workers):
        kinds[kind] += 1
        pairs.update((kind, what) for what in done)
        broken += wrong
    rows = []
    for kind in sorted(kinds):
        of_kind = [b for b in broken if b.kind == kind]
        total = sum(n for (k, _), n in pairs.items() if k == kind)
        rows.append((kind, f"{kinds[kind]:,}", f"{total:,}", len(of_kind), _how(of_kind)))
    click.echo(f"{tables:,} tables, seed {seed}\n")
    click.echo(tabulate(rows, headers=("score", "tables", "pairs", "broken", "how"), tablefmt="github"))
    total = sum(pairs.values())
    click.echo(f"\n{len(broken)} of {total:,} pairs in the wrong order ({100 * len(broken) / total:.3f} %)")
    for pair in broken[:40]:
        click.echo(f"  table {pair.table} ({pair.kind}), {pair.done}: {pair.before}, then {pair.after}")
    sys.exit(1 if broken else 0)


def _how(broken: list[Broken]) -> str:
    counts = Counter(f"{b.before} → {b.after}" for b in broken)
    return ", ".join(f"{n} × {how}" for how, n in counts.most_common())


if __name__ == "__main__":
    main()
