"""Waiting for the scores that evaluators in Langfuse write of a run that is being delivered.

Each cell is committed as soon as it is there. When time is up, what is absent becomes an error, and so is missing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scoregate.errors import ConfigError, RunInterrupted, ServiceError
from scoregate.gate_file import Gate
from scoregate.gate_run.begin import finish_run
from scoregate.gate_run.request import Request
from scoregate.records import RunHeader, RunItem, Score
from scoregate.store import Store
from scoregate.wording import Say

if TYPE_CHECKING:
    from scoregate.langfuse.connection import Connection
    from scoregate.langfuse.settings import Settings

_PAUSE_SECONDS = (1.0, 10.0)
"""First and longest pause between two looks."""
_TELL_SECONDS = 15.0


def check_waiting(gate: Gate, settings: Settings | None, *, beside: bool) -> None:
    """Raises ConfigError where the gate waits for scores that cannot come, before any call is paid for."""
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


def wait_before_verdict(
    request: Request, gate: Gate, store: Store, run: str, settings: Settings, say: Say
) -> None:
    """Wait, and finish the run. Raises RunInterrupted with the command that goes on."""
    try:
        _wait_for_scores(gate, store, run, settings, say)
    except KeyboardInterrupt:
        raise RunInterrupted(
            f"stopped while it waited for {', '.join(gate.wait_for)}; all run items are kept",
            hint=f"go on with: {request.resume_command(run)}",
            run=run,
        ) from None
    finish_run(store, run)


def _wait_for_scores(gate: Gate, store: Store, run_id: str, settings: Settings, say: Say) -> None:
    """Fill the cells of the scores in `wait_for`, for at most `wait_seconds`; may be called again after a stop.

    Run items that failed are not waited for: their cells are errors with the candidate's reason. Raises Refused,
    StoreWriteError.
    """
    from scoregate.langfuse.connection import Connection, Patience

    run = store.load_run(run_id, outputs=False)
    there = {(score.item, score.trial, score.score) for score in run.scores}
    lacking = [
        (item, name)
        for item in run.items
        for name in gate.wait_for
        if (item.item, item.trial, name) not in there
    ]
    failed = [(item, name) for item, name in lacking if item.status != "ok"]
    store.add_scores(
        run_id, [_error(item, name, f"the candidate failed: {item.error}") for item, name in failed]
    )
    waiting = {(item.item, item.trial, name): item for item, name in lacking if item.status == "ok"}
    expected, trouble = len(waiting), ""
    if not waiting:
        return
    began = last_said = time.monotonic()
    pause, longest = _PAUSE_SECONDS
    named = ", ".join(gate.wait_for)
    say(f"waiting up to {gate.wait_seconds:g} s for {named}, which Langfuse writes")
    patience = Patience(request=min(15.0, gate.wait_seconds), deadline=gate.wait_seconds)
    with Connection(settings, patience) as connection:
        while waiting:
            try:
                arrived = _arrived(connection, run.header, waiting, gate)
                trouble = ""
            except ServiceError as problem:
                arrived, trouble = [], f" ({problem.message})"
            store.add_scores(run_id, arrived)
            for score in arrived:
                del waiting[score.item, score.trial, score.score]
            now = time.monotonic()
            left = began + gate.wait_seconds - now
            if not waiting or left <= 0:
                break
            if now - last_said >= _TELL_SECONDS:
                last_said = now
                say(f"{named}: {expected - len(waiting):,} of {expected:,} arrived")
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, longest)
    say(f"{named}: {expected - len(waiting):,} of {expected:,} arrived{trouble}")
    store.add_scores(
        run_id,
        [
            _error(item, name, f"no score named {name} arrived within {gate.wait_seconds:g} s{trouble}")
            for (_, _, name), item in waiting.items()
        ],
    )


def _arrived(
    connection: Connection, header: RunHeader, waiting: dict[tuple[str, int, str], RunItem], gate: Gate
) -> Sequence[Score]:
    from scoregate.langfuse.later_scores import awaited_scores

    items = {(item.item, item.trial): item for item in waiting.values()}
    scores = awaited_scores(connection, header, list(items.values()), gate.wait_for, gate.catalog)
    return [score for score in scores if (score.item, score.trial, score.score) in waiting]


def _error(item: RunItem, name: str, reason: str) -> Score:
    return Score(item.item, item.trial, name, None, "error", reason, "judge")
