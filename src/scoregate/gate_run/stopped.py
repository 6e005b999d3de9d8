"""A run that did not come to its end: why, in words, and what is tried again when it is gone on with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.gate_file import Limits
    from scoregate.records import RunHeader
    from scoregate.runner.plan import RunReport
    from scoregate.store import Store


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
