"""The tools of the agent: lookups and changes on the order table.

The table is a snapshot of one day and never written to, so that an item gives the same answer in every run.
Each tool returns one message that the agent may pass on as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from support.shapes import Order, ToolCall

ORDERS = Path(__file__).with_name("orders.jsonl")
TODAY = date(2026, 9, 15)
"""The day of the snapshot."""
RETURN_DAYS = 30
OUTLET_RETURN_DAYS = 14
LABEL_DAYS = 14


@cache
def orders() -> Mapping[str, Order]:
    rows = [json.loads(line) for line in ORDERS.read_text(encoding="utf-8").splitlines()]
    return {row["id"]: Order(**{**row, "items": tuple(row["items"])}) for row in rows}


def in_words(iso: str | None) -> str:
    """2026-09-15 as "15 September 2026"."""
    if iso is None:
        return "a day not known yet"
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%B %Y}"


def lookup_order(order: Order) -> str:
    match order.status:
        case "processing" | "packed":
            return f"Order {order.id} is {order.status} and should arrive on {in_words(order.due_on)}."
        case "shipped":
            late = order.due_on is not None and date.fromisoformat(order.due_on) < TODAY
            due = "was due on {}, so it is late" if late else "should arrive on {}"
            shipped = f"was shipped with {order.carrier} on {in_words(order.shipped_on)}"
            return f"Order {order.id} {shipped} and {due.format(in_words(order.due_on))}."
        case "delivered":
            return f"Order {order.id} was delivered by {order.carrier} on {in_words(order.delivered_on)}."
        case "cancelled" | "returned":
            return f"Order {order.id} was {order.status}."


def last_return_day(order: Order) -> date | None:
    """The last day on which the order can go back, or None before it is delivered."""
    if order.delivered_on is None:
        return None
    days = OUTLET_RETURN_DAYS if order.outlet else RETURN_DAYS
    return date.fromisoformat(order.delivered_on) + timedelta(days=days)


def refund_eligibility(order: Order) -> str:
    last = last_return_day(order)
    if order.status in ("cancelled", "returned"):
        return f"Order {order.id} was {order.status}, there is nothing left to refund."
    if last is None:
        return f"Order {order.id} is {order.status}, it can be returned once it is delivered."
    if last < TODAY:
        return (
            f"Order {order.id} is not eligible for a refund, the last day was {in_words(last.isoformat())}."
        )
    sealed = " if the filters are still sealed" if order.items == ("Filter set",) else ""
    return f"Order {order.id} is eligible for a refund until {in_words(last.isoformat())}{sealed}."


def start_return(order: Order) -> str:
    last = last_return_day(order)
    if order.status != "delivered" or last is None or last < TODAY:
        return f"No return was started. {refund_eligibility(order)}"
    label_until = (TODAY + timedelta(days=LABEL_DAYS)).isoformat()
    return f"A return is started for order {order.id}, the label is valid until {in_words(label_until)}."


def cancel_order(order: Order) -> str:
    if order.status == "processing":
        return f"Order {order.id} is cancelled and £{order.total_gbp:.2f} is released today."
    return f"Order {order.id} cannot be cancelled, it is already {order.status}."


def change_address(order: Order, address: str) -> str:
    if order.status == "processing":
        return f"Order {order.id} now goes to {address}."
    return f"The address of order {order.id} cannot be changed, it is already {order.status}."


TOOLS: Mapping[str, Callable[..., str]] = {
    "lookup_order": lookup_order,
    "refund_eligibility": refund_eligibility,
    "start_return": start_return,
    "cancel_order": cancel_order,
    "change_address": change_address,
}


def run(call: ToolCall) -> str:
    """What the tool answers. Raises KeyError for a tool that does not exist."""
    arguments = dict(call["arguments"])
    order_id = arguments.pop("order_id")
    order = orders().get(order_id)
    return f"There is no order {order_id}." if order is None else TOOLS[call["name"]](order, **arguments)
