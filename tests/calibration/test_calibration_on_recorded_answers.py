"""A judge of known error rates on the recorded answers of one model, the numeric scorer as the human label."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from scoregate.calibration.corrected_value import CorrectedValue, corrected_value
from scoregate.calibration.scale import JudgedItem
from scoregate.gate_file import ScorerSpec
from scoregate.records import DatasetItem, RunItem
from scoregate.scorers.library import build
from scoregate.scorers.scorer import score_item
from scoregate.statistics.estimate import Estimate
from tests.calibration.judged import calibrated
from tests.recorded_answers import BOTH, PATTERN, RecordedAnswers, recorded_answers

FALSE_POSITIVE, FALSE_NEGATIVE = 0.10, 0.05
LABELLED, REPETITIONS = 200, 100

MODEL = {"gsm8k": 3, "made-up": 2}
"""One that is right about as often as wrong."""
Floats = NDArray[np.float64]


@pytest.fixture(scope="module", params=BOTH)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RecordedAnswers:
    return recorded_answers(request.param, tmp_path_factory.mktemp("answers"), number=1200)


@pytest.fixture(scope="module")
def right(answers: RecordedAnswers) -> Floats:
    """(N,) 1 where the model's answer is right, told by the shipped scorer."""
    arguments = {"pattern": PATTERN, "expected_path": "answer"}
    scorer = build(ScorerSpec(name="correct", use="numeric_match", arguments=arguments))
    items = [DatasetItem(**line) for line in answers.records(answers.dataset).values()]
    outputs = answers.records(answers.outputs(answers.models[MODEL[answers.name]]))
    run_items = [
        RunItem(item=item.id, trial=0, status="ok", output=outputs[item.id]["output"]) for item in items
    ]
    scored = zip(items, run_items, strict=True)
    return np.array([float(score_item(scorer, *one)[0].value is True) for one in scored])


def judged(rng: np.random.Generator, right: Floats) -> Floats:
    drawn = rng.random(len(right))
    return np.where(right == 1, drawn >= FALSE_NEGATIVE, drawn < FALSE_POSITIVE) * 1.0


@pytest.fixture(scope="module")
def repeated(right: Floats) -> list[CorrectedValue]:
    values = []
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        judge = judged(rng, right)
        chosen = np.zeros(len(right), dtype=bool)
        chosen[rng.choice(len(right), LABELLED, replace=False)] = True
        values.append(corrected_value(judge, np.where(chosen, right, np.nan)))
    return values


def holding(truth: float, estimates: list[Estimate]) -> int:
    """How many of the intervals hold the truth."""
    return sum(
        estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high
        for estimate in estimates
    )


def test_the_labels_are_those_of_the_paper(right: Floats, answers: RecordedAnswers) -> None:
    model = answers.models[MODEL[answers.name]]
    assert (int(right.sum()), len(right)) == (answers.right[model], answers.number)
    assert round(100 * right.mean(), 1) == {"gsm8k": 56.3, "made-up": 45.0}[answers.name]


def test_the_judge_alone_is_off(
    right: Floats, repeated: list[CorrectedValue], answers: RecordedAnswers
) -> None:
    raw = [value.raw.value for value in repeated if value.raw.value is not None]
    assert len(raw) == REPETITIONS
    assert sum(value > right.mean() for value in raw) >= 95
    # .1 · .437 − .05 · .563, and .1 · .55 − .05 · .45
    off = {"gsm8k": 0.0156, "made-up": 0.0325}[answers.name]
    assert float(np.mean(raw)) - right.mean() == pytest.approx(off, abs=0.003)


def test_both_corrections_recover_the_accuracy(right: Floats, repeated: list[CorrectedValue]) -> None:
    truth = float(right.mean())
    assert holding(truth, [value.prediction_powered for value in repeated]) >= 93
    assert holding(truth, [value.rogan_gladen for value in repeated]) >= 93


def test_neither_correction_is_off_on_average(right: Floats, repeated: list[CorrectedValue]) -> None:
    for name in ("prediction_powered", "rogan_gladen"):
        values = [getattr(value, name).value for value in repeated]
        assert float(np.mean(values)) == pytest.approx(right.mean(), abs=0.006)


def test_the_prediction_powered_interval_is_the_shorter_one_and_shorter_than_the_labels_alone(
    repeated: list[CorrectedValue],
) -> None:
    shortest = Counter(
        "powered"
        if (value.prediction_powered.high or 0) - (value.prediction_powered.low or 0)
        < min((value.rogan_gladen.high or 0) - (value.rogan_gladen.low or 0), 0.136)  # 1.96 · 2 · √(.246/200)
        else "other"
        for value in repeated
    )
    assert shortest["powered"] >= 95


def test_a_calibration_finds_the_error_rates_that_were_planted(right: Floats) -> None:
    import krippendorff
    from sklearn.metrics import cohen_kappa_score

    judge = judged(np.random.default_rng(0), right)
    pairs = [
        JudgedItem(f"q{number:04}", bool(given), bool(wanted))
        for number, (given, wanted) in enumerate(zip(judge, right, strict=True))
    ]
    found = calibrated(pairs)
    passing = found.rates[1]
    for rate, planted in (
        (passing.false_positive, FALSE_POSITIVE),
        (passing.true_positive, 1 - FALSE_NEGATIVE),
    ):
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low <= planted <= rate.high
    assert found.kappa.value == pytest.approx(cohen_kappa_score(right, judge), abs=1e-12)
    assert found.alpha.value == pytest.approx(
        krippendorff.alpha(np.array([right, judge]), level_of_measurement="nominal")
    )
