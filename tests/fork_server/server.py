"""The process that others are forked from. `python server.py FD DOOR` imports what commands import, and waits.

FD is a socket of whole messages. Each is a process that is wanted, and four file descriptors: its stdin, stdout and
stderr, and a pipe on which it is told its process id and, when that has ended, its wait status. Instead of a process
id it is told 0 where the wanted environment differs in a variable that was looked at when this process started or
imported: what is forked can no longer take that on. When the other end of FD is gone, whatever still runs is killed.
Whoever connects to DOOR, a listening socket, may send one such message.

A message, in `marshal`, is a dict: `arguments` as for an interpreter (`-m MODULE …`, `-c CODE …` or `FILE …`),
`folder`, `environment` and `umask`.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import marshal
import os
import re
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
from types import ModuleType
from typing import Any, NoReturn

NUMBER = struct.Struct("=i")
"""How process ids and wait statuses are written."""
LARGEST = 1 << 20
"""Bytes of a message at most."""
_LARGE = 2 << 20
"""Bytes of a large page."""
_MADV_COLLAPSE = 25
NOT_FORKED = 0
"""Told in place of a process id."""
_OF_THE_INTERPRETER = re.compile(r"PYTHON|LC_|LANG$|LANGUAGE$|LD_|OPENBLAS_|OMP_|MALLOC_|GLIBC_")
"""Variables that are looked at when a process starts, before any module is imported."""
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


def main(control: socket.socket, door: socket.socket) -> None:
    del sys.path[0]  # the folder of this file
    fixed = _Fixed(_import_everything())
    invalidate_caches()  # here and not in each child; of folders that change later, the finders look at the time
    gc.freeze()  # what is here stays; no collection in a child touches, and so copies, the memory of it
    _into_large_pages()
    wanted, descriptors = _wait_for_wanted(control, door, fixed)
    _become(wanted, descriptors)


class _Fixed:
    """What of the environment a forked process can no longer change."""

    def __init__(self, looked_at: set[str]) -> None:
        # What it was started with: an interpreter in a locale of ASCII alone adds to it.
        started = Path("/proc/self/environ").read_bytes().split(b"\0")
        pairs = (os.fsdecode(entry).partition("=") for entry in started if entry)
        self._environment = {name: value for name, _, value in pairs}
        self._looked_at = looked_at

    def is_unlike(self, environment: dict[str, str]) -> bool:
        differing = dict(self._environment.items() ^ environment.items())
        return any(name in self._looked_at or _OF_THE_INTERPRETER.match(name) for name in differing)


def _import_everything() -> set[str]:
    """Import what commands need; gives the environment variables that were looked at."""
    looked_at: set[str] = set()
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
    return looked_at


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


def _wait_for_wanted(
    control: socket.socket, door: socket.socket, fixed: _Fixed
) -> tuple[dict[str, Any], list[int]]:
    """Fork a process for each that is wanted. Returns in those alone, with the message and its file descriptors."""
    running: dict[int, int] = {}
    ended, wake = os.pipe()
    for end in (ended, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A terminal's Ctrl-C is for the commands and for pytest, with which this process ends.
    on_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([control.fileno(), door.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, LARGEST)
            _tell_who_ended(running)
        for listening in (control, door):
            if listening.fileno() not in ready:
                continue
            message, descriptors = _received(listening)
            if not message and listening is control:
                _kill(running)
            if len(descriptors) < 4:
                continue
            *streams, tell = descriptors
            wanted = marshal.loads(message)
            if fixed.is_unlike(wanted["environment"]):
                _tell(tell, NOT_FORKED)
                for descriptor in descriptors:
                    os.close(descriptor)
                continue
            # Until its handlers are those of a process that has just been started, no signal reaches the new one.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            process = os.fork()
            if process == 0:
                for inherited in (control, door):
                    inherited.detach()  # closed with all others, by its number
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGINT, on_ctrl_c)
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                return wanted, descriptors
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            running[process] = tell
            for stream in streams:
                os.close(stream)
            _tell(tell, process)


def _received(listening: socket.socket) -> tuple[bytes, list[int]]:
    if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return socket.recv_fds(listening, LARGEST, 4)[:2]
    connection, _ = listening.accept()
    with connection:
        return socket.recv_fds(connection, LARGEST, 4)[:2]


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


def _become(wanted: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Go on as `python …` would, and end as the interpreter does, without tearing down its modules."""
    for target, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    os.umask(wanted["umask"])
    os.chdir(wanted["folder"])
    code: object = 0
    try:
        _run(wanted["arguments"], wanted["folder"])
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


def _run(arguments: list[str], folder: str) -> None:
    match arguments:
        case ["-m", module, *rest]:
            sys.path.insert(0, folder)
            sys.argv = ["-m", *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *rest]:
            sys.path.insert(0, "")
            sys.argv = ["-c", *rest]
            main = sys.modules["__main__"] = ModuleType("__main__")
            exec(compile(code, "<string>", "exec"), vars(main))
        case [file, *_]:
            sys.path.insert(0, str(Path(file).resolve().parent))
            sys.argv = list(arguments)
            runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    main(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
