"""The shapes that go into the agent, through it and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NotRequired, Protocol, TypedDict

Role = Literal["guest", "customer", "partner", "staff", "finance"]


class User(TypedDict):
    """Who asks. `id` is the customer, partner or staff number; None for a guest."""

    role: Role
    id: str | None


class Turn(TypedDict):
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class Question(TypedDict):
    """The input of a dataset item. `history` holds the turns before this one, oldest first."""

    question: str
    user: User
    history: NotRequired[list[Turn]]


class Item(Protocol):
    """What a task gets: a dataset item of the gate, or one of Langfuse."""

    @property
    def input(self) -> Question: ...


class ToolCall(TypedDict):
    name: str
    arguments: Mapping[str, str]


class Reply(TypedDict):
    """The output of the agent."""

    answer: str
    documents: list[str]
    """Ids of the articles that the answer is taken from."""
    tool_calls: list[ToolCall]
    tool_results: list[str]
    """What each tool call came back with, in the same order."""
    refused: bool
    steps: int
    """Searches and tool calls taken together."""


@dataclass(frozen=True, slots=True)
class Article:
    """One help article. `audience` is the least privileged role that may read it; "public" is everybody."""

    id: str
    audience: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Order:
    """One row of the order table. Dates are ISO; those that have not come yet are None."""

    id: str
    customer: str
    placed_on: str
    status: Literal["processing", "packed", "shipped", "delivered", "cancelled", "returned"]
    items: tuple[str, ...]
    total_gbp: float
    outlet: bool
    carrier: str | None
    shipped_on: str | None
    due_on: str | None
    delivered_on: str | None
    address: str
