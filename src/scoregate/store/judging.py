"""What judging leaves in the store beside the runs: replies, what they took, and answers that wait for their scores.

Replies are kept for all runs, so that an unchanged judge is never asked the same thing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from scoregate.errors import StoreWriteError
from scoregate.own import json_codec
from scoregate.records import Attempt, RunItem, ScoreValue
from scoregate.store.database import Database
from scoregate.store.rows import Unstorable, attempt_from, attempt_row, item_row, json_text, run_item_from

_ADD = """INSERT INTO judge_usage (run, trial, score, replies, from_cache, calls, cost_usd) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        replies = replies + excluded.replies,
        from_cache = from_cache + excluded.from_cache,
        calls = calls + excluded.calls,
        cost_usd = CASE
            WHEN excluded.cost_usd IS NULL THEN cost_usd ELSE coalesce(cost_usd, 0) + excluded.cost_usd END"""


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
                (json_codec.dumps(runs),),
            ).fetchall()
        return [
            RunUsage(score=score, replies=replies, from_cache=cached, calls=calls, cost_usd=cost)
            for score, replies, cached, calls, cost in rows
        ]


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
    values[_VALUE] = json_codec.dumps(reply.value)
    return tuple(values)


def _from(row: Sequence[Any]) -> KeptReply:
    values = dict(zip(_NAMES, row, strict=True))
    return KeptReply(**{**values, "value": json_codec.loads(values["value"])})


class UnscoredAnswers:
    """Answers that a candidate gave and nobody has scored yet: a session ended between the two.

    They are kept apart from the run items, which are there only with every cell. Whoever goes on with the run scores
    them and does not call the candidate again. Raises StoreError, on writing StoreWriteError.
    """

    def __init__(self, database: Database, key_of: Callable[[str], int]) -> None:
        """`key_of` is given a run's id."""
        self._database = database
        self._key_of = key_of

    def keep(self, run: str, answers: Iterable[RunItem]) -> None:
        """Keep answers. One that cannot be stored is left out: its candidate is called again."""
        key = self._key_of(run)
        rows = []
        for answer in answers:
            try:
                rows.append((key, answer.item, answer.trial, _text(answer)))
            except Unstorable:
                continue
        with self._database.transaction(StoreWriteError) as connection:
            connection.executemany("REPLACE INTO unscored_answers VALUES (?, ?, ?, ?)", rows)

    def of_run(self, run: str) -> dict[tuple[str, int], RunItem]:
        """`(item, trial)` -> answer, of the cells that are not there as run items."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT answer FROM unscored_answers AS kept WHERE run = ? AND NOT EXISTS "
                "(SELECT 1 FROM run_items WHERE run = kept.run AND item = kept.item AND trial = kept.trial)",
                (self._key_of(run),),
            ).fetchall()
        answers = [_answer(text) for (text,) in rows]
        return {(answer.item, answer.trial): answer for answer in answers}


def _text(answer: RunItem) -> str:
    rows = {
        "item": list(item_row(0, answer)[1:]),
        "attempts": [list(attempt_row(0, answer, attempt)[1:]) for attempt in answer.attempts],
    }
    return json_text(rows, answer.item)


def _answer(text: str) -> RunItem:
    rows = json_codec.loads(text)
    attempts: list[Attempt] = [attempt_from(tuple(row))[1] for row in rows["attempts"]]
    return run_item_from(tuple(rows["item"]), tuple(attempts))
