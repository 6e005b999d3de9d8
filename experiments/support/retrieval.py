"""Finding the help article that answers a question: BM25 over the bodies, then the access policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.policy import may_read
from support.shapes import Article, User
from support.vocabulary import search_terms, tokens

ARTICLES = Path(__file__).with_name("articles.jsonl")
WITHHELD_LEAD = 1.25
"""How far an article that the user may not read has to lead to count as the only answer."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An article and how well it matches, in BM25's own unit."""

    article: Article
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came back with: hits that the user may read, best first."""

    hits: tuple[Hit, ...]
    withheld: bool = False
    """Whether the article that answers the question is one that the user may not read."""


Search = Callable[[str, User], Found]


@cache
def articles() -> tuple[Article, ...]:
    lines = ARTICLES.read_text(encoding="utf-8").splitlines()
    return tuple(Article(**json.loads(line)) for line in lines)


class Index:
    """A BM25 index over one text of each article."""

    def __init__(self, text: Callable[[Article], str]) -> None:
        import bm25s

        self._articles = articles()
        self._bm25 = bm25s.BM25()
        self._bm25.index([tokens(text(article)) for article in self._articles], show_progress=False)

    def search(self, question: str) -> list[Hit]:
        """Every article that shares a word with the question, best first; ties by id."""
        terms = search_terms(question)
        if not terms:
            return []
        scores = self._bm25.get_scores(terms)
        hits = [
            Hit(article, round(float(score), 4))
            for article, score in zip(self._articles, scores, strict=True)
            if score > 0
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.article.id))


@cache
def bodies() -> Index:
    return Index(lambda article: article.body)


def search(question: str, user: User) -> Found:
    """The articles that answer a question, as far as this user may read them."""
    hits = bodies().search(question)
    readable = tuple(hit for hit in hits if may_read(user, hit.article))
    best = readable[0].score if readable else 0.0
    return Found(readable, withheld=bool(hits) and hits[0].score > WITHHELD_LEAD * best)
