"""The calibration file: what was written is read, and a file that is none gives one clear error."""

import json
from pathlib import Path

import pytest

from scoregate.calibration.file import calibration_path, read_calibration, write_calibration
from scoregate.calibration.scale import Comparison
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


@pytest.mark.parametrize("key", ["judge", "identity", "labels", "made_at", "kappa", "missing", "kind"])
def test_no_part_of_it_may_be_absent(tmp_path: Path, key: str) -> None:
    path = tmp_path / "correct.json"
    write_calibration(calibrated(boolean(5, 1, 1, 5)), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document[key]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"'{key}' is missing"):
        read_calibration(path)
