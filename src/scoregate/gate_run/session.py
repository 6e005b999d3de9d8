"""Two versions beside each other: what the rounds ask for, run in both arms and read back from the store.

A session is two runs of the whole set, to which later rounds add trials, and two of the items that are confirmed:

    <session>            <session>-baseline             every item, 1 to 5 trials
    <session>-confirm    <session>-baseline-confirm     the items of the suspicions, fresh trials

The runs of the whole set stay unfinished until the session is decided, so that it can be gone on with from any round.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scoregate.errors import ConfigError, RunInterrupted, StoreError
from scoregate.gate_file import Limits
from scoregate.gate_file.source import File, GitRevision, named_version
from scoregate.gate_run.assembly import Assembly
from scoregate.gate_run.begin import (
    StartedRun,
    finish_run,
    new_id,
    plan_session,
    program_of,
    resume_run,
    start_run,
)
from scoregate.gate_run.other_version import candidate_at
from scoregate.gate_run.stopped import note_failed_alike, why_stopped
from scoregate.gates.rounds import RoundRequest
from scoregate.gates.table import RunTable, table_from_run
from scoregate.git.version import Version
from scoregate.own import clock
from scoregate.records import DatasetItem, Run, RunHeader
from scoregate.records.run_facts import ArmName, RunFacts
from scoregate.runner import session as engine
from scoregate.runner.candidates import Candidate
from scoregate.runner.candidates.script import only_in_run
from scoregate.runner.candidates.worker import worker_candidate
from scoregate.runner.plan import RunReport
from scoregate.runner.tracing import Tracing
from scoregate.store import Store, Totals
from scoregate.wording import Say

BASELINE = "-baseline"
"""What the id of the baseline's run ends with, behind the session's."""
_CONFIRM = "-confirm"


@dataclass(frozen=True, slots=True)
class Arms:
    """The two versions under test."""

    baseline: Candidate
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Watching:
    """How a session is told of: what is about to be run, and how it goes."""

    announce: Callable[[str, RoundRequest, Sequence[DatasetItem], int], None]
    """Called with the session's id, the request, its items and the calls that are left, before they are made."""
    progress: Callable[[RunReport], None] | None = None
    say: Say | None = None
    """Told what a person should know of a round."""


@dataclass(slots=True)
class SideBySide:
    """A session, as the `serve` of `decide_in_rounds`. Raises RunInterrupted where a round was not completed."""

    assembly: Assembly
    store: Store
    arms: Arms
    baseline_run: StartedRun
    candidate_run: StartedRun
    seed: int
    watching: Watching
    trials: int = 0
    """Whole-set trials that were served."""
    unfinished: RunReport | None = None
    """How far the round came that was not completed."""
    first_round: RunTable | None = None
    """The candidate's trials of round A."""
    began: float = field(default_factory=clock.seconds)
    tracing: Tracing | None = None
    """See `RunPlan.tracing`."""
    whole: tuple[Run, Run] | None = None
    """What `finish` returned."""

    @property
    def id(self) -> str:
        return self.candidate_run.header.run

    def __call__(self, request: RoundRequest) -> tuple[RunTable, RunTable] | None:
        if request.items is None:
            return self._whole_set(request)
        return self._confirmation(request, request.items)

    def finish(self) -> tuple[Run, Run]:
        """Note that the session is decided. Baseline and candidate, each with its trials of the whole set."""
        for started in (self.candidate_run, self.baseline_run):
            finish_run(self.store, started.header.run)
        self.whole = self.store.load_run(self.id + BASELINE), self.store.load_run(self.id)
        return self.whole

    @property
    def used(self) -> Totals:
        """Calls, cost and time of all runs of the session."""
        return sum((self.store.totals(run) for run in self.runs), Totals())

    def _whole_set(self, request: RoundRequest) -> tuple[RunTable, RunTable] | None:
        runs = (self.baseline_run, self.candidate_run)
        trials = range(self.trials, self.trials + request.trials)
        if not self._may_run(request, runs, trials):
            return None
        for started in runs:
            self.store.extend_run(started.header.run, trials.stop)
        if not self._run(request, runs, trials):
            return None
        self.trials = trials.stop
        first, second = (self._table(started.header.run, trials) for started in runs)
        if request.round == "A":
            self.first_round = second
        return first, second

    def _confirmation(self, request: RoundRequest, wanted: Sequence[str]) -> tuple[RunTable, RunTable] | None:
        chosen = set(wanted)
        items = [item for item in self.baseline_run.items if item.id in chosen]
        runs = (
            self._confirming(items, request, baseline=True),
            self._confirming(items, request, baseline=False),
        )
        trials = range(request.trials)
        if not self._may_run(request, runs, trials) or not self._run(request, runs, trials):
            return None
        for started in runs:
            finish_run(self.store, started.header.run)
        first, second = (self._table(started.header.run, trials) for started in runs)
        return first, second

    def _confirming(
        self, items: Sequence[DatasetItem], request: RoundRequest, *, baseline: bool
    ) -> StartedRun:
        """The run of the fresh trials of one arm, made or found."""
        whole = self.baseline_run if baseline else self.candidate_run
        candidate = self.arms.baseline if baseline else self.arms.candidate
        run = whole.header.run + _CONFIRM
        try:
            return StartedRun(self.store.header(run), tuple(items))
        except StoreError:
            pass
        return start_run(
            self.assembly,
            self.store,
            items,
            f"round {request.round}: items of what looked worse",
            trials=request.trials,
            run=run,
            candidate=candidate,
            facts=RunFacts(session=self.id, arm="baseline" if baseline else "candidate", round=request.round),
        )

    def _may_run(self, request: RoundRequest, runs: Sequence[StartedRun], trials: range) -> bool:
        """Whether the caps leave room for the whole request. The first round is begun whatever they say."""
        left = sum(len(self._missing(started, trials)) for started in runs)
        if request.round == "A" or not left:
            return True
        limits, used = self.assembly.gate.limits, self.used
        if limits.max_calls is not None and used.calls + left > limits.max_calls:
            return False
        mean = (used.cost_usd or 0.0) / max(1, used.items)
        if limits.max_cost_usd is not None and (used.cost_usd or 0.0) + left * mean > limits.max_cost_usd:
            return False
        seconds = left * used.latency_seconds / max(1, used.items) / limits.concurrency
        return limits.max_seconds is None or self._seconds_left(limits.max_seconds) > seconds

    def _run(self, request: RoundRequest, runs: Sequence[StartedRun], trials: range) -> bool:
        """Run what is missing; False where a cap ended a later round before its end."""
        left = sum(len(self._missing(started, trials)) for started in runs)
        if not left:
            return True
        items = runs[0].items
        self._check_unchanged(runs)
        self.watching.announce(self.id, request, items, left)
        plan = plan_session(
            self.assembly,
            self.store,
            list(zip(runs, (self.arms.baseline, self.arms.candidate), strict=True)),
            trials=trials,
            seed=self.seed,
            progress=self.watching.progress,
            also_counted=self._others(runs),
            limits=self._limits(),
        )
        report = engine.run(replace(plan, tracing=self.tracing, of_failures=request.items is not None))
        if report.blocked is not None and self.watching.say is not None:
            self.watching.say(report.blocked)
        report.check_answers()
        if report.complete:
            return True
        if report.stopped and request.round != "A":
            return False
        self.unfinished = report
        note_failed_alike(report, self.store)
        why = why_stopped(report, self.assembly.gate.limits)
        raise RunInterrupted(
            f"{why} in round {request.round} after {report.done:,} of {report.expected:,} run items, "
            "which are kept"
        )

    def _check_unchanged(self, runs: Sequence[StartedRun]) -> None:
        """Raise RunInterrupted where a version's file is another one than when the session began."""
        root = self.assembly.gate.root
        for started, version in zip(runs, (self.arms.baseline, self.arms.candidate), strict=True):
            then = started.header.facts.program
            if then is not None and then != program_of(version, root):
                raise RunInterrupted(
                    f"the file of {version.version} changed while the session went on, so that further trials would "
                    "be of another program",
                    hint="start a new run, and leave the files alone until it is over",
                )

    def _limits(self) -> Limits:
        limits = self.assembly.gate.limits
        if limits.max_seconds is None:
            return limits
        return replace(limits, max_seconds=self._seconds_left(limits.max_seconds))

    def _seconds_left(self, most: float) -> float:
        return max(0.001, most - (clock.seconds() - self.began))

    def _missing(self, started: StartedRun, trials: range) -> list[tuple[str, int]]:
        done = self.store.done_cells(started.header.run)
        return [(item.id, t) for item in started.items for t in trials if (item.id, t) not in done]

    def _others(self, runs: Sequence[StartedRun]) -> list[str]:
        """The session's runs that are there, without those of this round."""
        now = {started.header.run for started in runs}
        return [run for run in self.runs if run not in now]

    @property
    def runs(self) -> list[str]:
        """Ids of the session's runs that are there, the candidate's first."""
        found = []
        for run in (self.id, self.id + BASELINE):
            for name in (run, run + _CONFIRM):
                try:
                    found.append(self.store.header(name).run)
                except StoreError:
                    continue
        return found

    def _table(self, run: str, trials: range) -> RunTable:
        return table_from_run(_fresh_trials(self.store.load_run(run, outputs=False), trials))


def _fresh_trials(run: Run, trials: range) -> Run:
    """These trials of the run alone, numbered from 0, as a run of all items that it has."""
    facts = run.header.facts.without("selected_items")
    if facts.arm == "baseline":
        # Both arms ran the same items, so that nothing is missing in this one.
        facts = facts.without("selection")
    return Run(
        replace(run.header.with_facts(facts), trials=len(trials)),
        tuple(replace(item, trial=item.trial - trials.start) for item in run.items if item.trial in trials),
        tuple(
            replace(score, trial=score.trial - trials.start) for score in run.scores if score.trial in trials
        ),
    )


def with_candidate(
    assembly: Assembly, spec: str | None, *, label: str | None, say: Say | None = None
) -> Assembly:
    """The assembly with the version at a git ref as its candidate; the scorers stay those of the working tree."""
    source = named_version(spec) if spec is not None else None
    if not isinstance(source, GitRevision):
        return assembly
    _refuse_script(assembly)
    return replace(assembly, candidate=candidate_at(assembly.gate, source, label=label, say=say))


def _full_name(against: GitRevision | File) -> GitRevision | File:
    """A git ref as it is, a file by its full path."""
    return File(str(against.path.resolve())) if isinstance(against, File) else against


def arms_of(assembly: Assembly, against: GitRevision | File, *, say: Say | None = None) -> Arms:
    """The candidate and the version that is run beside it. Raises ConfigError.

    Two Python versions both run in worker processes, so that no latency differs because of where it was measured.
    """
    gate = assembly.gate
    if isinstance(against, File) and not against.name.endswith(".py"):
        raise ConfigError(
            f"'{against}' cannot be run beside the candidate",
            where="--against",
            hint="give a Python file or a git ref (git:main); results that exist go to --baseline",
        )
    _refuse_script(assembly)
    baseline = candidate_at(gate, _full_name(against), say=say)
    return Arms(replace(baseline, evaluators=()), _in_workers(assembly))


def _refuse_script(assembly: Assembly) -> None:
    script = assembly.candidate.script
    if script is not None:
        raise only_in_run(script.path)


def _in_workers(assembly: Assembly) -> Candidate:
    own, gate = assembly.candidate, assembly.gate
    if own.file is None or own.close is not None:
        return own  # no Python file, or one that runs in workers already
    return worker_candidate(
        own.file,
        root=gate.root,
        python=Path(sys.executable),
        version=Version(own.version, own.commit, own.dirty),
        evaluators=own.evaluators,
        at_once=gate.limits.concurrency,
    )


def begin_session(
    assembly: Assembly,
    store: Store,
    arms: Arms,
    against: GitRevision | File,
    items: Sequence[DatasetItem],
    selection: str | None,
    *,
    seed: int,
    watching: Watching,
) -> SideBySide:
    """A new session; its runs of the whole set are made."""
    session = new_id(assembly.gate.name)
    sides: tuple[tuple[str, Candidate, ArmName], ...] = (
        (session + BASELINE, arms.baseline, "baseline"),
        (session, arms.candidate, "candidate"),
    )
    baseline, candidate = (
        start_run(
            assembly,
            store,
            items,
            selection,
            trials=assembly.gate.trials,
            run=run,
            candidate=version,
            facts=RunFacts(session=session, arm=arm, against=str(_full_name(against))),
        )
        for run, version, arm in sides
    )
    return SideBySide(assembly, store, arms, baseline, candidate, seed, watching)


def resume_session(
    assembly: Assembly,
    store: Store,
    arms: Arms,
    against: GitRevision | File,
    session: str,
    *,
    seed: int,
    watching: Watching,
) -> SideBySide:
    """A session that was interrupted. Raises ConfigError where going on would mix two things."""
    run = _session_of(store, session)
    candidate = resume_run(assembly, store, run, candidate=arms.candidate)
    version = _same_baseline(candidate.header, arms.baseline, against, store)
    arms = replace(arms, baseline=version)
    baseline = resume_run(assembly, store, run + BASELINE, candidate=version)
    return SideBySide(assembly, store, arms, baseline, candidate, seed, watching)


def _session_of(store: Store, run: str) -> str:
    """The session that a run (its id, or a unique beginning) belongs to. Raises StoreError."""
    header = store.header(store.find_run(run))
    return header.facts.session or header.run


def _same_baseline(
    session: RunHeader, version: Candidate, against: GitRevision | File, store: Store
) -> Candidate:
    """`version`, named as it was when the session began. Raises ConfigError where it is another one."""
    noted, begun = session.facts.against, store.header(session.run + BASELINE)
    assert noted is not None  # every session notes it
    then = named_version(noted)
    by_commit = isinstance(then, GitRevision) and isinstance(against, GitRevision)
    if by_commit and begun.commit == version.commit:
        return replace(version, version=begun.candidate)
    if then == _full_name(against) and not by_commit:
        return version
    was, now = (f" (commit {commit[:8]})" if commit else "" for commit in (begun.commit, version.commit))
    again = GitRevision(str(begun.commit)) if by_commit else then
    raise ConfigError(
        f"run {session.run} was started beside {then}{was}, and {against}{now} is another version",
        hint=f"go on with --against {again}, or start a new run",
    )
