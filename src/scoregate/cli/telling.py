"""Errors as a person meets them: one line on stderr and an exit code; the traceback only when asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from scoregate.errors import INTERRUPTED, USAGE, ScoregateError

DEBUG = "SCOREGATE_DEBUG"
"""Environment variable that shows tracebacks; `--debug` sets it."""


def told(work: Callable[[], object]) -> int:
    """Do the work and return its exit code; what it raises is told in one line."""
    debug = bool(os.environ.get(DEBUG))
    try:
        code = work()
        sys.stdout.flush()
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "scoregate"
        return tell(f"{error.format_message().rstrip('.')} (see '{command} --help')", USAGE)
    except click.ClickException as error:
        return tell(error.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return tell("stopped", INTERRUPTED)
    except ScoregateError as error:
        if debug:
            raise
        return tell(str(error), error.exit_code)
    except BrokenPipeError:
        # Whoever read our output went away, which is theirs to decide; nothing more can be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except Exception as error:  # the last line of defence: one line instead of a traceback
        if debug:
            raise
        text = f"{type(error).__name__}: {error}".split("\n")[0]
        return tell(f"internal error: {text} (this is a bug; --debug shows where)", INTERRUPTED)
    return code if isinstance(code, int) else 0


def tell(message: str, code: int) -> int:
    """Print one line on stderr and return the exit code."""
    click.echo(f"scoregate: {message}", err=True)
    return code
