"""Whether a judge's reply keeps its schema: the data, or an error that names everything wrong with it.

Decided strictly, since a score from a reply that is only nearly right is a number nobody can account for:
`"8"` is no number, `1` no boolean, `Pass` not the category `pass`, and a key beside the two is an error, as the
schema says. The order of the two keys does not matter. A reply that fails is repaired by asking again, never here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from scoregate.config.table import finite_float, shown
from scoregate.errors import did_you_mean
from scoregate.files.reading import JsonProblem, parse_json, unique_members
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.judge.faults import Fault, InvalidReply, ReplyData, ReplyProblem, ValidReply
from scoregate.scorers.judge.schema import REASONING, SCORE

_LARGEST = 1e40
"""Of a score without a range. Sums and squares of such numbers are still far inside a float's range."""
_LARGEST_INTEGER = 2**63 - 1
"""What a database holds as an integer."""

_ReplyScore = int | float | bool | str
_ScoreReader = Callable[[Any], _ReplyScore]
_REFUSAL = re.compile(
    r"(?:i['’]?m|i am) (?:really |very |so )?(?:sorry|unable|not able)"
    r"|(?:sorry|unfortunately),? (?:but )?i (?:can|am|will)"
    r"|i (?:can['’]?t|cannot|can not|won['’]?t|will not|must decline)"
    r"|as an ai\b",
    re.IGNORECASE,
)
_VALUES = ("true", "false", "null", "-", ".", "e+", "e-", "E+", "E-")
_FENCED = re.compile(
    r"(?P<fence>`{3,}|~{3,})[ \t]*(?:json[c5l]?|JSON)?[ \t]*\r?\n?(?P<object>\{.*\})\s*(?P=fence)", re.DOTALL
)
_ESCAPE_AND_NEXT = len("uXXXX.")
_LENIENT = json.JSONDecoder()
_UNIQUE = json.JSONDecoder(object_pairs_hook=unique_members)


def validate_llm_response(
    *, response: object, schema: object, allow_fence: bool = False
) -> ValidReply | InvalidReply:
    """The data of a reply, or what is wrong with it. Never raises, whatever is given.

    `response` is the reply as an object (a mapping) or as the text that the model wrote; a mapping with a text in
    `refusal`, as a message has it, is a refusal. `schema` is one of `build_eval_score_schema` or `output_schema`.
    `allow_fence` reads a text that is one object in a code fence, and nothing else, as that object.
    """
    try:
        inside = _FENCED.fullmatch(response.strip()) if allow_fence and isinstance(response, str) else None
        if inside is None:
            return _validated(response, schema)
        read = _validated(inside["object"], schema)
        return replace(read, faults=(Fault.FENCED,)) if read.success else read
    except ReplyProblem as problem:
        return InvalidReply.of(problem)
    except Exception as error:  # noqa: BLE001  a reply may be any object, and its own methods may raise anything
        unreadable = ReplyProblem(Fault.UNREADABLE, f"the reply cannot be read: {type(error).__name__}")
        return InvalidReply.of(unreadable)


def is_fenced(text: str | None) -> bool:
    """Whether a reply is one object in a code fence, and nothing else."""
    return text is not None and _FENCED.fullmatch(text.strip()) is not None


def _validated(response: object, schema: object) -> ValidReply | InvalidReply:
    read_score = _score_reader(schema)
    reply = _reply_object(response)
    problems: list[ReplyProblem] = []
    try:
        reasoning = _reasoning(reply)
    except ReplyProblem as problem:
        problems.append(problem)
    try:
        if SCORE not in reply:
            raise ReplyProblem(Fault.MISSING_SCORE, "the reply has no score")
        score = read_score(reply[SCORE])
    except ReplyProblem as problem:
        problems.append(problem)
    problems.extend(_unknown_keys(reply))
    if problems:
        return InvalidReply.of(*problems)
    return ValidReply(ReplyData(score=score, reasoning=reasoning))


def _reply_object(response: object) -> Mapping[Any, Any]:
    if response is None:
        raise ReplyProblem(Fault.EMPTY_REPLY, "the reply is empty: the message has no content")
    value = _parse_reply(response) if isinstance(response, str) else response
    if not isinstance(value, Mapping):
        raise ReplyProblem(Fault.NOT_AN_OBJECT, f"the reply is {json_type(value)}, not an object")
    refusal = value.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        raise ReplyProblem(Fault.REFUSAL, f'the model refused: "{refusal[:200]}"')
    return value


def _reasoning(reply: Mapping[Any, Any]) -> str:
    if REASONING not in reply:
        raise ReplyProblem(Fault.MISSING_REASONING, "the reply has no reasoning")
    reasoning = reply[REASONING]
    if not isinstance(reasoning, str):
        raise ReplyProblem(Fault.REASONING_NOT_TEXT, f"the reasoning is {json_type(reasoning)}, not text")
    if not reasoning.strip():
        raise ReplyProblem(Fault.EMPTY_REASONING, "the reasoning is empty")
    try:
        reasoning.encode()
    except UnicodeEncodeError:
        raise ReplyProblem(
            Fault.REASONING_NOT_STORABLE, "the reasoning holds half a character (an unpaired surrogate)"
        ) from None
    return str(reasoning)


def _unknown_keys(reply: Mapping[Any, Any]) -> Iterator[ReplyProblem]:
    unknown = [key for key in reply if key not in (REASONING, SCORE)]
    if unknown:
        names = ", ".join(shown(key) for key in unknown[:5])
        yield ReplyProblem(Fault.UNKNOWN_KEY, f"the reply has keys other than reasoning and score: {names}")


def _score_reader(schema: object) -> _ScoreReader:
    """What reads a score by the schema. Raises ReplyProblem where the schema is none of a score."""
    rule = _score_rule(schema)
    match rule.get("type"):
        case "number" if "enum" not in rule:
            return lambda value: _number(value, rule.get("minimum"), rule.get("maximum"))
        case "boolean":
            return _boolean
        case "string" if rule.get("enum") and isinstance(rule["enum"], (list, tuple)):
            return lambda value: _category(value, rule["enum"])
    raise ReplyProblem(
        Fault.UNUSABLE_SCHEMA, "the schema's score is neither a number, a boolean nor a list of categories"
    )


def _score_rule(schema: object) -> Mapping[str, Any]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    rule = properties.get(SCORE) if isinstance(properties, Mapping) else None
    if not isinstance(rule, Mapping):
        raise ReplyProblem(Fault.UNUSABLE_SCHEMA, "the schema is none of a score: it has no property 'score'")
    return rule


def _number(value: Any, low: float | None, high: float | None) -> int | float:
    if isinstance(value, str):
        raise ReplyProblem(Fault.TEXT_FOR_NUMBER, f"the score is the text {shown(value)}, not a number")
    if isinstance(value, bool):
        raise ReplyProblem(Fault.BOOLEAN_FOR_NUMBER, f"the score is {shown(value)}, not a number")
    if not isinstance(value, (int, float)):
        raise ReplyProblem(Fault.SCORE_WRONG_TYPE, f"the score is {json_type(value)}, not a number")
    if finite_float(value) is None:
        raise ReplyProblem(Fault.SCORE_NOT_FINITE, f"the score is not a finite number: {shown(value)}")
    if low is not None and value < low:
        raise ReplyProblem(Fault.SCORE_OUT_OF_RANGE, f"the score {shown(value)} is below its minimum {low:g}")
    if high is not None and value > high:
        raise ReplyProblem(
            Fault.SCORE_OUT_OF_RANGE, f"the score {shown(value)} is above its maximum {high:g}"
        )
    if abs(value) > (_LARGEST_INTEGER if isinstance(value, int) else _LARGEST):
        raise ReplyProblem(
            Fault.SCORE_TOO_LARGE, f"the score {shown(value)} is too large a number for a score"
        )
    return int(value) if isinstance(value, int) else float(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        what = f"the text {shown(value)}" if isinstance(value, str) else json_type(value)
        raise ReplyProblem(Fault.SCORE_WRONG_TYPE, f"the score is {what}, not true or false")
    return value


def _category(value: Any, categories: list[str] | tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise ReplyProblem(
            Fault.SCORE_WRONG_TYPE, f"the score is {json_type(value)}, not the name of a category"
        )
    if value not in categories:
        hint = did_you_mean(value, categories)
        raise ReplyProblem(
            Fault.UNKNOWN_CATEGORY, f"the score {shown(value)} is not one of the categories ({hint})"
        )
    return str(value)


# What Python's parser complains of where a text stops inside a value: the word, or the rest of the number.


def _parse_reply(text: str) -> JSON:
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
