"""Which JSON Schemas a Langfuse server takes for a dataset: draft-07, read strictly.

The server compiles a schema with Ajv in its strict mode (`strict: true`) and answers 400 to one that does not compile,
without a word on what is wrong. These are that mode's rules: what is ignored by a validator is a mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from scoregate.records import JSON

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
MOST_CHARACTERS = 10_000
"""Longest schema, as compact JSON text in UTF-16 units, which is how the server counts."""
OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "number": ("multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"),
    "string": ("maxLength", "minLength", "pattern"),
    "object": ("maxProperties", "minProperties", "required", "properties", "additionalProperties",
               "patternProperties", "propertyNames", "dependencies"),
    "array": ("maxItems", "minItems", "uniqueItems", "items", "additionalItems", "contains"),
}  # fmt: skip
"""Type -> the keywords that say something of its values only."""
BRANCHES = ("allOf", "anyOf", "oneOf")
"""Lists of schemas of the same value."""
SAME_VALUE = ("not", "if", "then", "else")
"""Schemas of the same value."""
NAMED = ("properties", "patternProperties")
"""Schemas by name, of parts of the value."""
PARTS = ("additionalProperties", "propertyNames", "items", "additionalItems", "contains")
"""Schemas of parts of the value; `items` may be a list."""
DEFINITIONS = ("definitions", "$defs")
_OTHERS = (
    "$schema", "$id", "$ref", "$comment", "$vocabulary", "type", "enum", "const", "format", "nullable",
    "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples",
    "contentMediaType", "contentEncoding", "contentSchema",
)  # fmt: skip
KNOWN = frozenset(
    (*_OTHERS, *BRANCHES, *SAME_VALUE, *DEFINITIONS, *(word for words in OF_TYPE.values() for word in words))
)
_TYPE_OF = {word: kind for kind, words in OF_TYPE.items() for word in words}
_ESCAPES = frozenset("^$\\.*+?()[]{}|/dDwWsSbBnrtvfcxupPk0123456789")


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """The first thing in a schema that the server refuses."""

    keyword: str
    place: str
    """A JSON pointer from `#`."""
    why: str

    def __str__(self) -> str:
        return f"{self.keyword} at {self.place}: {self.why}"


def strict_problem(schema: JSON) -> SchemaProblem | None:
    """The first rule that a schema breaks, None where the server takes it."""
    if not isinstance(schema, dict):
        return SchemaProblem("schema", "#", "it has to be an object")
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MOST_CHARACTERS:
        return SchemaProblem("schema", "#", f"it takes more than {MOST_CHARACTERS:,} characters")
    named = schema.get("$schema")
    if named is not None and str(named).removesuffix("#") != DRAFT_07.removesuffix("#"):
        return SchemaProblem("$schema", "#", f"{named} is not draft-07")
    from jsonschema import Draft7Validator, SchemaError

    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        word = next((str(step) for step in reversed(error.absolute_path) if step in KNOWN), "schema")
        return SchemaProblem(word, "/".join(("#", *map(str, error.absolute_path))), error.message[:200])
    return next(_problems(schema, schema, "#", (), set()), None)


def types_of(schema: Mapping[str, JSON]) -> tuple[str, ...]:
    """The types that a schema names itself."""
    said = schema.get("type")
    types = (said,) if isinstance(said, str) else tuple(said or ())
    return (*types, "null") if schema.get("nullable") is True and "null" not in types else types


def applies(kind: str, types: Sequence[str]) -> bool:
    """Whether a keyword of this type says something of values of one of those types."""
    return kind in types or (kind == "number" and "integer" in types)


def subschemas(schema: Mapping[str, JSON]) -> Iterator[tuple[str, JSON, bool]]:
    """The schemas in a schema, definitions left out: where, which, and whether it is about the same value."""
    for word in (*SAME_VALUE, *PARTS):
        inner = schema.get(word)
        if isinstance(inner, list):
            yield from ((f"{word}/{number}", one, False) for number, one in enumerate(inner))
        elif inner is not None:
            yield word, inner, word in SAME_VALUE
    for word in BRANCHES:
        yield from ((f"{word}/{number}", one, True) for number, one in enumerate(schema.get(word) or ()))
    for word in NAMED:
        yield from ((f"{word}/{name}", one, False) for name, one in (schema.get(word) or {}).items())
    for name, one in (schema.get("dependencies") or {}).items():
        if not isinstance(one, list):
            yield f"dependencies/{name}", one, True


def not_javascript(pattern: str) -> str | None:
    """What in a pattern is no regular expression of JavaScript with its flag `u`, as far as that is known here."""
    found = re.search(r"\(\?(P|#|>|\(|[aiLmsux]+[:)-])", pattern.replace("\\\\", ""))
    if found:
        return f"the group '{found[0]}', which is Python's"
    inside, steps = False, iter(pattern)
    for step in steps:
        if step == "\\":
            escaped = next(steps, "")
            if escaped not in _ESCAPES and not (inside and escaped == "-"):
                return f"the escape '\\{escaped}'"
        elif step in "[]":
            inside = step == "["
    return None


def _problems(
    schema: JSON, root: JSON, place: str, context: tuple[str, ...], seen: set[str]
) -> Iterator[SchemaProblem]:
    """What is wrong in a schema; `context` are the types that the schemas around it leave to the same value."""
    if isinstance(schema, bool):
        return
    for word in schema:
        if word not in KNOWN:
            yield SchemaProblem(word, place, "an unknown keyword")
    target = schema.get("$ref")
    if isinstance(target, str):
        yield from _of_reference(target, root, place, seen)
    own = types_of(schema)
    yield from _of_types(schema, own, place, context)
    types = tuple(kind for kind in context if applies(kind, own)) if own and context else own or context
    for word in schema:
        kind = _TYPE_OF.get(word)
        if kind is not None and not applies(kind, types):
            yield SchemaProblem(word, place, f'it has no "type": "{kind}" beside it')
    if "format" in schema and not (applies("string", types) or applies("number", types)):
        yield SchemaProblem("format", place, 'it has no "type": "string" beside it')
    yield from _of_keywords(schema, place)
    for step, inner, same_value in subschemas(schema):
        known = types if same_value else ("string",) if step == "propertyNames" else ()
        yield from _problems(inner, root, f"{place}/{step}", known, seen)


def _of_reference(target: str, root: JSON, place: str, seen: set[str]) -> Iterator[SchemaProblem]:
    if target in seen:
        return
    seen.add(target)
    found: JSON = root
    for step in target.removeprefix("#").split("/")[1:]:
        step = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = found.get(step) if isinstance(found, dict) else None
    if found is None or not target.startswith("#"):
        yield SchemaProblem("$ref", place, f"it leads nowhere: {target}")
    elif found is not root:
        yield from _problems(found, root, target, (), seen)


def _of_types(
    schema: Mapping[str, JSON], own: tuple[str, ...], place: str, context: tuple[str, ...]
) -> Iterator[SchemaProblem]:
    nullable = schema.get("nullable")
    if nullable is not None and ("type" not in schema or (nullable is False and "null" in own)):
        yield SchemaProblem("nullable", place, 'it contradicts "type", or has none beside it')
    for kind in own:
        if context and not (kind in context or (kind == "integer" and "number" in context)):
            yield SchemaProblem("type", place, f'the schemas around it leave no "{kind}"')
    if len(own) > 2 or (len(own) == 2 and "null" not in own):
        yield SchemaProblem("type", place, "it takes one type, and null beside it")


def _of_keywords(schema: Mapping[str, JSON], place: str) -> Iterator[SchemaProblem]:
    declared = schema.get("properties") or {}
    for name in schema.get("required") or ():
        if name not in declared:
            yield SchemaProblem("required", place, f"'{name}' is not among the properties beside it")
    if "if" in schema and "then" not in schema and "else" not in schema:
        yield SchemaProblem("if", place, 'it has neither "then" nor "else"')
    for word in ("then", "else"):
        if word in schema and "if" not in schema:
            yield SchemaProblem(word, place, 'it has no "if"')
    if schema.get("enum") == []:
        yield SchemaProblem("enum", place, "it is empty")
    items = schema.get("items")
    if isinstance(items, list):
        size = len(items)
        closed = schema.get("maxItems") == size or schema.get("additionalItems") is False
        if schema.get("minItems") != size or not closed:
            yield SchemaProblem(
                "items", place, f'a list needs "minItems": {size} and "additionalItems": false'
            )
    elif "additionalItems" in schema:
        yield SchemaProblem("additionalItems", place, 'it goes with a list of "items" only')
    patterns = list(schema.get("patternProperties") or ())
    for pattern in (*patterns, *([schema["pattern"]] if "pattern" in schema else ())):
        why = not_javascript(pattern)
        if why is not None:
            word = "pattern" if "pattern" in schema else "patternProperties"
            yield SchemaProblem(
                word, place, f"'{pattern[:60]}' holds {why}, and the server reads JavaScript's"
            )
    for pattern in patterns:
        both = [name for name in declared if re.search(pattern, name)]
        if both:
            yield SchemaProblem(
                "patternProperties", place, f"'{pattern[:60]}' fits the property '{both[0]}' too"
            )
