"""One family of exceptions: what went wrong, where, what to do next, and the exit code.

The exit codes are part of the interface: 0 pass, 1 regression, 2 usage or configuration, 3 inconclusive,
4 invalid comparison, 5 interrupted or a service failed.
"""

from __future__ import annotations

from collections.abc import Iterable

PASS = 0
REGRESSION = 1
USAGE = 2
INCONCLUSIVE = 3
INVALID = 4
INTERRUPTED = 5


class ScoregateError(Exception):
    """Base of every error that a user can act on.

    `where` is a place such as `gates/x.toml:12` or an item id, `hint` the next thing to do.
    `str(error)` is the one line that the command line prints.
    """

    exit_code = USAGE

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.message = message
        self.where = where
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return " ".join(f"{place}{self.message}{advice}".split("\n"))


class ConfigError(ScoregateError):
    """A gate file, a score catalog or a command line that cannot be used. Nothing was run."""


class DatasetError(ScoregateError):
    """A dataset that cannot be read or breaks its own rules. Nothing was run."""


class ContractError(ScoregateError):
    """A score value that breaks its contract in the catalog: names score, item and rule."""


class ResultsError(ScoregateError):
    """A results file or table that cannot be read as a run."""


class StoreError(ScoregateError):
    """The local store is damaged, newer than this version, or cannot be written."""


class StoreLocked(StoreError):
    """Another process keeps the store locked. Nothing is wrong with it, and nothing was changed."""

    exit_code = INTERRUPTED


class StoreWriteError(StoreError):
    """The store failed while a run was going on (disk full, directory gone). What was committed is kept."""

    exit_code = INTERRUPTED


class BaselineError(ScoregateError):
    """There is no baseline to compare with, or it cannot be trusted."""

    exit_code = INVALID


class NoBaseline(BaselineError):
    """There is nothing to compare with yet; that is not the same as "no regression"."""


class EditedBaseline(BaselineError):
    """Its file is not as it was when it was accepted."""


class RunInterrupted(ScoregateError):
    """A run stopped before its end; what was done is kept and can be resumed. `run` is its id, where one had begun."""

    exit_code = INTERRUPTED

    def __init__(
        self, message: str, *, where: str | None = None, hint: str | None = None, run: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.run = run


class AnswersRefused(ScoregateError):
    """The first answers of a candidate cannot be kept, as no other could be. The run ended there."""

    exit_code = INTERRUPTED


class ServiceError(ScoregateError):
    """A service such as Langfuse failed or cannot be reached. Nothing that was to be sent is lost."""

    exit_code = INTERRUPTED


_THREAD_BOUND = (
    "can only be used in that same thread",  # sqlite3
    "signal only works in main thread",
    "no current event loop in thread",
    "Cannot switch to a different thread",  # greenlet, and so Playwright and others
    "set_wakeup_fd only works in main thread",
    "main thread is not in main loop",  # Tk
)


def thread_advice(error: BaseException) -> str | None:
    """What to do about an error of code that works only in the thread in which something was made; None for others."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  user code: an error whose message cannot be made gives no sign either
        return None
    if not any(sign in message for sign in _THREAD_BOUND):
        return None
    return 'set threads = "main" in [candidate], or isolate = true, or make it where it is used'


_MOST_KNOWN = 10


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest known word, or lists them when none is near, at most ten."""
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    more = f" and {len(names) - _MOST_KNOWN:,} more" if len(names) > _MOST_KNOWN else ""
    return f"known: {', '.join(names[:_MOST_KNOWN])}{more}" if names else None
