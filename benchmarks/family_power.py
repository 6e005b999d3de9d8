"""How a family of hypotheses is decided best: maxT, minP as shipped, and Holm's method on the same p-values.

Every world is one trial an arm, so that a relabelling is a sign for each cluster, and all three see the same data. A
build counts as found where any hypothesis is proved at the level that scores have. maxT divides by the standard
deviation of each hypothesis, which a single large cluster or a heavy tail makes meaningless; Holm's method asks for
p-values as small as alpha over their number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click
import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from scoregate.statistics.exact import step_down
from scoregate.statistics.permutation import FamilyRuns, permutation_test_family

ALPHA = 0.009
_DRAWN = 9_999
World = Callable[[np.random.Generator], FamilyRuns]


def conversation(rng: np.random.Generator, drop: float, others: int = 60) -> FamilyRuns:
    """One conversation of 60 turns among ordinary ones, 4 slices; the pass rate falls by `drop` everywhere."""
    sizes = np.concatenate([[60], rng.integers(1, 4, others)])
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    # The turns of one conversation run fare alike.
    luck = 0.25 * rng.standard_normal((len(sizes), 2))[clusters]
    chance = np.clip(0.85 + luck - np.array([0.0, drop]), 0.0, 1.0)
    passed = (rng.random(chance.shape) < chance).astype(float)
    topic = rng.integers(4, size=len(clusters))
    members = np.vstack([np.ones(len(clusters), dtype=bool), *(topic == t for t in range(4))])
    return FamilyRuns(passed[:, :, None], clusters, members, tuple((0, s) for s in range(5)))


def lognormal(rng: np.random.Generator, shift: float, scores: int = 5, items: int = 60) -> FamilyRuns:
    """Scores whose differences are lognormal (sigma 1.5) of both signs; the first falls by `shift` on each item."""
    sizes = rng.lognormal(0.0, 1.5, (items, scores)) * rng.choice([-1, 1], (items, scores))
    runs = np.stack([np.zeros((items, scores)), sizes], axis=1)
    runs[:, 1, 0] -= shift
    return _scores_alone(runs)


def judged(
    rng: np.random.Generator, drop: float, scores: int = 8, items: int = 80, common: float = 0.7
) -> FamilyRuns:
    """Real-like: grades in tenths that go together, 5 slices; the first grade falls by `drop`."""
    noise = np.sqrt(common) * rng.standard_normal((items, 2, 1)) + np.sqrt(1 - common) * rng.standard_normal(
        (items, 2, scores)
    )
    values = np.clip(np.round(0.75 + 0.15 * noise, 1), 0.0, 1.0)
    values[:, 1, 0] = np.clip(np.round(0.75 + 0.15 * noise[:, 1, 0] - drop, 1), 0.0, 1.0)
    topic = rng.integers(5, size=items)
    members = np.vstack([np.ones(items, dtype=bool), *(topic == t for t in range(5))])
    pairs = tuple((m, s) for m in range(scores) for s in range(6))
    return FamilyRuns(values, np.arange(items), members, pairs)


def passes(rng: np.random.Generator, drop: float, scores: int = 8, items: int = 80) -> FamilyRuns:
    """Real-like: pass or fail, most items sure, 5 slices; the first score loses `drop` of its items."""
    chance = rng.choice([0.03, 0.5, 0.97], (items, 1, scores), p=[0.1, 0.15, 0.75])
    values = (rng.random((items, 2, scores)) < chance).astype(float)
    values[:, 1, 0] *= rng.random(items) >= drop
    topic = rng.integers(5, size=items)
    members = np.vstack([np.ones(items, dtype=bool), *(topic == t for t in range(5))])
    pairs = tuple((m, s) for m in range(scores) for s in range(6))
    return FamilyRuns(values, np.arange(items), members, pairs)


def _scores_alone(runs: NDArray[np.float64]) -> FamilyRuns:
    items, _, scores = runs.shape
    return FamilyRuns(
        runs, np.arange(items), np.ones((1, items), dtype=bool), tuple((m, 0) for m in range(scores))
    )


WORLDS: dict[str, World] = {
    "a conversation of 60 turns, 4 slices, unchanged": partial(conversation, drop=0.0),
    "a conversation of 60 turns, 4 slices, 30 points lower": partial(conversation, drop=0.3),
    "lognormal differences, sigma 1.5, 5 scores, unchanged": partial(lognormal, shift=0.0),
    "lognormal differences, sigma 1.5, 5 scores, one lower": partial(lognormal, shift=2.0),
    "8 grades in tenths, 5 slices, unchanged": partial(judged, drop=0.0),
    "8 grades in tenths, 5 slices, one lower": partial(judged, drop=0.1),
    "8 pass or fail, 5 slices, unchanged": partial(passes, drop=0.0),
    "8 pass or fail, 5 slices, one loses 20 % of its items": partial(passes, drop=0.2),
}


def found(family: FamilyRuns, seed: int) -> tuple[bool, bool, bool]:
    """Whether maxT, minP as shipped and Holm's method prove any hypothesis."""
    differences = np.zeros((int(family.clusters.max()) + 1, len(family.hypotheses)))
    for column, (score, part) in enumerate(family.hypotheses):
        moved = (family.runs[:, 1, score] - family.runs[:, 0, score]) * family.members[part]
        np.add.at(differences[:, column], family.clusters, moved)
    differences = differences[:, differences.any(axis=0)]
    if not differences.size:
        return False, False, False
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], (_DRAWN, len(differences)))
    drawn, observed = signs @ differences, differences.sum(axis=0)
    p_values = (1 + (drawn <= observed + 1e-9).sum(axis=0)) / (_DRAWN + 1)
    deviations = np.sqrt((differences**2).sum(axis=0))
    most = (drawn / deviations).min(axis=1)
    max_t = (1 + (most <= (observed / deviations).min() + 1e-9).sum()) / (_DRAWN + 1)
    slices = len(family.members) - 1
    weights = np.array([max(1, slices) if part == 0 else 1 for _, part in family.hypotheses], dtype=float)
    shipped = permutation_test_family(family, 1, seed=seed, alpha=ALPHA, weights=weights)
    min_p = np.minimum(shipped.adjusted, step_down(shipped.p_values.tolist(), weights=weights)).min()
    holm = step_down(p_values.tolist()).min()
    return bool(max_t <= ALPHA), bool(min_p <= ALPHA), bool(holm <= ALPHA)


@click.command(help=__doc__)
@click.option("--builds", default=1000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(builds: int, seed: int) -> None:
    rows = []
    for number, (name, world) in enumerate(WORLDS.items()):
        counts = np.zeros(3, dtype=int)
        for build in range(builds):
            counts += found(world(np.random.default_rng((seed, number, build))), build)
        rows.append((name, builds, *(f"{100 * count / builds:.1f} %" for count in counts)))
    click.echo(f"found at alpha = {ALPHA}, seed {seed}\n")
    headers = ("world", "builds", "maxT", "minP", "Holm")
    click.echo(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
