"""What an endpoint replied with a success status, as an answer: JSON, text, or a stream of server-sent events.

An object whose `error` says something is no answer, whatever the status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scoregate.files.reading import decode_utf8
from scoregate.own import json_codec
from scoregate.paths import PathError, look_up
from scoregate.records import JSON
from scoregate.retries import RATE_LIMIT_STATUSES, is_transient
from scoregate.runner.candidates.candidate import Answer, CandidateError, TransientError
from scoregate.runner.candidates.wire import WireProblem, excerpt, measures_of, read_reply

_DELTA = "choices.0.delta.content"
"""Where OpenAI-compatible endpoints put the next piece of a streamed text."""
_DONE = "[DONE]"


def answer_of(body: bytes, *, kind: str | None, content_type: str, answer: str | None) -> Answer:
    """The answer in a reply. `kind` is "json", "text" or "events"; None: events by the content type, else JSON.

    `answer` is the dotted path of the output: in the reply, or in each event, whose texts are put together. Raises
    CandidateError, and TransientError for an error object with a status that may be gone the next time.
    """
    if kind is None:
        kind = "events" if content_type.partition(";")[0].strip().lower() == "text/event-stream" else "json"
    if kind == "json":
        return _of_json(body, answer)
    try:
        text = decode_utf8(body)
    except UnicodeDecodeError:
        raise CandidateError("replied bytes that are no UTF-8") from None
    return Answer(text) if kind == "text" else _of_events(text, answer)


def _of_json(body: bytes, answer: str | None) -> Answer:
    try:
        reply = read_reply(body)
        _refuse_error(reply, answer)
        output = look_up(reply, answer or "")
    except WireProblem as problem:
        raise CandidateError(f"replied {problem}") from None
    except PathError as error:
        raise CandidateError(f"the reply has {error}") from None
    return measures_of(output, _measures(reply))


def _of_events(text: str, answer: str | None) -> Answer:
    pieces: list[JSON] = []
    for data in _events(text):
        try:
            event = json_codec.loads(data)
        except ValueError:
            if answer is not None:
                raise CandidateError(f"replied an event that is no JSON: '{excerpt(data)}'") from None
            pieces.append(data)
            continue
        _refuse_error(event, answer)
        if answer is None and not isinstance(event, Mapping):
            pieces.append(event if isinstance(event, str) else data)
            continue
        try:
            piece = look_up(event, answer or _DELTA)
        except PathError:  # an event about something else, such as the role or the usage
            continue
        if piece is not None:
            pieces.append(piece)
    if not pieces:
        place = f"'{answer or _DELTA}'"
        raise CandidateError(f"replied a stream in which no event has {place} (name the place with `answer`)")
    if all(isinstance(piece, str) for piece in pieces):
        return Answer("".join(pieces))
    return Answer(pieces[-1] if len(pieces) == 1 else pieces)


def _events(text: str) -> Iterator[str]:
    """The data of each event, without the one that says that there are no more."""
    lines: list[str] = []
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            data, lines = "\n".join(lines), []
            if data.strip() == _DONE:
                return
            yield data


def _refuse_error(reply: JSON, answer: str | None) -> None:
    """Raises for an object that says that it is an error. Where the answer is looked for there, it is the answer."""
    error = reply.get("error") if isinstance(reply, Mapping) else None
    if not error or (answer or "").partition(".")[0] == "error":
        return
    told = error.get("message") if isinstance(error, Mapping) else None
    said = (
        told
        if isinstance(told, str) and told
        else error
        if isinstance(error, str)
        else json_codec.dumps(error)
    )
    status = next(
        (
            value
            for key in ("status", "code")
            if isinstance(error, Mapping) and isinstance(value := error.get(key), int)
        ),
        0,
    )
    reason = f"replied an error: {excerpt(said)}"
    if status < 600 and is_transient(status):
        raise TransientError(reason, rate_limited=status in RATE_LIMIT_STATUSES)
    raise CandidateError(reason)


def _measures(reply: JSON) -> Mapping[str, JSON]:
    """The members of a reply that are measures. `tokens` in another shape is something of the endpoint's own."""
    if not isinstance(reply, dict):
        return {}
    measures = {"cost_usd": reply.get("cost_usd")}
    tokens = reply.get("tokens")
    if isinstance(tokens, dict) and set(tokens) == {"input", "output"}:
        measures["tokens"] = tokens
    return measures
