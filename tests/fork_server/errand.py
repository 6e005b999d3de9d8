"""`python -ISE errand.py DOOR PYTHON FILE …` is what `PYTHON FILE …` would be, in a process that the fork server forks.

Its streams, folder, environment and exit code, or the signal that ended it, are those of this process, which lives as
long. A signal to this process alone does not reach it. What this imports is paid for in each of some hundred starts.
"""

from __future__ import annotations

import _socket
import marshal
import os
import sys


def main(door: str, python: str, *arguments: str) -> None:
    told, tell = os.pipe()
    umask = os.umask(0)
    os.umask(umask)
    wanted = {
        "arguments": arguments,
        "folder": os.getcwd(),  # noqa: PTH109  pathlib would be the dearest import here
        "environment": dict(os.environ),
        "umask": umask,
    }
    descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2, tell))
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    connection.connect(door)
    connection.sendmsg([marshal.dumps(wanted)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    os.close(tell)
    if _number(told) == 0:
        os.execv(python, [python, *arguments])
    code = os.waitstatus_to_exitcode(_number(told))
    if code < 0:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _number(told: int) -> int:
    """The next that the server tells; it ends this process where there is no server any more."""
    written = os.read(told, 4)
    if not written:
        sys.exit("the fork server has ended")
    return int.from_bytes(written, sys.byteorder, signed=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
