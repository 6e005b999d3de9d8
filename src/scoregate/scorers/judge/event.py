"""The score event of a judgement, and what it says about the execution it comes from.

The shape is the one of Langfuse's own judge pipeline: a score written here reads like one written there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from scoregate.config.table import finite_float
from scoregate.errors import ContractError

DataType = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL"]


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
    variables: Iterable[ExtractedVariable | Mapping[str, Any]],
) -> str | None:
    """The environment of the first variable that has one; None where none has."""
    for variable in variables:
        environment = variable.get("environment") if isinstance(variable, Mapping) else variable.environment
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
    given. Raises ContractError for a number that is not finite, which JSON cannot carry.
    """
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
            "value": int(value) if isinstance(value, bool) else value,
            "comment": reasoning,
            "source": "EVAL",
            "environment": environment,
            "executionTraceId": execution_trace_id,
            "metadata": dict(metadata),
            "dataType": _data_type(value, score_name),
        },
    }


def _data_type(value: int | float | bool | str, score_name: str) -> DataType:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, str):
        return "CATEGORICAL"
    if finite_float(value) is None:
        raise ContractError("the value is not a finite number", where=score_name)
    return "NUMERIC"
