"""What stands around a decision: the policy on "inconclusive", and the items that a report shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast

from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate
from scoregate.project.assembly import read_gate_dataset
from scoregate.records import DatasetItem, Run
from scoregate.store import Store

_SHORT_WAIT = 10.0
"""Seconds that a report waits for a dataset in Langfuse."""


def with_policy(gate: Gate, on_inconclusive: str | None) -> Gate:
    """The gate with the command line's word on `inconclusive` in place of its own."""
    if on_inconclusive is None:
        return gate
    return replace(gate, on_inconclusive=cast(Literal["warn", "fail"], on_inconclusive))


def check_decidable(gate: Gate, run: Run) -> None:
    """Raise what the first comparison with this run as the baseline would raise, such as a score without a direction.

    Without a baseline nothing is compared, and a gate that cannot decide would only show it a run later.
    """
    from scoregate.gates.compare import compare

    twin = replace(run, header=replace(run.header, run=f"{run.id} again"))
    compare(run, twin, gate)


def known_items(gate: Gate, run: Run, store: Store | None) -> Sequence[DatasetItem]:
    """The dataset items behind a run, for showing them: from the store, else from the gate's dataset.

    A verdict does not need them, so a dataset that cannot be read here only leaves the report shorter.
    """
    fingerprint = run.header.dataset_fingerprint
    if store is not None and fingerprint:
        stored = store.dataset_items(fingerprint)
        if stored:
            return tuple(stored.values())
    if gate.dataset is None:
        return ()
    try:
        return read_gate_dataset(gate, seconds=_SHORT_WAIT).items
    except ScoregateError:
        return ()
