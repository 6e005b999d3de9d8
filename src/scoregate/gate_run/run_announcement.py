"""What `run` says before it calls anything: how much, what it will probably cost, how long it will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.rescored import ScoredFirst
    from scoregate.gate_run.running import StartedRun
    from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class Announced:
    """What was said, and the cap on cost that would be enough."""

    text: str
    needed_usd: float | None
    """With what was spent before; None where nothing says what it will cost."""


def announcement(
    assembly: Assembly, store: Store, started: StartedRun, first: ScoredFirst, *, done: int
) -> Announced:
    """What is about to be called and what it will probably use, before it is paid for: of the run and of the stored
    runs that are scored again `first`, together."""
    from scoregate.gate_run.judging import announced_cost, announced_replies
    from scoregate.gates.sentences import count
    from scoregate.judge_trust.judges import replies_cost
    from scoregate.planning.costs import newest_totals
    from scoregate.runner.budget import estimate
    from scoregate.store import Totals

    header, limits = started.header, assembly.gate.limits
    previous = newest_totals(assembly.gate.name, store, beside=header.run)
    whole = len(started.items) * header.trials
    unscored = len(store.unscored.of_run(header.run))
    calls = whole - done - unscored
    again = first.replies
    replies = {
        judge: (calls + unscored) * judge.spec.votes + again.get(judge, 0) for judge in assembly.judges
    }
    judged = replies_cost(replies, store)
    elsewhere = first.spent_usd(started, store)
    before = store.totals(header.run) + Totals(cost_usd=elsewhere or None)
    expected = estimate(calls, limits, previous, services_usd=judged, before=before)
    parts = [f"{calls:,} {'call' if calls == 1 else 'calls'}"]
    if unscored:
        parts.append(
            f"{unscored:,} {'answer' if unscored == 1 else 'answers'} to score that are there already"
        )
    parts += announced_replies(sum(replies.values()))
    parts += announced_cost(expected)
    if expected.seconds is not None:
        parts.append(f"about {max(expected.seconds, 1):.0f} s")
    part = f", PARTIAL: {header.metadata['selection']}" if header.partial else ""
    over = "".join(f"; {name} will probably be reached" for name in expected.exceeds)
    trials = f" × {header.trials} trials" if header.trials > 1 else ""
    kept = f" ({done:,} are there already)" if done else ""
    items = f"{len(started.items):,} {'item' if len(started.items) == 1 else 'items'}"
    what = f"{header.candidate} on {items}{trials}{kept}"
    if first.parts:
        what = f"{what}, behind {count(len(first.parts), 'stored run')} scored again"
    needed = None if expected.cost_usd is None else expected.cost_usd + (before.cost_usd or 0.0)
    return Announced(f"run {header.run}: {what}: {', '.join(parts)}{part}{over}", needed)
