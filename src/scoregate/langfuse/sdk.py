"""Which release of Langfuse's SDK is installed, and whether it is one that this room can work with."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from scoregate.errors import ConfigError

_OLDEST = (4, 14)


def sdk_version() -> str:
    """The version that is installed, "0" where there is none. Does not load the SDK."""
    try:
        return version("langfuse")
    except PackageNotFoundError:
        return "0"


def check_sdk() -> None:
    """Raise ConfigError for a release that lacks what runs, scripts and `enforce` need."""
    found = sdk_version()
    numbers = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
    if numbers < _OLDEST:
        raise ConfigError(
            f"Langfuse's SDK {found} is installed, and runs in Langfuse need {'.'.join(map(str, _OLDEST))} or later",
            hint='pip install "langfuse>=4.14,<6"; with --local, or without its keys, a gate runs without it',
        )
