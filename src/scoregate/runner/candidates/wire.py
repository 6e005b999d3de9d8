"""What goes out to a candidate in another process or on another machine, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping

from scoregate.files.reading import JsonProblem, decode_utf8, parse_json
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem, Tokens
from scoregate.runner.candidates.candidate import Answer, CandidateError, TransientError
from scoregate.runner.candidates.failures import UnwritableOutput
from scoregate.wording import printable

MAX_OUTPUT_BYTES = 50_000_000
"""Largest reply that is read."""
_EXCERPT = 200
"""Characters of a bad reply that its error shows."""


class WireProblem(ValueError):
    """A reply that is not one JSON document. `str(problem)` is what it is instead, as the object of a verb."""


def question(
    item: DatasetItem, trial: int, *, with_expected_output: bool = False, traceparent: str | None = None
) -> bytes:
    """One JSON object `{"id", "input", "metadata", "trial"}` in ASCII, with a line end.

    The expected output stays here unless asked for: an agent must not see the answer that it is scored by.
    `traceparent` is for our own processes, which take it out again; others are told it as they expect it.
    """
    fields: dict[str, JSON] = {"id": item.id, "input": item.input, "metadata": dict(item.metadata)}
    if with_expected_output:
        fields["expected_output"] = item.expected_output
    if traceparent is not None:
        fields["traceparent"] = traceparent
    return json_codec.dumps({**fields, "trial": trial}, allow_nan=False).encode() + b"\n"


def read_reply(data: bytes) -> JSON:
    """The JSON document that a reply consists of. Raises WireProblem."""
    try:
        text = decode_utf8(data)
    except UnicodeDecodeError as error:
        raise WireProblem(f"bytes that are no UTF-8 (0x{data[error.start]:02x} at {error.start})") from None
    if not text.strip():
        raise WireProblem("nothing")
    try:
        return parse_json(text)
    except JsonProblem as problem:
        several = str(problem).endswith("extra data")
        what = "more than one JSON document" if several else f"no JSON ({problem})"
        raise WireProblem(f"{what}: '{excerpt(text)}'") from None


def answer_document(answer: Answer) -> dict[str, JSON]:
    """An answer as our own processes write it; `answer_or_error` reads it back."""
    tokens = answer.tokens and {"input": answer.tokens.input, "output": answer.tokens.output}
    return {
        "output": answer.output,
        "cost_usd": answer.cost_usd,
        "tokens": tokens,
        "trace_id": answer.trace_id,
    }


def error_document(error: CandidateError) -> dict[str, JSON]:
    """A failed call as our own processes write it; `answer_or_error` raises it again."""
    document: dict[str, JSON] = {"error": str(error)}
    if isinstance(error, TransientError):
        document |= {
            "transient": True,
            "retry_after": error.retry_after,
            "rate_limited": error.rate_limited,
        }
    if isinstance(error, UnwritableOutput):
        document |= {"unwritable": True, "remedy": error.remedy, "of_type": error.of_type}
    return document


def answer_or_error(document: dict[str, JSON]) -> Answer:
    """What one of our own processes said. Raises the CandidateError or TransientError that it wrote."""
    if "error" not in document:
        return measures_of(document["output"], document)
    if document.get("unwritable"):
        raise UnwritableOutput(document["error"], remedy=document["remedy"], of_type=document["of_type"])
    if not document.get("transient"):
        raise CandidateError(document["error"])
    raise TransientError(
        document["error"], retry_after=document["retry_after"], rate_limited=document["rate_limited"]
    )


def excerpt(text: str) -> str:
    """The first _EXCERPT characters of a text, in one line."""
    return printable(" ".join(text[: 4 * _EXCERPT].split())[:_EXCERPT])


def measures_of(output: JSON, fields: Mapping[str, JSON]) -> Answer:
    """An answer with the `cost_usd`, `tokens` (`{"input", "output"}`) and `trace_id` of a JSON object.

    Raises CandidateError for tokens of another shape; the values are checked by `as_answer`, as all are.
    """
    tokens = fields.get("tokens")
    if tokens is not None:
        if not isinstance(tokens, dict) or set(tokens) != {"input", "output"}:
            raise CandidateError(f'tokens are {{"input": 10, "output": 20}}, not {tokens!r:.60}')
        tokens = Tokens(input=tokens["input"], output=tokens["output"])
    return Answer(output, fields.get("cost_usd"), tokens, fields.get("trace_id"))
