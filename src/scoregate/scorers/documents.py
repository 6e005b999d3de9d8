"""Which documents the output cites: only allowed ones, all required ones, no forbidden one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored, shortened
from scoregate.scorers.reading import (
    ScoringCall,
    after_reading,
    against_expected,
    against_item,
    item_path,
    quoted,
    scored,
)

ALLOWED_DOCUMENTS_VERSION = "1"
REQUIRED_DOCUMENTS_VERSION = "1"
FORBIDDEN_DOCUMENTS_VERSION = "1"

_LONGEST_COMMENT = 300


def allowed_documents(
    *,
    path: str = "documents",
    allowed_path: str = "metadata.allowed_documents",
    optional: bool = False,
) -> ScoringCall:
    """True if every document at `path` of the output is in the list at `allowed_path` of the dataset item.

    Documents are ids, or objects with an `id`. No document cited is no breach.
    """

    def judge(cited: list[str], allowed: list[str]) -> Scored:
        outside = [document for document in cited if document not in set(allowed)]
        return scored(not outside, _named("cites what it may not", outside))

    return against_item(_of_ids(judge), path, item_path(allowed_path, "allowed_path"), optional)


def required_documents(
    *, path: str = "documents", expected_path: str = "documents", optional: bool = False
) -> ScoringCall:
    """True if every document at `expected_path` of the expected output is cited at `path` of the output."""

    def judge(cited: list[str], required: list[str]) -> Scored:
        missing = [document for document in required if document not in set(cited)]
        return scored(not missing, _named("does not cite", missing))

    return against_expected(_of_ids(judge), path, expected_path, optional)


def forbidden_documents(
    *,
    path: str = "documents",
    forbidden_path: str = "metadata.forbidden_documents",
    optional: bool = False,
) -> ScoringCall:
    """True if no document at `path` of the output is in the list at `forbidden_path` of the dataset item."""

    def judge(cited: list[str], forbidden: list[str]) -> Scored:
        breaches = [document for document in cited if document in set(forbidden)]
        return scored(not breaches, _named("cites what is forbidden", breaches))

    return against_item(_of_ids(judge), path, item_path(forbidden_path, "forbidden_path"), optional)


def _of_ids(judge: Callable[[list[str], list[str]], Scored]) -> Callable[[JSON, JSON], Scored]:
    """The judge of two JSON lists, by their ids. A list that is none is False in the output, else an error."""
    return after_reading(
        _ids, judge, of_output="documents of the output", of_item="documents of the dataset item"
    )


def _ids(value: JSON) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {json_type(value)}")
    return [_id(document) for document in value]


def _id(document: JSON) -> str:
    found = document.get("id") if isinstance(document, Mapping) else document
    if not isinstance(found, str):
        raise ValueError(f"neither an id nor an object with an 'id': {quoted(document)}")
    return found


def _named(what: str, documents: list[str]) -> str | None:
    return shortened(f"{what}: {', '.join(documents)}", _LONGEST_COMMENT) if documents else None
