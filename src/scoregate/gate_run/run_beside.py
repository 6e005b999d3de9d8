"""`scoregate run` with another version beside the candidate: in rounds, until the data decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from scoregate.gate_run.run_request import GIT_PREFIX, RunRequest

if TYPE_CHECKING:
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.side_by_side import Arms, SideBySide, Watching
    from scoregate.gates.rounds import Request
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
    request: RunRequest,
    assembly: Assembly,
    against: str,
    langfuse: Settings | None,
    outputs: list[tuple[str, Path]],
    stdout: TextIO,
) -> int:
    """Run both versions interleaved, decide in rounds, show the verdict; its exit code."""
    from scoregate.baselines.baselines import load_anchor
    from scoregate.cli.present import present
    from scoregate.cli.telling import say
    from scoregate.errors import RunInterrupted, StoreWriteError
    from scoregate.gate_run.delivering import deliver, linked, say_if_local
    from scoregate.gate_run.judging import say_judges, say_priceless, say_uncalibrated, say_unlimited
    from scoregate.gate_run.side_by_side import arms_of
    from scoregate.gates.anchors import main_share, with_anchor
    from scoregate.gates.rounds import decide_in_rounds
    from scoregate.judge_trust.judge_trust import judge_trust
    from scoregate.judge_trust.true_margins import with_true_margins
    from scoregate.sources.places import open_store

    gate = assembly.gate
    arms = arms_of(assembly, against)
    for line in assembly.doubtful_scores:
        say(line)
    with (
        open_store(gate.root, path=request.store_path) as store,
        linked(langfuse, gate, store) as link,
    ):
        anchor = load_anchor(gate, store, assembly.scorer_versions)
        session = _session(request, assembly, store, arms, against, _watching(assembly, store))
        if link is not None:
            link.add(session.id)
            link.add(session.baseline_run.header.run)
            session.tracing = link.tracing()
            for judge in assembly.judges:
                link.watch(judge)
        with store.lock(session.id):
            say_if_local(request, link)
            say(_announcement(session))
            if _same_commit(request, arms, against):
                say("both versions are the same commit without a change: any difference is chance")
            say_priceless(assembly)
            say_uncalibrated(gate)
            try:
                decided = with_true_margins(gate, session.candidate_run.header)
                verdict = decide_in_rounds(main_share(decided), session, seed=request.seed)
            except RunInterrupted as error:
                raise RunInterrupted(error.message, hint=_go_on(request, session)) from error
            except StoreWriteError as error:
                hint = "; ".join(filter(None, (error.hint, _go_on(request, session))))
                raise StoreWriteError(error.message, where=error.where, hint=hint) from error
            finally:
                say_judges(assembly)
            session.finish()
        say_unlimited(assembly, session.used.cost_usd)
        if anchor is not None:
            # The number of later trials depends on what was seen, that of the first round does not.
            assert session.first_round is not None
            verdict = with_anchor(gate, verdict, anchor, session.first_round, seed=request.seed)
        candidate = store.load_run(session.id)
        baseline = store.load_run(session.baseline_run.header.run)
        trust = judge_trust(gate, baseline, candidate)
        verdict = trust.applied(verdict)
        url = link.url(session.id) if link is not None else None
        present(
            verdict,
            gate,
            baseline=baseline,
            candidate=candidate,
            items=assembly.dataset.items,
            outputs=outputs,
            as_json=request.as_json,
            hints=[*trust.commands, *([f"in Langfuse: {url}"] if url else [])],
            stdout=stdout,
            judge_usage=store.judge_usage.of_runs(*session.runs),
        )
        if link is not None:
            for run in session.runs:
                link.add(run)
        return deliver(request, link, verdict, session.id)


def _session(
    request: RunRequest, assembly: Assembly, store: Store, arms: Arms, against: str, watching: Watching
) -> SideBySide:
    from scoregate.gate_run.selecting import check_kind, chosen_items, run_to_resume
    from scoregate.gate_run.sessions import begin, go_on

    if request.resume is not None:
        run = run_to_resume(request, assembly.gate, store)
        check_kind(store, run, beside=True)
        return go_on(assembly, store, arms, against, run, seed=request.seed, watching=watching)
    items, selection = chosen_items(request, assembly, store)
    return begin(assembly, store, arms, against, items, selection, seed=request.seed, watching=watching)


def _announcement(session: SideBySide) -> str:
    header, items = session.candidate_run.header, len(session.candidate_run.items)
    part = f", PARTIAL: {header.metadata['selection']}" if header.partial else ""
    versions = f"{header.candidate} beside {session.baseline_run.header.candidate}"
    return f"run {header.run}: {versions} on {items:,} {'item' if items == 1 else 'items'}{part}"


def _same_commit(request: RunRequest, arms: Arms, against: str) -> bool:
    """Whether a version is compared with itself, as on the branch that pull requests are merged into."""
    unchanged = arms.candidate.commit == arms.baseline.commit and not arms.candidate.dirty
    return unchanged and against.startswith(GIT_PREFIX) and request.experiment_file is None


def _go_on(request: RunRequest, session: SideBySide) -> str:
    """The command that goes on, with the cap that ended the first round as high as that round needs."""
    if session.unfinished is not None:
        request = request.raised(session.unfinished, session.used)
    return f"go on with: {request.resume_command(session.id)}"


def _watching(assembly: Assembly, store: Store) -> Watching:
    """Says on stderr what each round is about to run, and draws its progress."""
    from scoregate.cli.telling import say
    from scoregate.gate_run.judging import announced_cost, announced_replies
    from scoregate.gate_run.side_by_side import Watching
    from scoregate.judge_trust.judges import replies_cost
    from scoregate.planning.costs import newest_totals
    from scoregate.runner.budget import estimate
    from scoregate.runner.plan import RunReport
    from scoregate.runner.progress import Progress

    gate, bars = assembly.gate, list[Progress]()
    previous = newest_totals(gate.name, store)

    def announce(request: Request, items: Sequence[DatasetItem], left: int) -> None:
        trials = f" × {request.trials} trials" if request.trials > 1 else ""
        what = f"{len(items):,} {'item' if len(items) == 1 else 'items'}{trials} × 2 versions"
        replies = {judge: left * judge.spec.votes for judge in assembly.judges}
        cost = estimate(left, gate.limits, previous, services_usd=replies_cost(replies, store))
        parts = [f"{left:,} calls", *announced_replies(sum(replies.values())), *announced_cost(cost)]
        say(f"round {request.round}, {_PURPOSE[request.round]}: {what}, {', '.join(parts)}")
        bars.append(Progress())

    def progress(report: RunReport) -> None:
        bars[-1](report)

    def ended() -> None:
        bars.pop().close()

    return Watching(announce, progress, ended)
