"""What the stand-in model may answer: a completion, an error status, or a broken exchange.

An `Answer` says it all; the functions are the usual ones by name. Nothing here knows HTTP: `wire.py` writes the
bodies, `server.py` sends them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Cut = Literal["reset", "closed", "truncated", "ends_early"]
"""How the connection breaks: reset or closed instead of an answer; half of the announced body (of the chunked
stream); a stream that ends in good order, but without its last pieces (a plain answer: without its last bytes)."""

_NO_USAGE: dict[str, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. Without `raw` or `status` it is a completion with `content` as the message's text."""

    content: str | None = None
    refusal: str | None = None
    finish_reason: str | None = "stop"
    tool_calls: list[dict[str, Any]] | None = None
    choices: Any = ...
    """In place of the one choice made of the fields above."""
    usage: Mapping[str, int] | None = field(default_factory=lambda: _NO_USAGE)
    """`prompt_tokens` and so on; empty: counted from the texts, about four characters a token. None: no usage."""
    status: int = 200
    error: str | None = None
    """The message of OpenAI's error body; with a `status` of 400 and above."""
    raw: bytes | None = None
    """The body as it is, in place of any other."""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    cut: Cut | None = None


Scripted = Answer | str | Mapping[str, Any]
"""What a script may hold: an Answer, the text of a message, or a reply's object, which is written as JSON."""


def as_answer(scripted: Scripted) -> Answer:
    """The Answer of an entry of a script."""
    if isinstance(scripted, Answer):
        return scripted
    return Answer(content=scripted if isinstance(scripted, str) else json.dumps(scripted))


def judged(score: object, reasoning: object = "It answers what was asked.", **fields: Any) -> Answer:
    """A reply in the judges' form, reasoning first. `fields` are those of Answer."""
    return Answer(content=json.dumps({"reasoning": reasoning, "score": score}), **fields)


def refused(text: str = "I'm sorry, I can't help with that.") -> Answer:
    """A refusal the way structured outputs report it: no content, the text in `refusal`."""
    return Answer(refusal=text)


def failed(status: int, message: str = "a fault on request", *, retry_after: float | None = None) -> Answer:
    """An error status with OpenAI's error body: 400, 401, 404, 429, 500, 503 and the like."""
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Answer(status=status, error=message, headers=headers)


def slow(seconds: float, scripted: Scripted | None = None) -> Answer:
    """The answer (a good reply with the score 1 by default), late: for time-outs. A stopped server waits no more."""
    return replace(as_answer(scripted if scripted is not None else judged(1)), delay=seconds)


def broken(cut: Cut, scripted: Scripted | None = None) -> Answer:
    """The answer over a connection that breaks."""
    return replace(as_answer(scripted if scripted is not None else judged(1)), cut=cut)


def page(html: str = "<html><body><h1>Welcome</h1></body></html>", *, status: int = 200) -> Answer:
    """An HTML page in place of JSON, as proxies and portals send it."""
    return Answer(raw=html.encode(), content_type="text/html; charset=utf-8", status=status)


def body(value: object, *, status: int = 200) -> Answer:
    """Any JSON value as the whole body."""
    return Answer(raw=json.dumps(value).encode(), status=status)
