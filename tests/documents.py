"""Result documents that tests make, held to the schema that is published."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

from scoregate.records import JSON

PUBLISHED = Path(__file__).parents[1] / "docs" / "verdict.schema.json"


def checked_document(value: JSON) -> JSON:
    """The value; where it is a verdict's document, it obeys the published schema."""
    if isinstance(value, dict) and {"outcome", "rules", "exit_code"} <= value.keys():
        assert problems(value) == []
    return value


def problems(document: JSON) -> list[str]:
    """What is wrong with it, a line each: place and message."""
    return sorted(f"{error.json_path}: {error.message}" for error in _validator().iter_errors(document))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
