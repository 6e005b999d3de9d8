"""The stand-in in a process of its own, for benchmarks and for tests that kill the client."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.langfuse_server.answers import Json
from tests.langfuse_server.control import PREFIX

ROOT = Path(__file__).parents[2]
# A proxy of the environment has no business on loopback.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class ServerHandle:
    """A running server of another process."""

    url: str
    public_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a client here."""
        return {
            "LANGFUSE_BASE_URL": self.url,
            "LANGFUSE_PUBLIC_KEY": self.public_key,
            "LANGFUSE_SECRET_KEY": self.secret_key,
        }

    def control(self, command: str, **arguments: Json) -> Json:
        """Run a command of the control endpoint (see `control.py`) and give back its answer."""
        request = urllib.request.Request(
            f"{self.url}{PREFIX}{command}", data=json.dumps(arguments).encode(), method="POST"
        )
        with DIRECT.open(request, timeout=60) as response:
            return json.load(response)


@contextmanager
def server_process(
    *, port: int = 0, latency: float = 0.0, lag: float = 0.0, batches: bool = True
) -> Iterator[ServerHandle]:
    """Start a server in an own process and end it afterwards. Times are in seconds."""
    command = [sys.executable, "-m", "tests.langfuse_server", "--port", str(port)]
    public_key, secret_key = (f"{kind}-lf-{secrets.token_hex(8)}" for kind in ("pk", "sk"))
    command += ["--public-key", public_key, "--secret-key", secret_key]
    command += ["--latency", str(latency), "--lag", str(lag)]
    if not batches:
        command.append("--no-batches")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the stand-in server did not start; its message is above")
            yield ServerHandle(url, public_key, secret_key)
        finally:
            process.terminate()
