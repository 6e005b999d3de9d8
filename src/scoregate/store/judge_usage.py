"""What judges took of each run: replies, how many of them were kept already, calls, cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from scoregate.errors import StoreWriteError
from scoregate.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUsage:
    """Counters of one judge in one run or several, over all their sessions."""

    score: str
    replies: int = 0
    """Votes on answers."""
    from_cache: int = 0
    calls: int = 0
    """Requests, with those that were repeated and those that asked for a repair."""
    cost_usd: float | None = None
    """Of every call that was paid for, also where no valid reply came of it; None if the judge has no price."""


class JudgeUsage:
    """The usage of one store. Raises StoreError, on writing StoreWriteError."""

    def __init__(self, database: Database, key_of: Callable[[str], int]) -> None:
        """`key_of` is given a run's id."""
        self._database = database
        self._key_of = key_of

    def add(
        self,
        run: str,
        trial: int,
        score: str,
        *,
        replies: int = 0,
        from_cache: int = 0,
        calls: int = 0,
        cost_usd: float | None = None,
    ) -> None:
        """Count what a judge took of a trial of a run, on top of what it took before."""
        values = (self._key_of(run), trial, score, replies, from_cache, calls, cost_usd)
        with self._database.reading(StoreWriteError) as connection:
            connection.execute(_ADD, values)

    def of_runs(self, *runs: str) -> list[RunUsage]:
        """Of runs together: one entry a judge, by the name of its score. A run that is not here had none."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT score, sum(replies), sum(from_cache), sum(calls), sum(cost_usd) FROM judge_usage "
                "WHERE run IN (SELECT key FROM runs WHERE runs.run IN (SELECT value FROM json_each(?))) "
                "GROUP BY score ORDER BY score",
                (json.dumps(runs),),
            ).fetchall()
        return [
            RunUsage(score=score, replies=replies, from_cache=cached, calls=calls, cost_usd=cost)
            for score, replies, cached, calls, cost in rows
        ]


_ADD = """INSERT INTO judge_usage (run, trial, score, replies, from_cache, calls, cost_usd) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        replies = replies + excluded.replies,
        from_cache = from_cache + excluded.from_cache,
        calls = calls + excluded.calls,
        cost_usd = CASE
            WHEN excluded.cost_usd IS NULL THEN cost_usd ELSE coalesce(cost_usd, 0) + excluded.cost_usd END"""
