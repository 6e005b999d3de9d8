"""A request as the stand-in model received it, and the complaints OpenAI's API would have about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MESSAGE_KEYS = frozenset(
    ("role", "content", "name", "refusal", "tool_calls", "tool_call_id", "audio", "function_call")
)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request. `number` counts from 0 in the order of arrival; `at` is the monotonic clock in seconds."""

    number: int
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    def field(self, name: str) -> Any:
        """A field of the body; None where it has none."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    @property
    def model(self) -> Any:
        return self.field("model")

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.field("messages") or []

    @property
    def prompt(self) -> str:
        """The text of the first user message."""
        return next((str(each["content"]) for each in self.messages if each.get("role") == "user"), "")

    @property
    def last(self) -> str:
        """The text of the last message: in a repair, what was sent back."""
        return str(self.messages[-1].get("content", "")) if self.messages else ""

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the structured output that was asked for."""
        form = self.field("response_format") or {}
        return form["json_schema"].get("schema") if form.get("type") == "json_schema" else None

    @property
    def stream(self) -> bool:
        return self.field("stream") is True


def complaint(request: ModelRequest) -> tuple[int, str] | None:
    """The status and message with which the API refuses the request; None where it is in order."""
    if not request.headers.get("authorization", "").startswith("Bearer "):
        return 401, "You didn't provide an API key."
    if request.path.partition("?")[0] != "/v1/chat/completions":
        return 404, f"Unknown path: {request.path}"
    if request.method != "POST":
        return 405, f"Not allowed method: {request.method}"
    if not isinstance(request.body, dict):
        return 400, "The body is no JSON object."
    if not isinstance(request.model, str) or not request.model:
        return 400, "You must provide a model parameter."
    if not isinstance(request.field("messages"), list) or not request.messages:
        return 400, "Missing required parameter: 'messages'."
    wrong = next(_wrong_messages(request.messages), None) or _wrong_format(request.field("response_format"))
    return None if wrong is None else (400, wrong)


def _wrong_messages(messages: list[Any]) -> Iterator[str]:
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in (
            "system",
            "developer",
            "user",
            "assistant",
            "tool",
        ):
            yield f"Invalid value: 'messages[{number}].role'."
            continue
        for key in message.keys() - _MESSAGE_KEYS:
            yield f"Additional properties are not allowed ('{key}' was unexpected) - 'messages.{number}'"
        if message["role"] == "user" and not isinstance(message.get("content"), (str, list)):
            yield f"Invalid type for 'messages[{number}].content'."


def _wrong_format(form: Any) -> str | None:
    if form is None or (isinstance(form, dict) and form.get("type") in ("text", "json_object")):
        return None
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return "Invalid value: 'response_format.type'."
    described = form.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        return "Missing required parameter: 'response_format.json_schema.name'."
    if not isinstance(described.get("schema"), dict):
        return "Missing required parameter: 'response_format.json_schema.schema'."
    if described.get("strict"):
        reason = _not_strict(described["schema"], root=True)
        if reason:
            return f"Invalid schema for response_format '{described['name']}': {reason}"
    return None


def _not_strict(schema: Any, *, root: bool = False) -> str | None:
    """Why a schema is outside the strict subset: each object closed, and all its properties required."""
    if not isinstance(schema, dict):
        return "a schema must be an object."
    if root and schema.get("type") != "object":
        return "schema must have type 'object'."
    if schema.get("type") != "object":
        return None
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    if set(schema.get("required", ())) != set(properties):
        return "'required' is required to be supplied and to include every key in properties."
    return next((reason for part in properties.values() if (reason := _not_strict(part))), None)
