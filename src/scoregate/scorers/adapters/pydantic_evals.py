"""Evaluators of pydantic-evals as ours: `from_pydantic_evals(EqualsExpected())`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scoregate.scorers.adapters.making import Evaluator, evaluator_of, not_one, package_version
from scoregate.scorers.outcome import not_applicable

_NO_SPANS = "spans of the task are not kept: give the evaluator what it needs in the output"


def from_pydantic_evals(
    evaluator: Any,
    *,
    name: str | None = None,
    scores: Sequence[str] = (),
    version: str | None = None,
    duration: bool | None = None,
) -> Evaluator:
    """An evaluator of one of pydantic-evals: a bool, a number or a label, with its reason as the comment.

    One result is the score `name` (else the evaluator's own name); `scores` says the names of one that returns a
    mapping, which are then its keys. An empty mapping, as of EqualsExpected without an expected output, is not
    applicable. The context has inputs, output, expected output and metadata; `duration` (latency in seconds) only
    for MaxDuration, or where it is asked for, else NaN; no spans, attributes or metrics. Raises ConfigError.
    """
    if isinstance(evaluator, type) or not hasattr(evaluator, "evaluate_async"):
        raise not_one("from_pydantic_evals", "an evaluator of pydantic-evals", evaluator)
    title = name or str(evaluator.get_default_evaluation_name())

    async def evaluate(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        context = _context(input, output, expected_output, metadata, math.nan)
        return _outcomes(await evaluator.evaluate_async(context), scores)

    async def evaluate_timed(
        *, input: Any, output: Any, expected_output: Any, metadata: Any, latency_seconds: float | None = None
    ) -> Any:
        if latency_seconds is None:
            return {"status": "error", "comment": "the latency of this run item was not measured"}
        context = _context(input, output, expected_output, metadata, latency_seconds)
        return _outcomes(await evaluator.evaluate_async(context), scores)

    timed = type(evaluator).__name__ == "MaxDuration" if duration is None else duration
    own = evaluator.get_evaluator_version()
    made = package_version("pydantic-evals", evaluator)
    call: Callable[..., Any] = evaluate_timed if timed else evaluate
    return evaluator_of(
        call, name=title, scores=scores, version=version or (f"{made} {own}" if own is not None else made)
    )


def _context(input: Any, output: Any, expected_output: Any, metadata: Any, seconds: float) -> Any:
    from pydantic_evals.evaluators import EvaluatorContext
    from pydantic_evals.otel import SpanTreeRecordingError

    return EvaluatorContext(
        name=None,
        inputs=input,
        metadata=metadata,
        expected_output=expected_output,
        output=output,
        duration=seconds,
        _span_tree=SpanTreeRecordingError(_NO_SPANS),
        attributes={},
        metrics={},
    )


def _outcomes(returned: Any, scores: Sequence[str]) -> Any:
    if not isinstance(returned, Mapping):
        return _outcome(returned)
    if not returned:
        return not_applicable("the evaluator returned no result")
    if not scores and len(returned) == 1:
        return _outcome(next(iter(returned.values())))
    return [{**_outcome(result), "name": key} for key, result in returned.items()]


def _outcome(result: Any) -> dict[str, Any]:
    if hasattr(result, "reason") and hasattr(result, "value"):
        return {"value": result.value, "comment": result.reason}
    return {"value": result}
