"""How often the check of a judge's errors in two versions speaks: of judges that err alike, and of those that flatter.

Items differ in difficulty, so that both versions fail on much the same ones. The judge passes right answers and fails
wrong ones with known rates, which may be others for the candidate; people label the answers of both versions to the
same items, and a share of their labels is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import click
import numpy as np
from figures import exact_interval
from numpy.typing import NDArray
from tabulate import tabulate

from scoregate.calibration.differential_bias import LabelledAnswer, compare_pass_errors

Floats = NDArray[np.float64]
SENSITIVITY = 0.95


@dataclass(frozen=True, slots=True)
class World:
    """Shares of right answers, the judge's specificity in each version, and the share of wrong labels."""

    name: str
    before: float
    now: float
    specificity: tuple[float, float] = (0.95, 0.95)
    wrong_labels: float = 0.0


WORLDS = (
    World("errs alike, no change", 0.8, 0.8),
    World("errs alike, drop of 20 points", 0.9, 0.7),
    World("errs alike, drop of 20 points, 5 % wrong labels", 0.9, 0.7, wrong_labels=0.05),
    World("errs alike, gain of 20 points, 5 % wrong labels", 0.7, 0.9, wrong_labels=0.05),
    World("errs alike, drop of 20 points, 10 % wrong labels", 0.9, 0.7, wrong_labels=0.1),
    World("specificity .95 to .5, drop of 5 points", 0.8, 0.75, (0.95, 0.5)),
    World("specificity .8 to .5, drop of 5 points", 0.8, 0.75, (0.8, 0.5)),
    World("specificity .95 to .5, half of the answers bad", 0.55, 0.5, (0.95, 0.5)),
    World("specificity .8 to .5, half of the answers bad", 0.55, 0.5, (0.8, 0.5)),
)


def labelled(rng: np.random.Generator, world: World, items: int) -> list[dict[str, LabelledAnswer]]:
    """Item -> answer, of baseline and candidate."""
    ease = rng.random(items)
    both = []
    for share, specificity in zip((world.before, world.now), world.specificity, strict=True):
        # Half of what an answer is worth is the item's own: the sum of two uniform draws, cut where `share` pass.
        cut = np.sqrt(share / 2) if share <= 0.5 else 1 - np.sqrt((1 - share) / 2)
        right = (ease + rng.random(items)) / 2 < cut
        passed = np.where(right, rng.random(items) < SENSITIVITY, rng.random(items) >= specificity)
        said = right ^ (rng.random(items) < world.wrong_labels)
        cells = zip(passed.tolist(), said.tolist(), strict=True)
        both.append(
            {str(n): LabelledAnswer(float(judge), float(human)) for n, (judge, human) in enumerate(cells)}
        )
    return both


def faults(world: World, items: int, builds: int, seed: int) -> int:
    """Builds in which the check calls it a fault."""
    rng = np.random.default_rng((seed, items))
    found = 0
    for _ in range(builds):
        before, now = labelled(rng, world, items)
        found += compare_pass_errors(before, now).differ is not None
    return found


@click.command()
@click.option("--builds", default=1000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(builds: int, seed: int) -> None:
    """Print the share of builds with a fault, with its 95 % interval, by the number of labelled items."""
    sizes = (50, 100, 300)
    rows = []
    for world in WORLDS:
        cells = []
        for items in sizes:
            hits = faults(world, items, builds, seed)
            low, high = exact_interval(hits, builds)
            cells.append(f"{100 * hits / builds:.1f} % ({100 * low:.1f} to {100 * high:.1f})")
        rows.append([world.name, *cells])
    click.echo(f"{builds:,} builds a cell, seed {seed}")
    click.echo(tabulate(rows, ["judge", *(f"{n} labels a version" for n in sizes)], tablefmt="github"))


if __name__ == "__main__":
    main()
