"""A branch of which no run was accepted for a gate: what there is instead, and whether a run can ever mend it."""

from __future__ import annotations

import os
import re
import subprocess
from difflib import get_close_matches
from typing import TYPE_CHECKING

from scoregate.errors import BaselineError
from scoregate.gate_file import Gate
from scoregate.gate_file.source import LangfuseExperiment
from scoregate.git.command import run_git
from scoregate.git.origin import origin_of

if TYPE_CHECKING:
    from scoregate.langfuse.connection import Connection

_GIT_SECONDS = 5.0
_MERGED_INTO = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
_MISSPELT = 0.75
"""Likeness from which a name is a misspelt other one; two swapped letters of four make this much."""


def why_none_accepted(connection: Connection, branch: str, gate: Gate) -> str:
    """Why a gate finds no accepted run of a branch, as a clause that says what was accepted instead.

    Raises BaselineError where the branch is a misspelt one, which no run can mend; Refused, ServiceError.
    """
    from scoregate.langfuse.experiment_runs import accepted_of

    there = accepted_of(connection, branch)
    if gate.name in there.gates:
        return f"the accepted runs of the branch '{branch}' are of another dataset than the gate's, or gone"
    none = f"no run of the branch '{branch}' was accepted yet"
    if there.gates:
        named = " and ".join(f"'{name}'" for name in there.gates)
        return f"{none} for the gate '{gate.name}', only for {named}: an acceptance is for one gate"
    known = _branches(gate)
    if branch not in known:
        # release-2 is no misspelt release-1: what differs in its digits only is another branch.
        others = {name for name in (*there.branches, *known) if _letters(name) != _letters(branch)}
        near = get_close_matches(branch, sorted(others), n=1, cutoff=_MISSPELT)
        if near:
            raise BaselineError(
                f"{none}, and git knows no such branch",
                where=str(LangfuseExperiment(branch=branch)),
                hint=f"did you mean '{near[0]}'?",
            )
    if there.branches:
        return f"{none}, only of {', '.join(there.branches)}"
    return none


def _branches(gate: Gate) -> set[str]:
    """Branches that git has, here or at a remote, and what CI says of this one and of the one it is merged into."""
    told = (origin_of(gate.root).get("branch"), *(os.environ.get(name) for name in _MERGED_INTO))
    known = {name for name in told if name}
    try:
        listed = run_git(
            gate.root,
            "for-each-ref",
            "--format=%(refname)",
            "refs/heads",
            "refs/remotes",
            seconds=_GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return known
    refs = (
        line.split("/", 2 if line.startswith("refs/heads/") else 3) for line in listed.stdout.splitlines()
    )
    return {ref[-1] for ref in refs} | known


def _letters(name: str) -> str:
    return re.sub(r"\d", "", name)
