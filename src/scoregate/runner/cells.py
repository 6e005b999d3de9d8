"""Every expected cell of a run item has an outcome: a value, "not applicable", or an error with its reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from scoregate.catalog import Catalog
from scoregate.errors import ContractError
from scoregate.records import RunItem, Score

MEASURED: Mapping[str, Callable[[RunItem], float | None]] = MappingProxyType(
    {
        "latency_seconds": lambda item: item.latency_seconds,
        "cost_usd": lambda item: item.cost_usd,
        "tokens_input": lambda item: item.tokens.input if item.tokens else None,
        "tokens_output": lambda item: item.tokens.output if item.tokens else None,
        "tokens_total": lambda item: item.tokens.total if item.tokens else None,
    }
)
"""Scores that no scorer has to make: they are part of the run item."""


def complete(
    run_item: RunItem, scores: Iterable[Score], expected: Sequence[str], catalog: Catalog | None = None
) -> tuple[Score, ...]:
    """The cells of a run item, each name once: what the scorers made, then what is expected and not there.

    Expected measured scores are taken from the run item, also from a failed one. Every other expected score
    that no scorer made is an error; of a failed run item, with the candidate's own reason.
    """
    cells: dict[str, Score] = {}
    for score in scores:
        name = score.score
        if name in cells:
            cells[name] = _error(run_item, name, f"ambiguous: two scorers make a score named '{name}'")
        elif isinstance(score.value, float) and not math.isfinite(score.value):
            cells[name] = _error(run_item, name, f"{score.value} is no score value")
        else:
            cells[name] = score
    for name in expected:
        if name not in cells:
            cells[name] = _expected_cell(run_item, name, catalog)
    return tuple(cells.values())


def _expected_cell(run_item: RunItem, name: str, catalog: Catalog | None) -> Score:
    measure = MEASURED.get(name)
    value = measure(run_item) if measure else None
    if value is not None:
        contract = catalog.get(name) if catalog else None
        try:
            checked = contract.check(value, item=run_item.item) if contract else value
        except ContractError as broken:
            return _error(run_item, name, str(broken))
        return Score(run_item.item, run_item.trial, name, checked)
    if run_item.status != "ok":
        return _error(run_item, name, f"the candidate failed: {run_item.error or run_item.status}")
    if measure:
        return _error(run_item, name, "the candidate does not say it")
    return _error(run_item, name, f"no scorer makes a score named '{name}'")


def _error(run_item: RunItem, name: str, reason: str) -> Score:
    return Score(run_item.item, run_item.trial, name, None, "error", reason)
