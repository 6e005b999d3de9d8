"""Reading a results file or a lock file as a run, and the typed members of the objects that such files hold.

A getter of a member raises ResultsError without a place; the reader knows the line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from scoregate.errors import ResultsError, did_you_mean
from scoregate.files.reading import JsonProblem, check_input_file, open_bytes, parse_json, reading
from scoregate.paths import json_type
from scoregate.records import (
    ITEM_STATUSES,
    JSON,
    SCORE_SOURCES,
    SCORE_STATUSES,
    Attempt,
    Run,
    RunHeader,
    RunItem,
    Score,
    Tokens,
)
from scoregate.results_file.seal import Seal
from scoregate.wording import count

SCHEMA = 1
"""The version of the format that this version of scoregate writes, and the newest that it reads."""

SUFFIXES = (".jsonl", ".jsonl.gz")

_FEW_EXPECTED = 1_000_000
_MOST_ABSENT = 100
"""Run items for each line that is there, of more than a few: what is absent takes memory as well."""
Record = dict[str, JSON]
_Word = TypeVar("_Word", bound=str)


def read_results(path: Path) -> Run:
    """The run of a `.jsonl` or `.jsonl.gz` file, items and scores sorted by item, trial and score name.

    The order of the lines does not matter, keys that are not known are passed over, and a run with fewer
    items than it expects is read as it is. Scores may stand without the line of their item. Raises
    ResultsError, with file and line, for whatever cannot be trusted: broken or cut-off lines, NaN, a missing
    or wrong key, a trial out of range, two lines for one item × trial or one item × trial × score.
    """
    return _read(Path(path), None)


def read_sealed(path: Path) -> tuple[Run, bool | None]:
    """The same, and whether the file is as it was written; None where it holds no digest to tell it by."""
    seal = Seal()
    return _read(path, seal), seal.intact


def _read(path: Path, seal: Seal | None) -> Run:
    check_input_file(path, SUFFIXES, ResultsError)
    with reading(path, ResultsError):
        lines = _records(path, seal)
        number, record = next(lines, (0, {}))
        if not number:
            raise ResultsError("is empty", where=str(path))
        try:
            content = _Content(_header(record), path)
            for number, record in lines:
                content.add(number, record)
            content.check_counts()
        except ResultsError as error:
            if error.where is not None:
                raise
            raise ResultsError(error.message, where=f"{path}:{number}", hint=error.hint) from None
    return content.run()


class _Content:
    """The items and scores so far, with the line of each, so that a second one can name the first."""

    def __init__(self, header: RunHeader, path: Path) -> None:
        self.header = header
        self.path = path
        self.items: list[RunItem] = []
        self.scores: list[Score] = []
        self._item_lines: dict[tuple[str, int], int] = {}
        self._score_lines: dict[tuple[str, int, str], int] = {}

    def add(self, number: int, record: Record) -> None:
        kind = record.get("kind")
        if kind == "score":
            name = required_text(record, "score")
            self._add_score(score_of(record, item_id(record), self._trial(record), name), number)
        elif kind == "item":
            item = item_of(record, item_id(record), self._trial(record))
            first = self._item_lines.setdefault((item.item, item.trial), number)
            if first != number:
                raise ResultsError(f"item '{item.item}' trial {item.trial} was already given in line {first}")
            self.items.append(item)
            for name, entry in object_of(record, "scores").items():
                self._add_score(_inline_score(item, name, entry), number)
        elif kind == "run":
            raise ResultsError("a second run header", hint="a results file holds one run")
        else:
            raise ResultsError(f"the kind of a line is 'item' or 'score', not {kind!r:.60}")

    def _add_score(self, score: Score, number: int) -> None:
        first = self._score_lines.setdefault((score.item, score.trial, score.score), number)
        if first != number:
            raise ResultsError(
                f"score '{score.score}' of item '{score.item}' trial {score.trial} "
                f"was already given in line {first}"
            )
        self.scores.append(score)

    def _trial(self, record: Record) -> int:
        trials = self.header.trials
        if trials == 1 and "trial" not in record:
            return 0
        trial = count_of(record, "trial", 0)
        if trial >= trials:
            raise ResultsError(
                f"trial {trial} of a run of {trials} trial{'s' * (trials > 1)}",
                hint="the first trial is 0; the header's 'trials' says how many there are",
            )
        return trial

    def check_counts(self) -> None:
        """Refuse counts that the lines have nothing to do with: a comparison has a place for all that is expected."""
        header, lines = self.header, len(self.items) + len(self.scores)
        there = len({key[0] for key in (*self._item_lines, *self._score_lines)})
        expected = max(header.expected_items, there) * header.trials
        if expected > max(_FEW_EXPECTED, _MOST_ABSENT * lines):
            raise ResultsError(
                f"the header says {header.expected_items:,} items of {count(header.trials, 'trial')}, and there are "
                f"{lines:,} run items and scores",
                where=f"{self.path}:1",
                hint="are 'expected_items' and 'trials' right?",
            )

    def run(self) -> Run:
        self.items.sort(key=attrgetter("item", "trial"))
        self.scores.sort(key=attrgetter("item", "trial", "score"))
        return Run(self.header, tuple(self.items), tuple(self.scores))


def _records(path: Path, seal: Seal | None) -> Iterator[tuple[int, Record]]:
    """The JSON objects of a file with their line numbers; blank lines are skipped."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}:{number}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                record = parse_json(text)
            except UnicodeDecodeError as error:
                byte = f"byte 0x{line[error.start]:02x} at offset {error.start} of the line"
                raise _broken(f"not UTF-8: {byte}", line, where) from None
            except JsonProblem as problem:
                raise _broken(str(problem), line, where) from None
            if not isinstance(record, dict):
                raise ResultsError("a line is a JSON object", where=where)
            if seal is not None:
                seal.add(line, record)
            yield number, record


def _broken(reason: str, line: bytes, where: str) -> ResultsError:
    if line.endswith(b"\n"):
        return ResultsError(reason, where=where)
    return ResultsError(
        f"the last line is cut off: {reason}", where=where, hint="whatever wrote the file did not finish"
    )


def _header(record: Record) -> RunHeader:
    if record.get("kind") != "run":
        raise ResultsError(
            'the first line is no run header, {"kind": "run", ...}', hint="is this a results file?"
        )
    schema = count_of(record, "schema", 1)
    if schema > SCHEMA:
        raise ResultsError(
            f"written by a newer version of scoregate (format {schema}; this one reads {SCHEMA})",
            hint="upgrade scoregate",
        )
    return header_of(record)


def header_of(record: Record) -> RunHeader:
    """The header of a run from its members."""
    return RunHeader(
        run=required_text(record, "run"),
        dataset=required_text(record, "dataset"),
        candidate=required_text(record, "candidate"),
        expected_items=count_of(record, "expected_items", 0),
        trials=count_of(record, "trials", 1) if "trials" in record else 1,
        dataset_fingerprint=optional_text(record, "dataset_fingerprint"),
        dataset_version=optional_text(record, "dataset_version"),
        commit=optional_text(record, "commit"),
        scorers=texts_of(record, "scorers"),
        started_at=optional_text(record, "started_at"),
        finished_at=optional_text(record, "finished_at"),
        metadata=object_of(record, "metadata"),
    )


def item_of(record: Record, item: str, trial: int) -> RunItem:
    """A run item from its members."""
    tokens = object_of(record, "tokens")
    status = one_of(record, "status", ITEM_STATUSES)
    return RunItem(
        item=item,
        trial=trial,
        status=status,
        error=optional_text(record, "error"),
        output=record.get("output"),
        latency_seconds=optional_amount(record, "latency_seconds"),
        cost_usd=optional_amount(record, "cost_usd"),
        tokens=_tokens(tokens) if record.get("tokens") is not None else None,
        trace_id=optional_text(record, "trace_id"),
        cluster=optional_text(record, "cluster"),
        slices=texts_of(record, "slices"),
        attempts=_attempts(record.get("attempts")),
        content=optional_text(record, "content"),
        started_at=optional_amount(record, "started_at"),
        output_left_out=status == "ok" and "output" not in record,
    )


def _tokens(record: Record) -> Tokens:
    return Tokens(input=count_of(record, "input", 0), output=count_of(record, "output", 0))


def _attempts(value: JSON) -> tuple[Attempt, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(attempt, dict) for attempt in value):
        raise ResultsError("'attempts' is a list of objects")
    return tuple(
        Attempt(
            number=count_of(attempt, "number", 1),
            status=one_of(attempt, "status", ITEM_STATUSES),
            error=optional_text(attempt, "error"),
            latency_seconds=amount_of(attempt, "latency_seconds"),
        )
        for attempt in value
    )


def score_of(record: Record, item: str, trial: int, name: str) -> Score:
    """A score from its members."""
    status = one_of(record, "status", SCORE_STATUSES)
    value = record.get("value")
    check_value(status, value)
    comment = optional_text(record, "comment")
    source = one_of(record, "source", SCORE_SOURCES) if "source" in record else "code"
    return Score(item, trial, name, value, status, comment, source)


def _inline_score(item: RunItem, name: str, entry: JSON) -> Score:
    """A score of a lock file: a plain value of code, or an object of what differs from that."""
    if not name:
        raise ResultsError("a score without a name")
    if isinstance(entry, dict):
        return score_of({"status": "ok", **entry}, item.item, item.trial, name)
    check_value("ok", entry)
    return Score(item.item, item.trial, name, entry)


def required_text(record: Record, key: str) -> str:
    """A text that must be there and must not be empty."""
    value = record.get(key)
    if isinstance(value, str) and value:
        return value
    if key not in record:
        raise ResultsError(f"the key '{key}' is missing")
    raise ResultsError(f"'{key}' is a text, not {'empty' if value == '' else json_type(value)}")


def optional_text(record: Record, key: str) -> str | None:
    """A text, or None where it is null or absent."""
    value = record.get(key)
    if value is None or isinstance(value, str):
        return value
    raise ResultsError(f"'{key}' is a text or null, not {json_type(value)}")


def item_id(record: Record) -> str:
    """The id of a dataset item; an integer stands for its decimal text, as in a dataset."""
    value = record.get("item")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return required_text(record, "item")


def count_of(record: Record, key: str, least: int) -> int:
    """An integer that must be there, of at least `least`."""
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    if key not in record:
        raise ResultsError(f"the key '{key}' is missing")
    raise ResultsError(f"'{key}' is an integer of at least {least}, not {value!r:.60}")


def optional_amount(record: Record, key: str) -> float | None:
    """A number that is not negative, or None where it is null or absent."""
    return None if record.get(key) is None else amount_of(record, key)


def amount_of(record: Record, key: str) -> float:
    """A number that is not negative."""
    value = record.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        try:
            return float(value)
        except OverflowError:
            pass
    raise ResultsError(f"'{key}' is a number that is not negative, not {value!r:.60}")


def one_of(record: Record, key: str, words: Sequence[_Word]) -> _Word:
    """One of the known words; it must be there."""
    value = record.get(key)
    for word in words:
        if word == value:
            return word
    if key not in record:
        raise ResultsError(f"the key '{key}' is missing")
    hint = did_you_mean(value, words) if isinstance(value, str) else f"known: {', '.join(words)}"
    raise ResultsError(f"'{key}' is {value!r:.60}", hint=hint)


def object_of(record: Record, key: str) -> Record:
    """An object; empty where it is null or absent."""
    value = record.get(key)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise ResultsError(f"'{key}' is an object, not {json_type(value)}")


def texts_of(record: Record, key: str) -> Mapping[str, str]:
    """An object of texts; empty where it is null or absent."""
    values = object_of(record, key)
    for name, value in values.items():
        if not isinstance(value, str):
            raise ResultsError(f"'{key}.{name}' is a text, not {json_type(value)}")
    return values


def check_value(status: str, value: JSON) -> None:
    """A score is a value exactly when its status is ok. Raises ResultsError for anything else."""
    if status != "ok":
        if value is not None:
            raise ResultsError(f"a score of status '{status}' has no value, but this has {value!r:.60}")
    elif value is None:
        raise ResultsError(
            "a score of status 'ok' has no value", hint="a score that could not be made has status 'error'"
        )
    elif not isinstance(value, (bool, int, float, str)):
        raise ResultsError(f"a score's value is a boolean, a number or a text, not {json_type(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ResultsError(f"a score's value is finite, not {value}")
