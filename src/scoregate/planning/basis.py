"""What planning rests on: how many items in which clusters and slices, how noisy the scores are, what a call costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scoregate.baselines.load import load_baseline
from scoregate.errors import ConfigError, NoBaseline
from scoregate.gate_file import Gate, Limits
from scoregate.gates.run_shift import against_next
from scoregate.gates.table import RunTable
from scoregate.judge_trust.judges import build_judge, read_judges, replies_cost
from scoregate.judge_trust.own_replies import gating_judges
from scoregate.planning.chances import Size, size_of, size_of_dataset
from scoregate.planning.margins import next_margins, of_truth
from scoregate.planning.noise import (
    ASSUMED_RATE,
    ASSUMED_WITHIN,
    Noise,
    assumed_noise,
    measured_noise,
)
from scoregate.planning.plan_result import Spending
from scoregate.planning.stored_trials import (
    StoredTrials,
    more_trials_command,
    named_trials,
    placed_trials,
    stored_trials,
)
from scoregate.records import Dataset, Run
from scoregate.runner.budget import estimate
from scoregate.sources import read_gate_dataset
from scoregate.store import Store, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What planning rests on."""

    size: Size
    noises: tuple[Noise, ...]
    origin: str
    """Where the noise comes from, for people."""
    assumed: bool
    unknown: tuple[str, ...] = ()
    """Gated scores of whose noise nothing is known."""
    prices: Prices
    notes: tuple[str, ...] = ()
    """What is to be known of the judges, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """How noisy scores are taken to be where nothing is stored, or instead of it."""

    rate: float | None = None
    discordance: float | None = None
    """Share of items on which two runs of one version disagree."""

    @property
    def asked(self) -> bool:
        return self.rate is not None or self.discordance is not None


def basis_of(
    gate: Gate,
    store: Store | None,
    *,
    names: Sequence[str] = (),
    assumption: Assumption | None = None,
    items: int | None = None,
) -> Basis:
    """Read all of it; nothing is run. `names` are the runs to tell the noise from, `items` stands in for the dataset's.

    Raises ConfigError, DatasetError, ResultsError for what cannot be used.
    """
    assumption = assumption or Assumption()
    if names and assumption.asked:
        raise ConfigError(
            "--from tells the noise and --rate or --discordance assume it", hint="give one of them"
        )
    trials = None
    if names:
        trials = named_trials(gate, names, store)
    elif not assumption.asked:
        trials = stored_trials(gate, store)
    dataset = read_gate_dataset(gate) if gate.dataset is not None else None
    if trials is not None and dataset is not None:
        trials = placed_trials(gate, trials, dataset)
    baseline = _stored_baseline(gate, store)
    margins, prices = next_margins(gate), _prices_of(gate, store, baseline)
    stored = None if baseline is None else baseline.header
    judged, shifting = (margins.gate, ()) if stored is None else against_next(margins.gate, stored)
    if trials is not None:
        noises, origin = measured_noise(judged, trials.table), trials.origin
    else:
        noises, origin = _assumed(judged, assumption)
    known = {noise.score for noise in noises}
    size = _size(gate, dataset, trials, items)
    return Basis(
        size=replace(size, baseline_trials=None if stored is None else stored.trials),
        noises=tuple(of_truth(gate, noise) for noise in noises),
        origin=origin,
        assumed=trials is None,
        unknown=tuple(name for name in gate.gated_scores if name not in known),
        prices=prices,
        notes=(*margins.notes, *shifting, *_about_replies(gate, trials, assumption), *prices.unpriced),
    )


def _about_replies(gate: Gate, trials: StoredTrials | None, assumption: Assumption) -> list[str]:
    judges = " and ".join(gating_judges(gate))
    if not judges or assumption.asked:
        return []
    if trials is None:
        return [
            f"the noise of {judges} is assumed: runs that share replies of a judge do not tell it, the trials of one "
            f"run do: {more_trials_command(gate)}"
        ]
    return [
        f"{judges}: planned with a new reply of the judge on every answer; where a build answers an item as its "
        "baseline did, both get one reply, and it does better than this"
    ]


def _assumed(gate: Gate, assumption: Assumption) -> tuple[tuple[Noise, ...], str]:
    rate = ASSUMED_RATE if assumption.rate is None else assumption.rate
    within = ASSUMED_WITHIN if assumption.discordance is None else assumption.discordance / 2
    most = rate * (1.0 - rate)
    if assumption.discordance is None:
        within = min(within, most)
    elif within > most + 1e-12:
        raise ConfigError(
            f"two runs of a rate of {rate:g} cannot disagree on {assumption.discordance:g} of the items",
            where="--discordance",
            hint=f"at most {2 * most:.3g}, where every item is as likely to pass as any other",
        )
    origin = f"assumed: a rate of {100 * rate:g} %, two runs disagree on {200 * within:.3g} % of the items"
    return assumed_noise(gate, rate=rate, within=within), origin


def _size(gate: Gate, dataset: Dataset | None, trials: StoredTrials | None, items: int | None) -> Size:
    if dataset is not None:
        own = size_of_dataset(gate, dataset)
    elif trials is not None:
        own = size_of(gate, *_places(trials.table))
    elif items is not None:
        return Size(items=items, clusters=items, hypotheses=len(gate.gated_scores))
    else:
        raise ConfigError(
            "the gate names no dataset and nothing is stored, so the number of items is unknown",
            where=gate.place,
            hint="give --items N",
        )
    return own if items is None else replace(own.times(items / own.items), items=items)


def _places(table: RunTable) -> tuple[dict[str, str | None], Mapping[str, Mapping[str, str]]]:
    return {item: table.clusters.get(item) for item in table.items}, table.slices


def _stored_baseline(gate: Gate, store: Store | None) -> Run | None:
    """The stored baseline, None where there is none yet or it is run beside the candidate."""
    if gate.baseline is None or gate.side_by_side:
        return None
    try:
        return load_baseline(gate, None, store)
    except NoBaseline:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What is known of the price of an answer and of its scores."""

    limits: Limits
    previous: Totals | None = None
    """Of the newest run of the gate that holds anything, else of its baseline."""
    votes: int = 0
    """Replies of all judges on one answer, at most."""
    judging_usd: float | None = None
    """What those cost; None where nothing says it."""
    unpriced: tuple[str, ...] = ()
    """What these figures leave out, a sentence a judge."""


def _prices_of(gate: Gate, store: Store | None, baseline: Run | None) -> Prices:
    """Read all of it. Raises ConfigError for a judge that cannot be read."""
    previous = None if store is None else store.newest_totals(gate.name)
    if previous is None and baseline is not None:
        previous = Totals.of_run(baseline)
    judges = [build_judge(gate, spec) for spec in read_judges(gate).values()]
    unpriced = []
    for judge in judges:
        if judge.spec.price is None:
            unpriced.append(
                f"no figure here holds what the judge '{judge.name}' costs: "
                "add price = { input = …, output = … }, in dollars per million tokens"
            )
        elif store is None or replies_cost({judge: 1}, store) is None:
            unpriced.append(f"what the judge '{judge.name}' costs is known after its first replies")
    votes = {judge: judge.spec.votes for judge in judges}
    return Prices(
        limits=gate.limits,
        previous=previous,
        votes=sum(votes.values()),
        judging_usd=None if store is None else replies_cost(votes, store),
        unpriced=tuple(unpriced),
    )


def spending(prices: Prices, calls: float) -> Spending:
    """What so many answers of the candidate take, each scored; `calls` may be a mean of several builds."""
    answers, before = round(calls), prices.previous
    judged = None if prices.judging_usd is None else prices.judging_usd * calls
    expected = estimate(answers, prices.limits, before, services_usd=judged)
    retried = before.calls / before.items if before is not None else 1.0
    return Spending(
        calls=round(calls * retried),
        replies=answers * prices.votes,
        usd=expected.cost_usd,
        judges_usd=expected.services_usd,
        minutes=None if expected.seconds is None else expected.seconds / 60,
    )
