"""One judgement from the evaluator's template to the score event, field by field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scoregate.scorers.judge import (
    build_eval_messages,
    build_eval_score_schema,
    build_execution_metadata,
    build_score_event,
    get_environment_from_variables,
    validate_llm_response,
)

DESCRIPTION = {"score": "Relevance score from 0 to 10", "reasoning": "Explanation of the relevance score"}
REPLY = {"score": 8, "reasoning": "The response is highly relevant..."}


def example_event() -> dict[str, Any]:
    reply = validate_llm_response(response=REPLY, schema=build_eval_score_schema(DESCRIPTION))
    assert reply.success
    environment = get_environment_from_variables(
        [
            {"var": "input", "value": "What is new?"},
            {"var": "output", "value": "Nothing.", "environment": "production"},
        ]
    )
    assert environment is not None
    return build_score_event(
        event_id="evt-001",
        score_id="score-002",
        trace_id="trace-789",
        observation_id=None,
        score_name="relevance",
        value=reply.data.score,
        reasoning=reply.data.reasoning,
        environment=environment,
        execution_trace_id="eval-trace-456",
        metadata=build_execution_metadata(
            job_execution_id="exec-456",
            job_configuration_id="config-123",
            target_trace_id="trace-789",
            target_observation_id=None,
            target_dataset_item_id=None,
        ),
    )


def test_the_schema_has_the_reasoning_first_and_the_texts_as_descriptions() -> None:
    schema = build_eval_score_schema(DESCRIPTION)
    assert schema == {
        "type": "object",
        "properties": {
            "reasoning": {"type": "string", "description": "Explanation of the relevance score"},
            "score": {"type": "number", "description": "Relevance score from 0 to 10"},
        },
        "required": ["reasoning", "score"],
        "additionalProperties": False,
    }
    assert list(schema["properties"]) == ["reasoning", "score"]


def test_the_messages_are_one_user_message_with_the_prompt() -> None:
    assert build_eval_messages("How relevant is it?") == [{"role": "user", "content": "How relevant is it?"}]


def test_the_reply_is_its_data() -> None:
    reply = validate_llm_response(response=REPLY, schema=build_eval_score_schema(DESCRIPTION))
    assert reply.success
    assert reply.error is None
    assert type(reply.data.score) is int
    assert reply.data.score == 8
    assert reply.data.reasoning == "The response is highly relevant..."


def test_a_wrong_reply_is_an_error_that_names_both_fields() -> None:
    reply = validate_llm_response(
        response={"score": "not a number", "reasoning": 42}, schema=build_eval_score_schema(DESCRIPTION)
    )
    assert not reply.success
    assert reply.data is None
    assert reply.error == (
        'the reasoning is a number, not text; the score is the text "not a number", not a number'
    )


def test_the_event_has_these_fields_in_this_order_and_no_others() -> None:
    event = example_event()
    assert list(event) == ["id", "timestamp", "type", "body"]
    assert event["id"] == "evt-001"
    assert event["type"] == "score-create"
    assert list(event["body"].items()) == [
        ("id", "score-002"),
        ("traceId", "trace-789"),
        ("observationId", None),
        ("name", "relevance"),
        ("value", 8),
        ("comment", "The response is highly relevant..."),
        ("source", "EVAL"),
        ("environment", "production"),
        ("executionTraceId", "eval-trace-456"),
        (
            "metadata",
            {
                "job_execution_id": "exec-456",
                "job_configuration_id": "config-123",
                "target_trace_id": "trace-789",
            },
        ),
        ("dataType", "NUMERIC"),
    ]


def test_the_event_is_stamped_with_now_in_utc_to_the_millisecond() -> None:
    before = datetime.now(UTC)
    stamp = example_event()["timestamp"]
    assert stamp.endswith("Z")
    assert len(stamp) == len("2026-01-15T10:30:00.000Z")
    assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(stamp) <= datetime.now(UTC)
