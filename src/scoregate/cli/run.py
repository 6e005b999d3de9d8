"""`scoregate run`: candidate, scores, comparison, verdict."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from scoregate.cli.options import (
    gate_argument,
    json_option,
    output_option,
    parse_outputs,
    seed_option,
    store_option,
)
from scoregate.gate_run.run_request import NEWEST, RunRequest

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.rescored import ScoredFirst
    from scoregate.gate_run.running import StartedRun
    from scoregate.records import Run
    from scoregate.store import Store


def _run_id(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """The value of `--resume` may be left out, so that the word behind it is easily taken for one."""
    if value is not None and value.endswith(".toml"):
        raise click.BadParameter(f"'{value}' is a gate, not a run; put GATE before --resume")
    return value


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
@click.option("--baseline", metavar="FILE|RUN|git:REF", help="Instead of the gate's own baseline.")
@click.option(
    "--candidate",
    metavar="FILE|git:REF",
    help="Another version as the candidate: a Python file, or a git ref.",
)
@click.option(
    "--against", metavar="FILE|git:REF", help="Run this version beside the candidate, as the baseline."
)
@click.option(
    "--rescore-baseline",
    is_flag=True,
    help="Where a scorer changed, score the baseline's stored outputs again, and compare with that.",
)
@click.option("--on-inconclusive", type=click.Choice(["warn", "fail"]), help="Instead of the gate's own.")
@click.option(
    "--resume",
    callback=_run_id,
    is_flag=False,
    flag_value=NEWEST,
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
@click.option(
    "--no-cache", is_flag=True, help="Ask the judges anew, though they have replied to the same before."
)
@click.option("--local", is_flag=True, help="Keep the run here, whatever Langfuse keys there are.")
@click.option(
    "--require-delivery", is_flag=True, help="Exit code 5 where the run is not all seen in Langfuse."
)
@click.option(
    "--delivery-seconds",
    type=click.FloatRange(min=0, max=86_400),
    default=120.0,
    show_default=True,
    help="How long to wait, after the verdict, until the run is seen in Langfuse.",
)
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
    from datetime import UTC, datetime

    from scoregate.cli.stdout import claim_stdout
    from scoregate.cli.telling import told
    from scoregate.errors import RunInterrupted
    from scoregate.runner.supervisor import supervise

    request = RunRequest(**options)  # type: ignore[arg-type]  # click has made each option what it is declared as
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        return supervise(lambda: told(lambda: _run(request, claim_stdout())))
    except RunInterrupted as error:
        begun = _begun(request, since)
        if begun is None:
            raise RunInterrupted(error.message, hint="no run had begun") from error
        hint = f"go on with: {request.resume_command(begun)}"
        contained = "isolate = true in [candidate] contains a crash of a Python candidate"
        raise RunInterrupted(error.message, hint=f"{hint}; {contained}") from error


def _begun(request: RunRequest, since: str) -> str | None:
    """Id of the run that this command had begun when its process died, as far as the store tells."""
    from scoregate.errors import ScoregateError
    from scoregate.gate_file import read_gate
    from scoregate.sources.places import existing_store

    try:
        gate = read_gate(request.gate_path)
        store = existing_store(gate.root, request.store_path)
        found = store.list_runs(gate=gate.name) if store else []
    except ScoregateError:
        return None
    unfinished = [run for run in found if run.finished_at is None and not run.companion]
    if request.resume is not None:
        named = [run for run in unfinished if request.resume == NEWEST or run.run.startswith(request.resume)]
        return named[0].run if named else None
    return next((run.run for run in unfinished if (run.started_at or "") >= since), None)


def _run(request: RunRequest, stdout: TextIO) -> int:
    from scoregate.gate_file import check_trials, read_gate

    outputs = parse_outputs(request.outputs)
    gate = read_gate(request.gate_path)

    # Only now, so that a gate that cannot be read is told at once.
    from scoregate.baselines.baselines import NoBaseline, load_anchor, load_baseline, why_stale
    from scoregate.baselines.scored_alike import scored_alike
    from scoregate.cli.telling import say
    from scoregate.gate_run.assembly import assemble, with_experiment
    from scoregate.gate_run.delivering import deliver, langfuse_of, linked
    from scoregate.gate_run.rescored import ScoredFirst, scored_first
    from scoregate.gate_run.run_session import execute
    from scoregate.gate_run.run_verdict import decide_and_show
    from scoregate.gate_run.scripts import conclude_script
    from scoregate.gate_run.side_by_side import with_candidate
    from scoregate.gate_run.waiting_before_verdict import check_waiting, wait_before_verdict
    from scoregate.judge_trust.judged_answers import refuse_unreadable_labels
    from scoregate.sources.places import open_store

    gate = gate.with_policy(request.on_inconclusive)
    gate = replace(gate, limits=request.applied_to(gate.limits), trials=request.trials or gate.trials)
    check_trials(gate)
    sys.path.insert(0, str(gate.root))
    langfuse = langfuse_of(request, gate)
    spec = with_experiment(gate, request.experiment_file, replay=request.replay, version=request.version)
    assembly = with_candidate(assemble(gate, spec), request.candidate, label=request.version)
    assembly = replace(assembly, use_cache=not request.no_cache)
    against = request.beside(gate)
    check_waiting(gate, langfuse, beside=against is not None)
    refuse_unreadable_labels(gate)
    if against is not None:
        from scoregate.gate_run.run_beside import run_beside

        return run_beside(request, assembly, against, langfuse, outputs, stdout)
    with (
        open_store(gate.root, path=request.store_path) as store,
        linked(langfuse, gate, store) as link,
    ):
        # A baseline that cannot be read is told before any call is paid for.
        baseline: Run | None = None
        first = ScoredFirst()
        anchor = load_anchor(gate, store, assembly.scorer_versions)
        why_none = about = None
        try:
            baseline = load_baseline(gate, request.baseline, store, assembly.scorer_versions)
            if request.rescore_baseline:
                baseline = scored_alike(gate, baseline, store, assembly.scorer_versions)
                anchor = anchor and scored_alike(gate, anchor, store, assembly.scorer_versions)
                first = scored_first(assembly, [baseline, *([anchor] if anchor is not None else [])], store)
            stale = None
            if not first.covers(baseline):
                stale = why_stale(gate, baseline, assembly.dataset.fingerprint, assembly.scorer_versions)
            about = stale and f"{stale}; this run will not be compared, it can become the next baseline"
            if stale and not why_stale(gate, baseline, assembly.dataset.fingerprint, baseline.header.scorers):
                about = f"{about} (or give --rescore-baseline, which has the baseline scored again first)"
        except NoBaseline as error:
            why_none = f"{error.where}: {error.message}"
            about = f"{why_none}; this run can become the first"
        started = _started(request, assembly, store, first)
        blind = _blind(gate, store) if baseline is not None and not started.header.partial else None
        for line in [*assembly.doubtful_scores, *filter(None, [about, blind])]:
            say(line)
        with store.lock(started.header.run):
            execute(request, assembly, store, started, first, link)
            if gate.wait_for and langfuse is not None:
                wait_before_verdict(request, gate, store, started.header.run, langfuse)
        if first.parts:
            baseline, anchor = (
                run and scored_alike(gate, run, store, assembly.scorer_versions) for run in (baseline, anchor)
            )
        candidate = store.load_run(started.header.run)
        script = conclude_script(assembly, candidate)
        verdict = decide_and_show(
            request,
            assembly,
            (baseline, anchor),
            candidate,
            script=script,
            outputs=outputs,
            why_none=why_none,
            url=link.url(candidate.id) if link is not None else None,
            stdout=stdout,
            judge_usage=store.judge_usage.of_runs(candidate.id),
        )
        return deliver(request, link, verdict, candidate.id)


def _blind(gate: Gate, store: Store) -> str | None:
    """A warning where the gate cannot see its own margin. It is no reason not to run, and neither is its failure."""
    from scoregate.errors import ScoregateError
    from scoregate.planning.basis import Assumption, basis_of
    from scoregate.planning.planning import blind_warning

    try:
        basis = basis_of(gate, store)
        if basis.assumed:
            basis = basis_of(gate, store, assumption=Assumption(discordance=0.0))
        return blind_warning(gate, basis)
    except ScoregateError:
        return None


def _started(request: RunRequest, assembly: Assembly, store: Store, first: ScoredFirst) -> StartedRun:
    """A new run, or the one to resume."""
    from scoregate.gate_run.running import resume_run, start_run
    from scoregate.gate_run.selecting import check_kind, chosen_items, run_to_resume

    if request.resume is not None:
        run = run_to_resume(request, assembly.gate, store)
        check_kind(store, run, beside=False)
        return resume_run(assembly, store, run)
    items, selection = chosen_items(request, assembly, store)
    return start_run(assembly, store, items, selection, trials=assembly.gate.trials, metadata=first.metadata)
