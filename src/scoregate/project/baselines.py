"""The baseline that a gate or a command line names: a lock file, a results file or a stored run."""

from __future__ import annotations

from pathlib import Path

from scoregate.errors import BaselineError, ConfigError, ResultsError, StoreError
from scoregate.gate_file import Gate
from scoregate.project.places import shown_path
from scoregate.records import Run
from scoregate.results_file import read_results
from scoregate.store import Store

RUN_PREFIX = "run:"
_RESULT_SUFFIXES = (".jsonl", ".jsonl.gz")


class NoBaseline(BaselineError):
    """There is nothing to compare with yet; that is not the same as "no regression"."""


def load_baseline(gate: Gate, spec: str | None, store: Store | None) -> Run:
    """The gate's baseline, or the one that `spec` names (a path, a run id, `run:ID`).

    Raises NoBaseline where there is none yet, ConfigError where a name leads nowhere, BaselineError where it
    cannot be read.
    """
    if spec is not None:
        return load_run(spec, store, "--baseline")
    name = gate.baseline
    if name is None:
        raise NoBaseline(
            "the gate names no baseline, so there is nothing to compare with",
            where=_shown(gate),
            hint=f'add baseline = "gates/{gate.name}.baseline.jsonl" and accept a run',
        )
    if name.startswith(RUN_PREFIX):
        return load_run(name, store, "baseline")
    path = Path(name)
    if not path.exists():
        raise NoBaseline(
            "there is no baseline yet, so nothing was compared",
            where=shown_path(path),
            hint=f'accept a run: scoregate baseline accept {_shown(gate)} RUN --why "…"',
        )
    try:
        return read_results(path)
    except ResultsError as error:
        raise BaselineError(
            f"the baseline cannot be read: {error.message}",
            where=error.where or shown_path(path),
            hint="restore the file from git, or accept a run anew",
        ) from error


def load_run(name: str, store: Store | None, option: str) -> Run:
    """A results file or a stored run (a unique beginning of its id is enough). Raises ConfigError."""
    name = name.removeprefix(RUN_PREFIX)
    if name.endswith(_RESULT_SUFFIXES) or Path(name).exists():
        return read_results(Path(name))
    if store is None:
        raise ConfigError(
            f"{option} '{name}' is no file, and this project has no stored runs",
            hint="give a results file (.jsonl), or run a gate first",
        )
    try:
        return store.load_run(store.find_run(name))
    except StoreError as error:
        raise ConfigError(f"{option}: {error.message}", hint=error.hint) from error


def _shown(gate: Gate) -> str:
    return shown_path(gate.path) if gate.path else gate.name


def lock_path(gate: Gate) -> Path:
    """Where an accepted baseline of this gate is written. Raises ConfigError if it names a stored run instead."""
    if gate.baseline is None or gate.baseline.startswith(RUN_PREFIX):
        raise ConfigError(
            "the gate names no lock file for its baseline",
            where=_shown(gate),
            hint=f'set baseline = "gates/{gate.name}.baseline.jsonl"',
        )
    return Path(gate.baseline)
