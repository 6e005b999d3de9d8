"""Tool calls as their makers write them, read into one form: the name and the arguments.

| maker | a call |
|---|---|
| here, MCP, smolagents, AutoGen | `{name, arguments}` |
| MCP on the wire | `{jsonrpc, id, method: "tools/call", params: {name, arguments}}` |
| OpenAI chat completions, Mistral, Ollama | `{id, type, function: {name, arguments}}` |
| OpenAI responses | `{type: "function_call", call_id, name, arguments}` |
| Anthropic | `{type: "tool_use", id, name, input}` among blocks of text |
| Bedrock | `{toolUse: {toolUseId, name, input}}` among blocks of text |
| Gemini, ADK | `{functionCall: {name, args}}` among parts, or `{name, args}` |
| LangChain, pydantic-ai | `{name, args}`, `{tool, tool_input}`, `{action, action_input}`, `{tool_name, args}` |
| Vercel's AI SDK | `{toolName, input}`, `{toolName, args}` |
| Cohere, DeepEval, tau-bench | `{name, parameters}`, `{name, input_parameters}`, `{name, kwargs}` |
| LlamaIndex, agno | `{tool_name, tool_kwargs}`, `{tool_name, tool_args}` |

Arguments may be a text of JSON everywhere, also of JSON in JSON; `null`, `""`, `[]` and `{}` are none. A key that none
of them writes is an error: what it says would not be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scoregate.errors import did_you_mean
from scoregate.files.reading import JsonProblem, parse_json
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.reading import quoted

_NAMES = ("name", "tool_name", "toolName", "function_name", "tool", "function", "action")
_ARGUMENTS = (
    "arguments", "args", "input", "tool_input", "parameters", "input_parameters", "kwargs", "tool_kwargs", "tool_args",
    "action_input",
)  # fmt: skip
_NESTS = (
    "function",
    "function_call",
    "functionCall",
    "tool_use",
    "toolUse",
    "tool_call",
    "toolCall",
    "custom",
)
"""Keys that may hold the call itself."""
_BESIDE = frozenset(
    ("id", "call_id", "callId", "tool_id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "index", "type",
     "kind", "part_kind", "status", "log", "description", "reasoning", "output", "result", "parsed_arguments", "extra",
     "parse_error", "view", "caller", "cache_control", "thoughtSignature", "thought_signature", "namespace",
     "provider_name", "provider_details", "providerExecuted", "providerMetadata", "dynamic", "invalid", "error",
     "server_name", "server_label", "approval_request_id", "_meta")
)  # fmt: skip
"""What makers write beside a call, and what is no part of what is called with what."""
_OTHER_TYPES = frozenset(
    ("text", "output_text", "input_text", "thinking", "redacted_thinking", "reasoning", "refusal", "message", "image",
     "image_url", "document", "function_call_output", "custom_tool_call_output")
)  # fmt: skip
"""Types of the blocks that may stand among calls."""
_OTHER_BLOCKS = frozenset(
    (
        "text",
        "thought",
        "thoughtSignature",
        "thought_signature",
        "reasoningContent",
        "toolResult",
        "cachePoint",
        "guardContent",
        "citationsContent",
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
        "functionResponse",
        "function_response",
        "executableCode",
        "executable_code",
        "codeExecutionResult",
        "code_execution_result",
    )
)
"""Keys of blocks that say no type, and are no call."""
_FREE_TEXT = ("custom", "custom_tool_call")
"""Types of calls whose input is a text of any form."""
_TIMES_ENCODED = 2
"""So often arguments may be written as a text: some services write the text of a model once more."""


class UnknownForm(ValueError):
    """A call is written as no maker is known to write it: what it means cannot be told, whoever made it."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool: its name and its arguments by name."""

    name: str
    arguments: Mapping[str, JSON]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={quoted(value)}' for key, value in self.arguments.items())})"


def read_calls(value: JSON) -> list[ToolCall]:
    """The tool calls of a JSON list, of its text, or of a message that holds one; null and "" are none.

    Raises ValueError naming the call that is none, UnknownForm for one in a spelling that is not known.
    """
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        with suppress(JsonProblem):
            value = parse_json(value)
    if isinstance(value, Mapping):
        value = _calls_of_message(value)
    if value is None or value == "":
        return []
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be a list of calls, not {json_type(value)}")
    return [_read_call(call, index) for index, call in enumerate(value) if not _is_other_block(call)]


def _calls_of_message(message: Mapping[str, JSON]) -> JSON:
    """What a message holds that may be its calls; one that only says something holds none."""
    if message.get("tool_calls"):
        return message["tool_calls"]
    if isinstance(message.get("function_call"), Mapping):
        return [message["function_call"]]  # OpenAI's messages before there were several calls in one
    held = next((message[key] for key in ("tool_calls", "content", "parts") if key in message), message)
    return None if isinstance(held, str) and "role" in message else held


def _is_other_block(block: JSON) -> bool:
    """Whether it is a block of text or the like, as they stand among the calls of a message."""
    if not isinstance(block, Mapping):
        return False
    kind = block.get("type")
    if isinstance(kind, str):
        return kind in _OTHER_TYPES or kind.endswith(("tool_result", "tool-result"))
    return bool(block) and _OTHER_BLOCKS.issuperset(block)


def _read_call(call: JSON, index: int) -> ToolCall:
    if not isinstance(call, Mapping):
        raise ValueError(f"call {index} has no 'name': {quoted(call)}")
    nests = [key for key in _NESTS if isinstance(call.get(key), Mapping)]
    of_protocol = ("jsonrpc", "method") if call.get("method") == "tools/call" else ()
    if of_protocol and isinstance(call.get("params"), Mapping):
        nests = ["params"]
    inner: Mapping[str, Any] = call
    if nests:
        _check_keys(call, (nests[0], *of_protocol), index)
        inner = call[nests[0]]
    _check_keys(inner, (*_NAMES, *_ARGUMENTS), index)
    names = [inner[key] for key in _NAMES if isinstance(inner.get(key), str) and inner[key]]
    if not names and isinstance(call.get("action"), Mapping):  # OpenAI's use of a computer, a shell, a search
        raise UnknownForm(f"call {index} is of a type that is not read: {quoted(call)}")
    if not names:
        raise ValueError(f"call {index} has no 'name': {quoted(call)}")
    if len(set(names)) > 1:
        raise UnknownForm(f"call {index} has two names: {', '.join(map(quoted, names))}")
    free_text = call.get("type") in _FREE_TEXT
    return ToolCall(names[0], _read_arguments(inner, index, free_text=free_text))


def _check_keys(call: Mapping[str, Any], known: tuple[str, ...], index: int) -> None:
    unknown = next((key for key in call if key not in known and key not in _BESIDE), None)
    if unknown is not None:
        hint = did_you_mean(str(unknown), known)
        raise UnknownForm(f"call {index} has an unknown key {quoted(unknown)} ({hint})")


def _read_arguments(call: Mapping[str, Any], index: int, *, free_text: bool) -> Mapping[str, JSON]:
    given = dict(_given_arguments(call))
    if len(given) > 1:
        raise UnknownForm(f"call {index} has arguments under two keys: {', '.join(given)}")
    arguments = next(iter(given.values()), None)
    if isinstance(arguments, str) and free_text:
        return {"input": arguments}
    for _ in range(_TIMES_ENCODED):
        if not isinstance(arguments, str):
            break
        try:
            arguments = parse_json(arguments)
        except JsonProblem:
            raise ValueError(f"call {index} has arguments that are no JSON: {quoted(arguments)}") from None
    if arguments and not isinstance(arguments, Mapping):
        raise ValueError(f"call {index} has arguments that are {json_type(arguments)}, not an object")
    return arguments if isinstance(arguments, Mapping) else {}


def _given_arguments(call: Mapping[str, Any]) -> Iterator[tuple[str, JSON]]:
    for key in _ARGUMENTS:
        value = call.get(key)
        is_none = value in (None, [], {}) or (isinstance(value, str) and not value.strip())
        if not is_none:
            yield key, value
