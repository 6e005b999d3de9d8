"""Records as rows of the store, written many at once, and read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from scoregate.errors import StoreError
from scoregate.own import json_codec
from scoregate.records import (
    JSON,
    Attempt,
    DatasetItem,
    ItemStatus,
    RunHeader,
    RunItem,
    Score,
    ScoreSource,
    ScoreStatus,
    Tokens,
)

SqlRow = tuple[Any, ...]
"""Values as SQLite takes and gives them."""

_PLAIN_HEADER = {
    "run": "run",
    "dataset": "dataset",
    "dataset_fingerprint": "dataset_fingerprint",
    "dataset_version": "dataset_version",
    "candidate": "candidate",
    "commit_id": "commit",
    "expected_items": "expected_items",
    "trials": "trials",
    "started_at": "started_at",
    "finished_at": "finished_at",
}
"""Column -> field of a header that is kept as it is."""
HEADER_COLUMNS = ", ".join((*_PLAIN_HEADER, "scorers", "metadata"))
ITEM_COLUMNS = (
    "item, trial, status, error, output, latency_seconds, cost_usd, tokens_input, tokens_output, trace_id, "
    "cluster, slices, content, started_at"
)
ATTEMPT_COLUMNS = "item, trial, number, status, error, latency_seconds"
SCORE_COLUMNS = "item, trial, score, value, status, comment, source"

LEFT_OUT = ""
"""In the place of an output that was left out; no JSON value is written so."""

_encode = json_codec.encoder(separators=(",", ":"), allow_nan=False)
_COMMON = {True: "true", False: "false", None: "null"}
_GROUP = 64
"""Most rows of one statement: SQLite gives the interpreter back between statements only, so that a larger group
means less waiting for it. 64 rows of 15 values stay below the 999 parameters that every SQLite allows."""


class Unstorable(StoreError):
    """A record holds something that the store cannot keep: no JSON, a number beyond 64 bits."""


def header_row(header: RunHeader) -> SqlRow:
    return (
        *(getattr(header, field) for field in _PLAIN_HEADER.values()),
        json_text(dict(header.scorers), header.run),
        json_text(header.facts.to_metadata(), header.run),
    )


def header_from(row: SqlRow) -> RunHeader:
    *plain, scorers, metadata = row
    fields: dict[str, Any] = dict(zip(_PLAIN_HEADER.values(), plain, strict=True))
    return RunHeader(**fields, scorers=json_codec.loads(scorers), metadata=json_codec.loads(metadata))


def item_row(key: int, item: RunItem) -> SqlRow:
    tokens = item.tokens
    if tokens is not None and max(tokens.input, tokens.output) >= 1 << 63:
        raise Unstorable("a token count beyond 64 bits cannot be stored", where=item.item)
    return (
        key,
        item.item,
        item.trial,
        item.status,
        _storable_text(item.error),
        LEFT_OUT if item.output_left_out else json_text(item.output, item.item),
        item.latency_seconds,
        item.cost_usd,
        tokens.input if tokens else None,
        tokens.output if tokens else None,
        _storable_text(item.trace_id),
        item.cluster,
        json_text(dict(item.slices), item.item) if item.slices else "{}",
        item.content,
        item.started_at,
    )


def run_item_from(row: SqlRow, attempts: tuple[Attempt, ...] = ()) -> RunItem:
    item, trial, status, error, output, latency, cost, tokens_input, tokens_output, *rest = row
    trace_id, cluster, slices, content, started_at = rest
    return RunItem(
        item=item,
        trial=trial,
        status=cast(ItemStatus, status),
        error=error,
        output=None if output == LEFT_OUT else json_codec.loads(output),
        latency_seconds=latency,
        cost_usd=cost,
        tokens=None if tokens_input is None else Tokens(tokens_input, tokens_output),
        trace_id=trace_id,
        cluster=cluster,
        slices=cast(Mapping[str, str], json_codec.loads(slices)),
        attempts=attempts,
        content=content,
        started_at=started_at,
        output_left_out=output == LEFT_OUT and status == "ok",
    )


def attempt_row(key: int, item: RunItem, attempt: Attempt) -> SqlRow:
    error = _storable_text(attempt.error)
    return (key, item.item, item.trial, attempt.number, attempt.status, error, attempt.latency_seconds)


def attempt_from(row: SqlRow) -> tuple[tuple[str, int], Attempt]:
    """The cell `(item, trial)` and its attempt."""
    item, trial, number, status, error, latency = row
    return (item, trial), Attempt(number, cast(ItemStatus, status), error, latency)


def score_row(key: int, score: Score) -> SqlRow:
    value = score.value
    text = _COMMON[value] if value is None or isinstance(value, bool) else json_text(value, score.item)
    comment = _storable_text(score.comment)
    return (key, score.item, score.trial, score.score, text, score.status, comment, score.source)


def score_from(row: SqlRow) -> Score:
    item, trial, name, value, status, comment, source = row
    return Score(
        item=item,
        trial=trial,
        score=name,
        value=json_codec.loads(value),
        status=cast(ScoreStatus, status),
        comment=comment,
        source=cast(ScoreSource, source),
    )


def dataset_item_row(fingerprint: str, item: DatasetItem) -> SqlRow:
    content = {
        "input": item.input,
        "expected_output": item.expected_output,
        "metadata": dict(item.metadata),
    }
    return (fingerprint, item.id, json_text(content, item.id))


def dataset_item_from(row: SqlRow) -> DatasetItem:
    name, content = row
    return DatasetItem(id=name, **json_codec.loads(content))


def json_text(value: JSON, where: str) -> str:
    """A JSON value as ASCII text. Raises Unstorable."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError, RuntimeError) as problem:
        # RuntimeError: the candidate goes on changing what it has returned.
        raise Unstorable(f"a value cannot be stored: {problem}", where=where) from problem


def _storable_text(text: str | None) -> str | None:
    """A text that UTF-8 can hold: half of a surrogate pair, as error messages may carry, is spelled out."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


class _CellRows(NamedTuple):
    """One run item with everything that belongs to it, as rows."""

    item: SqlRow
    attempts: list[SqlRow]
    scores: list[SqlRow]


def cell_rows(key: int, item: RunItem, scores: Sequence[Score]) -> _CellRows:
    """Rows of one run item. Raises Unstorable."""
    attempts = [attempt_row(key, item, attempt) for attempt in item.attempts]
    return _CellRows(item_row(key, item), attempts, [score_row(key, score) for score in scores])


def insert_cells(connection: sqlite3.Connection, cells: Sequence[_CellRows]) -> tuple[bool, ...]:
    """Insert within the caller's transaction; which of them were new. One that was there stays as it is."""
    connection.execute("SAVEPOINT cells")
    if _insert("run_items", ITEM_COLUMNS, connection, [cell.item for cell in cells]) == len(cells):
        new = (True,) * len(cells)
    else:
        connection.execute("ROLLBACK TO cells")
        new = tuple(_insert("run_items", ITEM_COLUMNS, connection, [cell.item]) == 1 for cell in cells)
    connection.execute("RELEASE cells")
    fresh = [cell for cell, is_new in zip(cells, new, strict=True) if is_new]
    _insert_attempts(connection, [row for cell in fresh for row in cell.attempts])
    insert_scores(connection, [row for cell in fresh for row in cell.scores])
    return new


def _insert_attempts(connection: sqlite3.Connection, rows: Sequence[SqlRow]) -> None:
    _insert("attempts", ATTEMPT_COLUMNS, connection, rows)


def insert_scores(connection: sqlite3.Connection, rows: Sequence[SqlRow]) -> None:
    _insert("scores", SCORE_COLUMNS, connection, rows)


def _insert(table: str, columns: str, connection: sqlite3.Connection, rows: Sequence[SqlRow]) -> int:
    """How many of the rows were new. Only a run item may be there already; another doubled row is an error."""
    inserted = 0
    for group in _groups(rows):
        values = [value for row in group for value in row]
        inserted += connection.execute(_statement(table, columns, len(group)), values).rowcount
    return inserted


def _groups(rows: Sequence[SqlRow]) -> Iterator[Sequence[SqlRow]]:
    """Slices whose sizes are powers of two, so that few statements have to be prepared."""
    start = 0
    while start < len(rows):
        size = min(_GROUP, 1 << ((len(rows) - start).bit_length() - 1))
        yield rows[start : start + size]
        start += size


@cache
def _statement(table: str, columns: str, rows: int) -> str:
    marks = f"({', '.join('?' * (columns.count(',') + 2))})"
    on_conflict = " ON CONFLICT DO NOTHING" if table == "run_items" else ""
    return f"INSERT INTO {table} (run, {columns}) VALUES {', '.join([marks] * rows)}{on_conflict}"
