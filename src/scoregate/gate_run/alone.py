"""A run of one version: called and scored, then decided against results that exist, then delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scoregate.baselines.load import load_anchor, load_baseline, scored_alike, unsealed, why_stale
from scoregate.errors import EditedBaseline, NoBaseline, RunInterrupted, StoreWriteError
from scoregate.gate_run.announce import (
    announcement,
    priceless,
    say_judges,
    say_unanswered,
    say_unlimited,
    uncalibrated,
)
from scoregate.gate_run.begin import begin_run, finish_run, plan_run
from scoregate.gate_run.decide import Decision, decide, how_to_accept
from scoregate.gate_run.deliver import linked, say_if_local, tell_and_deliver
from scoregate.gate_run.outcome import Decided, RunOutcome
from scoregate.gate_run.rescored_first import ScoredFirst, scored_first
from scoregate.gate_run.stopped import how_to_go_on, note_failed_alike, why_stopped
from scoregate.gate_run.wait import wait_before_verdict
from scoregate.planning.outlook import warnings_before
from scoregate.records import Run, RunHeader
from scoregate.runner import session
from scoregate.sources import open_store
from scoregate.store import Totals

if TYPE_CHECKING:
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.begin import StartedRun
    from scoregate.gate_run.langfuse_link import LangfuseLink
    from scoregate.gate_run.listener import Listener
    from scoregate.gate_run.request import Request
    from scoregate.langfuse.settings import Settings
    from scoregate.runner.candidates.script import ScriptEnd
    from scoregate.store import Store


def run_alone(
    request: Request,
    assembly: Assembly,
    langfuse: Settings | None,
    listener: Listener,
    decided: Callable[[Decided], None],
) -> RunOutcome:
    """Run the gate's candidate and decide. `decided` is called with the verdict, before it is delivered.

    Raises RunInterrupted where the run did not come to its end, with the command that goes on with it.
    """
    gate, say = assembly.gate, listener.say
    with (
        open_store(gate.root, path=request.store_path) as store,
        linked(langfuse, gate, store, say) as link,
    ):
        try:
            before = _to_compare_with(request, assembly, store)
        except EditedBaseline as error:
            if not gate.policy_changes or request.shard is not None:
                raise
            return _not_run(assembly, decided, request.seed, str(error))
        caveats = [*assembly.doubtful_scores, *filter(None, [before.about])]
        told = None
        if before.baseline is not None:
            told = warnings_before(gate, assembly.dataset, before.baseline)
        of_judges = [*priceless(assembly), *uncalibrated(gate)]
        started = begin_run(
            request, assembly, store, facts=before.scored_first.facts, baseline=before.baseline
        )
        if started.usual is None and before.baseline is not None:
            started = replace(started, usual=Totals.of_run(before.baseline))
        if told is not None:
            caveats += told.guarding_nothing
            if told.blind is not None and not started.header.partial:
                caveats.append(told.blind)
        if before.baseline is not None and request.baseline is None:
            caveats += filter(None, [unsealed(gate, before.baseline)])
        for line in caveats:
            say(line)
        say_if_local(request, link, say)
        for line in of_judges:
            say(line)
        with store.lock(started.header.run):
            _call_and_score(request, assembly, store, started, before.scored_first, link, listener)
            if gate.wait_for and langfuse is not None:
                wait_before_verdict(request, gate, store, started.header.run, langfuse, say)
        before = before.as_scored_now(assembly, store)
        candidate = store.load_run(started.header.run)
        candidate, script = _with_the_scripts_word(assembly, candidate, store)
        shard = candidate.header.facts.shard
        if shard is None:
            decision = decide(
                gate,
                before.baseline,
                candidate,
                before.anchor,
                seed=request.seed,
                store=store,
                script=script,
                why_no_baseline=before.why_none or "",
            )
        else:
            from scoregate.gate_run.shards import undecided, with_judge_usage

            candidate = with_judge_usage(candidate, store)
            decision = Decision(*undecided(request, assembly, candidate, shard))
        first = shard is None and before.baseline is None
        hints = how_to_accept(gate, request.gate_path, candidate) if first else []
        if link is not None and before.baseline is not None:
            link.compare(candidate.id, before.baseline.id)
        url = link.url(candidate.id) if link is not None else None
        found = Decided(
            gate=gate,
            verdict=decision.verdict,
            candidate=candidate,
            baseline=before.baseline,
            items=assembly.dataset.items,
            hints=(*hints, *decision.hints, *([f"in Langfuse: {url}"] if url else [])),
            judge_usage=store.judge_usage.of_runs(candidate.id) if assembly.judges else (),
        )
        evaluations = script.evaluations if script else ()
        return tell_and_deliver(request, link, found, candidate.id, decided, say, evaluations)


def _not_run(assembly: Assembly, decided: Callable[[Decided], None], seed: int, why: str) -> RunOutcome:
    """A verdict before any call, so that what the change moves is told wherever verdicts are."""
    gate, version = assembly.gate, assembly.candidate.version
    expected = len(assembly.dataset.items)
    nothing = Run(RunHeader("", assembly.dataset.name, version, expected_items=expected, trials=gate.trials))
    decision = decide(gate, None, nothing, seed=seed, why_no_baseline=f"{why}; no call was made")
    found = Decided(
        gate=gate,
        verdict=decision.verdict,
        candidate=nothing,
        baseline=None,
        items=assembly.dataset.items,
        hints=decision.hints,
    )
    decided(found)
    return RunOutcome(decided=found, exit_code=found.verdict.exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What the candidate will be compared with, and what has to be scored again for that."""

    anchor: Run | None
    baseline: Run | None = None
    why_none: str | None = None
    """Why there is no baseline, for the verdict."""
    about: str | None = None
    """What is to be known of it before a call is paid for."""
    scored_first: ScoredFirst = field(default_factory=ScoredFirst)

    def as_scored_now(self, assembly: Assembly, store: Store) -> _Before:
        """The same once `scored_first` is done."""
        if not self.scored_first.parts:
            return self
        baseline, anchor = (
            run and scored_alike(assembly.gate, run, store, assembly.scorer_versions)
            for run in (self.baseline, self.anchor)
        )
        return replace(self, baseline=baseline, anchor=anchor)


def _to_compare_with(request: Request, assembly: Assembly, store: Store) -> _Before:
    """Read it all before any call is paid for. Raises as `load_baseline`, except where there is no baseline yet."""
    gate, versions = assembly.gate, assembly.scorer_versions
    anchor = load_anchor(gate, store, versions)
    run = "this run" if request.shard is None else "the merged run"
    try:
        baseline = load_baseline(gate, request.baseline, store, versions)
    except NoBaseline as error:
        why = f"{error.where}: {error.message}"
        told = f"{why}; {run} can become the first"
        if request.shard is None:  # its verdict says why
            told = "this run will be compared with nothing, and can become the first baseline"
        return _Before(anchor=anchor, why_none=why, about=told)
    first = ScoredFirst()
    if request.rescore_baseline:
        baseline = scored_alike(gate, baseline, store, versions)
        anchor = anchor and scored_alike(gate, anchor, store, versions)
        first = scored_first(assembly, [baseline, *([anchor] if anchor is not None else [])], store)
    stale = None
    if not (first.parts and first.covers(baseline)):
        stale = why_stale(gate, baseline, assembly.dataset, versions)
    about = stale and f"{stale}; {run} will not be compared, it can become the next baseline"
    if stale and not why_stale(gate, baseline, assembly.dataset, baseline.header.scorers):
        about = f"{about} (or give --rescore-baseline, which has the baseline scored again first)"
    elif stale:
        about = f"{about} (or give --against git:merge-base, which runs both versions on what is there now)"
    return _Before(anchor=anchor, baseline=baseline, about=about, scored_first=first)


def _call_and_score(
    request: Request,
    assembly: Assembly,
    store: Store,
    started: StartedRun,
    first: ScoredFirst,
    link: LangfuseLink | None,
    listener: Listener,
) -> None:
    """Announce, call, score and commit what is missing. Raises RunInterrupted, with the command that goes on."""
    run, say = started.header.run, listener.say
    first.announce(say)
    announced, needed_usd = announcement(assembly, store, started, first)
    listener.announce(announced)
    try:
        first.score(request, store, started, needed_usd, say)
        elsewhere = first.spent_usd(started, store)
        plan = plan_run(
            assembly,
            store,
            started,
            limits=assembly.gate.limits,
            seed=request.seed,
            progress=listener.progress,
        )
        plan = replace(plan, spent_usd=elsewhere, of_failures=request.only_failed)
        if link is not None:
            link.add(run)
            plan = replace(plan, tracing=link.tracing())
            for judge in assembly.judges:
                link.watch(judge)
        report = session.run(plan)
        if report.blocked is not None:
            say(report.blocked)
        report.check_answers()
        if report.complete:
            say_unanswered(assembly, run, say)
            if not assembly.gate.wait_for:
                finish_run(store, run)
            say_unlimited(assembly, report.cost_usd, say)
            return
    except (StoreWriteError, RunInterrupted) as error:
        go_on = None if "go on with: " in (error.hint or "") else f"go on with: {request.resume_command(run)}"
        hint = "; ".join(filter(None, (error.hint, go_on)))
        raise type(error)(error.message, where=error.where, hint=hint) from error
    finally:
        say_judges(assembly, say)
    note_failed_alike(report, store)
    asked = request.raised(report, store.totals(run), elsewhere_usd=elsewhere)
    unscored = len(store.unscored.of_run(run))
    waiting = f", as are {unscored:,} answers that are still to be scored" if unscored else ""
    raise RunInterrupted(
        f"{why_stopped(report, assembly.gate.limits)} after {report.done:,} of {report.expected:,} run items, "
        f"which are kept{waiting}",
        hint=how_to_go_on(report, asked.resume_command(run)),
        run=run,
    )


def _with_the_scripts_word(assembly: Assembly, candidate: Run, store: Store) -> tuple[Run, ScriptEnd | None]:
    """What the candidate's script says of its run, and the run, which keeps what that had against it."""
    script = assembly.candidate.script
    if script is None:
        return candidate, None
    from scoregate.records.run_facts import ScriptSaid
    from scoregate.runner.candidates.script import Results

    end = script.conclude(Results(candidate, assembly.dataset.items))
    if end.outcome is None:
        return candidate, end
    facts = replace(candidate.header.facts, script=ScriptSaid(end.outcome, end.reason))
    candidate = replace(candidate, header=candidate.header.with_facts(facts))
    store.note(candidate.header)
    return candidate, end
