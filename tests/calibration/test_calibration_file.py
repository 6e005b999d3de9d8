"""The calibration file: what was written is read, and a file that is none gives one clear error."""

import json
from pathlib import Path

import pytest

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.file import BadCalibration, calibration_path, read_calibration, write_calibration
from scoregate.calibration.record import Calibration
from scoregate.catalog import Contract
from scoregate.errors import ConfigError
from scoregate.records import JSON
from tests.calibration.judged import boolean, calibrated, items

SHARE = Contract(name="groundedness", type="numeric", min=0.0, max=1.0, direction="higher")


@pytest.mark.parametrize(
    "found",
    [
        calibrated(boolean(40, 10, 20, 30, missing=3), previous=calibrated(boolean(50, 3, 2, 45))),
        calibrated(boolean(30, 0, 0, 0)),
        calibrated(items([(n / 100, n / 90, 1) for n in range(40)]), SHARE),
        calibrated(items([(0.8, 0.9, 9), (0.6, 0.8, 3)]), SHARE, comparison=Comparison(pass_at=0.7)),
    ],
    ids=["boolean with drift", "one label only", "numbers without classes", "pass mark"],
)
def test_what_was_written_is_read_again(tmp_path: Path, found: object) -> None:
    path = calibration_path(tmp_path, "correct")
    write_calibration(found, path)  # type: ignore[arg-type]  # a Calibration, parametrised
    assert path == tmp_path / "gates" / "calibrations" / "correct.json"
    assert read_calibration(path) == found
    first = path.read_bytes()
    write_calibration(found, path)  # type: ignore[arg-type]  # a Calibration, parametrised
    assert path.read_bytes() == first


def test_no_file_is_no_calibration(tmp_path: Path) -> None:
    assert read_calibration(tmp_path / "none.json") is None


def test_the_prompt_is_not_in_the_file(tmp_path: Path) -> None:
    path = calibration_path(tmp_path, "correct")
    write_calibration(calibrated(boolean(5, 1, 1, 5)), path)
    assert "Is it right?" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no calibration: broken JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[]", "is no calibration"),
        (b'{"schema": 1}', "is no calibration: 'labelled' is missing"),
        (b'{"schema": 2}', "of schema 2, and this version reads 1 (update scoregate"),
        (b'{"schema": 1, "schema": 1}', "appears twice"),
    ],
)
def test_a_file_that_holds_none_is_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "correct.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_calibration(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{path}: is ")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("made_at", "yesterday", "no time with a zone"),
        ("made_at", "2026-03-01T12:00:00", "no time with a zone"),
        ("agreed", 99, "contradict"),
        ("kind", "fuzzy", "must be one of"),
        ("kappa", {"value": 0.9, "low": 0.1, "high": 0.2, "n": 5, "reason": None}, "outside its interval"),
        ("kappa", {"value": None, "low": None, "high": None, "n": 5, "reason": None}, "neither a value nor"),
        ("kappa", {"value": 0.5, "low": 0.1, "high": None, "n": 5, "reason": None}, "one end of an interval"),
        ("confusion", [[10**19, 0], [0, 1]], "a row and a column for each class"),
        ("labelled", 10**400, "is more than 10,000,000"),
        ("confusion", [[1, 2], [3]], "a row and a column for each class"),
        ("confusion", [[1, 2], [3, -4]], "a row and a column for each class"),
        ("rates", {}, "must be a list of objects"),
        ("identity", {"hash": "x", "parts": {"model": 3}}, "must be text"),
        ("disagreements", [{"item": "a", "judge": [], "label": True, "gap": 1}], "is no value of a score"),
    ],
)
def test_a_file_changed_by_hand_is_refused(tmp_path: Path, key: str, value: JSON, message: str) -> None:
    path = tmp_path / "correct.json"
    write_calibration(calibrated(boolean(5, 1, 1, 5)), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, key: value}), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as refused:
        read_calibration(path)
    assert "calibrate the judge again" in str(refused.value)


GRADES = Contract(
    name="tone", type="categorical", categories=("bad", "fair", "good", "n/a"), ignore=("n/a",), ordered=True
)
STARS = Contract(name="stars", type="numeric", min=1, max=5, direction="higher")
GRADED = calibrated(items([("bad", "bad", 9), ("good", "fair", 9), ("n/a", "bad", 2)]), GRADES)
RATED = calibrated(
    items([(1, 2, 9), (5, 5, 9), (3, 1, 4)]), STARS, comparison=Comparison(tolerance=1), previous=None
)
PASSED = calibrated(boolean(40, 10, 20, 30, missing=3))


def estimate(value: float, n: int) -> JSON:
    return {"value": value, "low": None, "high": None, "n": n, "reason": "made up"}


@pytest.mark.parametrize(
    ("found", "key", "value", "message"),
    [
        (PASSED, "kappa", estimate(0.9, 100), "'kappa' is 0.9, and it would be 0.4 by the confusion table"),
        (PASSED, "kappa", estimate(0.4, 200), "'kappa' is of 200 items, and it would be of 100 by"),
        (PASSED, "ac1", estimate(0.99, 100), "'ac1' is 0.99"),
        (PASSED, "alpha", estimate(0.99, 100), "'alpha' is 0.99"),
        (PASSED, "agreement", estimate(1.0, 103), "'agreement' is 1, and it would be 0.679612 by 70 of 103"),
        (PASSED, "agreed", 80, "20 disagreements|'agreement'"),
        (PASSED, "labelled", 500, "'agreement'|disagreements"),
        (
            PASSED,
            "missing",
            0,
            "the confusion table holds 100 items, and 103 labelled less 0 missing are 103",
        ),
        (PASSED, "confusion", [[50, 0], [0, 50]], "'agreed' is 70, and by the confusion table 100 agree"),
        (PASSED, "rates", [], "'rates' are not those of its classes"),
        (PASSED, "disagreements", [], "0 disagreements are listed, and the counts say 30"),
        (PASSED, "comparison", {"tolerance": 9, "pass_at": None}, "'compared' says they are the same"),
        (GRADED, "weighted_kappa", estimate(0.99, 18), "'weighted_kappa' is 0.99"),
        (GRADED, "alpha", estimate(0.99, 18), "'alpha' is 0.99"),
        (RATED, "weighted_kappa", estimate(0.99, 22), "'weighted_kappa' is 0.99"),
        (RATED, "agreed", 22, "disagreements"),
        (RATED, "comparison", {"tolerance": 2, "pass_at": None}, "'compared' says they differ by at most 1"),
        (RATED, "comparison", None, "'compared' says they differ by at most 1"),
    ],
)
def test_a_file_that_contradicts_itself_is_not_believed(
    tmp_path: Path, found: Calibration, key: str, value: JSON, message: str
) -> None:
    path = tmp_path / "correct.json"
    write_calibration(found, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert read_calibration(path, judge=found.judge, contract=GRADES) == found
    path.write_text(json.dumps({**document, key: value}), encoding="utf-8")
    with pytest.raises(BadCalibration, match=message) as refused:
        read_calibration(path, contract=GRADES)
    assert refused.value.message.startswith("contradicts itself: ")


def test_the_calibration_of_another_score_is_none_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "tone.json"
    write_calibration(PASSED, path)
    with pytest.raises(BadCalibration, match="is a calibration of 'correct', not of 'tone'"):
        read_calibration(path, judge="tone")


def test_a_file_of_an_earlier_version_is_read_where_its_words_leave_no_doubt(tmp_path: Path) -> None:
    path = tmp_path / "correct.json"
    write_calibration(PASSED, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["comparison"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert read_calibration(path) == PASSED


@pytest.mark.parametrize("key", ["judge", "identity", "labels", "made_at", "kappa", "missing", "kind"])
def test_no_part_of_it_may_be_absent(tmp_path: Path, key: str) -> None:
    path = tmp_path / "correct.json"
    write_calibration(calibrated(boolean(5, 1, 1, 5)), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document[key]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"'{key}' is missing"):
        read_calibration(path)
