"""Score configs made as the catalog says: created, updated, taken out of the archive, never deleted.

Creating is the one request that may not simply be repeated: a config has no id of ours, and the server makes a second
one of the same name. So a creation whose answer was lost is only tried again after the list was read once more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from scoregate.catalog import Catalog
from scoregate.errors import ScoregateError, ServiceError
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.score_configs import PATH, TO_DO, ConfigState, compare_configs, read_configs
from scoregate.records import JSON

_NOT_SENT_TWICE = 0.0
"""A deadline that leaves room for one try."""
_PAUSE = 0.5
"""Seconds between a creation that failed and the look at the list: what was on its way may still arrive."""


@dataclass(frozen=True, slots=True)
class SyncedConfig:
    """What became of one score's config."""

    state: ConfigState
    """Before."""
    problem: str | None = None
    """Why it is not as it should be now; None where it is."""


def sync_configs(
    connection: Connection, catalog: Catalog, *, done_with: Callable[[SyncedConfig], None] = lambda _: None
) -> list[SyncedConfig]:
    """Put right what `compare_configs` says is to be done, one after the other, and read all back at the end.

    `done_with` hears of each as it is done. A refusal of one config is its problem; the others are gone on with.
    Raises Refused for wrong keys, ServiceError where the server does not serve.
    """
    done: list[SyncedConfig] = []
    for state in compare_configs(catalog, read_configs(connection)):
        if state.contract is None:
            continue
        problem = state.reasons[0] if state.standing in ("conflict", "refused") else None
        if state.standing in TO_DO:
            problem = _made(connection, catalog, state)
        done.append(SyncedConfig(state, problem))
        done_with(done[-1])
    if not any(one.state.standing in TO_DO for one in done):
        return done
    after = {state.name: state for state in compare_configs(catalog, read_configs(connection))}
    return [
        replace(one, problem=f"the server took the change and does not show it: {after[one.state.name].line}")
        if one.problem is None and after[one.state.name].standing != "same"
        else one
        for one in done
    ]


def _made(connection: Connection, catalog: Catalog, state: ConfigState) -> str | None:
    """Create or update one config; what the server has against it, or None."""
    try:
        if state.config is None:
            _create(connection, catalog, state)
        else:
            _update(connection, state.config.id, dict(state.changes or {}))
    except Refused as refusal:
        if refusal.status in (401, 403):
            raise
        return refusal.reason
    return None


def _update(connection: Connection, config_id: str, changes: dict[str, JSON]) -> None:
    content = json.dumps(changes, ensure_ascii=False, allow_nan=False).encode()
    connection.request("PATCH", f"{PATH}/{config_id}", content=content)


def _create(connection: Connection, catalog: Catalog, state: ConfigState) -> None:
    patience = connection.patience
    once = replace(patience, deadline=_NOT_SENT_TWICE, refusals=1)
    deadline = time.monotonic() + patience.deadline
    refusals = 0
    with Connection(connection.settings, once) as hasty:
        while True:
            failure: ScoregateError
            try:
                hasty.post(PATH, dict(state.changes or {}))
                return
            except Refused as refusal:
                refusals += 1
                if refusals >= patience.refusals:
                    raise
                failure = refusal
            except ServiceError as problem:
                failure = problem
            time.sleep(_PAUSE)
            now = {s.name: s for s in compare_configs(catalog, read_configs(connection))}[state.name]
            if now.standing != "missing":
                return
            if time.monotonic() > deadline:
                raise failure
