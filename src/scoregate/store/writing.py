"""Run items with their scores into the store: each once, whole, as fast as SQLite takes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from scoregate.records import RunItem, Score
from scoregate.store.rows import (
    ATTEMPT_COLUMNS,
    ITEM_COLUMNS,
    SCORE_COLUMNS,
    Row,
    attempt_row,
    item_row,
    score_row,
)

_GROUP = 64
"""Most rows of one statement: SQLite gives the interpreter back between statements only, so that a larger group
means less waiting for it. 64 rows of 15 values stay below the 999 parameters that every SQLite allows."""


class CellRows(NamedTuple):
    """One run item with everything that belongs to it, as rows."""

    item: Row
    attempts: list[Row]
    scores: list[Row]


def cell_rows(key: int, item: RunItem, scores: Sequence[Score]) -> CellRows:
    """Rows of one run item. Raises Unstorable."""
    attempts = [attempt_row(key, item, attempt) for attempt in item.attempts]
    return CellRows(item_row(key, item), attempts, [score_row(key, score) for score in scores])


def insert_cells(connection: sqlite3.Connection, cells: Sequence[CellRows]) -> tuple[bool, ...]:
    """Insert within the caller's transaction; which of them were new. One that was there stays as it is."""
    connection.execute("SAVEPOINT cells")
    if _insert("run_items", ITEM_COLUMNS, connection, [cell.item for cell in cells]) == len(cells):
        new = (True,) * len(cells)
    else:
        connection.execute("ROLLBACK TO cells")
        new = tuple(_insert("run_items", ITEM_COLUMNS, connection, [cell.item]) == 1 for cell in cells)
    connection.execute("RELEASE cells")
    fresh = [cell for cell, is_new in zip(cells, new, strict=True) if is_new]
    insert_attempts(connection, [row for cell in fresh for row in cell.attempts])
    insert_scores(connection, [row for cell in fresh for row in cell.scores])
    return new


def insert_attempts(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    _insert("attempts", ATTEMPT_COLUMNS, connection, rows)


def insert_scores(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    _insert("scores", SCORE_COLUMNS, connection, rows)


def _insert(table: str, columns: str, connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """How many of the rows were new. Only a run item may be there already; another doubled row is an error."""
    inserted = 0
    for group in _groups(rows):
        values = [value for row in group for value in row]
        inserted += connection.execute(_statement(table, columns, len(group)), values).rowcount
    return inserted


def _groups(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
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
