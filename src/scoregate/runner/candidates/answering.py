"""A worker's own side: load an experiment once, then answer one question after the other, until nobody asks.

Questions and replies are JSON lines on one socket. The first line that goes out says what was loaded, or why nothing
was. When the socket closes, the process ends, whatever it is doing: so none outlives the process that asks.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from queue import SimpleQueue

from scoregate.errors import ConfigError
from scoregate.git.version import Version
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem
from scoregate.runner.candidates.candidate import Candidate, as_answer, classify
from scoregate.runner.candidates.python_file import load_experiment, python_candidate
from scoregate.runner.candidates.wire import answer_document, error_document

_SECONDS_TO_END = 0.5
"""How long an idle process may take to end by itself: what user code does at exit, such as sending traces."""

Under = Callable[[str | None], AbstractContextManager[None]]
"""Makes what a `traceparent` names the parent of all that is traced inside; None names nothing."""
_Line = bytes | None
"""A question; None when there will be no more."""


def answer_questions(experiment: Path, descriptor: int, under: Under) -> None:
    """Load the file, say so, and answer. Whatever the user's code prints goes to stderr."""
    channel = _Channel(descriptor)
    os.dup2(2, 1)
    try:
        loaded = load_experiment(experiment)
    except ConfigError as error:
        channel.send({"error": error.message, "where": error.where, "hint": error.hint})
        return
    candidate = python_candidate(loaded, version=Version(""))
    ready: dict[str, JSON] = {"version": loaded.version}
    if candidate.is_async:
        import asyncio

        asyncio.run(_answer_async(candidate, channel, ready, under))
    else:
        _answer_sync(candidate, channel, ready, under)


class _Channel:
    """The socket, and a thread that reads it, so that its end is noticed in the middle of a call as well."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        # A fork of the user's code must not hold the socket open when this process dies.
        os.register_at_fork(after_in_child=self._socket.close)
        self._waiting: SimpleQueue[_Line] = SimpleQueue()
        self._deliver: Callable[[_Line], object] = self._waiting.put
        self._busy = True
        threading.Thread(target=self._read, name="scoregate-questions", daemon=True).start()

    def send(self, document: dict[str, JSON]) -> None:
        data = json_codec.dumps(document, allow_nan=False).encode() + b"\n"
        self._busy = False  # Before the reply: the next question may be there as soon as it is out.
        self._socket.sendall(data)

    def receive(self) -> _Line:
        return self._waiting.get()

    def deliver_to(self, deliver: Callable[[_Line], object]) -> None:
        """Hand questions to `deliver`, in the reading thread. Said before the first question can come."""
        self._deliver = deliver

    def _read(self) -> None:
        buffer = bytearray()
        while data := self._received():
            buffer += data
            if buffer.endswith(b"\n"):
                self._busy = True
                self._deliver(bytes(buffer))
                buffer.clear()
        if not self._busy:
            self._deliver(None)
            time.sleep(_SECONDS_TO_END)
        _end_now()

    def _received(self) -> bytes:
        try:
            return self._socket.recv(1 << 18)
        except OSError:
            return b""


def _answer_sync(candidate: Candidate, channel: _Channel, ready: dict[str, JSON], under: Under) -> None:
    channel.send(ready)
    while (line := channel.receive()) is not None:
        item, trial, parent = _asked(line)
        try:
            with under(parent):
                reply = answer_document(as_answer(candidate.call(item, trial)))
        except Exception as error:  # noqa: BLE001  user code: whatever it raises is the reason of this item
            reply = error_document(classify(error))
        channel.send(reply)


async def _answer_async(
    candidate: Candidate, channel: _Channel, ready: dict[str, JSON], under: Under
) -> None:
    import asyncio

    # One event loop for all calls, as in the engine: clients that belong to it live on.
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[_Line] = asyncio.Queue()
    channel.deliver_to(lambda line: loop.call_soon_threadsafe(lines.put_nowait, line))
    channel.send(ready)
    while (line := await lines.get()) is not None:
        item, trial, parent = _asked(line)
        try:
            with under(parent):
                reply = answer_document(as_answer(await candidate.call(item, trial)))
        except Exception as error:  # noqa: BLE001  user code: whatever it raises is the reason of this item
            reply = error_document(classify(error))
        channel.send(reply)


def _asked(line: bytes) -> tuple[DatasetItem, int, str | None]:
    fields = json_codec.loads(line)
    trial, parent = fields.pop("trial"), fields.pop("traceparent", None)
    return DatasetItem(**fields), trial, parent


def _end_now() -> None:
    """End this process and what it has started: it leads a process group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
