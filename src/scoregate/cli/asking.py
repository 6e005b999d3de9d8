"""Asking before something is done that cannot be taken back."""

from __future__ import annotations

import click

from scoregate.errors import ConfigError


def agreed(question: str) -> bool:
    """Whether the person at the keyboard says yes; ConfigError where nobody is there to answer."""
    try:
        return click.confirm(question)
    except click.Abort:
        click.echo()  # the question's line is still open
        raise ConfigError(
            "nobody answered, so nothing was changed", hint="--yes does it without asking"
        ) from None
