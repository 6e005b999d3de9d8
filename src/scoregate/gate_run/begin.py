"""How a run begins: which items, its header, what a resume must find unchanged, and the plan for the engine.

A session of two arms is two runs, of the same items with the same scorers under the same limits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, Limits
from scoregate.gate_run.assembly import Assembly
from scoregate.gate_run.request import NEWEST, Request
from scoregate.gate_run.stopped import apart_from, try_again
from scoregate.git.checkout import origin_of
from scoregate.own import clock
from scoregate.records import DatasetItem, Run, RunHeader
from scoregate.records.run_facts import RunFacts
from scoregate.runner.candidates import Candidate
from scoregate.runner.plan import Arm, RunPlan, RunReport
from scoregate.sources import files_of_other_gates
from scoregate.store import Store, Totals

_MOST_NAMED = 5
"""Uncommitted files that a run notes."""


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that the store knows, and the dataset items that it covers."""

    header: RunHeader
    items: tuple[DatasetItem, ...]
    done: int = 0
    """Run items that are there from an earlier session."""
    unscored: int = 0
    """Answers that are there and have not been scored yet."""
    used: Totals = field(default_factory=Totals)
    """What earlier sessions took."""
    usual: Totals | None = None
    """What the gate's newest other run took, if there is one that holds anything; else its baseline."""


def start_run(
    assembly: Assembly,
    store: Store,
    items: Sequence[DatasetItem],
    selection: str | None,
    *,
    trials: int,
    run: str | None = None,
    candidate: Candidate | None = None,
    facts: RunFacts | None = None,
) -> StartedRun:
    """Make a new run in the store. `selection` says why it is partial, None for the whole dataset.

    `run` is its id, if it has one already (`new_id`). `candidate` stands in for the assembly's own (the
    baseline's in a session of two arms), `facts` are kept beside what every run notes.
    """
    candidate = candidate or assembly.candidate
    dataset, gate = assembly.dataset, assembly.gate
    facts = replace(
        facts or RunFacts(),
        gate=gate.name,
        origin=origin_of(gate.root),
        dirty=candidate.dirty,
        uncommitted=_uncommitted(candidate, gate),
        timeout_seconds=gate.limits.timeout_seconds,
        program=program_of(candidate, gate.root),
        langfuse_dataset_id=dataset.langfuse_id,
        wait_for=tuple(gate.wait_for),
        scored_by_more=assembly.scored_by_more,
        selection=selection,
        selected_items=None if selection is None else tuple(item.id for item in items),
    )
    header = RunHeader(
        run=run or new_id(gate.name),
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        dataset_version=dataset.version,
        candidate=candidate.version,
        commit=candidate.commit,
        trials=trials,
        expected_items=len(items),
        scorers=assembly.scorer_versions,
        started_at=_now(),
    ).with_facts(facts)
    store.create_run(header, dataset.items)
    return StartedRun(header, tuple(items))


def _uncommitted(candidate: Candidate, gate: Gate) -> tuple[str, ...]:
    """The first files that make this checkout's candidate a changed one; a recording is of another checkout."""
    if not candidate.dirty or candidate.kind == "replay":
        return ()
    from scoregate.git.version import uncommitted

    return (uncommitted(gate.root, partial(files_of_other_gates, gate)) or ())[:_MOST_NAMED]


def resume_run(
    assembly: Assembly, store: Store, run: str, *, candidate: Candidate | None = None
) -> StartedRun:
    """An unfinished run, to be gone on with. Raises ConfigError if going on would mix two things in one run.

    `candidate` stands in for the assembly's own, as in `start_run`.
    """
    candidate = candidate or assembly.candidate
    header = store.header(store.find_run(run))
    if header.finished_at is not None:
        raise ConfigError(
            f"run {header.run} is finished, there is nothing to resume",
            hint="start a new run, or decide it again with `scoregate check`",
        )
    facts = header.facts
    now: list[tuple[str, object, object]] = [
        ("gate", facts.gate, assembly.gate.name),
        ("dataset", header.dataset_fingerprint, assembly.dataset.fingerprint),
        ("candidate", header.candidate, candidate.version),
        ("commit", header.commit, candidate.commit),
        ("scorers", dict(header.scorers), assembly.scorer_versions),
    ]
    if facts.timeout_seconds is not None:
        # Calls that time out are measured at the limit, so that a run has one.
        now.append(("time limit", facts.timeout_seconds, assembly.gate.limits.timeout_seconds))
    if facts.program is not None:
        now.append(("program", facts.program, program_of(candidate, assembly.gate.root)))
    for what, then, here in now:
        if then != here:
            shown = "" if what in ("scorers", "dataset") else f" ({then} then, {here} now)"
            pin = f"pin the gate's dataset to {header.dataset_version} to go on"
            pinned = what == "dataset" and header.dataset_version is not None
            raise ConfigError(
                f"run {header.run} cannot be resumed: the {what} changed since it started{shown}",
                hint=f"{pin if pinned else 'go back to what it was'}, or start a new run",
            )
    header = try_again(header, store)
    wanted = None if facts.selected_items is None else set(facts.selected_items)
    items = tuple(item for item in assembly.dataset.items if wanted is None or item.id in wanted)
    return StartedRun(header, items)


def plan_run(
    assembly: Assembly,
    store: Store,
    started: StartedRun,
    *,
    limits: Limits,
    seed: int,
    progress: Callable[[RunReport], None] | None,
) -> RunPlan:
    """What the engine is given for one run: everything of it that is not there yet."""
    return plan_session(
        assembly,
        store,
        [(started, assembly.candidate)],
        trials=range(started.header.trials),
        limits=limits,
        seed=seed,
        progress=progress,
    )


def plan_session(
    assembly: Assembly,
    store: Store,
    arms: Sequence[tuple[StartedRun, Candidate]],
    *,
    trials: Sequence[int],
    seed: int,
    progress: Callable[[RunReport], None] | None,
    also_counted: Sequence[str] = (),
    limits: Limits | None = None,
) -> RunPlan:
    """What the engine is given for a session of one or two arms: what is not there yet of these trials.

    `also_counted` are further runs whose calls and cost count towards the caps, `limits` stand in for the
    gate's own. Raises ValueError if two arms are not runs of the same items.
    """
    items = arms[0][0].items
    for started, _ in arms[1:]:
        if started.items != items:
            raise ValueError(
                f"runs '{arms[0][0].header.run}' and '{started.header.run}' are of different items"
            )
    headers = [started.header for started, _ in arms]
    if assembly.gate.has_judges:
        from scoregate.judge_trust.judges import use_replies

        use_replies(assembly.scorers, store, headers, read=assembly.use_cache)
    return RunPlan(
        arms=[
            Arm(
                run=started.header.run,
                candidate=candidate,
                done=store.done_cells(started.header.run),
                held_up=started.header.facts.held_up,
                apart=apart_from(candidate, started.header, assembly.gate)
                if started.header.facts.held_up
                else None,
            )
            for started, candidate in arms
        ],
        items=items,
        store=store,
        scorers=assembly.scorers,
        catalog=assembly.gate.catalog,
        expected_scores=assembly.expected_scores,
        optional_scores=assembly.gate.optional_scores,
        places=assembly.places(items),
        contents=assembly.contents(items),
        limits=limits or assembly.gate.limits,
        trials=trials,
        also_counted=also_counted,
        seed=seed,
        progress=progress,
        in_loops_thread=assembly.in_loops_thread,
    )


def program_of(candidate: Candidate, root: Path) -> str | None:
    """Which file a candidate is, and what it holds; the version's label may be the same for two of them."""
    if candidate.file is None:
        return None
    path = candidate.file.resolve()
    name = path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path.name
    return f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def finish_run(store: Store, run: str) -> None:
    """Note that every run item of the run is there."""
    store.finish_run(run, _now())


def new_id(gate: str) -> str:
    """Sorts by time, tells the gate, and does not collide between processes."""
    return f"{gate}-{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _now() -> str:
    return clock.iso_now()


def begin_run(
    request: Request, assembly: Assembly, store: Store, *, facts: RunFacts, baseline: Run | None
) -> StartedRun:
    """A new run of one version, or the one to resume. Raises ConfigError, StoreError.

    `baseline` tells how long an item takes, where the items are shared out.
    """
    if request.resume is not None:
        run = run_to_resume(request, assembly.gate, store)
        check_kind(store, run, beside=False)
        return _with_what_is_there(resume_run(assembly, store, run), assembly.gate, store)
    items, selection = chosen_items(request, assembly, store)
    if request.shard is not None:
        from scoregate.gate_run.shards import share

        items, shard, selection = share(request.shard, assembly, baseline)
        facts = replace(facts, shard=shard)
    started = start_run(assembly, store, items, selection, trials=assembly.gate.trials, facts=facts)
    return _with_what_is_there(started, assembly.gate, store)


def _with_what_is_there(started: StartedRun, gate: Gate, store: Store) -> StartedRun:
    run = started.header.run
    return replace(
        started,
        done=len(store.done_cells(run)),
        unscored=len(store.unscored.of_run(run)),
        used=store.totals(run),
        usual=store.newest_totals(gate.name, other_than=run),
    )


def chosen_items(
    request: Request, assembly: Assembly, store: Store
) -> tuple[Sequence[DatasetItem], str | None]:
    """The items to run, and why they are only a part of the dataset (None: they are all of it)."""
    if not request.selects:
        return assembly.dataset.items, None
    from scoregate.gate_run.selection import Selection, select

    gate = assembly.gate
    previous = None
    if request.only_failed:
        newest = [run for run in store.list_runs(limit=9, gate=gate.name) if not run.companion]
        previous = store.load_run(newest[0].run) if newest else None
    return select(
        assembly.dataset.items,
        Selection(
            only_failed=request.only_failed,
            items=request.item,
            slices=tuple(_name_and_value(text) for text in request.slice),
            sample=request.sample,
            seed=request.seed,
            limit=request.limit,
        ),
        slices={item: slices for item, (_, slices) in assembly.places(assembly.dataset.items).items()},
        previous=previous,
        catalog=gate.catalog,
    )


def run_to_resume(request: Request, gate: Gate, store: Store) -> str:
    """The run that `--resume` means. Raises ConfigError."""
    if request.selects or request.trials is not None:
        raise ConfigError(
            "--resume goes on with the run as it was started", hint="leave out --trials and the selection"
        )
    assert request.resume is not None
    if request.resume != NEWEST:
        return request.resume
    for summary in store.list_runs(gate=gate.name):
        if summary.finished_at is None and not summary.companion:
            return summary.run
    raise ConfigError(f"no unfinished run of the gate '{gate.name}'", hint="start one without --resume")


def check_kind(store: Store, run: str, *, beside: bool) -> None:
    """Refuse to go on with a run of the other kind: alone, or side by side. Raises ConfigError, StoreError."""
    header = store.header(store.find_run(run))
    if header.facts.session and not beside:
        raise ConfigError(
            f"run {header.run} was started beside another version",
            hint="name that version with --against, as the command that started it did",
        )
    if beside and not header.facts.session:
        raise ConfigError(
            f"run {header.run} was started alone, so no other version can join it",
            hint="resume it without --against, or start a new run",
        )


def _name_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(
            f"'{text}' is not NAME=VALUE", where="--slice", hint="such as --slice intent=refund"
        )
    return name, value
