"""How the server reads an environment's name."""

from __future__ import annotations

import re

DEFAULT = "default"


def environment(value: object) -> str:
    """The name as it is stored: a `langfuse-` prefix is cut off, and what is no name becomes `default`."""
    if not isinstance(value, str):
        return DEFAULT
    name = value.removeprefix("langfuse-").removeprefix("langfuse")
    return name if re.fullmatch(r"[a-z0-9-_]{1,40}", name) else DEFAULT
