"""One line before a run is paid for, where the gate cannot see its own margin.

It is told from what a run has read anyway: the gate, its dataset and the baseline. `scoregate plan` looks at more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate
from scoregate.gates.levels import main_share
from scoregate.planning.chances import Size, size_of_dataset, trials_of
from scoregate.planning.noise import Noise, assumed_noise, margin_text, measured_noise
from scoregate.planning.outlook import unchanged, visible_drops
from scoregate.records import Dataset, Run
from scoregate.wording import count

_BLIND = 0.5
"""Share of inconclusive builds above which a gate is said to be blind before it is run."""


def blind_warning(gate: Gate, dataset: Dataset, baseline: Run) -> str | None:
    """The warning before a run of this gate on all of `dataset`, to be compared with `baseline`; None without need.

    The noise is that of the baseline's own trials where it has several. Else none is assumed: what the gate cannot see
    even then, it cannot see. Also None where nothing can be told: it is no reason not to run.
    """
    try:
        size = size_of_dataset(gate, dataset, baseline_trials=baseline.header.trials)
        noises = _measured(gate, dataset, baseline)
        return warning_of(gate, _assumed(gate) if noises is None else noises, size, assumed=noises is None)
    except ScoregateError:
        return None


def warning_of(gate: Gate, noises: Sequence[Noise], size: Size, *, assumed: bool) -> str | None:
    """One line where the gate cannot see its own margin, so that most builds would settle nothing; else None.

    `assumed` says that no noise is known, and `noises` have none.
    """
    gate = main_share(gate)
    drops = zip(noises, visible_drops(gate, noises, size), strict=True)
    seen = [(noise, drop.diffuse) for noise, drop in drops if noise.decides and noise.margin]
    if not seen:
        return None
    worst, drop = max(seen, key=lambda pair: pair[1] / (pair[0].margin or math.inf))
    assert worst.margin is not None
    inconclusive = unchanged(gate, noises, size).inconclusive
    if inconclusive <= _BLIND and drop <= 2 * worst.margin:
        return None
    trials = count(trials_of(gate)[-1], "trial")
    margin = margin_text(worst, worst.margin) + (" in the judge's scores" if worst.of_margin < 1 else "")
    told = ", even if no two runs disagreed" if assumed else ""
    if drop <= worst.margin:
        # It would see the drop, and cannot prove that there is none: the bound is never without width.
        what = f"cannot rule out a drop of {margin} of {worst.score}{told}"
    else:
        sees = f"drops of {margin_text(worst, drop)} or more" if math.isfinite(drop) else "no drop at all"
        what = f"sees {sees} of {worst.score}{told}{',' if told else ''} and its margin is {margin}"
    follows = "most builds will be inconclusive" if inconclusive > _BLIND else "smaller drops will be missed"
    return (
        f"with {count(size.items, 'item')} and {trials} this gate {what}: {follows}; "
        f"`scoregate plan {gate.place}` shows what would help"
    )


def _measured(gate: Gate, dataset: Dataset, baseline: Run) -> tuple[Noise, ...] | None:
    if baseline.header.trials < 2:
        return None
    from scoregate.planning.stored_trials import placed_trials, trials_of_baseline

    trials = trials_of_baseline(gate, baseline)
    if trials is None:
        return None
    table = placed_trials(gate, trials, dataset).table
    return _in_judges_scores(gate, measured_noise(_decided(gate), table))


def _assumed(gate: Gate) -> tuple[Noise, ...]:
    return _in_judges_scores(gate, assumed_noise(_decided(gate), within=0.0))


def _of_truth(gate: Gate) -> bool:
    return any(rule.margin_of == "truth" for rule in gate.rules.values())


def _decided(gate: Gate) -> Gate:
    """The gate that this run will be decided with, with what margins of the truth are in the judges' scores."""
    if not _of_truth(gate):
        return gate
    from scoregate.planning.margins import next_margins

    return next_margins(gate).gate


def _in_judges_scores(gate: Gate, noises: tuple[Noise, ...]) -> tuple[Noise, ...]:
    if not _of_truth(gate):
        return noises
    from scoregate.planning.margins import of_truth

    return tuple(of_truth(gate, noise) for noise in noises)
