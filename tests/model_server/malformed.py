"""Replies no number may be read from: one entry a kind, each made for a numeric score between 0 and 10.

    MALFORMED["score_as_text"](random.Random(0))   # an Answer

The kinds of `BAD_TEXTS` are completions in good form whose text is wrong; those of `BAD_COMPLETIONS` go wrong around
the text. The random generator only varies the details.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from tests.model_server.answers import Answer, body, judged, page, refused

Factory = Callable[[random.Random], Answer]

_REASONS = ("It answers what was asked.", "Two facts are wrong.", "“Ça va” — 好", 'It says "yes"\nand stops.')


def _reason(rng: random.Random) -> str:
    return rng.choice(_REASONS)


def _score(rng: random.Random) -> int:
    return rng.randint(0, 10)


def _good(rng: random.Random) -> str:
    return json.dumps({"reasoning": _reason(rng), "score": _score(rng)})


def _text(make: Callable[[random.Random], str]) -> Factory:
    """A completion whose text is made so."""
    return lambda rng: Answer(content=make(rng))


def _object(make: Callable[[random.Random], Mapping[str, Any]]) -> Factory:
    """A completion whose text is this object's JSON (with Python's NaN and Infinity)."""
    return lambda rng: Answer(content=json.dumps(make(rng)))


def _scored(make: Callable[[random.Random], Any]) -> Factory:
    """A completion with a good reasoning and this score."""
    return _object(lambda rng: {"reasoning": _reason(rng), "score": make(rng)})


def _raw_score(*literals: str) -> Factory:
    """A completion with a good reasoning and, as score, characters that Python would not write."""
    return _text(lambda rng: f'{{"reasoning": {json.dumps(_reason(rng))}, "score": {rng.choice(literals)}}}')


def _cut_short(rng: random.Random) -> str:
    whole = _good(rng)
    return whole[: rng.randint(1, len(whole) - 1)]


BAD_TEXTS: dict[str, Factory] = {
    "score_as_text": _scored(lambda rng: str(_score(rng))),
    "score_in_words": _scored(lambda rng: rng.choice(("eight", "not a number", "8/10", "8 out of 10", ""))),
    "score_above_range": _scored(lambda rng: rng.choice((10.0001, 11, 80, 1e9))),
    "score_below_range": _scored(lambda rng: rng.choice((-0.0001, -1, -1e9))),
    "score_boolean": _scored(lambda rng: rng.random() < 0.5),
    "score_null": _scored(lambda rng: None),
    "score_list": _scored(lambda rng: [_score(rng)]),
    "score_object": _scored(lambda rng: {"value": _score(rng), "max": 10}),
    "score_nan": _scored(lambda rng: float("nan")),
    "score_infinite": _scored(lambda rng: float(rng.choice(("inf", "-inf")))),
    "score_overflowing": _raw_score("1e999", "-1e400", "8e9999"),
    "score_huge_integer": _raw_score("9" * 400, "1" + "0" * 5000),
    "score_bad_number": _raw_score("08", "+8", "8.", ".8", "0x8", "8,0", "1_0"),
    "score_missing": _object(lambda rng: {"reasoning": _reason(rng)}),
    "score_misspelt": _object(lambda rng: {"reasoning": _reason(rng), rng.choice(("Score", "rating")): 8}),
    "score_twice": _text(lambda rng: f'{{"reasoning": "Unsure.", "score": {_score(rng)}, "score": 2}}'),
    "reasoning_missing": _object(lambda rng: {"score": _score(rng)}),
    "reasoning_empty": _object(
        lambda rng: {"reasoning": rng.choice(("", " ", "\n\t")), "score": _score(rng)}
    ),
    "reasoning_null": _object(lambda rng: {"reasoning": None, "score": _score(rng)}),
    "reasoning_number": _object(lambda rng: {"reasoning": 42, "score": _score(rng)}),
    "reasoning_list": _object(lambda rng: {"reasoning": [_reason(rng)], "score": _score(rng)}),
    "reasoning_unpaired_surrogate": _text(lambda rng: f'{{"reasoning": "\\ud800", "score": {_score(rng)}}}'),
    "both_wrong": _object(lambda rng: {"score": "not a number", "reasoning": 42}),
    "extra_key": _object(lambda rng: {"reasoning": _reason(rng), "score": _score(rng), "confidence": 0.9}),
    "nested_reply": _object(lambda rng: {"result": {"reasoning": _reason(rng), "score": _score(rng)}}),
    "empty_object": _text(lambda rng: "{}"),
    "list_of_replies": _text(lambda rng: f"[{_good(rng)}]"),
    "bare_number": _text(lambda rng: str(_score(rng))),
    "bare_null": _text(lambda rng: "null"),
    "json_in_a_json_text": _text(lambda rng: json.dumps(_good(rng))),
    "the_schema_itself": _object(
        lambda rng: {"type": "object", "properties": {"score": {"type": "number"}}, "required": ["score"]}
    ),
    "empty_text": _text(lambda rng: ""),
    "blank_text": _text(lambda rng: rng.choice((" ", "\n\n", "\t"))),
    "prose": _text(lambda rng: f"I would give this answer a score of {_score(rng)}."),
    "prose_before": _text(lambda rng: f"Here is my judgement: {_good(rng)}"),
    "prose_after": _text(lambda rng: f"{_good(rng)}\nLet me know if you need more."),
    "code_fence": _text(lambda rng: f"```json\n{_good(rng)}\n```"),
    "thinking_before": _text(lambda rng: f"<think>Maybe {{2}}, maybe 8.</think>{_good(rng)}"),
    "two_replies": _text(lambda rng: f"{_good(rng)}\n{_good(rng)}"),
    "cut_short": _text(_cut_short),
    "single_quotes": _text(lambda rng: f"{{'reasoning': 'Good.', 'score': {_score(rng)}}}"),
    "trailing_comma": _text(lambda rng: f'{{"reasoning": "Good.", "score": {_score(rng)},}}'),
    "comment_inside": _text(lambda rng: f'{{"reasoning": "Good.", "score": {_score(rng)} // high\n}}'),
    "no_quotes": _text(lambda rng: f"{{reasoning: Good, score: {_score(rng)}}}"),
    "xml": _text(lambda rng: f"<reply><score>{_score(rng)}</score></reply>"),
    "yaml": _text(lambda rng: f"reasoning: Good.\nscore: {_score(rng)}"),
    "raw_line_break_in_text": _text(lambda rng: f'{{"reasoning": "Good\nindeed.", "score": {_score(rng)}}}'),
    "byte_order_mark": _text(lambda rng: "\ufeff" + _good(rng)),
    "nested_too_deeply": _text(lambda rng: '{"score":' * 20_000 + "1"),
    "refusal_in_prose": _text(
        lambda rng: rng.choice(("I'm sorry, but I can't judge this.", "I cannot assist."))
    ),
}
"""Completions in good form whose text is no valid reply, by kind."""

_CALL = {"id": "call_1", "type": "function", "function": {"name": "submit", "arguments": '{"score": 8}'}}

BAD_COMPLETIONS: dict[str, Factory] = {
    "refusal": lambda rng: refused(),
    "length": lambda rng: Answer(content=_cut_short(rng), finish_reason="length"),
    "length_with_whole_text": lambda rng: judged(_score(rng), finish_reason="length"),
    "content_filter": lambda rng: Answer(content="", finish_reason="content_filter"),
    "null_content": lambda rng: Answer(content=None),
    "tool_call": lambda rng: Answer(tool_calls=[_CALL], finish_reason="tool_calls"),
    "no_choices": lambda rng: Answer(choices=[]),
    "null_choices": lambda rng: Answer(choices=None),
    "choices_of_wrong_type": lambda rng: Answer(choices=rng.choice(("none", 8, {"0": "x"}))),
    "choice_without_message": lambda rng: Answer(choices=[{"index": 0, "finish_reason": "stop"}]),
    "content_of_wrong_type": lambda rng: Answer(
        choices=[
            {"index": 0, "message": {"role": "assistant", "content": {"score": 8}}, "finish_reason": "stop"}
        ]
    ),
    "error_body_with_200": lambda rng: body({"error": {"message": "overloaded", "type": "server_error"}}),
    "html_page_with_200": lambda rng: page(),
    "plain_text_with_200": lambda rng: Answer(raw=b"ok", content_type="text/plain"),
    "wrong_json_with_200": lambda rng: body(
        rng.choice(([], {}, 8, None, "ok", {"score": 8, "reasoning": "x"}))
    ),
    "broken_json_with_200": lambda rng: Answer(raw=b'{"id": "chatcmpl-1", "choices": [{"mess'),
    "empty_body_with_200": lambda rng: Answer(raw=b""),
    "invalid_utf8_with_200": lambda rng: Answer(raw=b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'),
}
"""Answers with status 200 that go wrong around the text, by kind."""

MALFORMED: dict[str, Factory] = {**BAD_TEXTS, **BAD_COMPLETIONS}
"""All of them."""


def malformed_replies(count: int, *, seed: int = 0) -> list[tuple[str, Answer]]:
    """So many replies with the names of their kinds: every kind in turn, shuffled."""
    rng = random.Random(seed)
    names = list(MALFORMED)
    replies = [(name := names[number % len(names)], MALFORMED[name](rng)) for number in range(count)]
    rng.shuffle(replies)
    return replies
