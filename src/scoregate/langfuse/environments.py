"""Environments of Langfuse, checked: a server puts what names another kind into `default`, without a word."""

from __future__ import annotations

import re

from scoregate.errors import ConfigError

_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")


def check_environment(environment: str) -> None:
    """Refuse an environment that the server would put elsewhere without a word. Raises ConfigError."""
    if not _ENVIRONMENT.fullmatch(environment):
        raise ConfigError(
            f"'{environment}' is no environment of Langfuse, which would put it into another one",
            hint="LANGFUSE_TRACING_ENVIRONMENT takes up to 40 of a-z, 0-9, - and _, not beginning with 'langfuse'",
        )
