"""The script that the Python of workers is started with: it imports what they need, and forks one when it is asked to.

It may run in an environment without scoregate. Only the package `scoregate` is taken from the installation that this
file belongs to, as a module and not by an entry of the import path, which would bring everything installed beside it.
So what is imported here, and what that imports, is the standard library and our own modules. Nothing of the user's is:
a process that has run other people's code, which may have started threads, cannot be forked safely.

Each message on the control socket is a byte and three file descriptors: the worker's socket, its stderr, and a pipe on
which its process id is told and, when it has ended, its wait status. The script ends when that socket closes.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

_NUMBER = struct.Struct("=i")


def _provide_scoregate(package: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "scoregate", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None  # a path with `.py` has one
    module = importlib.util.module_from_spec(spec)
    sys.modules["scoregate"] = module
    spec.loader.exec_module(module)


def main() -> None:
    settings = json.loads(sys.argv[1])
    experiment = Path(settings["experiment"])
    sys.argv[:] = [settings["experiment"]]
    package = Path(__file__).resolve().parents[2]
    _provide_scoregate(package)
    from scoregate.runner.candidates.answering import answer_questions
    from scoregate.runner.candidates.parent_span import load, under_traceparent
    from scoregate.runner.candidates.relocation import Relocation, relocate_imports

    if settings["relocation"] is not None:
        here, there = map(Path, settings["relocation"])
        relocate_imports(Relocation(here, there), kept=[package])
    sys.path += [folder for folder in settings["import_folders"] if folder not in sys.path]
    if os.environ.get("LANGFUSE_PUBLIC_KEY"):
        load()  # So that calls may have a parent, and none waits for this.
    with suppress(OSError):
        if b"async def" in experiment.read_bytes():
            import asyncio  # noqa: F401  what its workers will need
    gc.freeze()  # what is here stays: no collection of a worker touches, and so copies, the memory of it
    descriptor = _forked_when_asked(socket.socket(fileno=settings["control"]))
    answer_questions(experiment, descriptor, under_traceparent)


def _forked_when_asked(control: socket.socket) -> int:
    """Fork a process for every message. Returns in those alone, with the worker's socket."""
    running: dict[int, int] = {}
    """Process id -> where it is told how it ended."""
    ended, wake = os.pipe()
    for end in (ended, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ready = select.poll()
    for descriptor in (control.fileno(), ended):
        ready.register(descriptor, select.POLLIN)
    while True:
        events = [descriptor for descriptor, _ in ready.poll()]
        if ended in events:
            os.read(ended, 1 << 16)
            _tell_who_ended(running)
        if control.fileno() not in events:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 1, 3)
        if not message:
            os._exit(0)  # Workers end with their own sockets.
        question_socket, stderr, tell = descriptors
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.dup2(stderr, 2)
            for descriptor in (control.detach(), ended, wake, stderr, tell, *running.values()):
                os.close(descriptor)
            return question_socket
        os.close(question_socket)
        os.close(stderr)
        running[process] = tell
        _tell(tell, process)


def _tell_who_ended(running: dict[int, int]) -> None:
    while running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        tell = running.pop(process)
        _tell(tell, status)
        os.close(tell)


def _tell(tell: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for this process
        os.write(tell, _NUMBER.pack(number))


if __name__ == "__main__":
    main()
