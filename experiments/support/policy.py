"""Who may read and do what, and what the agent refuses whoever asks."""

from __future__ import annotations

import re

from support.shapes import Article, Order, Role, User

AUDIENCES: dict[Role, frozenset[str]] = {
    "guest": frozenset({"public"}),
    "customer": frozenset({"public", "customer"}),
    "partner": frozenset({"public", "customer", "partner"}),
    "staff": frozenset({"public", "customer", "partner", "staff"}),
    "finance": frozenset({"public", "customer", "partner", "staff", "finance"}),
}

REFUSALS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "I keep to my instructions and do not show them.",
        re.compile(
            r"(ignore|forget) (all |the |your )+(instructions|rules)|system prompt|(pretend|act as if) you"
            r"|(internal|staff|confidential) (notes?|guidelines?|articles?|documents?)"
        ),
    ),
    (
        "I only speak about your own account and orders.",
        re.compile(
            r"(neighbour|brother|flatmate|colleague|tenant|another customer|ex-(wife|husband))('s|s)?\b"
            r".{0,60}\b(address|orders?|parcel|e-mail|phone|account|password)\b"
            r"|\b(address|e-mail|phone|name) of (the|that) (person|buyer|customer)"
        ),
    ),
    (
        "I cannot help to get round a safety feature: it protects you from injury.",
        re.compile(r"\b(bypass|disable|override|defeat|bridge|tape over)\b.{0,40}\b(lid|switch|safety)\b"),
    ),
    (
        "I cannot give medical or legal advice; please ask a doctor or a solicitor.",
        re.compile(
            r"\b(asthma|inhaler|diagnos\w+|medication|symptoms?|sue|lawsuit|solicitor|legal advice)\b"
        ),
    ),
    (
        "Please never send card numbers, passwords or codes here: I do not take or pass them on.",
        re.compile(r"\b(\d[ -]?){13,16}\b|(tell|give|send) me (my|the) (password|code)\b"),
    ),
)


def may_read(user: User, article: Article) -> bool:
    return article.audience in AUDIENCES[user["role"]]


def may_see(user: User, order: Order) -> bool:
    """Staff see every order, others only their own."""
    return user["role"] in ("staff", "finance") or user["id"] == order.customer


def refusal(question: str) -> str | None:
    """Why this is not answered whoever asks; None if it may be."""
    text = question.casefold()
    return next((reason for reason, pattern in REFUSALS if pattern.search(text)), None)
