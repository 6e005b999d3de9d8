"""Which items a `run` covers, and which earlier run it goes on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scoregate.gate_run.run_request import NEWEST, RunRequest

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.gate_run.assembly import Assembly
    from scoregate.records import DatasetItem
    from scoregate.store import Store


def chosen_items(
    request: RunRequest, assembly: Assembly, store: Store
) -> tuple[Sequence[DatasetItem], str | None]:
    """The items to run, and why they are only a part of the dataset (None: they are all of it)."""
    from scoregate.runner.selection import Selection, select

    gate = assembly.gate
    newest = [run for run in store.list_runs(limit=9, gate=gate.name) if not run.companion]
    previous = store.load_run(newest[0].run) if request.only_failed and newest else None
    return select(
        assembly.dataset.items,
        Selection(
            only_failed=request.only_failed,
            items=request.item,
            slices=tuple(_name_and_value(text) for text in request.slice),
            sample=request.sample,
            seed=request.seed,
            limit=request.limit,
        ),
        slices={item: slices for item, (_, slices) in assembly.places(assembly.dataset.items).items()},
        previous=previous,
        catalog=gate.catalog,
    )


def run_to_resume(request: RunRequest, gate: Gate, store: Store) -> str:
    """The run that `--resume` means. Raises ConfigError."""
    from scoregate.errors import ConfigError

    if request.selects or request.trials is not None:
        raise ConfigError(
            "--resume goes on with the run as it was started", hint="leave out --trials and the selection"
        )
    assert request.resume is not None
    if request.resume != NEWEST:
        return request.resume
    for summary in store.list_runs(gate=gate.name):
        if summary.finished_at is None and not summary.companion:
            return summary.run
    raise ConfigError(f"no unfinished run of the gate '{gate.name}'", hint="start one without --resume")


def check_kind(store: Store, run: str, *, beside: bool) -> None:
    """Refuse to go on with a run of the other kind: alone, or side by side. Raises ConfigError, StoreError."""
    from scoregate.errors import ConfigError

    header = store.header(store.find_run(run))
    if bool(header.metadata.get("session")) and not beside:
        raise ConfigError(
            f"run {header.run} was started beside another version",
            hint="name that version with --against, as the command that started it did",
        )
    if beside and not header.metadata.get("session"):
        raise ConfigError(
            f"run {header.run} was started alone, so no other version can join it",
            hint="resume it without --against, or start a new run",
        )


def _name_and_value(text: str) -> tuple[str, str]:
    from scoregate.errors import ConfigError

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(
            f"'{text}' is not NAME=VALUE", where="--slice", hint="such as --slice intent=refund"
        )
    return name, value
