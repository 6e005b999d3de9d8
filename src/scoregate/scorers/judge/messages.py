"""The messages of a judge's call."""

from __future__ import annotations

from typing import Literal, TypedDict


class ChatMessage(TypedDict):
    """One message in the form of OpenAI's chat completions, and with no other key: endpoints refuse unknown ones."""

    role: Literal["user", "assistant"]
    content: str


def build_eval_messages(prompt: str) -> list[ChatMessage]:
    """The one user message that holds the compiled prompt."""
    return [{"role": "user", "content": prompt}]
