"""Judges: scores that need a model's judgement. Here are the pure functions around the call.

    schema = build_eval_score_schema({"score": "Relevance score from 0 to 10", "reasoning": "Why"})
    reply = validate_llm_response(response=text, schema=schema)   # never raises
    if reply.success:
        event = build_score_event(value=reply.data.score, reasoning=reply.data.reasoning, …)

`output_schema` makes the schema of a score's contract, `response_format` what asks an endpoint for it, and
`read_completion` validates a whole chat completion. None of them does any I/O.
"""

from scoregate.scorers.judge.completion import ChatMessage, build_eval_messages, read_completion
from scoregate.scorers.judge.event import (
    ExtractedVariable,
    build_execution_metadata,
    build_score_event,
    get_environment_from_variables,
)
from scoregate.scorers.judge.faults import Fault, InvalidReply, ReplyData, ValidReply
from scoregate.scorers.judge.reply import validate_llm_response
from scoregate.scorers.judge.schema import (
    JsonSchema,
    build_eval_score_schema,
    output_schema,
    response_format,
)

__all__ = [
    "ChatMessage",
    "ExtractedVariable",
    "Fault",
    "InvalidReply",
    "JsonSchema",
    "ReplyData",
    "ValidReply",
    "build_eval_messages",
    "build_eval_score_schema",
    "build_execution_metadata",
    "build_score_event",
    "get_environment_from_variables",
    "output_schema",
    "read_completion",
    "response_format",
    "validate_llm_response",
]
