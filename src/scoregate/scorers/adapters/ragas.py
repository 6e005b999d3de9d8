"""Metrics of Ragas as evaluators: `from_ragas(ExactMatch())`.

Ragas sends usage data of its own unless the environment says RAGAS_DO_NOT_TRACK=true. That is not set here: whoever
runs it decides.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

from scoregate.scorers.adapters.making import (
    Arguments,
    Evaluator,
    evaluator_from,
    further_arguments,
    not_one,
    text_of,
)
from scoregate.scorers.adapters.verdict_counts import recorded_ragas

_NO_NUMBER = "Ragas gave no number (NaN): its model did not answer, or with nothing of use; its log says why"


def from_ragas(
    metric: Any, *, name: str | None = None, version: str | None = None, arguments: Arguments | None = None
) -> Evaluator:
    """An evaluator of a metric of Ragas, of `ragas.metrics.collections` or of the older `ragas.metrics`.

    The metric is given what it asks for of `user_input`, `response` and `reference` (input, output and expected
    output as texts; JSON, where they are none), and all that `arguments` makes of the four, such as
    `retrieved_contexts`. A metric's reason is the comment. Where its judge gave fewer or more verdicts than there are
    statements, it is an error (not known of the older ones). `name` is that of the score, else the metric's own.
    Raises ConfigError.
    """
    if isinstance(metric, type) or not (hasattr(metric, "ascore") or hasattr(metric, "single_turn_ascore")):
        raise not_one("from_ragas", "a metric of Ragas", metric)
    is_older = hasattr(metric, "single_turn_ascore")
    asked = None if is_older else _asked(metric.ascore)

    async def evaluate(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        given = {"input": input, "output": output, "expected_output": expected_output, "metadata": metadata}
        offered = {
            "user_input": text_of(input),
            "response": text_of(output),
            "reference": text_of(expected_output),
        }
        # What is not there is not given: an ExactMatch with nothing would be a number that means nothing.
        known = {key: value for key, value in offered.items() if value is not None}
        called = {
            **{key: value for key, value in known.items() if asked is None or key in asked},
            **further_arguments(arguments, given),
        }
        if is_older:
            from ragas.dataset_schema import SingleTurnSample

            lacking = sorted(metric.required_columns.get("SINGLE_TURN", set()) - called.keys())
            if lacking:
                return {"status": "error", "comment": f"{metric.name} needs {', '.join(lacking)}"}
            return _outcome(await metric.single_turn_ascore(SingleTurnSample(**called)), None)
        own, recorder = recorded_ragas(metric)
        result = await own.ascore(**called)
        uncounted = recorder.uncounted() if recorder is not None else None
        if uncounted is not None:
            return {"status": "error", "comment": uncounted}
        return _outcome(result.value, result.reason)

    title = name or str(metric.name)
    return evaluator_from(
        "ragas", metric, evaluate, name=title, version=version, arguments=arguments, adapter=2
    )


def _outcome(value: Any, reason: str | None) -> dict[str, Any]:
    if value is None:
        return {"status": "error", "comment": reason or "Ragas gave no value"}
    if isinstance(value, float) and math.isnan(value):
        return {"status": "error", "comment": reason or _NO_NUMBER}
    return {"value": value, "comment": reason}


def _asked(score: Any) -> frozenset[str] | None:
    """Names of the arguments that a metric takes; None where it takes any."""
    parameters = inspect.signature(score).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)
