"""The baseline that a gate or a command line names: a lock file, a results file or a stored run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from scoregate.errors import BaselineError, ConfigError, ResultsError, StoreError, did_you_mean
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
        return _trusted(lambda: load_run(spec, store, "--baseline"), "give another --baseline")
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
    return _trusted(lambda: read_results(path), "restore the file from git, or accept a run anew")


def _trusted(read: Callable[[], Run], hint: str) -> Run:
    """A baseline that is there but cannot be read makes the comparison invalid, whoever named it."""
    try:
        return read()
    except ResultsError as error:
        raise BaselineError(
            f"the baseline cannot be read: {error.message}", where=error.where, hint=hint
        ) from error


def load_run(name: str, store: Store | None, option: str) -> Run:
    """A results file or a stored run (a unique beginning of its id is enough). Raises ConfigError, ResultsError."""
    path = Path(name)
    if path.exists() and (path.is_dir() or not name.endswith(_RESULT_SUFFIXES)):
        raise ConfigError(f"{option}: '{name}' is no results file", hint=_files_near(path))
    if path.exists():
        return read_results(path)
    if name.endswith(_RESULT_SUFFIXES) or len(path.parts) > 1:
        raise ConfigError(f"{option}: there is no file '{name}'", hint=_files_near(path))
    file = "" if name.startswith(RUN_PREFIX) else f"there is no file '{name}', and "
    if store is None:
        raise ConfigError(
            f"{option}: {file}this project has no stored runs",
            hint="give a results file (.jsonl), or run a gate first",
        )
    try:
        return store.load_run(store.find_run(name.removeprefix(RUN_PREFIX)))
    except StoreError as error:
        raise ConfigError(f"{option}: {file}{error.message}", hint=error.hint) from error


def why_stale(gate: Gate, baseline: Run, fingerprint: str, scorers: Mapping[str, str]) -> str | None:
    """Why a run of the present dataset and scorers could not be compared with this baseline, or None.

    The comparison says it too, with the items; this is for saying it before a call is paid for.
    """
    then = baseline.header
    if then.dataset_fingerprint and then.dataset_fingerprint != fingerprint:
        return "the dataset changed since the baseline was made"
    changed = [
        name
        for name, version in scorers.items()
        if name in gate.rules and then.scorers.get(name, version) != version
    ]
    return f"the scorer of {', '.join(changed)} changed since the baseline was made" if changed else None


def _files_near(path: Path) -> str | None:
    folder = path.parent
    found = [str(folder / entry.name) for entry in folder.glob("*.jsonl*")] if folder.is_dir() else []
    return (
        did_you_mean(str(path), found)
        or "a results file ends in .jsonl; `scoregate runs list` shows stored runs"
    )


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
