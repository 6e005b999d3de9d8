"""A run that did not come to its end: why, in words, and what is tried again when it is gone on with."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.gate_file import Gate, Limits
    from scoregate.own.signs_of_life import AtWork
    from scoregate.records import RunHeader
    from scoregate.runner.candidates import Candidate
    from scoregate.runner.plan import RunReport
    from scoregate.store import Store


_MOST_NAMES = 20


def why_stopped(report: RunReport, limits: Limits) -> str:
    """What ended a session early, as the beginning of a sentence: "reached max_calls = 40"."""
    alike = report.failed_alike
    if alike is not None:
        return f"all of the first {alike.calls:,} calls failed alike ({alike.error}): stopped"
    if report.stopped:
        return f"reached {report.stopped} = {getattr(limits, report.stopped):g}"
    return "stopped"


def how_to_go_on(report: RunReport | None, command: str) -> str:
    """The next thing to do after a session that ended early, if it is known how."""
    if report is not None and report.failed_alike is not None:
        return (
            f"mend it and go on with: {command}, which makes them again; with --keep-going all calls are made"
        )
    return f"go on with: {command}"


def note_failed_alike(report: RunReport, store: Store) -> None:
    """Note in the run that its failures say nothing of its items, if that is what ended it."""
    if report.failed_alike is not None:
        header = store.header(report.failed_alike.run)
        facts = replace(header.facts, failed_alike=report.failed_alike.error)
        store.note(header.with_facts(facts))


def note_held_up(calls: Sequence[AtWork], store: Store) -> None:
    """Note in their runs which calls were under way when the process gave no sign of life any more.

    One alone held it up. A candidate's can be made again without harm, so that scorers' are left out beside them.
    """
    for call in [call for call in calls if not call.scorer] or calls:
        header = store.header(call.run)
        held_up = {**header.facts.held_up, (call.item, call.trial): call.scorer}
        store.note(header.with_facts(replace(header.facts, held_up=held_up)))


def what_held_up(calls: Sequence[AtWork]) -> str:
    """In words: which call it was, or may have been."""
    if not calls:
        return "no call was under way"
    names = [f"'{call.item}'" + (f" (scorer '{call.scorer}')" if call.scorer else "") for call in calls]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    which = (
        f"item {names[0]}" if len(names) == 1 else f"one of the items {', '.join(names[:_MOST_NAMES])}{more}"
    )
    return f"the call for {which} holds the interpreter or has stopped the process"


def try_again(header: RunHeader, store: Store) -> RunHeader:
    """The header of a run that is gone on with; calls whose failure ended it are to be made again.

    Raises StoreError.
    """
    if header.facts.failed_alike is None:
        return header
    store.forget_failed(header.run)
    header = header.with_facts(header.facts.without("failed_alike"))
    store.note(header)
    return header


def apart_from(candidate: Candidate, header: RunHeader, gate: Gate) -> Candidate | None:
    """A Python candidate of this process in processes of its own, where a call of it has held the process up.

    None where none has, and of a script, which lives in this process alone.
    """
    calls = sum(not scorer for scorer in header.facts.held_up.values())
    if not calls or candidate.file is None or candidate.close is not None or candidate.script is not None:
        return None
    from scoregate.git.version import Version
    from scoregate.runner.candidates.worker import worker_candidate

    return worker_candidate(
        candidate.file,
        root=gate.root,
        python=Path(sys.executable),
        version=Version(candidate.version, candidate.commit, candidate.dirty),
        at_once=min(calls, gate.limits.concurrency),
    )
