"""Score events of every data type, execution metadata, and the environment."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from scoregate.errors import ContractError
from scoregate.scorers.judge import (
    ExtractedVariable,
    build_execution_metadata,
    build_score_event,
    get_environment_from_variables,
)


def event(value: Any, **given: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "event_id": "e",
        "score_id": "s",
        "trace_id": "t",
        "observation_id": None,
        "score_name": "groundedness",
        "reasoning": "Because.",
        "environment": "staging",
        "execution_trace_id": "x",
        "metadata": {},
    }
    return build_score_event(value=value, **(fields | given))


@pytest.mark.parametrize(
    ("value", "written", "data_type"),
    [
        (0.75, 0.75, "NUMERIC"),
        (0, 0, "NUMERIC"),
        (True, 1, "BOOLEAN"),
        (False, 0, "BOOLEAN"),
        ("pass", "pass", "CATEGORICAL"),
    ],
)
def test_the_data_type_follows_the_value(value: Any, written: Any, data_type: str) -> None:
    body = event(value)["body"]
    assert (json.dumps(body["value"]), body["dataType"]) == (json.dumps(written), data_type)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_a_number_json_cannot_carry_is_refused_with_the_name_of_its_score(value: Any) -> None:
    with pytest.raises(ContractError, match="groundedness: the value is not a finite number"):
        event(value)


@pytest.mark.parametrize(
    ("value", "written", "data_type"),
    [
        (np.int64(3), 3, "NUMERIC"),
        (np.float32(0.5), 0.5, "NUMERIC"),
        (np.float64(0.1), 0.1, "NUMERIC"),
        (Decimal("1.5"), 1.5, "NUMERIC"),
        (Fraction(1, 4), 0.25, "NUMERIC"),
        (np.bool_(True), 1, "BOOLEAN"),
        (np.str_("pass"), "pass", "CATEGORICAL"),
    ],
)
def test_numbers_of_other_packages_are_written_as_plain_ones(
    value: Any, written: Any, data_type: str
) -> None:
    body = event(value)["body"]
    assert (body["value"], type(body["value"]), body["dataType"]) == (written, type(written), data_type)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "groundedness: there is no value"),
        ([1], "groundedness: the value is a list"),
        (1j, "groundedness: the value is a complex"),
        (Decimal("sNaN"), "groundedness: the value is not a finite number"),
        (Decimal("1e400"), "groundedness: the value is not a finite number"),
        (Fraction(10**400), "groundedness: the value is not a finite number"),
        (np.float64("nan"), "groundedness: the value is not a finite number"),
    ],
)
def test_what_is_no_value_of_a_score_is_refused_with_the_name_of_its_score(value: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        event(value)


def test_a_score_of_an_observation_names_both_and_a_missing_trace_is_null() -> None:
    assert event(1, observation_id="o")["body"]["observationId"] == "o"
    assert event(1, trace_id=None)["body"]["traceId"] is None


def test_a_given_time_is_written_in_utc() -> None:
    at = datetime(2026, 1, 15, 12, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    assert event(1, timestamp=at)["timestamp"] == "2026-01-15T10:30:00.123Z"


def test_the_metadata_of_the_event_is_its_own() -> None:
    metadata = {"job_execution_id": "1"}
    built = event(1, metadata=metadata)
    metadata["job_execution_id"] = "2"
    assert built["body"]["metadata"] == {"job_execution_id": "1"}


def test_execution_metadata_has_every_identifier_that_is_given() -> None:
    assert build_execution_metadata(
        job_execution_id="1",
        job_configuration_id="2",
        target_trace_id="3",
        target_observation_id="4",
        target_dataset_item_id="5",
    ) == {
        "job_execution_id": "1",
        "job_configuration_id": "2",
        "target_trace_id": "3",
        "target_observation_id": "4",
        "target_dataset_item_id": "5",
    }


def test_empty_identifiers_are_left_out_of_the_execution_metadata() -> None:
    assert build_execution_metadata(
        job_execution_id="1", job_configuration_id="2", target_observation_id=""
    ) == {
        "job_execution_id": "1",
        "job_configuration_id": "2",
    }


@pytest.mark.parametrize(
    ("variables", "environment"),
    [
        ([], None),
        ([{"var": "input", "value": "x"}], None),
        ([{"var": "input", "value": "x", "environment": None}, {"environment": ""}], None),
        ([{"environment": None}, {"environment": "staging"}, {"environment": "production"}], "staging"),
        ([None, {"environment": "staging"}], "staging"),
        ([None], None),
        ([ExtractedVariable("input", "x"), ExtractedVariable("output", "y", "production")], "production"),
    ],
)
def test_the_environment_is_that_of_the_first_variable_that_has_one(
    variables: Any, environment: str | None
) -> None:
    assert get_environment_from_variables(variables) == environment
