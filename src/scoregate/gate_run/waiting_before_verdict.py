"""What `run` does between the last answer and the verdict where the gate waits for scores that Langfuse writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoregate.gate_run.run_request import RunRequest

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.langfuse.settings import Settings
    from scoregate.store import Store


def check_waiting(gate: Gate, settings: Settings | None, *, beside: bool) -> None:
    """Raises ConfigError where the gate waits for scores that cannot come, before any call is paid for."""
    from scoregate.errors import ConfigError

    if not gate.wait_for:
        return
    where = gate.place
    if settings is None:
        raise ConfigError(
            f"wait_for names {', '.join(gate.wait_for)}, which evaluators in Langfuse write, and this run stays here",
            where=where,
            hint="give the keys of the project, without --local; `scoregate doctor` says what is missing",
        )
    if beside:
        raise ConfigError(
            "wait_for goes with a stored baseline: rounds of two versions cannot wait for scores from Langfuse",
            where=where,
            hint="name a stored baseline, or take wait_for out of the gate",
        )


def wait_before_verdict(request: RunRequest, gate: Gate, store: Store, run: str, settings: Settings) -> None:
    """Wait, and finish the run. Raises RunInterrupted with the command that goes on."""
    from scoregate.cli.telling import say
    from scoregate.errors import RunInterrupted
    from scoregate.gate_run.running import finish_run
    from scoregate.gate_run.waiting import wait_for_scores

    try:
        wait_for_scores(gate, store, run, settings, say)
    except KeyboardInterrupt:
        raise RunInterrupted(
            f"stopped while it waited for {', '.join(gate.wait_for)}; all run items are kept",
            hint=f"go on with: {request.resume_command(run)}",
        ) from None
    finish_run(store, run)
