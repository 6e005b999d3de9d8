"""Reading a results file or a lock file as a run."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from scoregate.errors import ResultsError
from scoregate.files.reading import check_input_file, open_bytes, reading
from scoregate.files.strict_json import JsonProblem, parse_json
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
from scoregate.results_file import fields
from scoregate.results_file.fields import Record

SCHEMA = 1
"""The version of the format that this version of scoregate writes, and the newest that it reads."""

SUFFIXES = (".jsonl", ".jsonl.gz")


def read_results(path: Path) -> Run:
    """The run of a `.jsonl` or `.jsonl.gz` file, items and scores sorted by item, trial and score name.

    The order of the lines does not matter, keys that are not known are passed over, and a run with fewer
    items than it expects is read as it is. Scores may stand without the line of their item. Raises
    ResultsError, with file and line, for whatever cannot be trusted: broken or cut-off lines, NaN, a missing
    or wrong key, a trial out of range, two lines for one item × trial or one item × trial × score.
    """
    path = Path(path)
    check_input_file(path, SUFFIXES, ResultsError)
    with reading(path, ResultsError):
        lines = _records(path)
        number, record = next(lines, (0, {}))
        if not number:
            raise ResultsError("is empty", where=str(path))
        try:
            content = _Content(_header(record), path)
            for number, record in lines:
                content.add(number, record)
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
            name = fields.text(record, "score")
            self._add_score(_score(record, fields.item_id(record), self._trial(record), name), number)
        elif kind == "item":
            item = _item(record, fields.item_id(record), self._trial(record))
            first = self._item_lines.setdefault((item.item, item.trial), number)
            if first != number:
                raise ResultsError(f"item '{item.item}' trial {item.trial} was already given in line {first}")
            self.items.append(item)
            for name, entry in fields.members(record, "scores").items():
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
        trial = fields.count(record, "trial", 0)
        if trial >= trials:
            raise ResultsError(
                f"trial {trial} of a run of {trials} trial{'s' * (trials > 1)}",
                hint="the first trial is 0; the header's 'trials' says how many there are",
            )
        return trial

    def run(self) -> Run:
        self.items.sort(key=attrgetter("item", "trial"))
        self.scores.sort(key=attrgetter("item", "trial", "score"))
        return Run(self.header, tuple(self.items), tuple(self.scores))


def _records(path: Path) -> Iterator[tuple[int, Record]]:
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
    schema = fields.count(record, "schema", 1)
    if schema > SCHEMA:
        raise ResultsError(
            f"written by a newer version of scoregate (format {schema}; this one reads {SCHEMA})",
            hint="upgrade scoregate",
        )
    return RunHeader(
        run=fields.text(record, "run"),
        dataset=fields.text(record, "dataset"),
        candidate=fields.text(record, "candidate"),
        expected_items=fields.count(record, "expected_items", 0),
        trials=fields.count(record, "trials", 1) if "trials" in record else 1,
        dataset_fingerprint=fields.optional_text(record, "dataset_fingerprint"),
        dataset_version=fields.optional_text(record, "dataset_version"),
        commit=fields.optional_text(record, "commit"),
        scorers=fields.texts(record, "scorers"),
        started_at=fields.optional_text(record, "started_at"),
        finished_at=fields.optional_text(record, "finished_at"),
        metadata=fields.members(record, "metadata"),
    )


def _item(record: Record, item: str, trial: int) -> RunItem:
    tokens = fields.members(record, "tokens")
    status = fields.one_of(record, "status", ITEM_STATUSES)
    return RunItem(
        item=item,
        trial=trial,
        status=status,
        error=fields.optional_text(record, "error"),
        output=record.get("output"),
        latency_seconds=fields.optional_amount(record, "latency_seconds"),
        cost_usd=fields.optional_amount(record, "cost_usd"),
        tokens=_tokens(tokens) if record.get("tokens") is not None else None,
        trace_id=fields.optional_text(record, "trace_id"),
        cluster=fields.optional_text(record, "cluster"),
        slices=fields.texts(record, "slices"),
        attempts=_attempts(record.get("attempts")),
        content=fields.optional_text(record, "content"),
        started_at=fields.optional_amount(record, "started_at"),
        output_left_out=status == "ok" and "output" not in record,
    )


def _tokens(record: Record) -> Tokens:
    return Tokens(input=fields.count(record, "input", 0), output=fields.count(record, "output", 0))


def _attempts(value: JSON) -> tuple[Attempt, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(attempt, dict) for attempt in value):
        raise ResultsError("'attempts' is a list of objects")
    return tuple(
        Attempt(
            number=fields.count(attempt, "number", 1),
            status=fields.one_of(attempt, "status", ITEM_STATUSES),
            error=fields.optional_text(attempt, "error"),
            latency_seconds=fields.amount(attempt, "latency_seconds"),
        )
        for attempt in value
    )


def _score(record: Record, item: str, trial: int, name: str) -> Score:
    status = fields.one_of(record, "status", SCORE_STATUSES)
    value = record.get("value")
    fields.check_value(status, value)
    comment = fields.optional_text(record, "comment")
    source = fields.one_of(record, "source", SCORE_SOURCES) if "source" in record else "code"
    return Score(item, trial, name, value, status, comment, source)


def _inline_score(item: RunItem, name: str, entry: JSON) -> Score:
    """A score of a lock file: a plain value of code, or an object of what differs from that."""
    if not name:
        raise ResultsError("a score without a name")
    if isinstance(entry, dict):
        return _score({"status": "ok", **entry}, item.item, item.trial, name)
    fields.check_value("ok", entry)
    return Score(item.item, item.trial, name, entry)
