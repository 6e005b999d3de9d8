"""A declared key as JSON Schema, draft 2020-12."""

from __future__ import annotations

from scoregate.config.keys import Anything, Choice, Flag, Integer, Key, Number, Table, Text, Texts
from scoregate.records import JSON

Schema = dict[str, JSON]

_NOT_BLANK = r"\S"
_BOUNDS = {
    "at_least": "minimum",
    "above": "exclusiveMinimum",
    "at_most": "maximum",
    "below": "exclusiveMaximum",
}


def schema_of(key: Key) -> Schema:
    """What a value of the key looks like."""
    match key:
        case Text():
            return {"type": "string", "pattern": whole(key.pattern) if key.pattern else _NOT_BLANK}
        case Choice():
            return {"enum": list(key.words)}
        case Flag():
            return {"type": "boolean"}
        case Number():
            return {"type": "number", **bounds_of(key), **({} if key.zero else {"not": {"const": 0}})}
        case Integer():
            return {"type": "integer", "minimum": key.at_least}
        case Texts():
            text = schema_of(Text())
            texts = {"type": "array", "items": text, **({} if key.may_be_empty else {"minItems": 1})}
            return {"anyOf": [text, texts]} if key.or_text else texts
        case Table():
            return _table(key)
        case Anything():
            return {}


def bounds_of(number: Number) -> Schema:
    """Its bounds, under their names in JSON Schema."""
    given = {word: getattr(number, name) for name, word in _BOUNDS.items()}
    return {word: bound for word, bound in given.items() if bound is not None}


def whole(pattern: str) -> str:
    """A pattern that fits a whole text, as one of JSON Schema, which may fit anywhere."""
    return f"^(?:{pattern})$"


def _table(table: Table) -> Schema:
    names: Schema = {}
    if table.names:
        names["pattern"] = whole(table.names)
    if table.longest_name is not None:
        names["maxLength"] = table.longest_name
    if table.never:
        names["not"] = {"enum": sorted(table.never)}
    return {
        "type": "object",
        **({"properties": {name: schema_of(key) for name, key in table.keys.items()}} if table.keys else {}),
        **({"required": list(table.required)} if table.required else {}),
        "additionalProperties": False if table.others is None else schema_of(table.others),
        **({"propertyNames": names} if names else {}),
        **({"minProperties": table.fewest} if table.fewest else {}),
    }
