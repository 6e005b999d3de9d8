"""What judges replied: kept for all runs, so that an unchanged judge is never asked the same thing twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from scoregate.errors import StoreWriteError
from scoregate.records import ScoreValue
from scoregate.store.database import Database
from scoregate.store.judge_usage import JudgeUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReply:
    """One final reply of a judge: a score with its reasoning, or the reason why there is none."""

    key: str
    """Hash of all that can change the reply, 64 hex digits."""
    score: str
    judge: str
    """Hash of the judge's identity."""
    model: str
    series: str = ""
    """Which of several series of trials of the same version, where trials are numbered from 0 more than once."""
    trial: int = 0
    vote: int = 0
    value: ScoreValue = None
    """None where the reply stayed invalid."""
    reasoning: str | None = None
    error: str | None = None
    calls: int = 1
    """Calls that it took, repairs included."""
    tokens_input: int | None = None
    """Of all its calls; None where the endpoint did not say."""
    tokens_output: int | None = None
    cost_usd: float | None = None
    run: str | None = None
    """The run that paid for it."""
    made_at: float = 0.0
    """Unix time."""


_NAMES = tuple(field.name for field in fields(KeptReply))
_COLUMNS = ", ".join(_NAMES)
_VALUE = _NAMES.index("value")
_INSERT = f"INTO judge_replies ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"


class Replies:
    """The replies of one store. Raises StoreError, on writing StoreWriteError."""

    def __init__(self, database: Database, usage: JudgeUsage) -> None:
        self._database = database
        self._usage = usage

    def get(self, key: str) -> KeptReply | None:
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM judge_replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else _from(row)

    def put(self, reply: KeptReply) -> None:
        """Keep a reply, in the place of an earlier one, and count it for the run that paid for it: both or neither."""
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute(f"REPLACE {_INSERT}", _row(reply))
            if reply.run is not None:
                self._usage.add(reply.run, reply.trial, reply.score, replies=1)

    def mean_cost(self, score: str, model: str) -> float | None:
        """Dollars that a reply of a judge of this score and model took so far; None where nothing says."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT avg(cost_usd) FROM judge_replies WHERE score = ? AND model = ?", (score, model)
            ).fetchone()
        return None if found[0] is None else float(found[0])

    def add(self, replies: Iterable[KeptReply]) -> int:
        """Keep what is not there yet, all or nothing; how many that were."""
        rows = [_row(reply) for reply in replies]
        with self._database.transaction(StoreWriteError) as connection:
            return connection.executemany(f"INSERT OR IGNORE {_INSERT}", rows).rowcount

    def all(self) -> Iterator[KeptReply]:
        """Every reply, ordered by key."""
        with self._database.reading() as connection:
            found = connection.execute(f"SELECT {_COLUMNS} FROM judge_replies ORDER BY key").fetchall()
        return map(_from, found)

    def forget_invalid(self) -> int:
        """Delete the replies that hold no score, so that they are asked for again; how many there were."""
        with self._database.transaction(StoreWriteError) as connection:
            return connection.execute("DELETE FROM judge_replies WHERE error IS NOT NULL").rowcount


def _row(reply: KeptReply) -> tuple[Any, ...]:
    values = [getattr(reply, name) for name in _NAMES]
    values[_VALUE] = json.dumps(reply.value)
    return tuple(values)


def _from(row: Sequence[Any]) -> KeptReply:
    values = dict(zip(_NAMES, row, strict=True))
    return KeptReply(**{**values, "value": json.loads(values["value"])})
