"""The process that commands are forked from. `python server.py FD` imports what commands import, and waits on FD.

FD is a socket of whole messages. The first goes out: the names of the environment variables that were looked at
during the imports, whose values can no longer be changed. Each that comes in is a command and four file descriptors:
its stdin, stdout and stderr, and a pipe on which it is told its process id and, when that has ended, its wait status.
When the other end of the socket is gone, whatever still runs is killed.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module, invalidate_caches
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NoReturn

NUMBER = struct.Struct("=i")
"""How process ids and wait statuses are written."""
LARGEST = 1 << 20
"""Bytes of a message at most."""
_LARGE = 2 << 20
"""Bytes of a large page."""
_MADV_COLLAPSE = 25
_NOT_IMPORTED = ("scoregate.__main__", "scoregate.scorers.adapters")
"""The module that is run itself, and what imports packages that few have and that send telemetry."""
_IMPORTED_LATE = (
    "dotenv",
    "encodings.idna",
    "encodings.utf_8_sig",
    "encodings.utf_16_le",
    "graphlib",
    "httpcore",
    "httpx",
    "jsonschema",
    "langfuse",
    "numpy",
    "openai.resources.chat.chat",
    "openai.resources.chat.completions.completions",
    "opentelemetry.sdk.trace",
    "rapidfuzz",
    "scipy.special",
    "tabulate",
)
"""What most commands import inside functions. What few do makes every fork dearer: pandas, scipy.stats."""
_OF_SOME_RELEASES = ("anyio._backends._asyncio", "httpcore2", "openai.lib._chat_completion_resources")
"""What some releases of these packages import in the midst of their work."""


def main(control: socket.socket) -> None:
    del sys.path[0]  # the folder of this file
    control.send(json.dumps(_import_everything()).encode())
    invalidate_caches()  # here and not in each child; of folders that change later, the finders look at the time
    gc.freeze()  # what is here stays; no collection in a child touches, and so copies, the memory of it
    _into_large_pages()
    command, descriptors = _wait_for_commands(control)
    _become(command, descriptors)


def _import_everything() -> list[str]:
    """Import what commands need; gives the environment variables that were looked at."""
    looked_at = set()
    environment: Any = type(os.environ)
    look = environment.__getitem__

    def note(self: Any, name: str) -> str:
        looked_at.add(name)
        value: str = look(self, name)
        return value

    environment.__getitem__ = note
    try:
        import scoregate

        for module in walk_packages(scoregate.__path__, "scoregate."):
            if not module.name.startswith(_NOT_IMPORTED):
                import_module(module.name)
        for name in _IMPORTED_LATE:
            import_module(name)
        for name in _OF_SOME_RELEASES:
            with suppress(ImportError):
                import_module(name)
    finally:
        environment.__getitem__ = look
    return sorted(looked_at)


def _into_large_pages() -> None:
    """Have the memory of this process in pages of 2 MiB where the system can: a fork copies a table of all pages.

    Linux 6.1 and newer; elsewhere, and where there is no whole page free, the pages stay as they are.
    """
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, access, offset, _, _, *name = line.split(maxsplit=5)
        if access != "rw-p" or int(offset, 16) or (name and not name[0].startswith("[heap]")):
            continue
        first, end = (int(number, 16) for number in span.split("-"))
        for start in range(-(-first // _LARGE) * _LARGE, end - _LARGE + 1, _LARGE):
            advise(start, _LARGE, _MADV_COLLAPSE)


def _wait_for_commands(control: socket.socket) -> tuple[Any, list[int]]:
    """Fork a process for each command. Returns in those alone, with the command and its file descriptors."""
    running: dict[int, int] = {}
    listening = control.fileno()
    ended, wake = os.pipe()
    for end in (ended, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A terminal's Ctrl-C is for the commands and for pytest, with which this process ends.
    on_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listening, ended], [], [])
        if ended in ready:
            os.read(ended, LARGEST)
            _tell_who_ended(running)
        if listening not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, LARGEST, 4)
        if not message:
            _kill(running)
        # Until its handlers are those of a process that has just been started, no signal reaches the new one.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        process = os.fork()
        if process == 0:
            control.detach()  # closed with all others, by its number
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, on_ctrl_c)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            return json.loads(message), descriptors
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        *streams, running[process] = descriptors
        for stream in streams:
            os.close(stream)
        _tell(running[process], process)


def _tell_who_ended(running: dict[int, int]) -> None:
    while running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        to = running.pop(process)
        _tell(to, status)
        os.close(to)


def _tell(to: int, number: int) -> None:
    try:
        os.write(to, NUMBER.pack(number))
    except BrokenPipeError:
        return  # nobody waits for this process


def _kill(running: dict[int, int]) -> NoReturn:
    for process in running:
        os.kill(process, signal.SIGKILL)
    for process in running:
        os.waitpid(process, 0)
    os._exit(0)


def _become(command: Any, descriptors: list[int]) -> NoReturn:
    """Go on as `python -m scoregate …` would, and end as the interpreter does, without tearing down its modules."""
    for target, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(command["environment"])
    time.tzset()
    os.umask(command["umask"])
    os.chdir(command["folder"])
    sys.path.insert(0, command["folder"])
    sys.argv = ["-m", *command["words"]]
    code: object = 0
    try:
        runpy.run_module("scoregate", run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:  # noqa: BLE001  as the interpreter does it
        sys.excepthook(*sys.exc_info())
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = 120
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
