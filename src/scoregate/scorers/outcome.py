"""What a scorer may return, read into outcomes: a value, not applicable, or an error with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from scoregate.errors import did_you_mean
from scoregate.records import SCORE_STATUSES, ScoreStatus, ScoreValue
from scoregate.records.absent import EMPTY_LIST, NO_VALUE, RETURNED_NOTHING

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Scored:
    """One outcome of a scorer. `value` is None unless `status` is "ok"."""

    score: str
    """Name of the score; empty: the scorer's own."""
    value: ScoreValue
    status: ScoreStatus = "ok"
    comment: str | None = None
    """The scorer's explanation, or the reason of an error."""


def not_applicable(comment: str | None = None) -> Scored:
    """What an evaluator returns for an item that its score does not apply to. Such a cell does not count."""
    return Scored("", None, "not_applicable", comment)


def normalise(returned: object, *, name: str) -> list[Scored]:
    """Outcomes of what a scorer returned; `name` is the score of what carries no name. Never raises.

    Accepted: a Langfuse `Evaluation` (anything with `name` and `value`), a mapping with `value` (and `name`,
    `comment`, `status`), a `Scored`, a bool, a number, a `Decimal` or `Fraction`, a string, a NumPy scalar, an enum
    member (its value), or a list or tuple of these. Everything else, None, NaN and infinity, and a name that comes
    twice are errors.
    """
    if type(returned) is bool:  # most scores
        return [Scored(name, returned)]
    if isinstance(returned, (list, tuple)) and not hasattr(type(returned), "_fields"):  # a named tuple is one
        if not returned:
            return [_error(name, EMPTY_LIST)]
        return _without_doubles([_read(one, name) for one in returned])
    return [_read(returned, name)]


def short_reason(error: BaseException) -> str:
    """`ExceptionType: message`: its first line, at most 300 characters. Never raises."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - a user's exception may fail to print itself
        lines = ["(its message cannot be shown)"]
    kind = type(error).__name__
    return shortened(f"{kind}: {lines[0]}" if lines else kind, _LONGEST_REASON)


def reason_of_call(error: BaseException) -> str:
    """`short_reason` of what a user's evaluator raised, with what to do about a module that it imports too late.

    The folders of an experiment are on the import path only while its file is imported.
    """
    reason = short_reason(error)
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return reason
    top, trace = error.name.partition(".")[0], error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        for folder in (file.parent, file.parent.parent) if file.is_absolute() else ():
            if (folder / f"{top}.py").is_file() or (folder / top).is_dir():
                return f"{reason} (import it at the top of {file.name}, not inside a function)"
        trace = trace.tb_next
    return reason


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters of a text that can be stored: the rest is an ellipsis."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return _storable(text)


def _read(returned: object, name: str) -> Scored:
    try:
        outcome = _outcome(returned)
        score, comment = outcome.score or name, _comment(outcome.comment)
        return Scored(score, outcome.value, outcome.status, comment)
    except _Unreadable as error:
        return _error(error.score or name, str(error))
    except Exception as error:  # noqa: BLE001 - attributes of a user's object may be code that fails
        return _error(name, f"what the scorer returned cannot be read: {short_reason(error)}")


_EVALUATION_KEYS = ("name", "value", "status", "comment", "metadata", "data_type", "config_id")
"""What a mapping may say: the fields of a Langfuse evaluation, and our `status`."""


def _outcome(returned: object) -> Scored:
    if isinstance(returned, Scored):
        return _checked(returned.score, returned.value, returned.status, returned.comment)
    if isinstance(returned, Enum):
        return _checked("", returned.value)
    if returned is None or isinstance(returned, (bool, int, float, str)):
        return _checked("", returned)
    if isinstance(returned, Mapping):
        if "value" not in returned and "status" not in returned:
            keys = ", ".join(sorted(map(str, returned))) or "none"
            raise _Unreadable(f"the scorer returned a mapping without 'value' (keys: {keys})")
        unknown = [str(key) for key in returned if key not in _EVALUATION_KEYS]
        if unknown:
            hint = did_you_mean(unknown[0], _EVALUATION_KEYS)
            raise _Unreadable(f"the scorer returned a mapping with an unknown key '{unknown[0]}' ({hint})")
        status = returned.get("status", "ok")
        value = _as_declared(returned.get("value"), returned.get("data_type"))
        return _checked(returned.get("name"), value, status, returned.get("comment"))
    if _is_evaluation(returned):
        value = _as_declared(returned.value, getattr(returned, "data_type", None))  # type: ignore[attr-defined]
        return _checked(returned.name, value, "ok", getattr(returned, "comment", None))  # type: ignore[attr-defined]
    return _checked("", returned)


def _checked(name: Any, value: object, status: Any = "ok", comment: Any = None) -> Scored:
    """The outcome with a plain value, or _Unreadable with what is wrong with it."""
    if name is not None and not isinstance(name, str):
        raise _Unreadable(f"the scorer returned a score whose name is a {type(name).__name__}, not a string")
    score = _storable(str(name or ""))
    if status not in SCORE_STATUSES:
        known = ", ".join(SCORE_STATUSES)
        raise _Unreadable(f"the scorer returned the status {status!r} (known: {known})", score)
    if status == "not_applicable":
        return Scored(score, None, status, comment)
    if status == "error":
        return Scored(score, None, status, comment or "the scorer says that it failed, without a reason")
    if value is None:
        raise _Unreadable(RETURNED_NOTHING if not score else NO_VALUE, score)
    return Scored(score, _plain(value, score), "ok", comment)


_EXACT = ("Decimal", "Fraction")
"""Numbers of Python's own library, whose modules no run need import."""


def _plain(value: Any, score: str) -> ScoreValue:
    """The value as a plain bool, int, float or str, also from subclasses, enum members and NumPy scalars."""
    if isinstance(value, Enum):
        value = value.value
    if not isinstance(value, (bool, int, float, str)):
        unwrap = value.__float__ if type(value).__name__ in _EXACT else getattr(value, "item", None)
        if not callable(unwrap):
            kind = type(value).__name__
            raise _Unreadable(f"the scorer returned a {kind}, which is no score value", score)
        value = unwrap()
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value != _storable(value):
            raise _Unreadable("the score is a string that is not valid Unicode", score)
        return str.__str__(value)
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise _Unreadable("the score is an integer of more than 64 bits", score)
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _Unreadable(f"the score is {float(value)}, which is not a number", score)
        return float(value)
    raise _Unreadable(f"the scorer returned a {type(value).__name__}, which is no score value", score)


def _as_declared(value: object, data_type: object) -> object:
    """Langfuse sends booleans as 0 and 1: an evaluation that declares itself BOOLEAN means one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return bool(value) if data_type == "BOOLEAN" and is_number and value in (0, 1) else value


def _is_evaluation(returned: object) -> bool:
    return hasattr(returned, "name") and hasattr(returned, "value")


def _comment(comment: object) -> str | None:
    return None if comment is None else _storable(str(comment))


def _storable(text: str) -> str:
    """The text with lone surrogates spelled out: UTF-8, and so no file or database, can hold them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _without_doubles(outcomes: list[Scored]) -> list[Scored]:
    """One outcome a name: a name that comes twice is an error, for either could be the one that is meant."""
    seen: dict[str, Scored] = {}
    for outcome in outcomes:
        if outcome.score in seen:
            outcome = _error(outcome.score, f"the scorer returned '{outcome.score}' more than once")
        seen[outcome.score] = outcome
    return list(seen.values())


def _error(score: str, reason: str) -> Scored:
    return Scored(score, None, "error", shortened(reason, _LONGEST_REASON))


class _Unreadable(Exception):
    """What a scorer returned is no outcome; `score` is its name where that much is known."""

    def __init__(self, reason: str, score: str = "") -> None:
        self.score = score
        super().__init__(reason)
