"""What the stand-in model answers to other people's scorers, and the ways in which it fails them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.model_server.answers import Answer, broken, failed, page
from tests.model_server.server import ModelServer
from tests.scorers.adapters.scoring import scored

FAILING: dict[str, Answer] = {
    "500": failed(500, "the model is down"),
    "401": failed(401, "the key is wrong"),
    "prose": Answer(content="I like it, 8 of 10."),
    "page": page(),
    "reset": broken("reset"),
}
"""No reply, or none of use, by kind."""


def tool_call(name: str, **arguments: Any) -> Answer:
    """A reply that calls a tool, which is how some packages ask for structure."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": "call_1", "type": "function", "function": function}
    return Answer(tool_calls=[call], finish_reason="tool_calls")


def reason_when(failure: str, evaluator_at: Callable[[str], Callable[..., Any]]) -> str:
    """The reason of the error cell that an evaluator makes when its model fails so.

    `evaluator_at` takes the endpoint's URL. The cell must be an error without a value, and the model was asked.
    """
    with ModelServer(script=lambda _: FAILING[failure]) as server:
        cell = scored(evaluator_at(server.url), "Paris", "Rome")
        assert server.requests
    assert (cell.status, cell.value) == ("error", None)
    assert cell.comment
    return cell.comment
