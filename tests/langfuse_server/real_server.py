"""Whether a real server is to be asked instead of the stand-in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

REAL_SERVER = "SCOREGATE_TEST_LANGFUSE"
"""Set by `make test-langfuse`, so that keys in somebody's shell do not send the plain tests to a real project."""
KEYS = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")


@dataclass(frozen=True, slots=True)
class RealServer:
    """A server and the keys of a project for tests on it."""

    url: str
    public_key: str
    secret_key: str = field(repr=False)


def real_server() -> RealServer | None:
    """The server of LANGFUSE_BASE_URL; None where none is given, or where the tests were not started for it."""
    url = os.environ.get("LANGFUSE_BASE_URL", "")
    if not os.environ.get(REAL_SERVER) or not url:
        return None
    missing = [name for name in KEYS if not os.environ.get(name)]
    assert not missing, f"set {', '.join(missing)}: the keys of a project for tests on {url}"
    public_key, secret_key = (os.environ[name] for name in KEYS)
    return RealServer(url.rstrip("/"), public_key, secret_key)
