"""A judge of known error rates on real answers: do the corrections recover the accuracy that people would give?

The answers are real: the recorded solutions of one model on the 1,319 test questions of GSM8K. The shipped
`numeric_match` stands for the people. The judge follows it, but passes a wrong answer and fails a right one with known
rates. In each repetition the judge errs anew and a random part of the questions is labelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from figures import exact_interval
from gsm8k_slices import read_questions
from numpy.typing import NDArray
from tabulate import tabulate

from scoregate.calibration.corrected_value import CorrectedValue, corrected_value
from scoregate.statistics.estimate import Estimate

_MODEL = 0
"""175b_verification."""
_HELD_AT_LEAST = 0.93
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judge:
    """Error rates."""

    false_positive: float
    false_negative: float

    def scores(self, rng: np.random.Generator, right: Floats) -> Floats:
        drawn = rng.random(len(right))
        return np.where(right == 1, drawn >= self.false_negative, drawn < self.false_positive) * 1.0


def repeat(right: Floats, judge: Judge, labelled: int, repetitions: int, seed: int) -> list[CorrectedValue]:
    """One corrected value a repetition."""
    values = []
    for number in range(repetitions):
        rng = np.random.default_rng((seed, number))
        scores = judge.scores(rng, right)
        human = np.full(len(right), np.nan)
        chosen = rng.choice(len(right), labelled, replace=False)
        human[chosen] = right[chosen]
        values.append(corrected_value(scores, human))
    return values


def _line(name: str, estimates: list[Estimate], truth: float) -> tuple[str, ...]:
    told = [
        (estimate.value, estimate.low, estimate.high)
        for estimate in estimates
        if estimate.value is not None and estimate.low is not None and estimate.high is not None
    ]
    values, low, high = np.array(told).T
    held = int(((low <= truth) & (truth <= high)).sum())
    least, most = exact_interval(held, len(estimates))
    return (
        name,
        f"{100 * values.mean():.2f} %",
        f"{100 * (values.mean() - truth):+.2f}".replace("-", "−"),
        f"{100 * (high - low).mean():.1f}",
        f"{held:,} of {len(estimates):,}",
        f"{100 * least:.1f} to {100 * most:.1f} %",
    )


@click.command(help=__doc__)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with dataset.jsonl and outputs.MODEL.jsonl.",
)
@click.option("--labelled", default=200, show_default=True, help="Questions with a label.")
@click.option("--repetitions", default=100, show_default=True)
@click.option("--false-positive", default=0.10, show_default=True)
@click.option("--false-negative", default=0.05, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(
    data: Path, labelled: int, repetitions: int, false_positive: float, false_negative: float, seed: int
) -> None:
    right = read_questions(data).right[:, _MODEL].astype(np.float64)
    truth = float(right.mean())
    judge = Judge(false_positive, false_negative)
    values = repeat(right, judge, labelled, repetitions, seed)
    above = sum(value.raw.value is not None and value.raw.value > truth for value in values)
    kinds = {
        "the judge alone": [value.raw for value in values],
        "prediction-powered": [value.prediction_powered for value in values],
        "Rogan-Gladen": [value.rogan_gladen for value in values],
    }
    click.echo(
        f"GSM8K, 175b_verification: {int(right.sum())} of {len(right):,} right, {100 * truth:.2f} %; judge passes "
        f"{100 * false_positive:g} % of the wrong and fails {100 * false_negative:g} % of the right; "
        f"{labelled} labelled; seed {seed}"
    )
    click.echo(f"the judge alone is above the truth in {above:,} of {repetitions:,} repetitions\n")
    headers = (
        "estimate",
        "mean",
        "off by, points",
        "interval, points wide",
        "holds the truth",
        "95 % interval",
    )
    lines = [_line(name, estimates, truth) for name, estimates in kinds.items()]
    click.echo(tabulate(lines, headers=headers, tablefmt="github", disable_numparse=True))
    held = [int(line[4].split()[0].replace(",", "")) for line in lines[1:]]
    raise SystemExit(0 if min(held) >= _HELD_AT_LEAST * repetitions else 1)


if __name__ == "__main__":
    main()
