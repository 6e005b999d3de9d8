"""Evaluators of openevals as ours: `from_openevals(exact_match)`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from scoregate.errors import ConfigError
from scoregate.scorers.adapters.making import (
    Arguments,
    Evaluator,
    evaluator_from,
    further_arguments,
    not_one,
)


def from_openevals(
    evaluator: Any,
    *,
    name: str | None = None,
    scores: Sequence[str] = (),
    version: str | None = None,
    arguments: Arguments | None = None,
) -> Evaluator:
    """An evaluator of one of openevals, sync or async: a function that takes inputs, outputs and reference outputs.

    `arguments` makes further ones of the four, such as `context`. The comment is kept. One result is the score
    `name` (else the function's own name), whatever its key is; `scores` says the names of one that returns several,
    which are then their keys. Raises ConfigError.
    """
    if isinstance(evaluator, type) or not callable(evaluator):
        raise not_one("from_openevals", "an evaluator of openevals", evaluator)
    own_name = str(getattr(evaluator, "__name__", type(evaluator).__name__))
    if name is None and not scores and own_name.lstrip("_").startswith("wrapped"):
        raise ConfigError("the evaluator of openevals has no name of its own", hint='give one: name="…"')

    # Only what it names: one that takes the rest as keywords hands it on to where it is not expected.
    named = inspect.signature(evaluator).parameters

    def asked(given: dict[str, Any]) -> dict[str, Any]:
        called = {
            "inputs": given["input"],
            "outputs": given["output"],
            "reference_outputs": given["expected_output"],
        }
        return {
            **{key: value for key, value in called.items() if key in named},
            **further_arguments(arguments, given),
        }

    def evaluate(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        given = {"input": input, "output": output, "expected_output": expected_output, "metadata": metadata}
        return _outcomes(evaluator(**asked(given)), scores)

    async def evaluate_async(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        given = {"input": input, "output": output, "expected_output": expected_output, "metadata": metadata}
        return _outcomes(await evaluator(**asked(given)), scores)

    return evaluator_from(
        "openevals",
        evaluator,
        evaluate_async if inspect.iscoroutinefunction(evaluator) else evaluate,
        name=name or own_name,
        scores=scores,
        version=version,
        arguments=arguments,
    )


def _outcomes(returned: Any, scores: Sequence[str]) -> Any:
    results = returned if isinstance(returned, list) else [returned]
    outcomes = [_outcome(result, named=bool(scores)) for result in results]
    return outcomes[0] if len(outcomes) == 1 else outcomes


def _outcome(result: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    return {
        "name": result["key"] if named else None,
        "value": result["score"],
        "comment": result.get("comment"),
    }
