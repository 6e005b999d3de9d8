"""The JSON Schema of a judge's reply: an object with `reasoning` first and `score` second.

The reasoning comes first because a model writes the fields in the schema's order: a score written first would be a
guess that the reasoning then defends. Each schema is in the strict form of structured outputs (closed, every
property required), plain data in the order in which it is to be sent, and all that a reply is validated with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoregate.catalog import Contract
from scoregate.config.table import finite_float, shown
from scoregate.errors import ConfigError, did_you_mean

JsonSchema = dict[str, Any]

REASONING = "reasoning"
SCORE = "score"
_DEFAULT_REASONING = "The reasons for the score, step by step, written before the score."


def build_eval_score_schema(
    output_schema: Mapping[str, str], *, minimum: float | None = None, maximum: float | None = None
) -> JsonSchema:
    """The schema of a numeric reply from an evaluator template's output description.

    `output_schema` is `{"score": text, "reasoning": text}`; the texts become the descriptions that the model sees.
    A range is enforced only where `minimum` or `maximum` (both inclusive) give one: none is read out of a text.
    Raises ConfigError for a description that is missing, blank or unknown, and for an impossible range.
    """
    for key in output_schema:
        if key not in (REASONING, SCORE):
            raise ConfigError(
                f"the output description has an unknown key {key!r}",
                hint=did_you_mean(str(key), (SCORE, REASONING)),
            )
    reasoning, score = (_description(output_schema, key) for key in (REASONING, SCORE))
    return _reply_schema(reasoning, _number(minimum, maximum) | {"description": score})


def output_schema(
    contract: Contract, *, score: str | None = None, reasoning: str | None = None
) -> JsonSchema:
    """The schema of a reply that keeps a score's contract: a number with its range, a boolean, or its categories.

    `score` and `reasoning` describe the two fields; by default the contract's description does, and a standing
    sentence. What values are allowed is added in words, since not every endpoint looks at `minimum` and `maximum`.
    Raises ConfigError for a text score, and for a categorical one whose categories are not known.
    """
    values, words = _values(contract)
    about = score or contract.description or f"The score {contract.name}."
    return _reply_schema(reasoning or _DEFAULT_REASONING, values | {"description": f"{about} {words}"})


def response_format(schema: JsonSchema, *, name: str = "judgement") -> dict[str, Any]:
    """The `response_format` of a chat completion that asks for structured output by this schema.

    `name` is of letters, digits, `_` and `-`, at most 64: a score's name may hold more than that.
    """
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}


def _description(output_schema: Mapping[str, str], key: str) -> str:
    text = output_schema.get(key)
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(
            f"the output description has no text for '{key}'",
            hint=f'give it as {{"{SCORE}": "…", "{REASONING}": "…"}}',
        )
    return text


def _values(contract: Contract) -> tuple[JsonSchema, str]:
    """The values that a contract allows, as a schema and in words."""
    if contract.type == "numeric":
        return _number(contract.min, contract.max), _range_in_words(contract.min, contract.max)
    if contract.type == "boolean":
        return {"type": "boolean"}, "Either true or false."
    if contract.type == "categorical" and contract.categories:
        categories = list(contract.categories)
        return {"type": "string", "enum": categories}, f"One of: {', '.join(categories)}."
    raise ConfigError(
        "a judge needs a numeric or boolean score, or a categorical one with its categories",
        where=contract.where or contract.name,
        hint="say in the score catalog which values the score may hold",
    )


def _number(minimum: float | None, maximum: float | None) -> JsonSchema:
    number: JsonSchema = {"type": "number"}
    for key, bound in (("minimum", minimum), ("maximum", maximum)):
        if bound is None:
            continue
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ConfigError(f"the {key} of a score is {shown(bound)}, which is no number")
        if finite_float(bound) is None:
            raise ConfigError(f"the {key} of a score is not a finite number")
        number[key] = bound
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ConfigError(f"the minimum of a score, {minimum:g}, is above its maximum {maximum:g}")
    return number


def _range_in_words(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"A number from {low:g} to {high:g}."
    if low is not None:
        return f"A number, {low:g} or more."
    return "A number." if high is None else f"A number, {high:g} or less."


def _reply_schema(reasoning: str, score: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "properties": {REASONING: {"type": "string", "description": reasoning}, SCORE: score},
        "required": [REASONING, SCORE],
        "additionalProperties": False,
    }
