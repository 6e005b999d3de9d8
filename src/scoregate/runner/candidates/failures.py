"""The two ways in which a candidate fails, and which of them a foreign exception is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scoregate.retries import RATE_LIMIT_STATUSES, TRANSIENT_STATUSES, seconds_to_wait
from scoregate.wording import MAX_REASON, first_line

_TRANSPORT_ERRORS = {
    "httpx": ("TransportError",),
    "requests": ("ConnectionError", "Timeout"),
    "aiohttp": ("ClientConnectionError",),
}
_NOT_TRANSPORT = {"httpx": ("UnsupportedProtocol", "LocalProtocolError")}
"""Kinds of them that mean a wrong request, which stays wrong."""
_LONGEST_CHAIN = 10


class CandidateError(Exception):
    """One item failed, and asking again would not help. `str(error)` is the reason, in one line."""


class TransientError(CandidateError):
    """One call failed, and may succeed when it is made again.

    `retry_after`: seconds that the candidate asked to wait, if it did. `rate_limited`: it was asked too often.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None, rate_limited: bool = False) -> None:
        self.retry_after = retry_after
        self.rate_limited = rate_limited
        super().__init__(reason)


def classify(error: BaseException) -> CandidateError:
    """What an exception of the candidate means: itself if it is a CandidateError, else a new one.

    It is a TransientError only where the exception says so, by its kind (ConnectionError, TimeoutError, the
    transport errors of httpx, requests and aiohttp), by an HTTP status (`status_code`, `status`, `code`, or
    the status of its `response`) or by a `retry_after`. One that says nothing is asked for its cause
    (`raise … from`), as SDKs wrap the error of their transport. The reason is "Type: first line".
    """
    if isinstance(error, CandidateError):
        return error
    if isinstance(error, SystemExit):
        return CandidateError(f"the candidate called exit({_shown_exit(error.code)})")
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return classify(error.exceptions[0])
    for link in _chain(error):
        opinion = _opinion(link)
        if opinion is not None:
            if opinion.transient:
                return TransientError(
                    reason_of(error), retry_after=opinion.retry_after, rate_limited=opinion.rate_limited
                )
            break
    return CandidateError(reason_of(error))


def reason_of(error: BaseException) -> str:
    """An exception as "Type: first line of its message", at most MAX_REASON characters, safe to store."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  user code: an error whose message cannot be made is still an error
        message = "(its message cannot be shown)"
    line = first_line(message)
    name = type(error).__name__
    return f"{name}: {line}"[:MAX_REASON] if line else name


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one exception says of itself."""

    transient: bool
    retry_after: float | None = None
    rate_limited: bool = False


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: object = error
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(link, BaseException):
            return
        yield link
        # urllib puts the socket's error into `reason` instead of raising from it.
        link = link.__cause__ or _attribute(link, "reason")


def _opinion(error: BaseException) -> _Opinion | None:
    if isinstance(error, TransientError):
        return _Opinion(True, error.retry_after, error.rate_limited)
    retry_after = _retry_after(error)
    status = _status(error)
    if status is not None:
        return _Opinion(status in TRANSIENT_STATUSES, retry_after, status in RATE_LIMIT_STATUSES)
    if retry_after is not None:
        return _Opinion(True, retry_after, rate_limited=True)
    return _Opinion(True) if _is_transport_error(error) else None


def _is_transport_error(error: BaseException) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    return _is_one_of(error, _TRANSPORT_ERRORS) and not _is_one_of(error, _NOT_TRANSPORT)


def _is_one_of(error: BaseException, kinds: Mapping[str, tuple[str, ...]]) -> bool:
    # A library that was never imported cannot have raised, so nothing is imported to find out.
    loaded = ((sys.modules[module], names) for module, names in kinds.items() if module in sys.modules)
    classes = [_attribute(module, name) for module, names in loaded for name in names]
    return any(isinstance(kind, type) and isinstance(error, kind) for kind in classes)


def _status(error: BaseException) -> int | None:
    response = _attribute(error, "response")
    candidates = (
        _attribute(error, "status_code"),
        _attribute(response, "status_code"),
        _attribute(error, "status"),
        _attribute(error, "code"),
    )
    for value in candidates:
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
            return int(value)
    return None


def _retry_after(error: BaseException) -> float | None:
    own = seconds_to_wait(_attribute(error, "retry_after"))
    if own is not None:
        return own
    for holder in (_attribute(error, "response"), error):
        items = _attribute(_attribute(holder, "headers"), "items")
        if callable(items):
            for name, value in items():
                if isinstance(name, str) and name.lower() == "retry-after":
                    return seconds_to_wait(value)
    return None


def _attribute(holder: object, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001  user code: a property that raises says nothing
        return None


def _shown_exit(code: object) -> str:
    return "" if code is None else first_line(repr(code))
