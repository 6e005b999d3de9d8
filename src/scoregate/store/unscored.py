"""Answers that a candidate gave and nobody has scored yet: a session ended between the two.

They are kept apart from the run items, which are there only with every cell. Whoever goes on with the run scores them
and does not call the candidate again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from scoregate.errors import StoreWriteError
from scoregate.records import Attempt, RunItem
from scoregate.store.database import Database
from scoregate.store.rows import Unstorable, attempt_from, attempt_row, item_row, json_text, run_item_from


class UnscoredAnswers:
    """The unscored answers of one store. Raises StoreError, on writing StoreWriteError."""

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
    rows = json.loads(text)
    attempts: list[Attempt] = [attempt_from(tuple(row))[1] for row in rows["attempts"]]
    return run_item_from(tuple(rows["item"]), tuple(attempts))
