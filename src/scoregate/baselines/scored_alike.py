"""Of a run that was scored again, the record whose scorers are those that the candidate was scored by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scoregate.gate_file import Gate
from scoregate.gates.provenance import run_that_was_made
from scoregate.records import Run
from scoregate.store import Store


def changed_scorers(gate: Gate, then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The gate's scores that two versions of a scorer made."""
    return [
        name for name, version in now.items() if name in gate.rules and then.get(name, version) != version
    ]


def scored_alike(gate: Gate, run: Run, store: Store | None, scorers: Mapping[str, str] | None) -> Run:
    """The newest stored run with the outputs of `run` that was scored by these scorers; else `run` itself.

    `scorers` are the versions that the candidate was scored by, None where it is not known.
    """
    if store is None or scorers is None or not changed_scorers(gate, run.header.scorers, scorers):
        return run
    origin = run_that_was_made(run.header)
    for summary in store.list_runs():
        again = summary.rescored_from == origin and summary.finished_at is not None
        if (again or summary.run == origin) and summary.run != run.id:
            header = store.header(summary.run)
            if not changed_scorers(gate, header.scorers, scorers):
                found = store.load_run(summary.run)
                facts = header.facts.accepted_as(run.header.facts)
                return replace(found, header=header.with_facts(facts))
    return run
