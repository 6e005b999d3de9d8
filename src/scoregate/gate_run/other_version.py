"""The gate's candidate in another version: at a git ref, or in another file of the working tree."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec, Gate
from scoregate.gate_file.source import File, GitRevision
from scoregate.git.environments import python_for
from scoregate.git.revisions import Revision, repository_top, resolve_ref, worktree_of
from scoregate.git.version import Version, version_of
from scoregate.runner.candidates import Candidate
from scoregate.runner.candidates.relocation import Relocation, named_import_folders, own_import_folders
from scoregate.sources import files_of_other_gates
from scoregate.wording import Say


def candidate_at(
    gate: Gate,
    source: GitRevision | File,
    *,
    at_once: int | None = None,
    label: str | None = None,
    say: Say | None = None,
) -> Candidate:
    """The candidate at a git ref (see `resolve_ref`), or of a Python file.

    At a ref it is the gate's own candidate, with that commit's files and, where its lock files differ, with its
    own packages. A Python one runs in worker processes, of which `at_once` (by default the gate's concurrency) are
    loaded before the first call, and has no evaluators: those of the working tree score both versions. A command
    is started in the ref's project folder. A file runs in worker processes in the gate's root, so that both
    versions of a comparison run in the same way, and has its evaluators. `label` goes before any other version,
    and `say` is told before packages are installed.

    Raises ConfigError, for what cannot be run from a ref (HTTP, recorded outputs) too.
    """
    at_once = gate.limits.concurrency if at_once is None else at_once
    if isinstance(source, File):
        return _in_place(gate, source.path, at_once, label)
    own = _checked(gate, source)
    revision = resolve_ref(gate.root, source.ref)
    worktree = worktree_of(gate.root, revision)
    relocation = Relocation(repository_top(gate.root), repository_top(worktree))
    version = Version(label or revision.label, revision.commit, dirty=False)
    python = partial(python_for, gate.root, worktree, say=say)
    if own.python is None:
        return _command(own, python, worktree, relocation, version)
    return _python(
        (gate.root / own.python).resolve(),
        python,
        worktree,
        relocation,
        version,
        revision,
        at_once,
        own_label=label is None,
    )


def _checked(gate: Gate, source: GitRevision) -> CandidateSpec:
    own = gate.candidate
    if own is None:
        raise ConfigError(
            f"the gate says nothing about the candidate, so there is nothing to run at {source}",
            where=str(gate.path) if gate.path else None,
            hint='add experiment = "experiments/….py"',
        )
    if own.http is not None or own.replay is not None:
        kind = "one behind HTTP" if own.http is not None else "recorded outputs"
        raise ConfigError(
            f"only a Python file or a command can be run at {source}, and this candidate is {kind}",
            where=str(gate.path) if gate.path else None,
            hint="take a stored run or a results file as the baseline",
        )
    return own


def _in_place(gate: Gate, path: Path, at_once: int, label: str | None) -> Candidate:
    from scoregate.runner.candidates.python_file import load_experiment
    from scoregate.runner.candidates.worker import worker_candidate

    experiment = load_experiment(gate.root / path, root=gate.root)
    return worker_candidate(
        experiment.path,
        root=gate.root,
        python=Path(sys.executable),
        version=version_of(
            gate.root,
            label,
            _label_of(gate, experiment.path),
            experiment.version,
            aside=partial(files_of_other_gates, gate),
        ),
        evaluators=experiment.evaluators,
        at_once=at_once,
    )


def _label_of(gate: Gate, path: Path) -> str | None:
    """The label that the gate gives to its own candidate, if that is the file."""
    own = gate.candidate
    if own is None or own.python is None or (gate.root / own.python).resolve() != path:
        return None
    return own.version


def _python(
    path: Path,
    python: Callable[[], Path],
    worktree: Path,
    relocation: Relocation,
    version: Version,
    revision: Revision,
    at_once: int,
    *,
    own_label: bool,
) -> Candidate:
    from scoregate.runner.candidates.worker import worker_candidate

    if not path.is_relative_to(relocation.here):
        raise ConfigError(
            "lies outside of the git repository, so no other version of it can be run", where=str(path)
        )
    there = relocation.there / path.relative_to(relocation.here)
    if not there.is_file():
        raise ConfigError(
            f"does not exist at {revision.label}",
            where=str(path.relative_to(relocation.here)),
            hint="name a ref that has it, or take a stored run as the baseline",
        )
    try:
        return worker_candidate(
            there,
            root=worktree,
            python=python(),
            version=version,
            own_label=own_label,
            relocation=relocation,
            at_once=at_once,
        )
    except ConfigError as error:
        raise ConfigError(
            f"at {revision.label}: {error.message}", where=error.where, hint=error.hint
        ) from error


def _command(
    own: CandidateSpec,
    python: Callable[[], Path],
    worktree: Path,
    relocation: Relocation,
    version: Version,
) -> Candidate:
    from scoregate.runner.candidates.command import command_candidate
    from scoregate.runner.candidates.worker import environment_of

    # First on the import path of a Python program, before the working tree's that an editable install names.
    folders = [*named_import_folders(), *own_import_folders(relocation.here)]
    moved = dict.fromkeys(relocation.path(folder) for folder in folders)
    environment = environment_of(python(), list(moved))
    words = [_relocated(word, relocation) for word in own.command]
    return command_candidate(words, root=worktree, version=version, environment=environment)


def _relocated(word: str, relocation: Relocation) -> str:
    """A file of the working tree that a command names by its full path, as the other checkout's where it has it."""
    if not Path(word).is_absolute():
        return word
    moved = relocation.path(word)
    return moved if Path(moved).exists() else word
