"""The results that a word or a folder means for whatever gate is decided: its newest run, or the file of its name."""

from __future__ import annotations

from pathlib import Path

from scoregate.errors import ConfigError, StoreError
from scoregate.files.reading import shown_path
from scoregate.gate_file import read_gate
from scoregate.gate_file.project import gates_below
from scoregate.sources import existing_store

NEWEST = "newest"
_SUFFIXES = (".jsonl", ".jsonl.gz")


def results_of(gate_path: Path, candidate: str, store_path: Path | None = None) -> str:
    """What `check` takes for this gate: the id of its newest whole run in the store, or the path of its results file.

    Raises StoreError and ConfigError where there is none.
    """
    if candidate == NEWEST:
        return _newest_run(gate_path, store_path)
    folder = Path(candidate)
    names = [f"{gate_path.stem}{suffix}" for suffix in _SUFFIXES]
    for name in names:
        if (folder / name).is_file():
            return str(folder / name)
    raise ConfigError(f"there is no {' or '.join(names)}", where=str(folder), hint="every gate needs its own")


def _newest_run(gate_path: Path, store_path: Path | None) -> str:
    gate = read_gate(gate_path)
    same = (path for path in gates_below(gate.root) if path.stem == gate.name)
    others = [path for path in same if path.resolve() != gate_path.resolve()]
    if others:
        raise ConfigError(
            f"another gate has the same name, so whose run is the newest is not known: {shown_path(others[0])}",
            where=shown_path(gate_path),
            hint="name the run, or give one of the gates another name",
        )
    store = existing_store(gate.root, store_path)
    if store is not None:
        with store:
            for run in store.list_runs(gate=gate.name):
                if not run.companion and run.finished_at is not None and run.selection is None:
                    return run.run
    raise StoreError(
        f"there is no whole run of the gate '{gate.name}'",
        where=shown_path(gate_path),
        hint=f"`scoregate run {shown_path(gate_path)}` makes one",
    )
