"""What a build will cost by the stored runs and replies: calls, replies of judges, dollars, minutes."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.gate_file import Gate, Limits
from scoregate.judge_trust.judges import build_judge, read_judges, replies_cost
from scoregate.planning.planned import Spending
from scoregate.runner.budget import estimate
from scoregate.store import Store, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What is known of the price of an answer and of its scores."""

    limits: Limits
    previous: Totals | None = None
    """Of the newest run of the gate that holds anything."""
    votes: int = 0
    """Replies of all judges on one answer, at most."""
    judging_usd: float | None = None
    """What those cost; None where nothing says it."""
    unpriced: tuple[str, ...] = ()
    """What these figures leave out, a sentence a judge."""


def prices_of(gate: Gate, store: Store | None) -> Prices:
    """Read all of it. Raises ConfigError for a judge that cannot be read."""
    previous = None if store is None else store.newest_totals(gate.name)
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
