"""The agent: refuse what must be refused, call the tools that are asked for, answer from the best article."""

from __future__ import annotations

import re

from support import planning, policy, tools
from support.noise import slips
from support.retrieval import Hit, Search, search
from support.shapes import Question, Reply, ToolCall
from support.vocabulary import search_terms, tokens

SENTENCES = 3
"""An answer quotes at most this many sentences of its article."""
SURE = 2.5
"""Below this BM25 score the agent says that it may have misunderstood."""

NOT_YOURS = "I only speak about your own orders; please sign in with the account that placed this one."
WITHHELD = "I cannot share anything on that here; please write to our team."
NOTHING_FOUND = "I have found nothing on that; a colleague will write to you."
NOT_SURE = "If that was not your question, a colleague will gladly help."

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def answer(question: Question, search: Search = search) -> Reply:
    """What the agent does with one question. `search` finds the articles that the user may read."""
    text, user, history = question["question"], question["user"], question.get("history", [])
    if reason := policy.refusal(text):
        return refuse(reason, steps=0)

    order_ids = planning.orders_meant(text, history)
    known = [order for order_id in order_ids if (order := tools.orders().get(order_id))]
    if not all(policy.may_see(user, order) for order in known):
        return refuse(NOT_YOURS, steps=1)

    calls = planning.tool_calls(text, order_ids, named=bool(planning.order_numbers(text)))
    if calls:
        results = [tools.run(call) for call in calls]
        return reply(" ".join(results), calls=calls, results=results)

    query = planning.search_text(text, history)
    found = search(query, user)
    if found.withheld:
        return refuse(WITHHELD, steps=1)
    if not found.hits:
        return reply(NOTHING_FOUND)
    best = found.hits[0]
    quoted = quote(best, query)
    return reply(quoted if best.score >= SURE else f"{quoted} {NOT_SURE}", documents=[best.article.id])


def quote(hit: Hit, query: str) -> str:
    """The sentences of an article that share most words with the question, in the article's order.

    An agent that slips passes over the very first of them.
    """
    words = set(search_terms(query))
    sentences = SENTENCE_END.split(hit.article.body)
    shared = [len(words & set(tokens(sentence))) for sentence in sentences]
    first = 1 if slips() else 0
    best = sorted(range(len(sentences)), key=lambda i: (-shared[i], i))[first : first + SENTENCES]
    return " ".join(sentences[i] for i in sorted(best))


def refuse(reason: str, *, steps: int) -> Reply:
    return Reply(answer=reason, documents=[], tool_calls=[], tool_results=[], refused=True, steps=steps)


def reply(
    text: str,
    *,
    documents: list[str] | None = None,
    calls: list[ToolCall] | None = None,
    results: list[str] | None = None,
) -> Reply:
    return Reply(
        answer=text,
        documents=documents or [],
        tool_calls=calls or [],
        tool_results=results or [],
        refused=False,
        steps=max(1, len(calls or [])),
    )
