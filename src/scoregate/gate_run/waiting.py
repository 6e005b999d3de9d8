"""Waiting for the scores that evaluators in Langfuse write of a run that is being delivered.

Each cell is committed as soon as it is there. When time is up, what is absent becomes an error, and so is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from scoregate.errors import ServiceError
from scoregate.gate_file import Gate
from scoregate.langfuse.awaited import awaited_scores
from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.settings import Settings
from scoregate.records import RunHeader, RunItem, Score
from scoregate.store import Store

_PAUSE_SECONDS = (1.0, 10.0)
"""First and longest pause between two looks."""
_TELL_SECONDS = 15.0


def wait_for_scores(
    gate: Gate, store: Store, run_id: str, settings: Settings, say: Callable[[str], None]
) -> None:
    """Fill the cells of the scores in `wait_for`, for at most `wait_seconds`; may be called again after a stop.

    Run items that failed are not waited for: their cells are errors with the candidate's reason. Raises Refused,
    StoreWriteError.
    """
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
    began = told = time.monotonic()
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
            if now - told >= _TELL_SECONDS:
                told = now
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
    items = {(item.item, item.trial): item for item in waiting.values()}
    scores = awaited_scores(connection, header, list(items.values()), gate.wait_for, gate.catalog)
    return [score for score in scores if (score.item, score.trial, score.score) in waiting]


def _error(item: RunItem, name: str, reason: str) -> Score:
    return Score(item.item, item.trial, name, None, "error", reason, "judge")
