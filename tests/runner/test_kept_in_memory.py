"""What a run keeps of its calls in memory once they are committed: nothing, also while nobody collects garbage."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any, Self

import pytest

from scoregate.records import DatasetItem
from scoregate.scorers.scorer import Scorer

Drive = Any
"""The `drive` fixture of conftest."""
ITEMS = 12


class Answer(dict[str, str]):
    """An answer of a type that JSON does not know: it and every copy of it, such as those for scorers, is noted."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        made = super().__new__(cls)
        answers.append(weakref.ref(made))
        return made


answers: list[weakref.ref[Answer]] = []


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    answers.clear()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def awaited(item: DatasetItem, trial: int) -> Answer:
    return Answer(text=item.id)


def blocking(item: DatasetItem, trial: int) -> Answer:
    return Answer(text=item.id)


async def failing(item: DatasetItem, trial: int) -> Answer:
    answer = Answer(text=item.id)
    raise ValueError(f"no answer to {answer['text']}")


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(("task", "made"), [(awaited, 3), (blocking, 3), (failing, 1)])
def test_an_answer_and_its_copies_are_freed_when_it_is_committed(drive: Drive, task: Any, made: int) -> None:
    watched = Scorer("said", "1", lambda *, output, **_: output["text"], takes_objects=True)
    driven = drive(task, items=ITEMS, scorers=[watched])
    assert len(driven.run.items) == ITEMS
    assert len(answers) == ITEMS * made
    assert [answer() for answer in answers if answer() is not None] == []
