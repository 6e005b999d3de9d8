"""Candidates in worker processes, and how a test asks them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from scoregate.git.version import Version
from scoregate.records import DatasetItem
from scoregate.runner.candidates import Candidate, CandidateError
from scoregate.runner.candidates.worker import worker_candidate

AT_ONCE = 30.0
"""Seconds: some of a slow and busy machine, and half of what a process would live that is not ended."""


def made(folder: Path, source: str, *, at_once: int = 1) -> Candidate:
    file = folder / "experiment.py"
    file.write_text(source)
    return worker_candidate(
        file, root=folder, python=Path(sys.executable), version=Version("v"), at_once=at_once
    )


def question(what: str) -> DatasetItem:
    return DatasetItem("order-1", what, "on its way", {"intent": "shipping"})


def during(candidate: Candidate, work: Callable[[], Awaitable[Any]]) -> Any:
    """What the coroutine returns, between the candidate's start and its end."""

    async def session() -> Any:
        assert candidate.close is not None
        try:
            return await work()
        finally:
            await candidate.close()

    return asyncio.run(session())


async def answers(candidate: Candidate, what: Sequence[str]) -> list[Any]:
    """Outputs, and where there is none the error."""
    said: list[Any] = []
    for action in what:
        try:
            said.append((await candidate.call(question(action), 0)).output)
        except CandidateError as error:
            said.append(error)
    return said


def ask(candidate: Candidate, *what: str) -> list[Any]:
    """The same, between the candidate's start and its end."""
    said: list[Any] = during(candidate, lambda: answers(candidate, what))
    return said


def is_gone(pid: int) -> bool:
    """Whether a process has ended with all its threads; one that nobody has waited for yet has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    except OSError:
        return True


def wait_for(condition: Callable[[], bool]) -> bool:
    patience = time.monotonic() + AT_ONCE
    while not condition() and time.monotonic() < patience:
        time.sleep(0.01)  # between two looks: a process of somebody else tells nobody here that it has ended
    return condition()
