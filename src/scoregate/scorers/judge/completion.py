"""A judge's chat: the messages that are sent, and from a whole completion to a validated reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from scoregate.files.reading import JsonProblem, parse_json
from scoregate.paths import json_type
from scoregate.scorers.judge.faults import Fault, InvalidReply, ReplyProblem, ValidReply
from scoregate.scorers.judge.reply import validate_llm_response


class ChatMessage(TypedDict):
    """One message in the form of OpenAI's chat completions, and with no other key: endpoints refuse unknown ones."""

    role: Literal["user", "assistant"]
    content: str


def build_eval_messages(prompt: str) -> list[ChatMessage]:
    """The one user message that holds the compiled prompt."""
    return [{"role": "user", "content": prompt}]


def read_completion(
    *, completion: object, schema: object, allow_fence: bool = False
) -> ValidReply | InvalidReply:
    """The first choice's reply, validated, or what is wrong with it. Never raises, whatever is given.

    `completion` is the body of the answer as an object (a mapping) or as text: what a client makes of a page of
    HTML, of `null` or of an error body with status 200 is an error here as well. `allow_fence` as for
    `validate_llm_response`.
    """
    try:
        content = _content(completion)
    except ReplyProblem as problem:
        return InvalidReply.of(problem)
    except Exception as error:  # noqa: BLE001  an answer may be any object, and its own methods may raise anything
        unreadable = ReplyProblem(Fault.UNREADABLE, f"the answer cannot be read: {type(error).__name__}")
        return InvalidReply.of(unreadable)
    return validate_llm_response(response=content, schema=schema, allow_fence=allow_fence)


def _content(completion: object) -> str | None:
    """The text of the message, None where it has none and nothing says why. Raises ReplyProblem."""
    choice = _first_choice(_body(completion))
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise ReplyProblem(Fault.NOT_A_COMPLETION, "the answer's choice has no message")
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        raise ReplyProblem(Fault.REFUSAL, f'the model refused: "{refusal[:200]}"')
    match choice.get("finish_reason"):
        case "length":
            raise ReplyProblem(Fault.CUT_OFF, "the reply is cut off: the model met its limit of tokens")
        case "content_filter":
            raise ReplyProblem(Fault.CONTENT_FILTER, "the provider's content filter withheld the reply")
    content = message.get("content")
    if content is None and message.get("tool_calls"):
        raise ReplyProblem(Fault.TOOL_CALL, "the model called a tool instead of replying")
    if content is not None and not isinstance(content, str):
        raise ReplyProblem(
            Fault.NOT_A_COMPLETION, f"the content of the message is {json_type(content)}, not text"
        )
    return content


def _body(completion: object) -> Mapping[Any, Any]:
    body = _parsed(completion) if isinstance(completion, (str, bytes)) else completion
    if not isinstance(body, Mapping):
        raise ReplyProblem(Fault.NOT_A_COMPLETION, f"the answer is {json_type(body)}, not a chat completion")
    return body


def _parsed(answer: str | bytes) -> object:
    try:
        text = answer if isinstance(answer, str) else answer.decode()
        return parse_json(text)
    except UnicodeDecodeError:
        raise ReplyProblem(Fault.NOT_A_COMPLETION, "the answer is not UTF-8") from None
    except JsonProblem:
        what = "a page of HTML" if text.lstrip().startswith("<") else "not JSON" if text.strip() else "empty"
        raise ReplyProblem(Fault.NOT_A_COMPLETION, f"the answer is {what}") from None


def _first_choice(body: Mapping[Any, Any]) -> Mapping[Any, Any]:
    choices = body.get("choices")
    if choices is None and "error" in body:
        error = body["error"]
        message = error.get("message") if isinstance(error, Mapping) else error
        raise ReplyProblem(
            Fault.NOT_A_COMPLETION, f"the answer is an error in place of a reply: {str(message)[:200]}"
        )
    if choices is None and "choices" not in body:
        raise ReplyProblem(Fault.NOT_A_COMPLETION, "the answer is an object, but no chat completion")
    if choices is None or choices == []:
        raise ReplyProblem(Fault.NO_CHOICES, "the answer has no choices")
    if not isinstance(choices, (list, tuple)) or not choices or not isinstance(choices[0], Mapping):
        raise ReplyProblem(Fault.NOT_A_COMPLETION, "the answer's choices are not a list of choices")
    return choices[0]
