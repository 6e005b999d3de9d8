"""Malformed replies of every kind, over HTTP and the real client: each ends as a named error, none as a number."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import openai
import pytest

from scoregate.scorers.judge import (
    InvalidReply,
    ValidReply,
    build_eval_messages,
    build_eval_score_schema,
    read_completion,
    response_format,
    validate_llm_response,
)
from tests.model_server.answers import judged
from tests.model_server.malformed import BAD_COMPLETIONS, BAD_TEXTS, MALFORMED, malformed_replies
from tests.model_server.server import ModelServer

SCHEMA = build_eval_score_schema({"score": "0 to 10", "reasoning": "Why"}, minimum=0, maximum=10)
COUNT = 300

# The names each kind may end under; what can be cut or written in several ways has several.
EXPECTED = {
    "score_as_text": {"text_for_number"},
    "score_in_words": {"text_for_number"},
    "score_above_range": {"score_out_of_range"},
    "score_below_range": {"score_out_of_range"},
    "score_boolean": {"boolean_for_number"},
    "score_null": {"score_wrong_type"},
    "score_list": {"score_wrong_type"},
    "score_object": {"score_wrong_type"},
    "score_nan": {"score_not_finite"},
    "score_infinite": {"score_not_finite"},
    "score_overflowing": {"score_not_finite"},
    "score_huge_integer": {"score_not_finite", "not_json"},
    "score_bad_number": {"not_json"},
    "score_missing": {"missing_score"},
    "score_misspelt": {"missing_score", "unknown_key"},
    "score_twice": {"duplicate_key"},
    "reasoning_missing": {"missing_reasoning"},
    "reasoning_empty": {"empty_reasoning"},
    "reasoning_null": {"reasoning_not_text"},
    "reasoning_number": {"reasoning_not_text"},
    "reasoning_list": {"reasoning_not_text"},
    "reasoning_unpaired_surrogate": {"reasoning_not_storable"},
    "both_wrong": {"reasoning_not_text", "text_for_number"},
    "extra_key": {"unknown_key"},
    "nested_reply": {"missing_reasoning", "missing_score", "unknown_key"},
    "empty_object": {"missing_reasoning", "missing_score"},
    "list_of_replies": {"not_an_object"},
    "bare_number": {"not_an_object"},
    "bare_null": {"not_an_object"},
    "json_in_a_json_text": {"not_an_object"},
    "the_schema_itself": {"missing_reasoning", "missing_score", "unknown_key"},
    "empty_text": {"empty_reply"},
    "blank_text": {"empty_reply"},
    "prose": {"not_json"},
    "prose_before": {"extra_text"},
    "prose_after": {"extra_text"},
    "code_fence": {"extra_text"},
    "thinking_before": {"not_json"},
    "two_replies": {"extra_text"},
    "cut_short": {"cut_off"},
    "single_quotes": {"not_json"},
    "trailing_comma": {"not_json"},
    "comment_inside": {"not_json"},
    "no_quotes": {"not_json"},
    "xml": {"not_json"},
    "yaml": {"not_json"},
    "raw_line_break_in_text": {"not_json"},
    "byte_order_mark": {"extra_text"},
    "nested_too_deeply": {"not_json"},
    "refusal_in_prose": {"refusal"},
    "refusal": {"refusal"},
    "length": {"cut_off"},
    "length_with_whole_text": {"cut_off"},
    "content_filter": {"content_filter"},
    "null_content": {"empty_reply"},
    "tool_call": {"tool_call"},
    "no_choices": {"no_choices"},
    "null_choices": {"no_choices"},
    "choices_of_wrong_type": {"not_a_completion"},
    "choice_without_message": {"not_a_completion"},
    "content_of_wrong_type": {"not_a_completion"},
    "error_body_with_200": {"not_a_completion"},
    "html_page_with_200": {"not_a_completion"},
    "plain_text_with_200": {"not_a_completion"},
    "wrong_json_with_200": {"not_a_completion"},
    "broken_json_with_200": {"not_a_completion"},
    "empty_body_with_200": {"not_a_completion"},
    "invalid_utf8_with_200": {"not_a_completion"},
}


def judge(client: openai.OpenAI) -> ValidReply | InvalidReply:
    """One judge's call: the body as it came, read by our own functions."""
    messages: Any = build_eval_messages("How relevant?")
    form: Any = response_format(SCHEMA)
    raw = client.chat.completions.with_raw_response.create(model="m", messages=messages, response_format=form)
    return read_completion(completion=raw.content, schema=SCHEMA)


def test_there_are_many_more_than_25_kinds_and_each_has_its_names() -> None:
    assert len(BAD_TEXTS) >= 25
    assert MALFORMED.keys() == EXPECTED.keys()


def test_300_malformed_replies_of_all_kinds_end_as_named_errors() -> None:
    sent = malformed_replies(COUNT)
    ended: Counter[str] = Counter()
    numbers = 0
    with (
        ModelServer(script=[answer for _, answer in sent]) as server,
        openai.OpenAI(base_url=server.url, api_key="any", max_retries=0) as client,
    ):
        for kind, answer in sent:
            reply = judge(client)
            numbers += reply.success
            assert not reply.success, (kind, answer)
            assert {str(fault) for fault in reply.faults} <= EXPECTED[kind], (kind, reply.error)
            assert reply.error
            ended[kind] += 1
    assert len(server.requests) == ended.total() == COUNT
    assert ended.keys() == MALFORMED.keys()
    assert numbers == 0


def test_300_malformed_texts_given_to_the_parser_alone_end_as_named_errors() -> None:
    texts = [(kind, answer) for kind, answer in malformed_replies(450, seed=7) if kind in BAD_TEXTS][:COUNT]
    assert len(texts) == COUNT
    for kind, answer in texts:
        reply = validate_llm_response(response=answer.content, schema=SCHEMA)
        assert not reply.success, (kind, answer.content)
        assert {str(fault) for fault in reply.faults} <= EXPECTED[kind]


def test_a_good_reply_among_them_is_read() -> None:
    with (
        ModelServer(script=[judged(8, "Because.")]) as server,
        openai.OpenAI(base_url=server.url, api_key="any", max_retries=0) as client,
    ):
        reply = judge(client)
    assert reply.success
    assert (reply.data.score, reply.data.reasoning) == (8, "Because.")


@pytest.mark.parametrize("kind", sorted(BAD_COMPLETIONS))
def test_what_the_client_makes_of_a_bad_completion_is_no_reply_either(kind: str) -> None:
    """The client's own objects, turned back into plain data, instead of the body as it came."""
    with (
        ModelServer(script=[answer for name, answer in malformed_replies(COUNT) if name == kind]) as server,
        openai.OpenAI(base_url=server.url, api_key="any", max_retries=0) as client,
    ):
        try:
            made: Any = client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "How relevant?"}]
            )
        except ValueError as error:  # broken JSON or broken UTF-8: the client lets Python's own error through
            made = str(error)
    plain = made.to_dict(warnings=False) if hasattr(made, "to_dict") else made
    reply = read_completion(completion=json.loads(json.dumps(plain)), schema=SCHEMA)
    assert not reply.success
    assert reply.faults
