"""Metrics of DeepEval as evaluators: `from_deepeval(ExactMatchMetric())`.

DeepEval sends usage data of its own, from its import on, unless the environment says DEEPEVAL_TELEMETRY_OPT_OUT=1.
That is not set here: whoever runs it decides.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any, Literal

from scoregate.scorers.adapters.making import (
    Arguments,
    Evaluator,
    evaluator_of,
    further_arguments,
    not_one,
    package_version,
    text_of,
)
from scoregate.scorers.adapters.verdict_counts import deepeval_uncounted
from scoregate.scorers.outcome import not_applicable

_LAST_RESULT = (
    "score", "score_breakdown", "reason", "success", "error", "skipped", "confidence", "verbose_logs",
    "evaluation_cost", "input_tokens", "output_tokens", "precision", "recall", "f1", "verdicts",
    "system_one_fallback_reason",
)  # fmt: skip
_QUIET = {"_show_indicator": False}


def from_deepeval(
    metric: Any,
    *,
    name: str | None = None,
    value: Literal["score", "success"] = "score",
    version: str | None = None,
    arguments: Arguments | None = None,
) -> Evaluator:
    """An evaluator of a metric of DeepEval: its score, or with `value="success"` whether that reached its threshold.

    The test case gets input, actual and expected output as texts (JSON, where they are none), and what `arguments`
    makes of the four, such as `retrieval_context` or `tools_called`. The metric's reason is the comment; what it
    skipped is not applicable, an empty output is the worst score where the metric refuses it, and a metric whose judge
    gave fewer or more usable verdicts than there is to judge is an error. A metric keeps its last result in itself, so
    that every call is made on a copy. `name` is that of the score, else the metric's own. Raises ConfigError.
    """
    if isinstance(metric, type) or not hasattr(metric, "a_measure") or not hasattr(metric, "threshold"):
        raise not_one("from_deepeval", "a metric of DeepEval", metric)
    parameters = inspect.signature(metric.a_measure).parameters
    quiet = _QUIET if "_show_indicator" in parameters else {}

    async def evaluate(*, input: Any, output: Any, expected_output: Any, metadata: Any) -> Any:
        from deepeval.errors import MissingTestCaseParamsError
        from deepeval.test_case import LLMTestCase
        from tenacity import RetryError

        given = {"input": input, "output": output, "expected_output": expected_output, "metadata": metadata}
        further = further_arguments(arguments, given)
        case = {
            "input": text_of(input) or "",
            "actual_output": text_of(output),
            "expected_output": text_of(expected_output),
            **further,
        }
        own, test_case = copy.copy(metric), LLMTestCase(**case)
        try:
            await own.a_measure(test_case, **quiet)
        except MissingTestCaseParamsError:
            if (case["actual_output"] or "").strip() or "actual_output" in further:
                raise
            return {"value": False if value == "success" else 0.0, "comment": "the output is empty"}
        except (
            RetryError
        ) as error:  # it only says that there were attempts; the last one's failure is the reason
            raise (error.last_attempt.exception() or error) from None
        if own.error:
            return {"status": "error", "comment": str(own.error)}
        if own.skipped:
            return not_applicable(own.reason or "DeepEval skipped it")
        uncounted = deepeval_uncounted(own, test_case)
        if uncounted is not None:
            return {"status": "error", "comment": uncounted}
        found = own.is_successful() if value == "success" else own.score
        return {"value": found, "comment": own.reason}

    title = name or str(getattr(metric, "__name__", None) or type(metric).__name__)
    made = version or package_version("deepeval", metric, without=_LAST_RESULT, also=arguments, adapter=2)
    return evaluator_of(evaluate, name=title, version=made if value == "score" else f"{made} success")
