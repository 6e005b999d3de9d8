"""`scoregate run`: candidate, scores, comparison, verdict."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import (
    gate_argument,
    json_option,
    output_option,
    parse_outputs,
    seed_option,
    store_option,
)

if TYPE_CHECKING:
    from scoregate.gate_file import Gate, Limits
    from scoregate.project.assembly import Assembly
    from scoregate.project.running import StartedRun
    from scoregate.records import Run
    from scoregate.runner.plan import RunReport
    from scoregate.store import Store

_NEWEST = "the newest"
"""`--resume` without an id."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What the command line asked for."""

    gate_path: Path
    experiment: Path | None
    replay: Path | None
    version: str | None
    trials: int | None
    concurrency: int | None
    timeout: float | None
    max_cost: float | None
    max_calls: int | None
    max_seconds: float | None
    baseline: str | None
    on_inconclusive: str | None
    resume: str | None
    only_failed: bool
    item: tuple[str, ...]
    slice: tuple[str, ...]
    sample: int | None
    limit: int | None
    seed: int
    outputs: tuple[str, ...]
    as_json: bool
    store_path: Path | None


_existing = click.Path(path_type=Path)


@click.command()
@gate_argument
@click.option(
    "--experiment", type=_existing, metavar="FILE", help="Another Python candidate than the gate's."
)
@click.option("--replay", type=_existing, metavar="FILE", help="Recorded outputs as the candidate.")
@click.option("--version", metavar="LABEL", help="Version label of the candidate.")
@click.option("--trials", type=click.IntRange(min=1), help="Runs of every item.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Calls of the candidate at once.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time limit of one call.",
)
@click.option(
    "--max-cost", type=click.FloatRange(min=0), metavar="USD", help="Start no call beyond this cost."
)
@click.option("--max-calls", type=click.IntRange(min=1), help="Start no call beyond this number.")
@click.option(
    "--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Start no call after this time."
)
@click.option("--baseline", metavar="FILE|RUN", help="Instead of the gate's own baseline.")
@click.option("--on-inconclusive", type=click.Choice(["warn", "fail"]), help="Instead of the gate's own.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=_NEWEST,
    metavar="[RUN]",
    help="Go on with an unfinished run; the newest one without RUN.",
)
@click.option("--only-failed", is_flag=True, help="Only items that failed in this gate's newest run.")
@click.option("--item", multiple=True, metavar="ID", help="Only this item; may be repeated.")
@click.option(
    "--slice", multiple=True, metavar="NAME=VALUE", help="Only items of this slice; may be repeated."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only N items, drawn with --seed.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N items.")
@seed_option
@output_option
@json_option
@store_option
def run(**options: object) -> int:
    """Run GATE: call the candidate on every item, score, compare with the baseline, decide.

    Every run item and score is kept in .scoregate/ as soon as it is there; an interrupted run prints the command
    that resumes it. A selection of items (--only-failed, --item, --slice, --sample, --limit) is for the local
    loop: it can show a regression, but never a pass.
    """
    from scoregate.cli.telling import told
    from scoregate.runner.supervisor import supervise

    request = _Request(**options)  # type: ignore[arg-type]  # click has made each option what it is declared as
    hint = f"go on with: scoregate run {request.gate_path} --resume; isolate = true in [candidate] contains a crash"
    return supervise(lambda: told(lambda: _run(request)), hint=hint)


def _run(request: _Request) -> int:
    from scoregate.gate_file import read_gate
    from scoregate.project.assembly import assemble, with_experiment
    from scoregate.project.baselines import NoBaseline, load_baseline
    from scoregate.project.deciding import with_policy
    from scoregate.project.places import open_store

    outputs = parse_outputs(request.outputs)
    gate = with_policy(read_gate(request.gate_path), request.on_inconclusive)
    limits = _limits(gate.limits, request)
    gate = replace(gate, limits=limits, trials=request.trials or gate.trials)
    sys.path.insert(0, str(gate.root))
    spec = with_experiment(gate, request.experiment, replay=request.replay, version=request.version)
    with _stdout_to_stderr():
        assembly = assemble(gate, spec)
    with open_store(gate.root, path=request.store_path) as store:
        # A baseline that cannot be read is told before any call is paid for.
        try:
            baseline, why_none = load_baseline(gate, request.baseline, store), None
        except NoBaseline as error:
            baseline, why_none = None, f"{error.where}: {error.message}"
            _say(f"{why_none}; this run can become the first")
        started = _started(request, assembly, store)
        with store.lock(started.header.run):
            report = _execute(request, assembly, store, started)
        unfinished = _unfinished(request, started, report)
        if unfinished is not None:
            from scoregate.errors import RunInterrupted

            raise RunInterrupted(unfinished[0], hint=unfinished[1])
        candidate = store.load_run(started.header.run)
        return _decide(request, assembly, baseline, candidate, outputs, why_none)


def _limits(limits: Limits, request: _Request) -> Limits:
    given = {
        "concurrency": request.concurrency,
        "timeout_seconds": request.timeout,
        "max_cost_usd": request.max_cost,
        "max_calls": request.max_calls,
        "max_seconds": request.max_seconds,
    }
    return replace(limits, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _started(request: _Request, assembly: Assembly, store: Store) -> StartedRun:
    """A new run, or the one to resume."""
    from scoregate.errors import ConfigError
    from scoregate.project.running import resume_run, start_run
    from scoregate.runner.selection import Selection, select

    gate = assembly.gate
    chosen = Selection(
        only_failed=request.only_failed,
        items=request.item,
        slices=tuple(_name_and_value(text) for text in request.slice),
        sample=request.sample,
        seed=request.seed,
        limit=request.limit,
    )
    if request.resume is not None:
        if chosen != Selection(seed=request.seed) or request.trials is not None:
            raise ConfigError(
                "--resume goes on with the run as it was started", hint="leave out --trials and the selection"
            )
        return resume_run(assembly, store, _to_resume(request.resume, gate, store))
    newest = store.list_runs(limit=1, gate=gate.name)
    previous = store.load_run(newest[0].run) if request.only_failed and newest else None
    items, selection = select(
        assembly.dataset.items,
        chosen,
        slices={item: slices for item, (_, slices) in assembly.places(assembly.dataset.items).items()},
        previous=previous,
        catalog=gate.catalog,
    )
    return start_run(assembly, store, items, selection, trials=gate.trials)


def _name_and_value(text: str) -> tuple[str, str]:
    from scoregate.errors import ConfigError

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(
            f"'{text}' is not NAME=VALUE", where="--slice", hint="such as --slice intent=refund"
        )
    return name, value


def _to_resume(asked: str, gate: Gate, store: Store) -> str:
    from scoregate.errors import ConfigError

    if asked != _NEWEST:
        return asked
    for summary in store.list_runs(gate=gate.name):
        if summary.finished_at is None:
            return summary.run
    raise ConfigError(f"no unfinished run of the gate '{gate.name}'", hint="start one without --resume")


def _execute(request: _Request, assembly: Assembly, store: Store, started: StartedRun) -> RunReport:
    from scoregate.project.running import finish_run, plan_run
    from scoregate.runner import session
    from scoregate.runner.progress import Progress

    _say(_announcement(assembly, store, started))
    progress = Progress()
    plan = plan_run(
        assembly, store, started, limits=assembly.gate.limits, seed=request.seed, progress=progress
    )
    try:
        with _stdout_to_stderr():
            report = session.run(plan)
    finally:
        progress.close()
    if report.complete:
        finish_run(store, started.header.run)
    return report


def _announcement(assembly: Assembly, store: Store, started: StartedRun) -> str:
    """What is about to be called and what it will probably use, before it is paid for."""
    from scoregate.runner.budget import estimate

    header, limits = started.header, assembly.gate.limits
    earlier = [s for s in store.list_runs(limit=5, gate=assembly.gate.name) if s.run != header.run and s.done]
    previous = store.totals(earlier[0].run) if earlier else None
    expected = estimate(len(started.items), header.trials, limits, previous)
    parts = [f"{expected.calls:,} calls"]
    if expected.cost_usd is not None:
        parts.append(f"about ${expected.cost_usd:.2f}")
    if expected.seconds is not None:
        parts.append(f"about {max(expected.seconds, 1):.0f} s")
    part = f", PARTIAL: {header.metadata['selection']}" if header.partial else ""
    over = "".join(f"; {name} will probably be reached" for name in expected.exceeds)
    trials = f" × {header.trials} trials" if header.trials > 1 else ""
    what = f"{header.candidate} on {len(started.items):,} items{trials}"
    return f"run {header.run}: {what}: {', '.join(parts)}{part}{over}"


def _unfinished(request: _Request, started: StartedRun, report: RunReport) -> tuple[str, str] | None:
    """What to say of a run that did not come to its end, with the command that resumes it."""
    if report.complete:
        return None
    why = f"reached {report.stopped}" if report.stopped else "stopped"
    place = f" --store {request.store_path}" if request.store_path else ""
    extra = f" --experiment {request.experiment}" if request.experiment else ""
    extra += f" --replay {request.replay}" if request.replay else ""
    extra += f" --version {request.version}" if request.version else ""
    resume = f"scoregate run {request.gate_path} --resume {started.header.run}{extra}{place}"
    raised = ", with a higher limit" if report.stopped else ""
    return (
        f"{why} after {report.done:,} of {report.expected:,} run items, which are kept",
        f"go on with: {resume}{raised}",
    )


def _decide(
    request: _Request,
    assembly: Assembly,
    baseline: Run | None,
    candidate: Run,
    outputs: list[tuple[str, Path]],
    why_none: str | None,
) -> int:
    from scoregate.cli.present import present
    from scoregate.gates.compare import compare, nothing_to_compare

    gate = assembly.gate
    hints = []
    if baseline is not None:
        verdict = compare(baseline, candidate, gate, seed=request.seed)
    else:
        verdict = nothing_to_compare(candidate, gate, why_none or "", seed=request.seed)
        if not request.as_json:
            from scoregate.reports.runs import run_summary

            click.echo(run_summary(candidate) + "\n")
        hints.append(f'scoregate baseline accept {request.gate_path} {candidate.id} --why "…"')
    present(
        verdict,
        gate,
        baseline=baseline,
        candidate=candidate,
        items=assembly.dataset.items,
        outputs=outputs,
        as_json=request.as_json,
        hints=hints,
    )
    return verdict.exit_code


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """While the user's code runs, what it prints must not end up in our output, not even from C code."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def _say(text: str) -> None:
    click.echo(f"scoregate: {text}", err=True)
