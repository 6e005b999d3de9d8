"""Data frames as runs."""

import numpy as np
import pandas as pd
import pytest

from scoregate import Rule, compare
from scoregate.errors import ResultsError

FIVE_POINTS = {"correct": Rule(max_drop=0.05)}


def answers(failing: int = 0, missing: int = 0) -> pd.DataFrame:
    values = [None if i < missing else i >= failing for i in range(100)]
    return pd.DataFrame(
        {"item": [f"q{i:03d}" for i in range(100)], "trial": 0, "score": "correct", "value": values}
    )


def test_a_long_table_is_a_run() -> None:
    verdict = compare(answers(), answers(failing=20), FIVE_POINTS)
    assert verdict.outcome == "regression"
    assert len(verdict.to_frame()) == 1
    assert verdict.to_frame().loc[0, "lost"] == 20


def test_null_is_missing() -> None:
    assert compare(answers(), answers(missing=3), FIVE_POINTS).rules[0].missing == 3


def test_clusters_come_from_their_column() -> None:
    talks = [f"t{i // 20}" for i in range(100)]
    verdict = compare(answers().assign(cluster=talks), answers(20).assign(cluster=talks), FIVE_POINTS)
    assert verdict.rules[0].n_clusters == 5


def test_trial_may_be_left_out() -> None:
    frame = answers().drop(columns="trial")
    assert compare(frame, frame, FIVE_POINTS).outcome == "pass"


def test_numpy_values_are_values() -> None:
    frame = answers()
    frame["value"] = np.ones(100, dtype=bool)
    assert compare(frame, frame, FIVE_POINTS).outcome == "pass"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ResultsError, match="the candidate table has no column 'value'"):
        compare(answers(), answers().drop(columns="value"), FIVE_POINTS)


def test_a_trial_that_is_no_number() -> None:
    with pytest.raises(ResultsError, match="no whole number"):
        compare(answers(), answers().assign(trial="first"), FIVE_POINTS)


def test_a_row_without_an_item() -> None:
    frame = answers()
    frame.loc[3, "item"] = None
    with pytest.raises(ResultsError, match="without item or score"):
        compare(answers(), frame, FIVE_POINTS)


def test_a_doubled_row_is_refused() -> None:
    frame = answers()
    with pytest.raises(ResultsError, match="there twice"):
        compare(frame, pd.concat([frame, frame]), FIVE_POINTS)


def test_something_else_is_refused() -> None:
    with pytest.raises(ResultsError, match="give a Run, a path"):
        compare(answers(), 7, FIVE_POINTS)  # type: ignore[arg-type]
