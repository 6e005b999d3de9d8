"""The gates whose files have changed, and those that are left out as none has; where that cannot be told, all run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from scoregate.errors import ScoregateError
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate, project_root, read_gate
from scoregate.gate_file.project import GATES_FOLDER
from scoregate.gate_file.source import File, GitRevision
from scoregate.gate_run.inputs import inputs_of
from scoregate.gate_run.policy_changes import WORKFLOWS
from scoregate.gate_run.request import target_branch
from scoregate.git.changes import changed_files, unknown_files
from scoregate.git.revisions import Revision, repository_top, resolve_ref
from scoregate.own.folder import here
from scoregate.reports.build import LeftOut

SINCE_BASE = "merge-base"
"""`--only-changed` without a ref."""
_HEAD = "HEAD"


@dataclass(frozen=True, slots=True)
class _Why:
    """Why a gate runs or not."""

    runs: bool
    why: str


def only_changed(
    gates: Iterable[Path], ref: str, say: Callable[[str], None]
) -> tuple[list[Path], list[LeftOut]]:
    """The gates to be run, in their order, and the others. `say` is told why each of the first is run.

    `ref` is what `git:` takes; `merge-base` is that of the branch that the pull request is for, and where HEAD is on
    that branch itself, the commit of the gate's baseline. A gate that cannot be read is run, so that its error is told,
    and so is every gate where there is no merge base to look back to. Raises ConfigError for another ref that git does
    not know.
    """
    gates, runs, left_out = list(gates), [], []
    if ref != SINCE_BASE:
        for root in dict.fromkeys(map(project_root, gates)):
            resolve_ref(root, ref)
    for path in gates:
        try:
            found = _looked_at(read_gate(path), ref)
        except ScoregateError as error:
            found = _Why(True, f"what has changed cannot be told: {error}")
        if found.runs:
            say(f"{shown_path(path)}: {found.why}")
            runs.append(path)
        else:
            left_out.append(LeftOut(path.stem, shown_path(path), found.why))
    return runs, left_out


def _looked_at(gate: Gate, ref: str) -> _Why:
    inputs = inputs_of(gate)
    if inputs.elsewhere is not None:
        return _Why(True, inputs.elsewhere)
    since = _commit_of(gate, ref)
    if since is None:
        since = _of_baseline(gate)
        inputs = inputs.without(gate.baseline)  # It is committed after the commit that it was run at.
    if since is None:
        return _Why(True, "what it was before is not known, as its baseline names no commit")
    top = repository_top(gate.root)
    changed = changed_files(gate.root, since.commit)
    met = (
        inputs.met_by(changed, top) or _first(_workflows(changed, top)) or _first(_gone_beside(gate, changed))
    )
    if met is None and gate.paths:
        met = _first(changed_files(gate.root, since.commit, gate.paths))
    if met is not None:
        return _Why(True, f"{_shown(met)} has changed since {since.label}")
    unknown = unknown_files(gate.root, sorted(path for path in inputs.files if path.is_file()))
    if unknown:
        return _Why(
            True, f"git knows nothing of {_shown(unknown[0])}, so whether it has changed is not known"
        )
    return _Why(False, f"nothing that it is made of has changed since {since.label}")


def _commit_of(gate: Gate, ref: str) -> Revision | None:
    """The commit to look back to; None where HEAD is on the branch itself, so that it has no other merge base."""
    branch = target_branch()
    base = resolve_ref(gate.root, f"{SINCE_BASE}:{branch}" if ref == SINCE_BASE and branch else ref)
    if ref != SINCE_BASE or base.commit != resolve_ref(gate.root, _HEAD).commit:
        return base
    return None


def _of_baseline(gate: Gate) -> Revision | None:
    """The commit that the gate's baseline was run at; None where it names none."""
    source = gate.baseline_source
    if isinstance(source, GitRevision):
        return resolve_ref(gate.root, source.ref)
    if not isinstance(source, File) or not source.path.is_file():
        return None
    from scoregate.results_file import read_sealed

    commit = read_sealed(source.path)[0].header.commit
    return resolve_ref(gate.root, commit) if commit else None


def _workflows(changed: Iterable[Path], top: Path) -> list[Path]:
    """Those of the files that tell the CI how to run scoregate, or that told it until now."""
    found = [path for path in changed if any(path.relative_to(top).match(one) for one in WORKFLOWS)]
    return [path for path in found if not path.is_file() or b"scoregate" in path.read_bytes()]


def _gone_beside(gate: Gate, changed: Iterable[Path]) -> list[Path]:
    """Gates of its project that are no more: those that stay tell of it, as nothing else would."""
    folder = gate.root.resolve() / GATES_FOLDER
    return [
        path
        for path in changed
        if path.suffix == ".toml" and path.is_relative_to(folder) and not path.exists()
    ]


def _shown(path: Path) -> str:
    """The path from the working directory, also where it lies beside that."""
    return os.path.relpath(path, here())


def _first(paths: Iterable[Path]) -> Path | None:
    return min(paths, default=None)
