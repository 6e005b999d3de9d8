"""Whatever a model writes: no exception, and never a number out of a reply that another validator refuses."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scoregate.catalog import Contract
from scoregate.scorers.judge import (
    build_eval_score_schema,
    output_schema,
    read_completion,
    validate_llm_response,
)

SCHEMAS = [
    build_eval_score_schema({"score": "0 to 10", "reasoning": "Why"}, minimum=0, maximum=10),
    build_eval_score_schema({"score": "Any number", "reasoning": "Why"}),
    output_schema(Contract(name="correct", type="boolean")),
    output_schema(Contract(name="policy", type="categorical", categories=("pass", "fail", "1"))),
]
schemas = st.sampled_from(SCHEMAS)

any_text = st.text(st.characters(), max_size=20)  # unpaired surrogates included
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
# Near to a good reply, since what is far from one is refused too easily to find anything out.
reasonings = st.sampled_from(["Why.", "Why.", "好 “so”", "", " \n", "\ud800", 42, None, ["Why."]])
scores = st.sampled_from(
    [
        8,
        0,
        10,
        0.5,
        -0.0,
        -1,
        -1e-9,
        10.5,
        11,
        True,
        False,
        1,
        "pass",
        "Pass",
        "fail ",
        "1",
        "8",
        "",
        None,
        [8],
    ]
) | st.sampled_from([float("nan"), float("inf"), 10**400, 10**30])
near_replies = st.fixed_dictionaries(
    {"reasoning": reasonings, "score": scores}, optional={"Score": scores, "refusal": scalars}
) | st.fixed_dictionaries({}, optional={"reasoning": reasonings | values, "score": scores | values})
good_keys = st.sampled_from(['"reasoning"', '"score"', '"reasoning"', '"score"', '"Score"', "score"])
literals = st.sampled_from(
    [
        '"Why."',
        '""',
        "8",
        "0.5",
        "11",
        "true",
        '"pass"',
        '"Pass"',
        '"8"',
        "NaN",
        "-Infinity",
        "1e999",
        "08",
        "null",
    ]
)
fragments = st.sampled_from(
    [
        "{",
        "}",
        '"score"',
        '"reasoning"',
        ":",
        ",",
        "8",
        '"8"',
        "NaN",
        "-",
        "1e999",
        "true",
        "null",
        "[",
        "]",
        "\\u",
        " ",
    ]
)


def agrees(value: Any, schema: dict[str, Any]) -> bool:
    """Whether another validator takes the reply, and its texts and numbers can be written down."""
    if not Draft202012Validator(schema).is_valid(value):
        return False
    try:
        value["reasoning"].encode()
    except UnicodeEncodeError:
        return False
    score = value["score"]
    kept = isinstance(score, (str, bool)) or abs(score) <= (2**63 - 1 if isinstance(score, int) else 1e40)
    return kept and bool(value["reasoning"].strip())


def check(response: object, schema: dict[str, Any]) -> bool:
    """Whether the reply was taken; whatever it says must hold together."""
    reply = validate_llm_response(response=response, schema=schema)
    if reply.success:
        assert reply.data.reasoning.strip()
        score_schema = schema["properties"]["score"]
        assert Draft202012Validator(score_schema).is_valid(reply.data.score)
        assert isinstance(reply.data.score, (str, bool)) or math.isfinite(reply.data.score)
    else:
        assert reply.data is None
        assert reply.faults
        assert 0 < len(reply.error.encode()) <= 2000
    return reply.success


@given(values | near_replies, schemas)
@settings(max_examples=300)
@example({"reasoning": "Why.", "score": 8}, SCHEMAS[0])
@example({"reasoning": "Why.", "score": True}, SCHEMAS[0])
@example({"reasoning": "Why.", "score": 1}, SCHEMAS[2])
@example({"reasoning": "Why.", "score": 1}, SCHEMAS[3])
def test_any_json_value_is_taken_exactly_where_another_validator_takes_it(
    value: Any, schema: dict[str, Any]
) -> None:
    assert check(value, schema) == agrees(value, schema)


@given(near_replies, schemas)
def test_a_reply_as_text_is_judged_like_the_same_reply_as_an_object(
    value: dict[str, Any], schema: dict[str, Any]
) -> None:
    assert check(json.dumps(value), schema) == check(value, schema)


@given(st.text(st.characters()) | st.lists(fragments, max_size=25).map("".join), schemas)
def test_any_text_is_read_only_where_the_whole_of_it_is_a_reply(text: str, schema: dict[str, Any]) -> None:
    if check(text, schema):
        assert agrees(json.loads(text), schema)


both = st.tuples(st.just('"reasoning"'), st.just('"Why."')), st.tuples(st.just('"score"'), literals)
members = st.lists(st.tuples(good_keys, literals), max_size=1).flatmap(
    lambda more: st.tuples(*both).map(lambda two: [*two, *more])
)


@given(members | st.lists(st.tuples(good_keys, literals), max_size=3), schemas)
@settings(max_examples=300)
def test_an_object_of_any_members_is_read_only_where_it_has_each_of_the_two_once(
    pairs: list[tuple[str, str]], schema: dict[str, Any]
) -> None:
    text = "{" + ", ".join(f"{key}: {literal}" for key, literal in pairs) + "}"
    if check(text, schema):
        assert sorted(key for key, _ in pairs) == ['"reasoning"', '"score"']
        assert agrees(json.loads(text), schema)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good reply with a few characters deleted, doubled, replaced or put in."""
    text = json.dumps(
        {"reasoning": draw(any_text), "score": draw(st.sampled_from([8, 0.5, True, "pass", -1]))}
    )
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(at + 6, len(text))))
        text = (
            text[:at] + draw(st.just("") | fragments | any_text | st.just(text[at:until] * 2)) + text[until:]
        )
    return text


@given(mutated(), schemas)
@settings(max_examples=300)
def test_a_mutated_reply_is_taken_only_where_it_is_still_a_reply(text: str, schema: dict[str, Any]) -> None:
    if check(text, schema):
        names = [name for name, _ in json.loads(text, object_pairs_hook=list)]
        assert sorted(names) == ["reasoning", "score"]
        assert agrees(json.loads(text), schema)


@given(st.binary(max_size=60) | values | near_replies, values)
def test_neither_any_object_nor_any_schema_makes_it_raise(response: object, schema: object) -> None:
    assert not validate_llm_response(response=response, schema=schema).success


messages = st.fixed_dictionaries(
    {"content": values | near_replies.map(json.dumps)}, optional={"refusal": scalars, "tool_calls": values}
)
choices = st.fixed_dictionaries(
    {"message": messages | values}, optional={"finish_reason": st.sampled_from(["stop", "length", None, 8])}
)
completions = st.fixed_dictionaries(
    {"choices": st.lists(choices | values, max_size=2) | values}, optional={"error": values}
)


@given(completions | values | st.binary(max_size=60), schemas)
def test_any_completion_ends_as_a_reply_or_as_a_named_error(completion: Any, schema: dict[str, Any]) -> None:
    reply = read_completion(completion=completion, schema=schema)
    if reply.success:
        assert agrees(json.loads(completion["choices"][0]["message"]["content"]), schema)
    else:
        assert reply.faults
        assert reply.error
