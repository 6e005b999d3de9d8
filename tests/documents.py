"""Result documents that tests make, held to the schema that is published."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import jsonschema_rs
from jsonschema import Draft202012Validator

from scoregate.records import JSON

_KEYS = ({"outcome", "rules", "exit_code"}, {"gates", "left_out", "exit_code"})
PUBLISHED = Path(__file__).parents[1] / "docs" / "verdict.schema.json"


def checked_document(value: JSON) -> JSON:
    """The value; where it is the document of a verdict, or of several, it obeys the published schema."""
    if isinstance(value, dict) and any(keys <= value.keys() for keys in _KEYS):
        assert problems(value) == []
    return value


def problems(document: JSON) -> list[str]:
    """What is wrong with it, a line each: place and message."""
    with suppress(UnicodeEncodeError):  # the compiled validator takes no unpaired surrogates
        if _is_valid()(document):
            return []
    return sorted(f"{error.json_path}: {error.message}" for error in _validator().iter_errors(document))


@cache
def _is_valid() -> Callable[[JSON], bool]:
    """Thirty times as fast as the one that can say what is wrong: nearly all documents are valid."""
    return jsonschema_rs.Draft202012Validator(_schema()).is_valid


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_schema())


def _schema() -> JSON:
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))
