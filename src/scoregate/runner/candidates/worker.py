"""A Python candidate in worker processes: another version, with another Python, beside the present one.

Every process answers one question at a time, and there are as many as there are questions at once. One process that
answers many would be lighter, but there a crash or a call that hangs would take others with it, and calls would wait
for each other's turn at the interpreter, which the latencies of the two arms would show.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scoregate.errors import ConfigError
from scoregate.files.reading import check_input_file
from scoregate.git.version import Version
from scoregate.records import JSON, DatasetItem
from scoregate.runner.candidates.candidate import Answer, Candidate, CandidateError
from scoregate.runner.candidates.fork_server import ForkServer, Launch
from scoregate.runner.candidates.relocation import Relocation, named_import_folders, own_import_folders
from scoregate.runner.candidates.wire import answer_or_error, question, read_reply
from scoregate.runner.candidates.worker_process import WorkerProcess
from scoregate.runner.tracing import current_traceparent

_SECONDS_TO_RELOAD = 0.8
"""How long a failed call waits for its successor to be loaded, so that the next call's latency does not hold it."""
_SECONDS_TO_CLOSE = 0.7


def worker_candidate(
    experiment_file: Path,
    *,
    root: Path,
    python: Path,
    version: Version,
    own_label: bool = False,
    relocation: Relocation | None = None,
    evaluators: tuple[Callable[..., Any], ...] = (),
    at_once: int = 1,
) -> Candidate:
    """A candidate that calls the file's `task` in processes of `python`, started in `root`.

    The task finds what it would find in this process: modules beside its file, PYTHONPATH, editable installs; with
    a `relocation` those of the other checkout. The environment of `python` needs no scoregate. With `own_label` a
    version that the file names is put before the label of `version`. `at_once` processes are loaded before the first
    call; more are started when they are needed. Nothing runs between `close` and the next call.
    Raises ConfigError where the file cannot be loaded.
    """
    check_input_file(experiment_file, (".py",), ConfigError)
    named, own = named_import_folders(), own_import_folders(relocation.here if relocation else root.resolve())
    if relocation is not None:
        named, own = [[relocation.path(folder) for folder in folders] for folders in (named, own)]
    launch = Launch(
        python=python,
        experiment=experiment_file.resolve(),
        folder=root.resolve(),
        environment=environment_of(python, named),
        import_folders=tuple(own),
        relocation=relocation,
    )
    workers = _Workers(launch, at_once)
    label = workers.first_loaded()["version"]
    return Candidate(
        f"{label} ({version.label})" if own_label and label else version.label,
        version.commit,
        version.dirty,
        "python",
        workers.call,
        is_async=True,
        evaluators=evaluators,
        prepare=workers.prepare,
        close=workers.close,
        file=experiment_file,
    )


def environment_of(python: Path, import_folders: Sequence[str]) -> dict[str, str]:
    """The environment variables of a process that runs the project's code with `python`.

    This process's own, except for PYTHONPATH, which is `import_folders`; where `python` is that of another
    environment than this process's, that one comes first on PATH.
    """
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    if import_folders:
        environment["PYTHONPATH"] = os.pathsep.join(import_folders)
    if python != Path(sys.executable):
        environment.pop("PYTHONHOME", None)
        environment["VIRTUAL_ENV"] = str(python.parent.parent)
        environment["PATH"] = os.pathsep.join([str(python.parent), environment.get("PATH", os.defpath)])
    return environment


class _Workers:
    """The processes of one candidate. For one event loop at a time."""

    def __init__(self, launch: Launch, at_once: int) -> None:
        self._launch = launch
        self._at_once = at_once
        self._all: set[WorkerProcess] = set()
        self._idle: deque[WorkerProcess] = deque()
        """The one that was used last is at the right end and used next."""
        self._open = False
        self._server: ForkServer | None = None

    def first_loaded(self) -> dict[str, JSON]:
        """What a process says that has loaded the experiment; it serves the first call. Raises ConfigError."""
        worker = self._start()
        try:
            loaded = worker.wait_until_loaded()
        except BaseException:
            self._end(worker)
            self._end_server()
            raise
        self._idle.append(worker)
        return loaded

    def prepare(self, items: Sequence[DatasetItem]) -> None:
        """Start processes and wait until they have loaded the experiment, all at the same time."""
        self._open = True
        while len(self._idle) < min(self._at_once, len(items)):
            self._idle.append(self._start())
        for worker in list(self._idle):
            try:
                if worker.loaded is None:
                    worker.wait_until_loaded()
            except ConfigError:
                # It could be loaded before. If it cannot be again, the call that needs it will say why.
                self._idle.remove(worker)
                self._end(worker)

    async def call(self, item: DatasetItem, trial: int) -> Answer:
        self._open = True
        worker = self._next_idle() or self._start_for_call()
        asked = question(item, trial, with_expected_output=True, traceparent=current_traceparent.get())
        try:
            reply = await worker.ask(asked)
        except (CandidateError, asyncio.CancelledError):
            self._end(worker)
            await self._replace()
            raise
        except BaseException:
            self._end(worker)
            raise
        self._idle.append(worker)
        return answer_or_error(read_reply(reply))

    async def close(self) -> None:
        """End all processes: idle ones by themselves if they do so at once, the others now."""
        self._open = False
        for worker in self._all:
            worker.hang_up()
        patience = time.monotonic() + _SECONDS_TO_CLOSE
        while time.monotonic() < patience and not all(worker.has_ended for worker in self._all):
            await asyncio.sleep(0.005)
        for worker in list(self._all):
            self._end(worker)
        self._idle.clear()
        self._end_server()

    def _next_idle(self) -> WorkerProcess | None:
        while self._idle:
            worker = self._idle.pop()
            if not worker.has_hung_up:
                return worker
            self._end(worker)  # killed since its last answer, so not by the next item
        return None

    def _start(self) -> WorkerProcess:
        """Raises ConfigError where the Python of this version cannot be started."""
        launch = self._launch
        try:
            if self._server is None or self._server.has_ended:
                self._server = ForkServer(launch)
            worker = WorkerProcess(self._server, launch.experiment)
        except OSError as error:
            raise ConfigError(
                f"the Python of this version cannot be started: {error.strerror or error}",
                where=str(launch.python),
                hint="remove the folder of its environment to have it made again",
            ) from error
        self._all.add(worker)
        return worker

    def _end_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _start_for_call(self) -> WorkerProcess:
        try:
            return self._start()
        except ConfigError as error:
            raise CandidateError(str(error)) from error

    def _end(self, worker: WorkerProcess) -> None:
        worker.kill()
        self._all.discard(worker)

    async def _replace(self) -> None:
        """Start a successor, and give it time to load within the call that has failed."""
        if not self._open:
            return
        try:
            worker = self._start()
        except ConfigError:
            return  # The next call tries again, and says why.
        loaded = True
        try:
            with suppress(TimeoutError):
                loaded = await asyncio.wait_for(worker.until_loaded(), _SECONDS_TO_RELOAD)
        finally:
            if not loaded:
                self._end(worker)
            elif worker in self._all:
                self._idle.appendleft(worker)
