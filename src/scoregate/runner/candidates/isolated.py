"""A Python candidate in one process a call, so that one that dies costs one item and not the run.

`python -m scoregate.runner.candidates.isolated FILE` reads `{"id", "input", "metadata", "expected_output",
"trial"}` from stdin (and `traceparent` where the run is traced), calls the file's task, and prints one JSON object:
an answer (`output`, `cost_usd`, `tokens`, `trace_id`) or an `error` (`transient`, `retry_after`, `rate_limited`).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.git.version import Version
from scoregate.own import json_codec
from scoregate.own.folder import here
from scoregate.records import JSON, DatasetItem
from scoregate.runner.candidates.candidate import (
    Answer,
    Candidate,
    CandidateError,
    as_answer,
    classify,
)
from scoregate.runner.candidates.command import ask_command
from scoregate.runner.candidates.python_file import ExperimentFile, load_experiment, python_candidate
from scoregate.runner.candidates.wire import (
    answer_document,
    answer_or_error,
    error_document,
    question,
    read_reply,
)
from scoregate.runner.tracing import current_traceparent


def isolated_candidate(experiment: ExperimentFile, *, version: Version) -> Candidate:
    """A candidate that calls the experiment's task in a new Python process, started in the working folder.

    The task finds what it finds in this process: relative paths, a relative PYTHONPATH, modules beside its file.
    """
    folder = here()
    # -P: as in this process, the folder that it is started in is not on the import path.
    command = (sys.executable, "-P", "-m", __name__, str(experiment.path.resolve()))

    async def call(item: DatasetItem, trial: int) -> Answer:
        asked = question(item, trial, with_expected_output=True, traceparent=current_traceparent.get())
        printed = await ask_command(command, asked, item, trial, folder)
        if not printed:
            raise CandidateError("task ended its process before it answered (exit code 0)")
        return answer_or_error(read_reply(printed))

    return Candidate(
        version.label,
        version.commit,
        version.dirty,
        "python",
        call,
        is_async=True,
        evaluators=experiment.evaluators,
    )


def main(path: Path) -> None:
    """Answer the one question on stdin; whatever the user's code prints goes to stderr."""
    reply_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reply = json_codec.dumps(_reply(path, json.load(sys.stdin.buffer)), allow_nan=False)
    with reply_to:
        reply_to.write(reply.encode())


def _reply(path: Path, asked: dict[str, JSON]) -> dict[str, JSON]:
    from scoregate.runner.candidates.parent_span import under_traceparent  # the process's own assembly

    trial, parent = asked.pop("trial"), asked.pop("traceparent", None)
    try:
        candidate = python_candidate(load_experiment(path), version=Version(""))
        with under_traceparent(parent):
            returned = candidate.call(DatasetItem(**asked), trial)
            answer = as_answer(asyncio.run(returned) if candidate.is_async else returned)
    except ConfigError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001  user code: whatever it raises is the reason of this item
        return error_document(classify(error))
    return answer_document(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
