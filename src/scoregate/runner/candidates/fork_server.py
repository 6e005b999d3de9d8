"""The process that workers are forked from, seen from outside.

It is the launch's Python with everything imported that a worker needs and nothing of the user's, so that each further
worker costs a fork and the load of the experiment, and not the start of an interpreter. Every worker begins from that
same state, as if it had been started by itself.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scoregate.own import json_codec
from scoregate.runner.candidates.process import STDERR_TAIL
from scoregate.runner.candidates.relocation import Relocation

_ENTRY = Path(__file__).with_name("worker_entry.py")
_NUMBER = struct.Struct("=i")
"""A process id, and later its wait status, as `worker_entry` writes them."""
_SECONDS_TO_REAP = 0.5


@dataclass(frozen=True, slots=True)
class Launch:
    """How workers are started."""

    python: Path
    experiment: Path
    folder: Path
    """Their working directory."""
    environment: Mapping[str, str]
    import_folders: tuple[str, ...] = ()
    """Come last on their import path, as those of an editable install do."""
    relocation: Relocation | None = None
    """Set where the experiment is another version than the working tree's."""

    def command(self, descriptor: int) -> Sequence[str]:
        moved = self.relocation and [str(self.relocation.here), str(self.relocation.there)]
        settings = {
            "experiment": str(self.experiment),
            "control": descriptor,
            "import_folders": self.import_folders,
            "relocation": moved,
        }
        # -P: neither the script's folder nor the working directory comes onto the import path.
        return [str(self.python), "-P", str(_ENTRY), json_codec.dumps(settings)]


class ForkServer:
    """A started process, of which nobody has to wait for anything: it ends when this object is closed or forgotten."""

    def __init__(self, launch: Launch) -> None:
        """Raises OSError where it cannot be started."""
        self._control, theirs = socket.socketpair()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by the finalizer
        try:
            self._process = subprocess.Popen(
                launch.command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                cwd=launch.folder,
                env=launch.environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            self._control.close()
            self._stderr.close()
            raise
        finally:
            theirs.close()
        self.close = weakref.finalize(self, _end, self._control, self._process, self._stderr)
        """Ends it; the workers live on until their own sockets close. May be called twice."""

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def fork(self, question_socket: int, stderr: int) -> ForkedProcess:
        """A worker that answers on the socket. Does not wait until it is there. Raises OSError where nobody listens."""
        told, tell = os.pipe()
        try:
            socket.send_fds(self._control, [b"\0"], [question_socket, stderr, tell])
        except BaseException:
            os.close(told)
            raise
        finally:
            os.close(tell)
        return ForkedProcess(told, self)

    def death(self) -> tuple[int, bytes]:
        """Exit code (negative: a signal) and the end of stderr, once it has ended without being asked to."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_REAP)
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_TAIL))
        return self._process.poll() or 0, self._stderr.read()


def _end(control: socket.socket, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
    control.close()
    process.kill()
    process.wait()
    stderr.close()


class ForkedProcess:
    """A worker's process, of which the server tells the id and how it ended."""

    def __init__(self, told: int, server: ForkServer) -> None:
        self._told = told
        self._server = server
        """Kept, as it ends with the last of those who know it."""
        self._close = weakref.finalize(self, os.close, told)
        self._pid: int | None = None
        self._code: int | None = None
        self.said = b""
        """The end of the server's stderr, where that has ended before there was a process."""

    @property
    def pid(self) -> int | None:
        """None where there was no server any more to make it."""
        if self._pid is None and self._code is None:
            self._pid = self._next_number()
            if self._pid is None:
                self._code, self.said = self._server.death()
        return self._pid

    def poll(self) -> int | None:
        """Exit code (negative: a signal), None as long as it runs."""
        return self.wait(0)

    def wait(self, seconds: float) -> int | None:
        """The same, after at most so many seconds. One whose server was killed counts as killed with it."""
        if self._code is None and self._ready(seconds) and self.pid is not None and self._ready(seconds):
            status = self._next_number()
            self._code = -9 if status is None else os.waitstatus_to_exitcode(status)
        return self._code

    def _ready(self, seconds: float) -> bool:
        ready = select.poll()  # and not `select`, which ends at a thousand open files
        ready.register(self._told, select.POLLIN)
        return bool(ready.poll(1000 * seconds))

    def _next_number(self) -> int | None:
        data = os.read(self._told, _NUMBER.size)
        if not data:
            return None
        number: int = _NUMBER.unpack(data)[0]
        return number
