"""A run with another version beside the candidate: in rounds, until the data decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from scoregate.baselines.load import load_anchor
from scoregate.errors import RunInterrupted, StoreWriteError
from scoregate.gate_file.source import File, GitRevision
from scoregate.gate_run.announce import (
    announced_cost,
    announced_replies,
    priceless,
    say_judges,
    say_unlimited,
    uncalibrated,
)
from scoregate.gate_run.begin import check_kind, chosen_items, run_to_resume
from scoregate.gate_run.decide import decide_beside
from scoregate.gate_run.deliver import linked, say_if_local, tell_and_deliver
from scoregate.gate_run.listener import Announcement
from scoregate.gate_run.outcome import Decided, RunOutcome
from scoregate.gate_run.request import Request
from scoregate.gate_run.session import (
    Arms,
    SideBySide,
    Watching,
    arms_of,
    begin_session,
    resume_session,
)
from scoregate.gate_run.stopped import how_to_go_on
from scoregate.judge_trust.judges import replies_cost
from scoregate.runner.budget import estimate
from scoregate.sources import open_store
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.listener import Listener
    from scoregate.gates.rounds import RoundRequest
    from scoregate.langfuse.settings import Settings
    from scoregate.records import DatasetItem
    from scoregate.store import Store

_PURPOSE = {
    "A": "every item in both versions",
    "B": "fresh trials of what looked worse",
    "C": "the whole set again",
    "D": "the whole set once more",
}


def run_beside(
    request: Request,
    assembly: Assembly,
    against: GitRevision | File,
    langfuse: Settings | None,
    listener: Listener,
    decided: Callable[[Decided], None],
) -> RunOutcome:
    """Run both versions interleaved and decide in rounds. `decided` is called with the verdict, before it is delivered.

    Raises RunInterrupted where a round did not come to its end, with the command that goes on.
    """
    gate, say = assembly.gate, listener.say
    arms = arms_of(assembly, against, say=say)
    for line in assembly.doubtful_scores:
        say(line)
    with (
        open_store(gate.root, path=request.store_path) as store,
        linked(langfuse, gate, store, say) as link,
    ):
        anchor = load_anchor(gate, store, assembly.scorer_versions)
        session = _session(request, assembly, store, arms, against, _watching(assembly, store, listener))
        if link is not None:
            link.add(session.id)
            link.add(session.baseline_run.header.run)
            session.tracing = link.tracing()
            for judge in assembly.judges:
                link.watch(judge)
        with store.lock(session.id):
            say_if_local(request, link, say)
            say(_announcement(session))
            itself = _same_version(request, assembly, arms, against)
            if itself is not None:
                say(f"both versions are the same {itself} without a change: any difference is chance")
            for line in [*priceless(assembly), *uncalibrated(gate)]:
                say(line)
            try:
                decision = decide_beside(gate, session, anchor, seed=request.seed, itself=itself)
            except RunInterrupted as error:
                raise RunInterrupted(error.message, hint=_go_on(request, session), run=session.id) from error
            except StoreWriteError as error:
                hint = "; ".join(filter(None, (error.hint, _go_on(request, session))))
                raise StoreWriteError(error.message, where=error.where, hint=hint) from error
            finally:
                say_judges(assembly, say)
        say_unlimited(assembly, session.used.cost_usd, say)
        assert session.whole is not None  # it was decided
        baseline, candidate = session.whole
        if link is not None:
            for run in session.runs:
                link.add(run)
            link.compare(session.id, baseline.id)
        url = link.url(session.id) if link is not None else None
        found = Decided(
            gate=gate,
            verdict=decision.verdict,
            candidate=candidate,
            baseline=baseline,
            items=assembly.dataset.items,
            hints=(*decision.hints, *([f"in Langfuse: {url}"] if url else [])),
            judge_usage=store.judge_usage.of_runs(*session.runs),
        )
        return tell_and_deliver(request, link, found, session.id, decided, say)


def _session(
    request: Request,
    assembly: Assembly,
    store: Store,
    arms: Arms,
    against: GitRevision | File,
    watching: Watching,
) -> SideBySide:
    if request.resume is not None:
        run = run_to_resume(request, assembly.gate, store)
        check_kind(store, run, beside=True)
        return resume_session(assembly, store, arms, against, run, seed=request.seed, watching=watching)
    items, selection = chosen_items(request, assembly, store)
    return begin_session(
        assembly, store, arms, against, items, selection, seed=request.seed, watching=watching
    )


def _announcement(session: SideBySide) -> str:
    header, items = session.candidate_run.header, len(session.candidate_run.items)
    part = f", PARTIAL: {header.facts.selection}" if header.partial else ""
    versions = f"{header.candidate} beside {session.baseline_run.header.candidate}"
    return f"run {header.run}: {versions} on {count(items, 'item')}{part}"


def _same_version(
    request: Request, assembly: Assembly, arms: Arms, against: GitRevision | File
) -> str | None:
    """What is compared with itself, as on the branch that pull requests are merged into; None where nothing is."""
    if request.experiment_file is not None:
        return None
    if isinstance(against, File):
        own, root = assembly.gate.candidate, assembly.gate.root
        if own is None or own.python is None or request.candidate is not None:
            return None
        same = (root / own.python).resolve() == (root / against.path).resolve()
        return f"file {against.path}" if same else None
    commit = arms.baseline.commit
    unchanged = commit is not None and arms.candidate.commit == commit and not arms.candidate.dirty
    return f"commit {commit[:12]}" if commit is not None and unchanged else None


def _go_on(request: Request, session: SideBySide) -> str:
    """The command that goes on, with the cap that ended the first round as high as that round needs."""
    if session.unfinished is not None:
        request = request.raised(session.unfinished, session.used)
    return how_to_go_on(session.unfinished, request.resume_command(session.id))


def _watching(assembly: Assembly, store: Store, listener: Listener) -> Watching:
    """Announces what each round is about to run, and tells how far it is."""
    gate = assembly.gate
    previous = store.newest_totals(gate.name)

    def announce(session: str, request: RoundRequest, items: Sequence[DatasetItem], left: int) -> None:
        trials = f" × {request.trials} trials" if request.trials > 1 else ""
        what = f"{count(len(items), 'item')}{trials} × 2 versions"
        replies = {judge: left * judge.spec.votes for judge in assembly.judges}
        cost = estimate(left, gate.limits, previous, services_usd=replies_cost(replies, store))
        parts = [f"{left:,} calls", *announced_replies(sum(replies.values())), *announced_cost(cost)]
        text = f"round {request.round}, {_PURPOSE[request.round]}: {what}, {', '.join(parts)}"
        listener.announce(
            Announcement(run=session, text=text, calls=left, cost_usd=cost.cost_usd, round=request.round)
        )

    return Watching(announce, listener.progress, listener.say)
