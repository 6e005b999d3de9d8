"""`scoregate …`, or another program, in a process: forked where that shows no difference, else started cold."""

from __future__ import annotations

import atexit
import marshal
import os
import re
import select
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import NoReturn, TextIO

from tests.fork_server.server import LARGEST, NOT_FORKED, NUMBER

SOURCE = Path(__file__).parents[2] / "src"
SERVER = Path(__file__).with_name("server.py")
ERRAND = Path(__file__).with_name("errand.py")
PROGRAMS = Path(sys.prefix) / "bin"
COLD = "SCOREGATE_TEST_COLD"
"""Environment variable that has every command of the tests started cold."""
_NOT_HANDED_ON = re.compile(
    r"LANGFUSE_|(CI|NO_COLOR|SCOREGATE_DEBUG|PYTHONWARNINGS|GIT_DIR|GIT_WORK_TREE|GITHUB_BASE_REF)$"
)


def usual_environment() -> dict[str, str]:
    """This process's, outside CI and without Langfuse; scoregate is found there without being installed."""
    own = {name: value for name, value in os.environ.items() if not _NOT_HANDED_ON.match(name)}
    own["PYTHONPATH"] = os.pathsep.join(filter(None, (str(SOURCE), own.get("PYTHONPATH"))))
    own["OPENBLAS_NUM_THREADS"] = "1"  # numpy starts a thread a core otherwise, in some hundred processes
    return own


def start(
    words: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    before: Callable[[], None] | None = None,
    cold: bool = False,
) -> Process:
    """Begin `scoregate …`, with pipes for its streams; else as `start_python`."""
    arguments = ("-m", "scoregate", *words)
    return start_python(arguments, folder=folder, environment=environment, before=before, cold=cold)


def start_python(
    arguments: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
    cold: bool = False,
) -> Process:
    """Begin `python …` (`-m MODULE …`, `-c CODE …` or `FILE …`), with pipes for its streams.

    In this process's folder and the usual environment where none is named.
    What commands import is there already, so what is loaded when is no question to ask a forked one. `before` is
    called in the new process, which is a cold one then. So it is where the environment differs in what an interpreter
    looks at when it starts or imports.
    """
    folder = folder or Path.cwd()
    environment = usual_environment() if environment is None else environment
    if not cold and before is None and _forks():
        forked = _server().fork(arguments, folder, environment)
        if forked is not None:
            return forked
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        preexec_fn=before,
    )


def programs() -> Path:
    """A folder with the programs of this Python's environment, for scripts that call `scoregate`.

    That one is forked as well, where it is called with variables of `usual_environment`; else it is started cold.
    """
    return _server().programs if _forks() else PROGRAMS


def door() -> Path:
    """The socket through which a program that has our rights may have another one forked; see `server`."""
    return _server().door


def _forks() -> bool:
    return sys.platform == "linux" and not os.environ.get(COLD)


class ForkedProcess:
    """A command that the server has forked. What it has of `subprocess.Popen[str]` behaves like that."""

    def __init__(
        self, words: Sequence[str], pid: int, told: int, stdin: int, stdout: int, stderr: int
    ) -> None:
        """`told` is the pipe on which the server tells how it ended; then our ends of the three streams."""
        self.args = words
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = open(stdin, "w", encoding="utf-8")  # noqa: SIM115
        self.stdout = open(stdout, encoding="utf-8")  # noqa: SIM115
        self.stderr = open(stderr, encoding="utf-8")  # noqa: SIM115
        self._told = open(told, "rb", buffering=0)  # noqa: SIM115
        self._said: dict[TextIO, bytes] = {self.stdout: b"", self.stderr: b""}
        self._answer: bytes | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            status = _number(self._told.fileno())
            assert status is not None, "the fork server has ended"
            self.returncode = os.waitstatus_to_exitcode(status)
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """May be called again after TimeoutExpired, and loses nothing then."""
        deadline = None if timeout is None else time.monotonic() + timeout

        def left() -> float | None:
            return None if deadline is None else max(0, deadline - time.monotonic())

        if self._answer is None:
            self._answer = (input or "").encode()
            with suppress(BrokenPipeError):
                self.stdin.flush()
        with selectors.DefaultSelector() as selector:
            for stream in self._said:
                if not stream.closed:
                    selector.register(stream, selectors.EVENT_READ)
            if not self.stdin.closed:
                selector.register(self.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                ready = selector.select(left())
                if not ready and left() == 0:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for stream in (self.stdin, *self._said):
                    if any(key.fileobj is stream for key, _ in ready) and not self._move(stream):
                        selector.unregister(stream)
                        stream.close()
        self.wait(left())
        out, err = (said.decode() for said in self._said.values())
        return out, err

    def _move(self, stream: TextIO) -> bool:
        """Write or read what is possible now; whether there may be more."""
        if stream is not self.stdin:
            data = os.read(stream.fileno(), LARGEST)
            self._said[stream] += data
            return bool(data)
        assert self._answer is not None
        try:
            self._answer = self._answer[os.write(stream.fileno(), self._answer[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            return False
        return bool(self._answer)


Process = subprocess.Popen[str] | ForkedProcess


class _Server:
    """The process that others are forked from."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="scoregate-tests-")
        door = Path(self._folder.name) / "door"
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(str(door))
            listening.listen()
            handed_on = (theirs.fileno(), listening.fileno())
            self._process = subprocess.Popen(
                [sys.executable, str(SERVER), *map(str, handed_on)],
                env=environment,
                # Pipes, as it is for pipes that Python sets up the streams that the commands go on with.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=handed_on,
            )
        self._control = ours
        self.door = door
        atexit.register(self.end)

    def end(self) -> None:
        """End it, and with it what it has forked that still runs."""
        self._control.close()
        self._process.communicate()
        self._folder.cleanup()

    def fork(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> ForkedProcess | None:
        """None where a variable differs whose value what is forked can no longer take on."""
        wanted = {
            "arguments": list(arguments),
            "folder": os.path.realpath(folder),
            "environment": dict(environment),
            "umask": _umask(),
        }
        (stdin, answer), (out, stdout), (err, stderr), (told, tell) = (os.pipe() for _ in range(4))
        try:
            socket.send_fds(self._control, [marshal.dumps(wanted)], [stdin, stdout, stderr, tell])
        finally:
            for end in (stdin, stdout, stderr, tell):
                os.close(end)
        pid = _number(told)
        if pid is None:
            self._complain()
        if pid == NOT_FORKED:
            for end in (answer, out, err, told):
                os.close(end)
            return None
        return ForkedProcess(arguments, pid, told, answer, out, err)

    @cached_property
    def programs(self) -> Path:
        """Those of this Python's environment, but for `scoregate`, which goes through the door."""
        folder = self.door.with_name("bin")
        folder.mkdir()
        for program in PROGRAMS.iterdir():
            (folder / program.name).symlink_to(program)
        scoregate = folder / "scoregate"
        words = [sys.executable, "-ISE", ERRAND, self.door, sys.executable, scoregate.readlink()]
        scoregate.unlink()
        scoregate.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
        scoregate.chmod(0o755)
        return folder

    def _complain(self) -> NoReturn:
        _, said = self._process.communicate()
        raise RuntimeError(f"the fork server has ended:\n{said.decode()}")


def _number(pipe: int) -> int | None:
    """What the server tells; None if it has ended."""
    written = os.read(pipe, NUMBER.size)
    return int(NUMBER.unpack(written)[0]) if written else None


def _umask() -> int:
    """It can only be read elsewhere, or by changing it."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^Umask:\s*(\d+)$", status, re.MULTILINE)
    assert found
    return int(found[1], 8)


@cache
def _server() -> _Server:
    """One for all tests of this process."""
    return _Server(usual_environment())
