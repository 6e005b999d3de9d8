"""A run from its start to its end: its header, what a resume must find unchanged, and the plan for the engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from scoregate.errors import ConfigError
from scoregate.gate_file import Limits
from scoregate.project.assembly import Assembly
from scoregate.records import JSON, DatasetItem, RunHeader
from scoregate.runner.plan import RunPlan, RunReport
from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that the store knows, and the dataset items that it covers."""

    header: RunHeader
    items: tuple[DatasetItem, ...]


def start_run(
    assembly: Assembly, store: Store, items: Sequence[DatasetItem], selection: str | None, *, trials: int
) -> StartedRun:
    """Make a new run in the store. `selection` says why it is partial, None for the whole dataset."""
    candidate, dataset, gate = assembly.candidate, assembly.dataset, assembly.gate
    metadata: dict[str, JSON] = {"gate": gate.name}
    if candidate.dirty is not None:
        metadata["dirty"] = candidate.dirty
    if selection is not None:
        metadata["selection"] = selection
        metadata["selected_items"] = [item.id for item in items]
    header = RunHeader(
        run=_new_id(gate.name),
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        dataset_version=dataset.version,
        candidate=candidate.version,
        commit=candidate.commit,
        trials=trials,
        expected_items=len(items),
        scorers=assembly.scorer_versions,
        started_at=_now(),
        metadata=metadata,
    )
    store.create_run(header, dataset.items)
    return StartedRun(header, tuple(items))


def resume_run(assembly: Assembly, store: Store, run: str) -> StartedRun:
    """An unfinished run, to be gone on with. Raises ConfigError if going on would mix two things in one run."""
    header = store.header(store.find_run(run))
    if header.finished_at is not None:
        raise ConfigError(
            f"run {header.run} is finished, there is nothing to resume",
            hint="start a new run, or decide it again with `scoregate check`",
        )
    now: list[tuple[str, object, object]] = [
        ("gate", header.metadata.get("gate"), assembly.gate.name),
        ("dataset", header.dataset_fingerprint, assembly.dataset.fingerprint),
        ("candidate", header.candidate, assembly.candidate.version),
        ("commit", header.commit, assembly.candidate.commit),
        ("scorers", dict(header.scorers), assembly.scorer_versions),
    ]
    for what, then, here in now:
        if then != here:
            shown = "" if what in ("scorers", "dataset") else f" ({then} then, {here} now)"
            raise ConfigError(
                f"run {header.run} cannot be resumed: the {what} changed since it started{shown}",
                hint="go back to what it was, or start a new run",
            )
    chosen = header.metadata.get("selected_items")
    wanted = set(chosen) if isinstance(chosen, list) else None
    items = tuple(item for item in assembly.dataset.items if wanted is None or item.id in wanted)
    return StartedRun(header, items)


def plan_run(
    assembly: Assembly,
    store: Store,
    started: StartedRun,
    *,
    limits: Limits,
    seed: int,
    progress: Callable[[RunReport], None] | None,
) -> RunPlan:
    """What the engine is given: everything of the run that is not there yet."""
    return RunPlan(
        run=started.header.run,
        items=started.items,
        candidate=assembly.candidate,
        store=store,
        scorers=assembly.scorers,
        catalog=assembly.gate.catalog,
        expected_scores=assembly.expected_scores,
        places=assembly.places(started.items),
        limits=limits,
        trials=started.header.trials,
        done=store.done_cells(started.header.run),
        seed=seed,
        progress=progress,
    )


def finish_run(store: Store, run: str) -> None:
    """Note that every run item of the run is there."""
    store.finish_run(run, _now())


def _new_id(gate: str) -> str:
    """Sorts by time, tells the gate, and does not collide between processes."""
    return f"{gate}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
