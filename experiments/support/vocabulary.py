"""Words: which of them carry no meaning, which mean the same, and which are forms of one another."""

from __future__ import annotations

_COMMON = """
a about after again all also am an and any anything are as at be been but by can could did do does doing don for
from get give given got had has have hello here hi how i if in into is it its just know like long me much my need
no not now of off on one or our out please so some something tell than that the their them then there they thing
this to too try up us very want was we well were what when where which while who why will with would yes you your
ve ll re isn doesn didn won hasn wasn
"""
COMMON_WORDS = sorted(_COMMON.split())
"""Words that say nothing about what a question is about."""

SYNONYMS = {
    "charged": "pay",
    "dispatched": "shipped",
    "instalment": "part",
    "package": "parcel",
    "postage": "delivery",
    "purifier": "breeze",
    "sensor": "sense",
    "subscription": "plan",
    "warranty": "guarantee",
}
"""What customers say, and what the articles call it."""

_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s", "e", "y")


def stem(word: str) -> str:
    """The word without its common endings, so that "parcels" finds "parcel" and "charged" finds "charge"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def tokens(text: str) -> list[str]:
    """The stemmed words of a text that mean something, in order."""
    import bm25s

    found: list[list[str]] = bm25s.tokenize(
        [text],
        stopwords=COMMON_WORDS,
        stemmer=lambda words: [stem(word) for word in words],
        return_ids=False,
        show_progress=False,
    )
    return found[0]


def search_terms(question: str) -> list[str]:
    """The tokens of a question, with the articles' own word after every synonym of it."""
    words = (word.strip(".,;:!?\"'()") for word in question.casefold().split())
    return tokens(" ".join([question, *(SYNONYMS[word] for word in words if word in SYNONYMS)]))
