"""Reading a question: which orders it is about, which tool it asks for, what it leaves to the turns before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from support.shapes import ToolCall, Turn

ORDER_NUMBER = re.compile(r"\b(?:tw[- ]?|(?:order|parcel|number|no\.?)[ #:]*|#)(\d{5})\b", re.IGNORECASE)
NEW_ADDRESS = re.compile(
    r"(?:\bto|\bis|:)\s+((?:flat |unit )?\d+[a-z]? [^?!\n]*?)(?: instead|,? please)*[.?!]?\s*$", re.IGNORECASE
)
POINTS_BACK = re.compile(
    r"\b(it|its|that|this|those|them|one|then|there|order|parcel|package|same)\b", re.IGNORECASE
)
GENERAL = re.compile(
    r"^\W*(and |ok(ay)?,? |so |but )*(how (long|much|do|does|can|many)|what (happens|if|can you)|why)\b",
    re.IGNORECASE,
)

TOOL_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("lookup_order", re.compile(r"(can|could) (i|we) (still )?cancel|too late to")),
    ("change_address", re.compile(r"address|redirect|(deliver|send) \S+ to \d")),
    ("cancel_order", re.compile(r"\bcancel\b|call off|stop (the|my|this) order")),
    (
        "start_return",
        re.compile(r"(start|begin|book|set up) (a |the |my )?return|return label|(it|them) back"),
    ),
    ("refund_eligibility", re.compile(r"refund|money back|return|eligible")),
    (
        "lookup_order",
        re.compile(r"\bwh(ere|en)|status|track|arriv|shipped|sent|com(e|ing)|deliver|late\b|news"),
    ),
)
"""The tools and the words that ask for them; the first line that fits counts."""


def order_numbers(text: str) -> list[str]:
    """The order numbers in a text, written as in the table, each once, in order."""
    return list(dict.fromkeys(f"TW-{number}" for number in ORDER_NUMBER.findall(text)))


def orders_meant(question: str, history: Sequence[Turn]) -> list[str]:
    """The orders of the question itself, else the last one named before if the question points back."""
    named = order_numbers(question)
    if named or not POINTS_BACK.search(question) or GENERAL.search(question):
        return named
    for turn in reversed(history):
        if earlier := order_numbers(turn["content"]):
            return earlier[-1:]
    return []


def tool_calls(question: str, order_ids: Sequence[str], *, named: bool) -> list[ToolCall]:
    """The calls that the question asks for, one an order.

    Where the order is only meant, not `named`, a question without a tool's words asks for none; a change of
    address asks for none before the new address is said.
    """
    text = question.casefold()
    asked_for = (name for name, words in TOOL_WORDS if words.search(text))
    name = next(asked_for, "lookup_order" if named else None)
    if name is None:
        return []
    further = {}
    if name == "change_address":
        address = NEW_ADDRESS.search(question)
        if address is None:
            return []
        further = {"address": address.group(1)}
    return [{"name": name, "arguments": {"order_id": order_id, **further}} for order_id in order_ids]


def search_text(question: str, history: Sequence[Turn]) -> str:
    """The question, with the one before it in front where it cannot be understood alone."""
    earlier = [turn["content"] for turn in history if turn["role"] == "user"]
    short = len(question.split()) <= 8
    return f"{earlier[-1]} {question}" if earlier and (short or GENERAL.search(question)) else question
