"""Before any run: what becomes of an unchanged candidate under a gate, which drops it sees, a warning where too few.

From the noise of each score alone, by normal approximations of the shipped bound. The verdict itself uses none of this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate, Rule
from scoregate.gates.dead_rules import dead_rules
from scoregate.gates.findings import FEWEST_CLUSTERS
from scoregate.gates.levels import GUARD_SHARE, main_share, one_look, round_shares, rounds_of
from scoregate.gates.run_shift import SHIFTING, against_next
from scoregate.planning.chances import (
    Size,
    Unchanged,
    chance_to_pass,
    compared_trials,
    inconclusive_share,
    items_counted,
    size_of_dataset,
    trials_of,
    within_arms,
)
from scoregate.planning.noise import Noise, assumed_noise, margin_text, measured_noise
from scoregate.records import Dataset, Run
from scoregate.statistics.exact import smallest_attainable_p
from scoregate.statistics.power import drop_found, smallest_provable_loss
from scoregate.wording import count, proposed_command

_BLIND = 0.5
"""Share of inconclusive builds above which a gate is said to be blind before it is run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleDrop:
    """The smallest true drop of one score that is found in four of five builds, in the scale of the test."""

    diffuse: float
    """Spread over all items; infinite where none is found."""
    concentrated: float | None
    """Items that are lost for good; None for a scale without ends."""


def cannot_gate(gate: Gate, size: Size) -> bool:
    """Whether so few independent items and trials end every build `invalid`."""
    if all(gate.rules[name].no_item_may_flip for name in gate.gated_scores):
        return False
    trials = compared_trials(size, trials_of(gate)[-1])
    fewest = size.clusters < FEWEST_CLUSTERS
    return fewest or smallest_attainable_p(size.clusters, trials, trials) > gate.alpha


def unchanged(gate: Gate, noises: Sequence[Noise], size: Size) -> Unchanged:
    """What becomes of an unchanged candidate of this gate."""
    if gate.side_by_side and rounds_of(gate) != ("A",):
        from scoregate.planning.expected_rounds import unchanged_in_rounds

        return unchanged_in_rounds(gate, noises, size)
    levels = one_look(gate)
    each = tuple(
        min(
            chance_to_pass(noise, size, gate.trials, levels.bound, gate.pass_level),
            1.0 - levels.suspicion * (noise.within > 0),
        )
        for noise in noises
    )
    passes = math.prod(p for p, noise in zip(each, noises, strict=True) if noise.decides)
    arms = 2 if gate.side_by_side else 1
    calls = arms * size.items * gate.trials
    return Unchanged(
        passes=passes,
        inconclusive=inconclusive_share(gate, noises, passes),
        scores=each,
        calls=calls,
        most_calls=calls,
    )


def visible_drops(gate: Gate, noises: Sequence[Noise], size: Size) -> tuple[VisibleDrop, ...]:
    """For each score the drop that is seen: in one look, or in the last whole-set round at its level."""
    share, trials = 1.0 - GUARD_SHARE, gate.trials
    if gate.side_by_side and rounds_of(gate) != ("A",):
        fail, _ = round_shares(gate)
        whole = [name for name in rounds_of(gate) if name != "B"]
        share, trials = share * fail[whole[-1]], trials_of(gate)[-1]
    alpha = share * gate.alpha
    return tuple(_visible(noise, size, trials, alpha / _that_move(noise, noises, size)) for noise in noises)


def _that_move(noise: Noise, noises: Sequence[Noise], size: Size) -> float:
    """Hypotheses that cost this score some of its level: of its own, and of scores that chance moves."""
    moving = sum(other is noise or other.within > 0 or other.scale == "ratio" for other in noises)
    return max(1.0, size.hypotheses * moving / len(noises))


def _visible(noise: Noise, size: Size, trials: int, alpha: float) -> VisibleDrop:
    items, clusters = items_counted(noise, size)
    if noise.no_flips and trials == 1 and not noise.within:
        return VisibleDrop(diffuse=noise.reach / items, concentrated=noise.reach / items)

    def drop(*, concentrated: bool) -> float:
        return drop_found(
            within_arms(noise, size, trials),
            items=items,
            trials=trials,
            alpha=alpha,
            concentrated=concentrated,
            clusters=clusters,
            value_range=noise.reach if noise.bounded else max(noise.reach, 100 * math.sqrt(noise.within)),
            design_effect=noise.design_effect,
        )

    def possible(drop: float) -> float:
        return drop if drop <= noise.loss else math.inf

    diffuse = drop(concentrated=False)
    if noise.scale == "rate":
        # So many cells have to be lost before any p-value is small enough, however little noise there is.
        both = compared_trials(size, trials)
        least = smallest_provable_loss(clusters, alpha, both, both)
        diffuse = max(diffuse, least)
    return VisibleDrop(
        diffuse=possible(diffuse), concentrated=possible(drop(concentrated=True)) if noise.bounded else None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Warnings:
    """What is to be known of a gate before it is run against this baseline, one line each."""

    blind: str | None
    """Of a run of the whole dataset: that the gate cannot see its own margin."""
    guarding_nothing: tuple[str, ...]
    """Rules that can never break."""


def warnings_before(gate: Gate, dataset: Dataset, baseline: Run) -> Warnings:
    """The warnings before a run of this gate on all of `dataset`, to be compared with `baseline`.

    The noise is that of the baseline's own trials where it has several. Else none is assumed: what the gate cannot see
    even then, it cannot see. None where nothing can be told: it is no reason not to run.
    """
    noises = size = dead = None
    with suppress(ScoregateError):
        if any(name in gate.rules for name in SHIFTING):
            gate, _ = against_next(gate, baseline.header)
        size = size_of_dataset(gate, dataset, baseline_trials=baseline.header.trials)
        measured = _measured(gate, dataset, baseline)
        noises = _assumed(gate) if measured is None else measured
    with suppress(ScoregateError):
        dead = dead_rules(gate, baseline, " of the baseline")
    blind = None
    with suppress(ScoregateError):
        if size is not None and noises is not None:
            blind = warning_of(gate, noises, size, assumed=measured is None)
    lines = [f"{clause}, so that its rule guards nothing" for clause in (dead or {}).values()]
    return Warnings(blind=blind, guarding_nothing=tuple(lines))


def warning_of(gate: Gate, noises: Sequence[Noise], size: Size, *, assumed: bool) -> str | None:
    """One line where the gate cannot see its own margin, so that most builds would settle nothing, or none; else None.

    `assumed` says that no noise is known, and `noises` have none.
    """
    gate = main_share(gate)
    margins = {noise.score: margin_text(noise, noise.margin) for noise in noises if noise.margin}
    drops = zip(noises, visible_drops(gate, noises, size), strict=True)
    seen = [
        (noise, drop.diffuse)
        for noise, drop in drops
        if noise.decides and noise.margin and not noise.no_flips
    ]
    if not seen:
        return None
    worst, drop = max(seen, key=lambda pair: pair[1] / (pair[0].margin or math.inf))
    assert worst.margin is not None
    inconclusive = unchanged(gate, noises, size).inconclusive
    invalid = cannot_gate(gate, size) and _needs_a_drop(gate.rules[worst.score])
    if not invalid and inconclusive <= _BLIND and drop <= 2 * worst.margin:
        return None
    trials = count(trials_of(gate)[-1], "trial")
    margin = margins[worst.score] + (" in the judge's scores" if worst.of_margin < 1 else "")
    assumption = ", even if no two runs disagreed" if assumed else ""
    if drop <= worst.margin:
        # It would see the drop, and cannot prove that there is none: the bound is never without width.
        what = f"cannot rule out a drop of {margin} of {worst.score}{assumption}"
    else:
        sees = f"drops of {margin_text(worst, drop)} or more" if math.isfinite(drop) else "no drop at all"
        what = (
            f"sees {sees} of {worst.score}{assumption}{',' if assumption else ''} and its margin is {margin}"
        )
    follows = "most builds will be inconclusive" if inconclusive > _BLIND else "smaller drops will be missed"
    if invalid:
        follows = "every build will be invalid"
    return (
        f"with {count(size.items, 'item')} and {trials} this gate {what}: {follows}; "
        f"`{proposed_command('plan', gate.place)}` shows what would help"
    )


def _needs_a_drop(rule: Rule) -> bool:
    """Whether the rule asks for more than critical items and floors, which a handful of items can settle."""
    by_items = rule.critical or rule.min is not None or rule.max is not None
    return rule.max_drop is not None or rule.max_increase is not None or not by_items


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
