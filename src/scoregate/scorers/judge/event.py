"""The score event of a judgement, and what it says about the execution it comes from.

The shape is the one of Langfuse's own judge pipeline: a score written here reads like one written there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

from scoregate.config.table import finite_float
from scoregate.errors import ContractError

_EventDataType = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL"]


@dataclass(frozen=True, slots=True)
class ExtractedVariable:
    """A variable of a prompt, the value it was given, and the environment of the trace that value comes from."""

    var: str
    value: object
    environment: str | None = None


def build_execution_metadata(
    *,
    job_execution_id: str,
    job_configuration_id: str,
    target_trace_id: str | None = None,
    target_observation_id: str | None = None,
    target_dataset_item_id: str | None = None,
) -> dict[str, str]:
    """Where a judgement comes from and what it is about, the empty ones left out."""
    identifiers = {
        "job_execution_id": job_execution_id,
        "job_configuration_id": job_configuration_id,
        "target_trace_id": target_trace_id,
        "target_observation_id": target_observation_id,
        "target_dataset_item_id": target_dataset_item_id,
    }
    return {key: identifier for key, identifier in identifiers.items() if identifier}


def get_environment_from_variables(
    variables: Iterable[ExtractedVariable | Mapping[str, Any] | None],
) -> str | None:
    """The environment of the first variable that has one; None where none has, and for variables that are None."""
    for variable in variables:
        # A variable that was not extracted may be None: it has no environment.
        known = variable.get if isinstance(variable, Mapping) else partial(getattr, variable)
        environment = known("environment", None)
        if environment:
            return str(environment)
    return None


def build_score_event(
    *,
    event_id: str,
    score_id: str,
    trace_id: str | None,
    observation_id: str | None,
    score_name: str,
    value: int | float | bool | str,
    reasoning: str,
    environment: str,
    execution_trace_id: str,
    metadata: Mapping[str, str],
    timestamp: datetime | None = None,
) -> dict[str, Any]:
    """The `score-create` event of a judgement.

    The data type follows the value: a boolean (written as 1 or 0, as Langfuse keeps it) is BOOLEAN, a text
    CATEGORICAL, a number NUMERIC. `timestamp` is with its zone; by default it is now, the one thing here that is not
    given. Numbers of numpy and decimals are written as plain numbers. Raises ContractError for no value, for one of any
    other type, and for a number that is not finite, which JSON cannot carry.
    """
    written, data_type = _written(value, score_name)
    at = timestamp or datetime.now(UTC)
    return {
        "id": event_id,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "type": "score-create",
        "body": {
            "id": score_id,
            "traceId": trace_id,
            "observationId": observation_id,
            "name": score_name,
            "value": written,
            "comment": reasoning,
            "source": "EVAL",
            "environment": environment,
            "executionTraceId": execution_trace_id,
            "metadata": dict(metadata),
            "dataType": data_type,
        },
    }


def _written(value: object, score_name: str) -> tuple[int | float | str, _EventDataType]:
    """The value as JSON carries it, and its data type."""
    if isinstance(value, bool) or _is_numpy_bool(value):
        return int(bool(value)), "BOOLEAN"
    if isinstance(value, str):
        return str(value), "CATEGORICAL"
    if not isinstance(value, Real | Decimal):
        what = "there is no value" if value is None else f"the value is a {type(value).__name__}"
        raise ContractError(
            what, where=score_name, hint="a score is a number, a boolean or the name of a category"
        )
    number = _finite(value)
    if number is None:
        raise ContractError("the value is not a finite number", where=score_name)
    return number, "NUMERIC"


def _finite(value: Real | Decimal) -> int | float | None:
    """A plain number; None for what a float does not hold."""
    try:
        number = int(value) if isinstance(value, Integral) else float(value)
    except (ValueError, OverflowError):  # a signalling NaN of decimals, a fraction beyond all floats
        return None
    return None if finite_float(number) is None else number


def _is_numpy_bool(value: object) -> bool:
    """numpy's booleans are no `bool`, and are not worth an import of numpy."""
    return type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
