"""What a run says of itself and of its judges: before a call is paid for, and after the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoregate.gate_run.listener import Announcement
from scoregate.wording import Say, count

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.begin import StartedRun
    from scoregate.gate_run.rescored_first import ScoredFirst
    from scoregate.judging.judge import Judge
    from scoregate.runner.budget import RunEstimate
    from scoregate.store import Store


def announcement(
    assembly: Assembly, store: Store, started: StartedRun, first: ScoredFirst
) -> tuple[Announcement, float | None]:
    """What is about to be called and what it will probably use, of the run and of the stored runs that are scored
    again `first`, together; and the cap in dollars that would be enough, with what was spent before (None: unknown)."""
    from scoregate.judge_trust.judges import replies_cost
    from scoregate.runner.budget import estimate
    from scoregate.store import Totals

    header, limits = started.header, assembly.gate.limits
    done, unscored = started.done, started.unscored
    whole = len(started.items) * header.trials
    calls = whole - done - unscored
    again = first.replies
    replies = {
        judge: (calls + unscored) * judge.spec.votes + again.get(judge, 0) for judge in assembly.judges
    }
    judged = replies_cost(replies, store) if replies else None
    elsewhere = first.spent_usd(started, store)
    before = started.used + Totals(cost_usd=elsewhere or None)
    expected = estimate(calls, limits, started.usual, services_usd=judged, before=before)
    parts = [count(calls, "call")]
    if unscored:
        parts.append(f"{count(unscored, 'answer')} to score that are there already")
    parts += announced_replies(sum(replies.values()))
    parts += announced_cost(expected)
    if expected.seconds is not None:
        parts.append(f"about {max(expected.seconds, 1):.0f} s")
    part = f", PARTIAL: {header.facts.selection}" if header.partial else ""
    over = "".join(f"; {name} will probably be reached" for name in expected.exceeds)
    trials = f" × {header.trials} trials" if header.trials > 1 else ""
    kept = f" ({done:,} are there already)" if done else ""
    items = count(len(started.items), "item")
    what = f"{header.candidate} on {items}{trials}{kept}"
    if first.parts:
        what = f"{what}, behind {count(len(first.parts), 'stored run')} scored again"
    needed = None if expected.cost_usd is None else expected.cost_usd + (before.cost_usd or 0.0)
    text = f"run {header.run}: {what}: {', '.join(parts)}{part}{over}"
    return Announcement(run=header.run, text=text, calls=calls, cost_usd=expected.cost_usd), needed


def announced_replies(replies: int) -> list[str]:
    """That so many replies are needed at most; empty where none is."""
    return [f"up to {replies:,} judge {'reply' if replies == 1 else 'replies'}"] if replies else []


def announced_cost(expected: RunEstimate) -> list[str]:
    """What it will probably cost, and the judges' part of it; empty where nothing says it."""
    from scoregate.wording import dollars

    if expected.cost_usd is None:
        return []
    judges = "" if expected.services_usd is None else f", of it {dollars(expected.services_usd)} for judges"
    return [f"about {dollars(expected.cost_usd)}{judges}"]


def priceless(assembly: Assembly) -> list[str]:
    """A line for each judge that a cap on cost does not see."""
    if assembly.gate.limits.max_cost_usd is None:
        return []
    return [
        f"max_cost_usd does not see what the judge '{judge.name}' costs: "
        "add price = { input = …, output = … }, in dollars per million tokens"
        for judge in assembly.judges
        if judge.spec.price is None
    ]


def say_unlimited(assembly: Assembly, cost_usd: float | None, say: Say) -> None:
    """Say after a run whose calls a cap on cost did not see. `cost_usd` is what it knows, None where nobody told it."""
    if assembly.gate.limits.max_cost_usd is None:
        return
    silent = [judge for judge in assembly.judges if judge.usage.uncounted]
    for judge in silent:
        say(
            f"max_cost_usd did not see what {judge.usage.uncounted:,} of {judge.usage.calls:,} calls of the judge "
            f"'{judge.name}' cost: its endpoint does not say how many tokens they took"
        )
    if cost_usd is None and not silent:
        say("max_cost_usd limited nothing: the candidate does not say what its calls cost")


def announce_replies(judge: Judge, store: Store, what: str, replies: int, say: Say) -> None:
    """Say how many replies on `what`, such as "8 answers", are about to be asked for, and what they will cost."""
    from scoregate.judge_trust.judges import replies_cost
    from scoregate.wording import dollars

    cost = replies_cost({judge: replies}, store)
    about = f", about {dollars(cost)}" if cost else ""
    new = f"up to {replies:,} new {'reply' if replies == 1 else 'replies'}" if replies else "no new reply"
    say(f"judge {judge.name} on {what}: {new}{about}")


def check_replied(judge: Judge) -> None:
    """Raise ServiceError where the model was asked and did not reply: what is shown then is not all there is."""
    from scoregate.errors import ServiceError

    if judge.usage.failed:
        raise ServiceError(
            f"the judge '{judge.name}' was left without {judge.usage.failed:,} of {judge.usage.replies:,} replies",
            hint="the replies that came are kept; give the command again",
        )


def uncalibrated(gate: Gate) -> list[str]:
    """A line for each judge that will not be able to decide, for before a call is paid for."""
    if not gate.has_judges:
        return []
    from scoregate.judge_trust.calibrations import unmet_now

    decides = {
        name: "be shown as" if rule.advisory else "make the verdict" for name, rule in gate.rules.items()
    }
    return [
        f"{reason}; until then this will {decides[score]} invalid"
        for score, reason in unmet_now(gate).items()
    ]


def say_judges(assembly: Assembly, say: Say) -> None:
    """One line a judge that was asked: replies, how many of them from the cache, calls, cost."""
    for judge in assembly.judges:
        if judge.usage.replies:
            say(judge.usage.line(judge.name))


def say_unanswered(assembly: Assembly, run: str, say: Say) -> None:
    """Say how replies that never came, or were invalid, are asked for without calling the candidate again."""
    from scoregate.gates.provenance import rescore_command

    rescore = rescore_command(run, assembly.gate)
    how = "to ask again, and call no candidate:"
    against = "which counts against the candidate"
    failed = sum(judge.usage.failed for judge in assembly.judges)
    if failed:
        say(f"{_replies(failed)} never came, {against}; {how} {rescore}")
    invalid = sum(judge.usage.invalid for judge in assembly.judges)
    if invalid:
        are = "is" if invalid == 1 else "are"
        forget = "scoregate judge cache forget-invalid"
        say(f"{_replies(invalid)} {are} invalid, {against}, and {are} kept; {how} {forget}, then {rescore}")


def _replies(number: int) -> str:
    return count(number, "reply of a judge", "replies of judges")
