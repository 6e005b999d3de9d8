"""Candidates: what a gate runs, whatever it is made of, behind one shape that the engine calls."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoregate.errors import ConfigError
from scoregate.runner.candidates.candidate import (
    Answer,
    Candidate,
    CandidateError,
    TransientError,
    as_answer,
    classify,
)

if TYPE_CHECKING:
    from scoregate.gate_file import CandidateSpec
    from scoregate.runner.candidates.script import Handed, Script

__all__ = [
    "Answer",
    "Candidate",
    "CandidateError",
    "TransientError",
    "as_answer",
    "build_candidate",
    "classify",
    "evaluators_of",
]


def build_candidate(
    spec: CandidateSpec,
    *,
    root: Path,
    timeout: float | None,
    begin: Callable[[Script], Handed] | None = None,
    aside: Callable[[], Collection[Path]] = tuple,
) -> Candidate:
    """The candidate that a gate describes, checked but not yet called.

    Relative paths and commands start at `root`, the project's folder. `timeout` is the time limit of a call in
    seconds, which the engine keeps by cancelling. `begin` begins a script, which is refused without it. `aside`
    names files that say nothing of its version. Evaluators of its own go before those beside it. Raises ConfigError.
    """
    built = _built(spec, root, timeout, begin, aside)
    return built if built.evaluators else replace(built, evaluators=evaluators_of(spec, root))


def evaluators_of(spec: CandidateSpec, root: Path) -> tuple[Callable[..., Any], ...]:
    """The evaluators of the file that stands beside a candidate which has none of its own. Raises ConfigError."""
    if spec.evaluators is None:
        return ()
    from scoregate.runner.candidates.python_file import load_evaluators

    return load_evaluators(root / spec.evaluators, root=root)


def _built(
    spec: CandidateSpec,
    root: Path,
    timeout: float | None,
    begin: Callable[[Script], Handed] | None,
    aside: Callable[[], Collection[Path]],
) -> Candidate:
    # Each kind is imported where it is used: asyncio, importlib and the rest cost the start of every command.
    from scoregate.git.version import version_of

    if spec.python is not None:
        from scoregate.runner.candidates.python_file import load_experiment, python_candidate

        experiment = load_experiment(root / spec.python, None if spec.isolate else begin, root=root)
        version = version_of(root, spec.version, experiment.version, aside=aside)
        if not spec.isolate:
            return python_candidate(experiment, version=version)
        from scoregate.runner.candidates.isolated import isolated_candidate

        return isolated_candidate(experiment, version=version)
    if spec.isolate:
        raise ConfigError("only a Python candidate can be isolated", hint="leave `isolate` out")
    if spec.command:
        from scoregate.runner.candidates.command import command_candidate

        return command_candidate(spec.command, root=root, version=version_of(root, spec.version, aside=aside))
    if spec.http is not None:
        from scoregate.runner.candidates.http import http_candidate

        return http_candidate(
            spec.http,
            answer=spec.answer,
            headers=spec.headers,
            body=spec.body,
            reply=spec.reply,
            root=root,
            timeout=timeout,
            version=version_of(root, spec.version, aside=aside),
        )
    if spec.replay is not None:
        from scoregate.runner.candidates.replay import replay_candidate

        return replay_candidate(root / spec.replay, root=root, label=spec.version, aside=aside)
    raise ConfigError("there is no candidate to run", hint="python, command, http or replay")
