"""The part of `scoregate run` that costs money: what is announced, then scored again, called, scored and kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scoregate.gate_run.run_request import RunRequest

if TYPE_CHECKING:
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.langfuse_link import LangfuseLink
    from scoregate.gate_run.rescored import ScoredFirst
    from scoregate.gate_run.running import StartedRun
    from scoregate.store import Store


def execute(
    request: RunRequest,
    assembly: Assembly,
    store: Store,
    started: StartedRun,
    first: ScoredFirst,
    link: LangfuseLink | None,
) -> None:
    """Call, score and commit what is missing. Raises RunInterrupted, with the command that goes on."""
    from scoregate.cli.telling import say
    from scoregate.errors import RunInterrupted, StoreWriteError
    from scoregate.gate_run.delivering import say_if_local
    from scoregate.gate_run.judging import (
        say_judges,
        say_priceless,
        say_unanswered,
        say_uncalibrated,
        say_unlimited,
    )
    from scoregate.gate_run.run_announcement import announcement
    from scoregate.gate_run.running import finish_run, plan_run
    from scoregate.runner import session
    from scoregate.runner.progress import Progress

    run = started.header.run
    say_if_local(request, link)
    say_priceless(assembly)
    say_uncalibrated(assembly.gate)
    first.announce()
    announced = announcement(assembly, store, started, first, done=len(store.done_cells(run)))
    say(announced.text)
    progress = Progress()
    try:
        first.score(request, store, started, announced)
        elsewhere = first.spent_usd(started, store)
        plan = plan_run(
            assembly, store, started, limits=assembly.gate.limits, seed=request.seed, progress=progress
        )
        plan = replace(plan, spent_usd=elsewhere)
        if link is not None:
            link.add(run)
            plan = replace(plan, tracing=link.tracing())
            for judge in assembly.judges:
                link.watch(judge)
        report = session.run(plan)
        if report.complete:
            say_unanswered(assembly, run)
            if not assembly.gate.wait_for:
                finish_run(store, run)
            say_unlimited(assembly, report.cost_usd)
            return
    except StoreWriteError as error:
        hint = "; ".join(filter(None, (error.hint, f"go on with: {request.resume_command(run)}")))
        raise StoreWriteError(error.message, where=error.where, hint=hint) from error
    finally:
        progress.close()
        say_judges(assembly)
    stopped, asked = "stopped", request
    if report.stopped:
        stopped = f"reached {report.stopped} = {getattr(assembly.gate.limits, report.stopped):g}"
        asked = request.raised(report, store.totals(run), elsewhere_usd=elsewhere)
    unscored = len(store.unscored.of_run(run))
    waiting = f", as are {unscored:,} answers that are still to be scored" if unscored else ""
    raise RunInterrupted(
        f"{stopped} after {report.done:,} of {report.expected:,} run items, which are kept{waiting}",
        hint=f"go on with: {asked.resume_command(run)}",
    )
