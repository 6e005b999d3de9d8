"""One worker, seen from outside: a process that has loaded an experiment and answers one question at a time.

A socket and not pipes: asyncio reads and writes it in any event loop, blocking code does so before there is one, and
it closes with whichever of the two processes ends first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.own import json_codec
from scoregate.records import JSON
from scoregate.runner.candidates.failures import CandidateError
from scoregate.runner.candidates.fork_server import ForkServer
from scoregate.runner.candidates.process import STDERR_TAIL, failed_exit
from scoregate.runner.candidates.wire import MAX_OUTPUT_BYTES
from scoregate.wording import first_line

_CHUNK = 1 << 18
_SECONDS_TO_REAP = 0.5
_POLL_SECONDS = 0.002


class WorkerProcess:
    """A started process. It leads a session of its own, and ends when this object's socket closes."""

    def __init__(self, server: ForkServer, experiment: Path) -> None:
        """Raises OSError where the server is gone."""
        self._experiment = experiment
        self._socket, theirs = socket.socketpair()
        said, says = os.pipe()
        try:
            self._process = server.fork(theirs.fileno(), says)
        except BaseException:
            self._socket.close()
            os.close(said)
            raise
        finally:
            theirs.close()
            os.close(says)
        self._socket.setblocking(False)
        self.loaded: dict[str, JSON] | None = None
        """What it said when it had loaded the experiment."""
        self._stderr = bytearray()
        # A thread, because whatever the user's code prints must not block it, with or without an event loop.
        self._drain = threading.Thread(
            target=self._keep_tail, args=[said], name="scoregate-stderr", daemon=True
        )
        self._drain.start()

    def wait_until_loaded(self) -> dict[str, JSON]:
        """Block until it has loaded the experiment. Raises ConfigError where it could not."""
        self._socket.setblocking(True)
        data = bytearray()
        try:
            while not data.endswith(b"\n"):
                chunk = self._socket.recv(_CHUNK)
                if not chunk:
                    raise EOFError
                data += chunk
        except (ConnectionError, EOFError):
            self._process.wait(_SECONDS_TO_REAP)
            raise ConfigError(
                f"its process ended while the file was loaded: {self._death()}", where=str(self._experiment)
            ) from None
        finally:
            self._socket.setblocking(False)
        return self._note_loaded(bytes(data))

    async def ask(self, question: bytes) -> bytes:
        """The reply to one question. Raises CandidateError where there will be none; then the process is done."""
        try:
            if self.loaded is None:
                self._note_loaded(await self._line())
            await asyncio.get_running_loop().sock_sendall(self._socket, question)
            return await self._line()
        except ConfigError as error:
            raise CandidateError(first_line(str(error))) from error
        except (ConnectionError, EOFError):
            raise await self._reason() from None

    async def until_loaded(self) -> bool:
        """Wait until it has loaded the experiment (True), or has ended without."""
        try:
            if self.loaded is None:
                self._note_loaded(await self._line())
        except (ConfigError, ConnectionError, EOFError):
            return False
        return True

    def hang_up(self) -> None:
        """Nobody asks any more: it may end by itself now."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def has_hung_up(self) -> bool:
        """Whether its side of the socket is closed, which is seen before the server has told of its end."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL to the process and to what it has started, and wait for its end."""
        # Gone already, or (macOS says so of a group of zombies) not ours to kill.
        with suppress(ProcessLookupError, PermissionError):
            if self._process.pid is not None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_SECONDS_TO_REAP)
        self._socket.close()

    def _note_loaded(self, line: bytes) -> dict[str, JSON]:
        loaded: dict[str, JSON] = json_codec.loads(line)
        if "error" in loaded:
            raise ConfigError(loaded["error"], where=loaded["where"], hint=loaded["hint"])
        self.loaded = loaded
        return loaded

    async def _line(self) -> bytes:
        loop = asyncio.get_running_loop()
        data = bytearray()
        while not data.endswith(b"\n"):
            chunk = await loop.sock_recv(self._socket, _CHUNK)
            if not chunk:
                raise EOFError
            data += chunk
            if len(data) > MAX_OUTPUT_BYTES:
                raise CandidateError(f"returned more than {MAX_OUTPUT_BYTES // 1_000_000} MB")
        return bytes(data)

    async def _reason(self) -> CandidateError:
        """Why it ended. The system may need a moment to tell."""
        patience = time.monotonic() + _SECONDS_TO_REAP
        while not self.has_ended and time.monotonic() < patience:
            await asyncio.sleep(_POLL_SECONDS)
        self.kill()
        while self._drain.is_alive() and time.monotonic() < patience:
            await asyncio.sleep(_POLL_SECONDS)
        return self._death()

    def _death(self) -> CandidateError:
        code = self._process.poll()
        if not code:
            return CandidateError("task ended its process before it answered (exit code 0)")
        self._drain.join(_SECONDS_TO_REAP)
        return failed_exit(code, bytes(self._stderr) or self._process.said)

    def _keep_tail(self, said: int) -> None:
        with open(said, "rb", buffering=0) as stderr:
            while data := stderr.read(_CHUNK):
                self._stderr += data
                del self._stderr[:-STDERR_TAIL]
