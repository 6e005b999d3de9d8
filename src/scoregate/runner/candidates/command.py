"""A candidate that is a command: one JSON object on its stdin, one JSON document on its stdout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from scoregate.errors import ConfigError, did_you_mean
from scoregate.git.version import Version
from scoregate.records import JSON, DatasetItem
from scoregate.runner.candidates.candidate import Answer, Candidate, CandidateError
from scoregate.runner.candidates.process import run_process
from scoregate.runner.candidates.wire import WireProblem, measures_of, question, read_reply
from scoregate.runner.tracing import current_traceparent

_ANSWER_KEYS = ("output", "cost_usd", "tokens", "trace_id")
_ECHOED_KEYS = ("id", "trial")
"""Keys of the question that an answer may repeat."""


def command_candidate(
    command: Sequence[str], *, root: Path, version: Version, environment: Mapping[str, str] | None = None
) -> Candidate:
    """A candidate that runs `command` (a program and its arguments, no shell) in `root` for every call.

    Its environment is this one's unless one is given, with SCOREGATE_ITEM and SCOREGATE_TRIAL, and with
    TRACEPARENT (W3C trace context) where the run is traced. A document that is an object with the key `output` is
    an answer with measures (`cost_usd`, `tokens`, `trace_id`), any other one is the output itself. Raises
    ConfigError where the program does not exist.
    """
    _check_program(command, root, environment)

    async def call(item: DatasetItem, trial: int) -> Answer:
        printed = await ask_command(command, question(item, trial), item, trial, root, environment)
        try:
            return _answer_of(read_reply(printed))
        except WireProblem as problem:
            raise CandidateError(
                f"printed {problem} (print one answer alone; logs belong on stderr)"
            ) from None

    return Candidate(version.label, version.commit, version.dirty, "command", call, is_async=True)


def _check_program(command: Sequence[str], root: Path, environment: Mapping[str, str] | None = None) -> None:
    """Raise ConfigError unless the command names a program that can be run from `root`."""
    if not command:
        raise ConfigError("the command is empty", hint='such as command = ["python", "agent.py"]')
    program = command[0]
    if os.sep in program:
        # The child starts in `root`, so that is where it looks for a relative path.
        path = root / program
        if not path.is_file():
            raise ConfigError(f"the command '{program}' does not exist in '{root}'")
        if not os.access(path, os.X_OK):
            raise ConfigError(f"the command '{program}' is not executable", hint=f"chmod +x {path}")
    elif shutil.which(program, path=(environment or os.environ).get("PATH")) is None:
        here = root / program
        hint = f"write './{program}' for the file in the project" if here.is_file() else "is it on the PATH?"
        raise ConfigError(f"the command '{program}' was not found", hint=hint)


async def ask_command(
    command: Sequence[str],
    stdin: bytes,
    item: DatasetItem,
    trial: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """What one run of the command prints on stdout. Raises CandidateError."""
    variables = {**(environment or os.environ), "SCOREGATE_ITEM": item.id, "SCOREGATE_TRIAL": str(trial)}
    parent = current_traceparent.get()
    if parent is not None:
        variables["TRACEPARENT"] = parent
    return await run_process(command, stdin=stdin, folder=folder, environment=variables)


def _answer_of(document: JSON) -> Answer:
    """The answer that a document stands for.

    Raises CandidateError for unknown keys beside `output`: they would be lost without a word.
    """
    if not isinstance(document, dict) or "output" not in document:
        return Answer(document)
    for key in document:
        if key not in _ANSWER_KEYS + _ECHOED_KEYS:
            hint = did_you_mean(key, _ANSWER_KEYS)
            raise CandidateError(f"printed an unknown key '{key}' beside 'output' ({hint})")
    return measures_of(document["output"], document)
