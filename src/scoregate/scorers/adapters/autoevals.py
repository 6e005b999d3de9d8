"""Scorers of autoevals as evaluators: `from_autoevals(Levenshtein())`.

One with a model asks Braintrust's gateway, with the key of OPENAI_API_KEY, unless it is given a `client` or the
environment says OPENAI_BASE_URL. That is not set here: whoever runs it decides.
"""

from __future__ import annotations

from typing import Any

from scoregate.files.reading import JsonProblem, parse_json
from scoregate.scorers.adapters.making import (
    Arguments,
    Evaluator,
    evaluator_from,
    further_arguments,
    not_one,
)
from scoregate.scorers.outcome import not_applicable

_COMPARES = ("ExactMatch", "JSONDiff", "Levenshtein", "LevenshteinScorer", "NumericDiff", "ListContains")
"""Scorers that have nothing to say without an expected output, and of which some say it is met all the same."""


def from_autoevals(
    scorer: Any, *, name: str | None = None, version: str | None = None, arguments: Arguments | None = None
) -> Evaluator:
    """An evaluator of a scorer of autoevals, or of its class: a number from 0 to 1.

    The scorer is given output, expected output and `input`, and what `arguments` makes of the four, such as the
    `context` of its RAG scorers. A score of None means "skipped" there, and "not applicable" here; the rationale of
    its model is the comment. What compares needs an expected output, in which the order of keys does not matter; a
    ValidJSON takes the schema that it was made with. `name` is that of the score, else the scorer's own. Raises
    ConfigError.
    """
    made = scorer() if isinstance(scorer, type) else scorer
    if not hasattr(made, "eval_async") or not hasattr(made, "_name"):
        raise not_one("from_autoevals", "a scorer of autoevals", scorer)

    async def evaluate(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        given = {"input": input, "output": output, "expected_output": expected_output, "metadata": metadata}
        kind = type(made).__name__
        if kind in _COMPARES and expected_output is None:
            return {"status": "error", "comment": "the dataset item has no expected_output"}
        pair = (output, made.schema) if kind == "ValidJSON" else (output, expected_output)
        if kind == "ExactMatch":
            pair = _comparable(output, expected_output)
        result = await made.eval_async(
            *map(_in_order, pair), input=input, **further_arguments(arguments, given)
        )
        details = result.metadata or {}
        comment = details.get("rationale")
        if result.score is None:
            return not_applicable(comment or "autoevals skipped it")
        return {"value": result.score, "comment": comment}

    title = name or made._name()
    return evaluator_from(
        "autoevals", made, evaluate, name=title, version=version, arguments=arguments, adapter=2
    )


def _comparable(output: Any, expected: Any) -> tuple[Any, Any]:
    """Both as objects, where one is an object or a list and the other the text of one."""
    if isinstance(output, (dict, list)) == isinstance(expected, (dict, list)):
        return output, expected
    return _parsed(output), _parsed(expected)


def _parsed(value: Any) -> Any:
    try:
        return parse_json(value) if isinstance(value, str) else value
    except JsonProblem:
        return value


def _in_order(value: Any) -> Any:
    """The same value with its keys in order: some scorers compare objects as the texts that they are written as."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value, key=str)}
    return [_in_order(member) for member in value] if isinstance(value, list) else value
