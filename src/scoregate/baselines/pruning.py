"""Which stored runs must outlive a clean-up: those that a gate names as its baseline, and the same scored again."""

from __future__ import annotations

from pathlib import Path

from scoregate.catalog import CATALOG_FILE
from scoregate.errors import ConfigError, StoreError
from scoregate.gate_file import read_gate
from scoregate.gate_file.source import RunId
from scoregate.store import Store


def protected_runs(root: Path, store: Store) -> set[str]:
    """Ids of the stored runs that gates under `gates/` compare with.

    Raises ConfigError if a gate cannot be read: what it names would be deleted unseen.
    """
    protected = set()
    for path in sorted((root / "gates").glob("*.toml")):
        if path.name == CATALOG_FILE:
            continue
        try:
            gate = read_gate(path)
        except ConfigError as error:
            raise ConfigError(
                f"a gate cannot be read, so its baseline cannot be protected: {error.message}",
                where=error.where,
                hint="mend or remove the gate first",
            ) from error
        source = gate.baseline_source
        if isinstance(source, RunId):
            try:
                run = store.find_run(source.id)
                protected.add(run)
                protected |= {s.run for s in store.list_runs() if s.rescored_from == run}
            except StoreError:
                continue  # It is gone already; the gate says so itself when it is run.
    return protected
