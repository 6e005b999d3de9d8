"""Typed answers are stored as the Langfuse SDK writes them, field by field, and refused where it cannot write."""

from __future__ import annotations

import collections
import io
import json
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from langfuse._utils.serializer import EventSerializer
from pydantic import BaseModel, RootModel, SecretStr

from scoregate.records import JSON
from scoregate.runner.candidates.candidate import TypedAnswer, as_answer
from scoregate.runner.candidates.failures import UnwritableOutput


class Mood(Enum):
    GOOD = "good"


class Level(IntEnum):
    HIGH = 3


class Label(StrEnum):
    YES = "yes"


class Kind(str, Enum):  # noqa: UP042  whose text is "Kind.REFUND"
    REFUND = "refund"


class Place(NamedTuple):
    x: int
    y: float


@dataclass
class Reply:
    text: str
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    at: date
    reply: Reply


class Model(BaseModel):
    text: str
    at: datetime
    mood: Mood = Mood.GOOD
    inner: list[Reply] = []
    key: SecretStr = SecretStr("hidden")


class Plain:
    def __init__(self) -> None:
        self.text = "yes"
        self.inner = {"reply": Reply("a")}


class Slots:
    __slots__ = ("text",)

    def __init__(self) -> None:
        self.text = Label.YES


WHEN = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
REPLY = Reply("yes", [Place(1, 2.5)])
WRITTEN_ALIKE: list[Any] = [
    *("text", "", "zürich", True, None, 7, -1.5, [], {}, [[1], {"a": None}]),
    *(WHEN, WHEN.replace(microsecond=5), WHEN.astimezone(ZoneInfo("Asia/Tokyo")), WHEN.replace(tzinfo=None)),
    WHEN.astimezone(timezone(timedelta(hours=-3, minutes=-30))),
    *(date(2024, 5, 1), Mood.GOOD, Level.HIGH, Label.YES, Kind.REFUND, b"bytes", "ü".encode()),
    *(UUID(int=7), Path("a/b.txt"), ValueError("no luck")),
    *((1, 2), Place(1, 2.5), frozenset(("one",)), {3}, range(3), collections.deque((1, 2)), bytearray(b"ab")),
    *(
        collections.OrderedDict(b=1, a=2),
        collections.Counter("aab"),
        {1: "a", None: 2, False: 3, 0.5: 4},
        {Mood.GOOD: 1},
    ),
    *(REPLY, Frozen(date(2024, 5, 1), REPLY), Plain(), Slots(), RootModel[list[int]]([1, 2])),
    Model(text="yes", at=WHEN, inner=[REPLY]),
    *(
        np.float64(0.5),
        np.float32(0.5),
        np.int64(3),
        np.bool_(True),
        np.str_("a"),
        np.datetime64("2024-05-01"),
    ),
    *(np.arange(4).reshape(2, 2), np.array(["a", "b"]), np.array(1.5), {"scores": np.zeros(2)}),
    {"deep": [{"model": Model(text="no", at=WHEN)}, (Mood.GOOD, {date(2024, 5, 1)})]},
]


def written_by_the_sdk(value: object) -> JSON:
    return json.loads(EventSerializer().encode(value))


@pytest.mark.parametrize("value", WRITTEN_ALIKE, ids=lambda value: type(value).__name__)
def test_what_the_sdk_writes_is_written_the_same_here(value: object) -> None:
    output = as_answer(value).output
    assert json.dumps(output) == json.dumps(written_by_the_sdk(value))


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (Decimal("1.50"), "1.50"),
        (time(9, 5), "09:05:00"),
        (timedelta(days=1, seconds=1), "1 day, 0:00:01"),
        (PurePosixPath("a/b"), "a/b"),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        ({"b", "a", "c"}, ["a", "b", "c"]),
        (2**60, 2**60),
        (np.int64(2**60), 2**60),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_sdk_writes_as_a_placeholder_or_as_chance_has_it_is_written_in_full(
    value: object, output: JSON
) -> None:
    assert as_answer(value).output == output


class Stuck(BaseModel):
    lock: Any


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (object, "object at output"),
        (lambda: {"rows": [threading.Lock()]}, "lock at output.rows.0"),
        (lambda: Stuck(lock=threading.Lock()), "lock at output.lock"),
        (lambda: len, "builtin_function_or_method at output"),
        (lambda: Reply, "Reply at output"),
        (lambda: types, "module at output"),
        (lambda: {"file": io.StringIO()}, "StringIO at output.file"),
        (lambda: {"stream": (n for n in range(3))}, "generator at output.stream"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place_and_what_to_return(
    make: Callable[[], object], what: str
) -> None:
    with pytest.raises(UnwritableOutput) as caught:
        as_answer(make())
    assert str(caught.value) == f"returned something that is no JSON: {what}"
    assert "x.model_dump(), dataclasses.asdict(x)" in caught.value.remedy
    assert caught.value.of_type


def test_a_value_that_fails_says_nothing_of_its_type() -> None:
    with pytest.raises(UnwritableOutput) as caught:
        as_answer({"share": float("nan")})
    assert not caught.value.of_type


def test_a_property_that_raises_is_the_reason() -> None:
    class Broken(BaseModel):
        def model_dump(self, **_: Any) -> Any:
            raise KeyError("who")

    with pytest.raises(UnwritableOutput, match="no JSON: KeyError: 'who'"):
        as_answer(Broken())


def test_the_object_itself_is_kept_as_it_was_when_it_was_returned() -> None:
    reply = Reply("yes")
    answer = as_answer(reply)
    reply.text = "changed later"
    assert isinstance(answer, TypedAnswer)
    assert answer.given == Reply("yes")
    assert answer.output == {"text": "yes", "places": []}


def test_of_an_object_that_cannot_be_copied_only_the_json_is_kept() -> None:
    class Uncopied(Plain):
        def __deepcopy__(self, memo: object) -> Any:
            raise TypeError("not to be copied")

    answer = as_answer(Uncopied())
    assert not isinstance(answer, TypedAnswer)
    assert answer.output["text"] == "yes"
