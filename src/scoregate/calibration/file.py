"""A judge's calibration as a file, `gates/calibrations/<judge>.json`: written whole or not at all, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.consistency import contradiction
from scoregate.calibration.record import Calibration, ClassRates, Disagreement, Drift, Identity
from scoregate.calibration.scale import KINDS
from scoregate.catalog import Contract
from scoregate.config.table import ConfigTable
from scoregate.errors import ConfigError
from scoregate.files.reading import JsonProblem, decode_utf8, parse_json, reading
from scoregate.files.writing import atomic_file
from scoregate.statistics.estimate import Estimate

FOLDER = Path("gates") / "calibrations"
_SCHEMA = 1
_MOST_ITEMS = 10_000_000
"""More is no count of items that people labelled; whoever reckons with it would run out of memory."""
_AGAIN = "calibrate the judge again: the file is made by `scoregate judge calibrate`, never by hand"


def calibration_path(root: Path, judge: str) -> Path:
    """Where the calibration of a judge is kept. Score names hold no slash."""
    return root / FOLDER / f"{judge}.json"


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write the file, the same bytes for the same record; its folder is made. Raises ConfigError."""
    document = {"schema": _SCHEMA, **asdict(calibration)}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    with reading(path.parent, ConfigError):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, ConfigError) as file:
        file.write(text.encode("utf-8", "backslashreplace") + b"\n")


class BadCalibration(ConfigError):
    """A calibration file that holds none, or one that contradicts itself."""


def read_calibration(
    path: Path, *, judge: str | None = None, contract: Contract | None = None
) -> Calibration | None:
    """The calibration in a file; None where there is no file.

    Raises ConfigError where it cannot be read, and BadCalibration for a file that holds none, that is of another score
    than `judge`, or whose figures do not follow from its own counts (`contract` says which of them are of grades).
    """
    with reading(path, ConfigError):
        if not path.exists():
            return None
        data = path.read_bytes()
    try:
        document = parse_json(decode_utf8(data))
    except UnicodeDecodeError:
        raise BadCalibration("is no calibration: it is not UTF-8", where=str(path), hint=_AGAIN) from None
    except JsonProblem as problem:
        raise BadCalibration(f"is no calibration: {problem}", where=str(path), hint=_AGAIN) from None
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise BadCalibration("is no calibration", where=str(path), hint=_AGAIN)
    if document["schema"] != _SCHEMA:
        raise BadCalibration(
            f"is a calibration of schema {document['schema']}, and this version reads {_SCHEMA}",
            where=str(path),
            hint="update scoregate, or calibrate the judge again",
        )
    try:
        found = _calibration(ConfigTable(document, (), lambda _: str(path)))
    except ConfigError as error:
        raise BadCalibration(f"is no calibration: {error.message}", where=str(path), hint=_AGAIN) from None
    if judge is not None and found.judge != judge:
        raise BadCalibration(
            f"is a calibration of '{found.judge}', not of '{judge}'", where=str(path), hint=_AGAIN
        )
    wrong = contradiction(found, contract)
    if wrong is not None:
        raise BadCalibration(f"contradicts itself: {wrong}", where=str(path), hint=_AGAIN)
    return found


def _calibration(top: ConfigTable) -> Calibration:
    labelled, missing = _count(top, "labelled"), _count(top, "missing")
    agreed = _count(top, "agreed")
    if not labelled or missing + agreed > labelled:
        raise top.error("labelled", f"is {labelled}, which {missing} missing and {agreed} agreed contradict")
    kind = top.choice("kind", KINDS)
    classes = _class_names(top)
    return Calibration(
        judge=_text(top, "judge"),
        made_at=_time(top, "made_at"),
        identity=_identity(_table(top, "identity")),
        labels=_text(top, "labels"),
        kind=kind or _absent(top, "kind"),
        comparison=_comparison(top),
        compared=_text(top, "compared"),
        labelled=labelled,
        missing=missing,
        agreed=agreed,
        agreement=_estimate(top, "agreement"),
        kappa=_estimate(top, "kappa"),
        weighted_kappa=_estimate(top, "weighted_kappa"),
        alpha=_estimate(top, "alpha"),
        ac1=_estimate(top, "ac1"),
        classes=classes,
        confusion=_confusion(top, len(classes), labelled),
        rates=tuple(
            ClassRates(_text(row, "name"), _estimate(row, "true_positive"), _estimate(row, "false_positive"))
            for row in _rows(top, "rates")
        ),
        disagreements=tuple(_disagreement(row) for row in _rows(top, "disagreements")),
        drift=_drift(_table(top, "drift")) if top.has("drift") else None,
    )


def _estimate(table: ConfigTable, key: str) -> Estimate:
    row = _table(table, key)
    low, value, high = row.number("low"), row.number("value"), row.number("high")
    estimate = Estimate(value, low, high, _count(row, "n"), row.text("reason"))
    if value is None and estimate.reason is None:
        raise row.error(None, "has neither a value nor a reason")
    if (low is None) != (high is None) or (low is not None and value is None):
        raise row.error(None, "has one end of an interval only")
    if value is not None and low is not None and high is not None and not low <= value <= high:
        raise row.error("value", f"is {value}, outside its interval {low} to {high}")
    return estimate


def _comparison(top: ConfigTable) -> Comparison:
    """Files of earlier versions have none and say it in words alone; what the words mean then is not guessed."""
    table = top.table("comparison")
    return (
        Comparison()
        if table is None
        else Comparison(tolerance=table.number("tolerance"), pass_at=table.number("pass_at"))
    )


def _identity(table: ConfigTable) -> Identity:
    return Identity(_text(table, "hash"), _table(table, "parts").text_values())


def _disagreement(row: ConfigTable) -> Disagreement:
    label = _score_value(row, "label")
    if label is None:
        raise row.error("label", "is missing")
    gap = row.number("gap", at_least=0)
    return Disagreement(
        _text(row, "item"),
        _score_value(row, "judge"),
        label,
        _absent(row, "gap") if gap is None else gap,
        _reasoning(row),
    )


def _reasoning(row: ConfigTable) -> str | None:
    reasoning = row.values.get("reasoning")
    if reasoning is None or isinstance(reasoning, str):  # it may be empty
        return reasoning
    raise row.error("reasoning", "must be text or null")


def _score_value(row: ConfigTable, key: str) -> bool | int | float | str | None:
    value = row.values.get(key)
    if value is not None and not isinstance(value, bool | int | float | str):
        raise row.error(key, "is no value of a score")
    return value


def _drift(table: ConfigTable) -> Drift:
    ends = {key: table.number(key, at_least=-1, at_most=1) for key in ("difference", "low", "high")}
    p_value = table.number("p_value", at_least=0, at_most=1)
    return Drift(
        since=_time(table, "since"),
        **{key: _absent(table, key) if end is None else end for key, end in ends.items()},
        n_before=_count(table, "n_before"),
        n_now=_count(table, "n_now"),
        p_value=_absent(table, "p_value") if p_value is None else p_value,
        judge_changed=table.texts("judge_changed") if table.values.get("judge_changed") else (),
        labels_changed=table.flag("labels_changed") or False,
        compared_differently=table.flag("compared_differently") or False,
    )


def _class_names(top: ConfigTable) -> tuple[str, ...]:
    return top.texts("classes") if top.values.get("classes") else ()


def _confusion(top: ConfigTable, classes: int, most: int) -> tuple[tuple[int, ...], ...]:
    rows = top.values.get("confusion")
    counts = [
        [cell for cell in row if isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell <= most]
        for row in (rows if isinstance(rows, list) else [None])
        if isinstance(row, list)
    ]
    if (
        not isinstance(rows, list)
        or [len(row) for row in counts] != [classes] * classes
        or len(rows) != classes
    ):
        raise top.error("confusion", "must be a table of counts, a row and a column for each class")
    return tuple(tuple(row) for row in counts)


def _rows(top: ConfigTable, key: str) -> list[ConfigTable]:
    rows = top.values.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise top.error(key, "must be a list of objects")
    return [ConfigTable(row, (key, str(number)), top.place) for number, row in enumerate(rows)]


def _table(table: ConfigTable, key: str) -> ConfigTable:
    return table.table(key) or _absent(table, key)


def _text(table: ConfigTable, key: str) -> str:
    return table.text(key) or _absent(table, key)


def _count(table: ConfigTable, key: str) -> int:
    count = table.integer(key, at_least=0)
    if count is not None and count > _MOST_ITEMS:
        raise table.error(key, f"is more than {_MOST_ITEMS:,}, which is no number of labelled items")
    return _absent(table, key) if count is None else count


def _time(table: ConfigTable, key: str) -> str:
    text = _text(table, key)
    try:
        zone = datetime.fromisoformat(text).tzinfo
    except ValueError:
        zone = None
    if zone is None:
        raise table.error(key, f'is "{text}", which is no time with a zone')
    return text


def _absent(table: ConfigTable, key: str) -> NoReturn:
    raise table.error(key, "is missing")
