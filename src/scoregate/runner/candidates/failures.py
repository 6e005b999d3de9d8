"""The two ways in which a candidate fails, and which of them a foreign exception is."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scoregate.errors import thread_advice
from scoregate.retries import RATE_LIMIT_STATUSES, is_transient, seconds_to_wait
from scoregate.wording import MAX_REASON, first_line

_NETWORK_ERRNOS = frozenset(
    {
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENETRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ETIMEDOUT,
        errno.ECONNRESET,
        errno.ECONNREFUSED,
    }
)
_TRANSPORT = re.compile(
    r"Connect(ion|or)?(Error|Timeout|Closed|Reset|Refused|Aborted)|Disconnect|Timeout(Error|Exception)?$|TimedOut"
    r"|NameResolution|^socket\.gaierror$|ChunkedEncoding|IncompleteRead|PayloadError|RemoteProtocolError|NetworkError"
    r"|^urllib3\.ProtocolError$|^(httpx|httpcore|google)\.TransportError$|^botocore\.HTTPClientError$"
    r"|^requests\.RetryError$|^urllib3\.ResponseError$|^azure\.Service(Request|Response)|^ssl\.SSL(EOF|ZeroReturn)Error$"
    r"|ServiceUnavailable|ServerBusy|Overloaded|DeadlineExceeded"
)
"""Names of classes, behind that of their package: what the libraries that speak HTTP, gRPC and the like raise where no
answer came, and of what is derived from it."""
_THROTTLED = re.compile(r"RateLimit|TooManyRequests|Throttl|ResourceExhausted|SlowDown", re.IGNORECASE)
_WRONG_REQUEST = frozenset({"UnsupportedProtocol", "LocalProtocolError", "SSLCertVerificationError"})
"""Classes of theirs that mean a request which stays wrong."""
_SERVICE_CODES = re.compile(
    r"Throttl|TooManyRequests|SlowDown|RequestLimitExceeded|ThroughputExceeded|RateExceeded"
    r"|(?P<busy>Timeout|Unavailable|Internal(Server|Failure|Error)|NotReady|Busy|Overloaded)",
    re.IGNORECASE,
)
"""Error codes in the answers of services that send them with a status of 400, as those of AWS do."""
_CODES_OF_MODELS = re.compile(
    r"^(rate_limit\w*|(?P<busy>overloaded_error|(internal_)?server_error|api_error|timeout_error))$"
)
"""What model services say in a stream that has begun with the status 200, or without any."""
_RPC_CODES = {
    "RESOURCE_EXHAUSTED": True,
    "UNAVAILABLE": False,
    "DEADLINE_EXCEEDED": False,
    "ABORTED": False,
    "INTERNAL": False,
}
"""Status of a remote procedure call (gRPC) that may be gone at the next one -> whether it was asked too often."""
_QUOTA_USED_UP = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""What comes with the status 429 and is not gone in a minute."""
_WRAPPED = ("reason", "inner_exception", "cause", "original_exception")
"""Attributes in which libraries keep the error of their transport instead of raising from it."""
_LONGEST_CHAIN = 10
_LEAST_REFUSAL = 400
_STATUS_LINE = re.compile(r"[1-5]\d\d(?: |$)")


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


class UnwritableOutput(CandidateError):
    """An answer that cannot be kept. `remedy` is what the task may return instead; perhaps it is empty.

    `of_type`: no value of its type can be written, so that the same is to be expected of every other answer.
    """

    def __init__(self, reason: str, *, remedy: str = "", of_type: bool = False) -> None:
        self.remedy = remedy
        self.of_type = of_type
        super().__init__(reason)


def classify(error: BaseException) -> CandidateError:
    """What an exception of the candidate means: itself if it is a CandidateError, else a new one.

    It is a TransientError only where the exception says so: by an HTTP status (`status_code`, `status`, `code`, or that
    of its `response`), a gRPC status, an error code of the service, a `retry_after`, or by its kind (no connection, no
    answer in time, an answer that broke off, a name that was not resolved), whichever library it is of: no library is
    imported for it. One that says nothing is asked for its cause (`raise … from`), as SDKs wrap the error of their
    transport. The reason is "Type: first line".
    """
    if isinstance(error, CandidateError):
        return error
    if isinstance(error, SystemExit):
        return CandidateError(f"the candidate called exit({_shown_exit(error.code)})")
    if isinstance(error, BaseExceptionGroup):
        members = [classify(member) for member in error.exceptions]
        if len(members) == 1:
            return members[0]
        if all(isinstance(member, TransientError) for member in members):
            return TransientError(reason_of(error))
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
    advice = thread_advice(error)
    reason = f"{name}: {line}"[:MAX_REASON] if line else name
    return reason if advice is None else f"{reason} ({advice})"


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
        attempt = _called(_attribute(_attribute(link, "last_attempt"), "exception"))  # of tenacity
        wrapped = (attempt, *(_attribute(link, name) for name in _WRAPPED))
        link = link.__cause__ or next((inner for inner in wrapped if isinstance(inner, BaseException)), None)


def _opinion(error: BaseException) -> _Opinion | None:
    if isinstance(error, TransientError):
        return _Opinion(True, error.retry_after, error.rate_limited)
    said = (_attribute(error, "code"), _attribute(error, "type"), *_service_codes(error))
    if any(isinstance(code, str) and code in _QUOTA_USED_UP for code in said):
        return _Opinion(False)
    retry_after = _retry_after(error)
    status = _status(error)
    for code in _service_codes(error):
        found = _SERVICE_CODES.search(code)
        if found is not None:
            limited = found["busy"] is None or status in RATE_LIMIT_STATUSES
            return _Opinion(True, retry_after, limited)
    if status is None or status < _LEAST_REFUSAL:
        for code in _model_codes(error):
            found = _CODES_OF_MODELS.search(code)
            if found is not None:
                return _Opinion(True, retry_after, rate_limited=found["busy"] is None)
    if status is not None:
        return _Opinion(is_transient(status), retry_after, status in RATE_LIMIT_STATUSES)
    rpc = _rpc_status(error)
    if rpc is not None:
        return _Opinion(True, retry_after, rate_limited=_RPC_CODES[rpc])
    if retry_after is not None:
        return _Opinion(True, retry_after, rate_limited=True)
    return _by_kind(error)


def _by_kind(error: BaseException) -> _Opinion | None:
    kinds = type(error).__mro__
    if any(kind.__name__ in _WRONG_REQUEST for kind in kinds):
        return _Opinion(False)
    if isinstance(error, (ConnectionError, TimeoutError)) or (
        isinstance(error, OSError) and error.errno in _NETWORK_ERRNOS
    ):
        return _Opinion(True)
    names = [f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in kinds]
    if any(map(_THROTTLED.search, names)):
        return _Opinion(True, rate_limited=True)
    return _Opinion(True) if any(map(_TRANSPORT.search, names)) else None


def _status(error: BaseException) -> int | None:
    """The HTTP status that came, where the exception says it."""
    response = _attribute(error, "response")
    candidates = (
        _attribute(error, "status_code"),
        *(_either(response, name) for name in ("status_code", "statusCode", "status")),
        _attribute(_attribute(error, "resp"), "status"),
        _member(response, "ResponseMetadata", "HTTPStatusCode"),
        *(
            _attribute(error, name)
            for name in ("status", "http_status", "http_status_code", "statusCode", "code")
        ),
    )
    for value in candidates:
        if isinstance(value, str) and _STATUS_LINE.match(value):
            value = int(value[:3])
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
            return int(value)
    return None


def _rpc_status(error: BaseException) -> str | None:
    """The name of a gRPC status that may be gone; `code` is a method that gives it, or it is there as a text."""
    said = _called(_attribute(error, "code"))
    for value in (said, _attribute(error, "status"), _attribute(error, "grpc_status_code")):
        word = value if isinstance(value, str) else _attribute(value, "name")
        if isinstance(word, str) and word in _RPC_CODES:
            return word
    return None


def _service_codes(error: BaseException) -> list[str]:
    code = _member(_attribute(error, "response"), "Error", "Code")
    return [code] if isinstance(code, str) else []


def _model_codes(error: BaseException) -> Iterator[str]:
    body = _attribute(error, "body")
    holders = (_member(body, "error"), body)
    said = [_attribute(error, "code"), _attribute(error, "type")]
    said += [_member(holder, name) for holder in holders for name in ("code", "type")]
    return (code for code in said if isinstance(code, str))


def _retry_after(error: BaseException) -> float | None:
    own = seconds_to_wait(_attribute(error, "retry_after"))
    if own is not None:
        return own
    response = _attribute(error, "response")
    answers = (_member(response, "ResponseMetadata", "HTTPHeaders"), *map(_headers, (response, error)))
    for headers in answers:
        items = _attribute(headers, "items")
        if callable(items):
            for name, value in items():
                if _text(name).lower() == "retry-after":
                    return seconds_to_wait(_text(value) or value)
    return None


def _headers(holder: object) -> object:
    return _either(holder, "headers")


def _either(holder: object, name: str) -> object:
    """What an object or a mapping holds under a name."""
    return _member(holder, name) if isinstance(holder, Mapping) else _attribute(holder, name)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _called(method: Any) -> Any:
    """What a method without arguments gives, or the value that is there instead."""
    try:
        return method() if callable(method) else method
    except Exception:  # noqa: BLE001  user code: a method that raises says nothing
        return None


def _member(holder: object, *names: str) -> object:
    """What a mapping in a mapping holds; None where there is none."""
    for name in names:
        holder = holder.get(name) if isinstance(holder, Mapping) else None
    return holder


def _attribute(holder: object, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001  user code: a property that raises says nothing
        return None


def _shown_exit(code: object) -> str:
    return "" if code is None else first_line(repr(code))
