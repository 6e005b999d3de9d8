"""One child process: bytes in, bytes out, and nothing of its group left behind, however it ends."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scoregate.runner.candidates.failures import CandidateError, TransientError
from scoregate.runner.candidates.wire import MAX_OUTPUT_BYTES
from scoregate.wording import first_line

_TRY_AGAIN = 75
"""The exit code by which a program says that it may succeed later (EX_TEMPFAIL of sysexits.h)."""

_STDERR = 2
STDERR_TAIL = 16_384
"""Bytes of the end of stderr that are kept."""
_SECONDS_TO_REAP = 1.0
_SECONDS_TO_DRAIN = 1.0
_SHORT_OF_RESOURCES = (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


async def run_process(
    command: Sequence[str], *, stdin: bytes, folder: Path, environment: Mapping[str, str]
) -> bytes:
    """What the command printed on stdout, once it has exited with code 0.

    It runs in a session of its own. When it exits, or when this call is cancelled, whatever is left of its
    process group is killed. Raises CandidateError for any other exit (with the last line of stderr), for
    more than MAX_OUTPUT_BYTES of output, and where it cannot be started; TransientError for exit code 75.
    """
    loop = asyncio.get_running_loop()
    try:
        # A file and not a pipe: a child may open /dev/stdin, read late or not at all, and nothing blocks.
        with tempfile.TemporaryFile() as source:
            source.write(stdin)
            source.seek(0)
            transport, child = await loop.subprocess_exec(
                lambda: _Child(loop),
                *command,
                stdin=source,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise _not_started(error) from error
    try:
        await asyncio.wait([child.gone])
    except asyncio.CancelledError:
        child.kill()
        await asyncio.wait([child.gone], timeout=_SECONDS_TO_REAP)
        raise
    finally:
        transport.close()
    if child.overflowed:
        raise CandidateError(f"printed more than {MAX_OUTPUT_BYTES // 1_000_000} MB on stdout")
    code = transport.get_returncode()
    if code != 0:
        raise failed_exit(code or 0, bytes(child.stderr))
    return bytes(child.stdout)


class _Child(asyncio.SubprocessProtocol):
    """Collects what the child prints. `gone` is done when it has exited and its pipes are closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.gone: asyncio.Future[None] = loop.create_future()
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.overflowed = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._drained: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDERR:
            self.stderr += data
            del self.stderr[:-STDERR_TAIL]
        elif not self.overflowed:
            self.stdout += data
            if len(self.stdout) > MAX_OUTPUT_BYTES:
                self.overflowed = True
                self.stdout.clear()
                self.kill()

    def process_exited(self) -> None:
        # Children that it leaves behind would hold the pipes open, and this call with them. One that went
        # into another session is out of reach: its pipes are given up after what was written is read.
        self.kill()
        if self._transport is not None:
            self._drained = self.loop.call_later(_SECONDS_TO_DRAIN, self._transport.close)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._drained is not None:
            self._drained.cancel()
        if not self.gone.done():
            self.gone.set_result(None)

    def kill(self) -> None:
        """SIGKILL to the process group, the child's children included."""
        if self._transport is not None:
            # Gone already, or (macOS says so of a group of zombies) not ours to kill.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)


def failed_exit(code: int, stderr: bytes) -> CandidateError:
    """What an exit code (negative: a signal) and the end of stderr say of a call."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    said = f": {first_line(lines[-1])}" if lines else ""
    if code < 0:
        return CandidateError(f"killed by {_signal_name(-code)}{said}")
    if code == _TRY_AGAIN:
        return TransientError(f"exit code {code}, try again{said}")
    return CandidateError(f"exit code {code}{said}")


def _not_started(error: OSError | ValueError) -> CandidateError:
    reason = f"cannot be started: {first_line(str(error))}"
    if isinstance(error, OSError) and error.errno in _SHORT_OF_RESOURCES:
        return TransientError(reason)
    return CandidateError(reason)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
