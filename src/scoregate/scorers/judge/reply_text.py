"""From the text of a reply to its JSON, strictly: nothing is cut out of prose, nothing is mended.

A number found by searching a text may be another than the one that was meant ("not 8 but 3"); the model is asked
again instead.
"""

from __future__ import annotations

import json
import re

from scoregate.files.strict_json import JsonProblem, parse_json, unique_members
from scoregate.records import JSON
from scoregate.scorers.judge.faults import Fault, ReplyProblem

_REFUSAL = re.compile(
    r"(?:i['’]?m|i am) (?:really |very |so )?(?:sorry|unable|not able)"
    r"|(?:sorry|unfortunately),? (?:but )?i (?:can|am|will)"
    r"|i (?:can['’]?t|cannot|can not|won['’]?t|will not|must decline)"
    r"|as an ai\b",
    re.IGNORECASE,
)
# What Python's parser complains of where a text stops inside a value: the word, or the rest of the number.
_VALUES = ("true", "false", "null", "-", ".", "e+", "e-", "E+", "E-")
_ESCAPE_AND_NEXT = len("uXXXX.")


def parse_reply(text: str) -> JSON:
    """The JSON value that the whole text is, white space around it allowed. Raises ReplyProblem."""
    stripped = text.strip()
    if not stripped:
        raise ReplyProblem(Fault.EMPTY_REPLY, "the reply is empty")
    try:
        return parse_json(stripped)
    except JsonProblem as problem:
        raise _problem(stripped, str(problem)) from None


def _problem(text: str, reason: str) -> ReplyProblem:
    """The fault of a text that is no strict JSON; `reason` is what the strict parser said."""
    start = text.find("{")
    if start < 0:
        if _REFUSAL.match(text):
            return ReplyProblem(Fault.REFUSAL, f'the model refused: "{text[:200]}"')
        return ReplyProblem(Fault.NOT_JSON, "the reply is not JSON, but other text")
    try:
        end = _LENIENT.raw_decode(text, start)[1]
    except json.JSONDecodeError as error:
        return _broken(text, start, error)
    except (ValueError, RecursionError):  # too many digits, or nested too deeply
        return ReplyProblem(Fault.NOT_JSON, f"the reply holds {reason}")
    if start > 0 or end < len(text):
        return _extra(text, start, end)
    # Python's own parser took the whole of it: what the strict one refuses is a key twice, or a number.
    try:
        _UNIQUE.decode(text)
    except JsonProblem as problem:
        return ReplyProblem(Fault.DUPLICATE_KEY, str(problem))
    return ReplyProblem(Fault.SCORE_NOT_FINITE, f"the reply holds a number that is not finite: {reason}")


def _broken(text: str, start: int, error: json.JSONDecodeError) -> ReplyProblem:
    rest = text[error.pos :]
    half_a_value = any(value.startswith(rest) for value in _VALUES)  # also where nothing is left at all
    half_an_escape = "escape" in error.msg and len(rest) <= _ESCAPE_AND_NEXT
    if half_a_value or half_an_escape or error.msg.startswith("Unterminated string"):
        return ReplyProblem(Fault.CUT_OFF, "the reply's JSON is cut off: it ends before it is complete")
    where = "" if start == 0 else ", and text before it"
    complaint = error.msg[:1].lower() + error.msg[1:]
    return ReplyProblem(
        Fault.NOT_JSON, f"the reply is broken JSON{where}: {complaint}, at character {error.pos}"
    )


def _extra(text: str, start: int, end: int) -> ReplyProblem:
    sides = [side for side, extra in (("before", text[:start]), ("after", text[end:])) if extra.strip()]
    fenced = " (a code fence)" if "```" in text[:start] else ""
    return ReplyProblem(Fault.EXTRA_TEXT, f"there is text {' and '.join(sides)} the reply's JSON{fenced}")


_LENIENT = json.JSONDecoder()
_UNIQUE = json.JSONDecoder(object_pairs_hook=unique_members)
