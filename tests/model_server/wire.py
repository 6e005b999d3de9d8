"""OpenAI's wire format: the body of a completion, the chunks of a streamed one, the body of an error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.model_server.answers import Answer
from tests.model_server.request import ModelRequest

CREATED = 1_700_000_000
_PIECE = 12  # characters of a streamed piece
_ERROR_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def payload(answer: Answer, request: ModelRequest) -> bytes:
    """The whole body of an answer that is not streamed."""
    if answer.raw is not None:
        return answer.raw
    if answer.status >= 400:
        return json.dumps(error_body(answer)).encode()
    return json.dumps(completion(answer, request)).encode()


def error_body(answer: Answer) -> dict[str, Any]:
    kind = _ERROR_TYPES.get(
        answer.status, "server_error" if answer.status >= 500 else "invalid_request_error"
    )
    return {"error": {"message": answer.error, "type": kind, "param": None, "code": None}}


def completion(answer: Answer, request: ModelRequest) -> dict[str, Any]:
    """The `chat.completion` object."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.content,
        "refusal": answer.refusal,
        "annotations": [],
    }
    if answer.tool_calls is not None:
        message["tool_calls"] = answer.tool_calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    whole = _head(request, "chat.completion")
    whole["choices"] = [choice] if answer.choices is ... else answer.choices
    used = usage(answer, request)
    if used is not None:
        whole["usage"] = used
    return whole


def usage(answer: Answer, request: ModelRequest) -> Mapping[str, int] | None:
    """What the answer says it used: as scripted, else about four characters a token."""
    if answer.usage is None or answer.usage:
        return answer.usage
    prompt = _tokens("".join(str(message.get("content", "")) for message in request.messages))
    written = _tokens((answer.content or "") + (answer.refusal or ""))
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def events(answer: Answer, request: ModelRequest) -> Iterator[bytes]:
    """The server-sent events of a streamed completion, the last one `[DONE]`."""
    text = answer.content if answer.content is not None else answer.refusal or ""
    key = "content" if answer.content is not None else "refusal"
    yield _event(_chunk(request, {"role": "assistant", key: ""}))
    for start in range(0, len(text), _PIECE):
        yield _event(_chunk(request, {key: text[start : start + _PIECE]}))
    for number, call in enumerate(answer.tool_calls or ()):
        yield _event(_chunk(request, {"tool_calls": [{"index": number, **call}]}))
    yield _event(_chunk(request, {}, answer.finish_reason))
    if (request.field("stream_options") or {}).get("include_usage"):
        yield _event(
            _head(request, "chat.completion.chunk") | {"choices": [], "usage": usage(answer, request)}
        )
    yield b"data: [DONE]\n\n"


def _chunk(request: ModelRequest, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _head(request, "chat.completion.chunk") | {"choices": [choice]}


def _head(request: ModelRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.number}",
        "object": kind,
        "created": CREATED,
        "model": request.model,
        "system_fingerprint": "fp_stand_in",
    }


def _event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4
