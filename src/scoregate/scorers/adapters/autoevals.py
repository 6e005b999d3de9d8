"""Scorers of autoevals as evaluators: `from_autoevals(Levenshtein())`.

One with a model asks Braintrust's gateway, with the key of OPENAI_API_KEY, unless it is given a `client` or the
environment says OPENAI_BASE_URL. That is not set here: whoever runs it decides.
"""

from __future__ import annotations

from typing import Any

from scoregate.scorers.adapters.making import (
    Arguments,
    Evaluator,
    evaluator_from,
    further_arguments,
    not_one,
)
from scoregate.scorers.outcome import not_applicable


def from_autoevals(
    scorer: Any, *, name: str | None = None, version: str | None = None, arguments: Arguments | None = None
) -> Evaluator:
    """An evaluator of a scorer of autoevals, or of its class: a number from 0 to 1.

    The scorer is given output, expected output and `input`, and what `arguments` makes of the four, such as the
    `context` of its RAG scorers. A score of None means "skipped" there, and "not applicable" here; the rationale of
    its model is the comment. `name` is that of the score, else the scorer's own. Raises ConfigError.
    """
    made = scorer() if isinstance(scorer, type) else scorer
    if not hasattr(made, "eval_async") or not hasattr(made, "_name"):
        raise not_one("from_autoevals", "a scorer of autoevals", scorer)

    async def evaluate(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        given = {"input": input, "output": output, "expected_output": expected_output, "metadata": metadata}
        result = await made.eval_async(
            output, expected_output, input=input, **further_arguments(arguments, given)
        )
        details = result.metadata or {}
        comment = details.get("rationale")
        if result.score is None:
            return not_applicable(comment or "autoevals skipped it")
        return {"value": result.score, "comment": comment}

    title = name or made._name()
    return evaluator_from("autoevals", made, evaluate, name=title, version=version, arguments=arguments)
