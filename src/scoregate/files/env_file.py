"""A project's `.env`: where keys stand that the process's environment does not have.

It has one NAME=value a line, as python-dotenv reads it, and what it cannot read is an error with its line. Left to
itself python-dotenv logs such a line without its file, and goes on without it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

from scoregate.errors import ConfigError

ENV_FILE = ".env"
_HINT = "it is UTF-8 text, one NAME=value a line"


def variable(name: str, root: Path, environ: Mapping[str, str] = os.environ) -> str | None:
    """What a gate names by a variable: of the process's environment, else of `.env` in the project's root.

    None where neither has it, or blank. Nothing else of the file is looked at, and nothing gets into the environment.
    Raises as `read_env_file`.
    """
    if environ.get(name, "").strip():
        return environ[name]
    return read_env_file(root / ENV_FILE).get(name)


def read_env_file(path: Path) -> dict[str, str]:
    """The values that the file sets, without those that are blank; nothing where there is no such file.

    Of a name that is set twice the last value counts, and `$NAME` is no reference. Raises ConfigError, which never
    shows what a line holds: it may be a secret.
    """
    if not path.is_file():
        return {}
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError("cannot be read", where=str(path), hint=_HINT) from problem
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raw = binding.original.string
            line = binding.original.line + raw[: len(raw) - len(raw.lstrip())].count("\n")
            raise ConfigError("cannot be read as NAME=value", where=f"{path.name}:{line}", hint=_HINT)
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return {name: value for name, value in found.items() if value.strip()}
