"""A JSON Schema as a Langfuse server takes it (see `schema_rules`), where that says the same of every value.

What is only spelled otherwise in Draft 2020-12 is spelled as in draft-07; what a validator ignores is left out; a
keyword that lacks its type becomes "not of this type, or of it and so". Whatever else is in the way is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scoregate.errors import ConfigError
from scoregate.langfuse.schema_rules import (
    BRANCHES,
    DEFINITIONS,
    DRAFT_07,
    NAMED,
    OF_TYPE,
    PARTS,
    SAME_VALUE,
    applies,
    strict_problem,
    types_of,
)
from scoregate.records import JSON

_DRAFT = re.compile(r"https?://json-schema\.org/(draft/2020-12|draft/2019-09|draft-0[67])/schema#?")
_PLAIN_REFERENCE = re.compile(r"#(/(definitions|\$defs)/[^/]+)?")


def sendable_schema(schema: JSON, where: str) -> JSON:
    """The schema as it is sent; the same one where the server takes it as it is.

    Raises ConfigError, at `where`, which names the keyword that the server would refuse.
    """
    if strict_problem(schema) is None:
        return schema
    translated = _translated(schema)
    problem = strict_problem(translated)
    if problem is not None:
        raise ConfigError(
            f"Langfuse would refuse this schema for {problem}; it takes draft-07 and reads it strictly",
            where=where,
            hint="write it otherwise, or leave it to the gate alone (`input_schema`, `expected_output_schema`)",
        )
    return translated


def _translated(schema: JSON) -> JSON:
    if not isinstance(schema, dict) or not _DRAFT.fullmatch(str(schema.get("$schema", DRAFT_07))):
        return schema
    if not all(map(_PLAIN_REFERENCE.fullmatch, _references(schema))):
        return schema  # It may lead into what would be moved.
    made = _of_value({name: value for name, value in schema.items() if name != "$schema"}, ())
    return {"$schema": DRAFT_07, **made} if isinstance(made, dict) else made


def _references(schema: JSON) -> Iterator[str]:
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            stack += part.values()
        elif isinstance(part, list):
            stack += part


def _of_value(schema: JSON, context: tuple[str, ...]) -> JSON:
    """One schema and those in it; `context` are the types that the schemas around it leave to the same value."""
    if not isinstance(schema, dict):
        return schema
    made = _spelled({name: value for name, value in schema.items() if not name.startswith("x-")})
    own = types_of({"type": made["type"]}) if "type" in made else ()
    more: list[JSON] = []
    if len(own) > 2 or (len(own) == 2 and "null" not in own):
        more.append({"anyOf": [{"type": kind} for kind in own]})
        del made["type"]
        own = ()
    types = tuple(kind for kind in context if applies(kind, own)) if own and context else own or context
    apart: list[JSON] = []
    for kind, words in OF_TYPE.items():
        said = {word: made.pop(word) for word in words if word in made and not applies(kind, types)}
        if said and not types:
            # Types are known nowhere: the keyword is about values of its own type alone.
            apart.append({"anyOf": [{"not": {"type": kind}}, {"type": kind, **said}]})
    if "format" in made and not (applies("string", types) or applies("number", types)):
        del made["format"]  # The server validates no formats.
    _declare_required(made)
    for word in SAME_VALUE:
        if word in made:
            made[word] = _of_value(made[word], types)
    for word in BRANCHES:
        if word in made:
            made[word] = [_of_value(one, types) for one in made[word]]
    if "dependencies" in made:
        made["dependencies"] = {name: _of_value(one, types) for name, one in made["dependencies"].items()}
    for word in PARTS:
        inner = made.get(word)
        known = ("string",) if word == "propertyNames" else ()
        if isinstance(inner, list):
            made[word] = [_of_value(one, known) for one in inner]
        elif inner is not None:
            made[word] = _of_value(inner, known)
    for word in (*NAMED, *DEFINITIONS):
        if isinstance(made.get(word), dict):
            made[word] = {name: _of_value(one, ()) for name, one in made[word].items()}
    for one in apart:
        assert isinstance(one, dict)
        no, yes = one["anyOf"]
        more.append({"anyOf": [no, _of_value(yes, ())]})
    if more:
        made["allOf"] = [*made.get("allOf", ()), *more]
    return made


def _spelled(schema: dict[str, JSON]) -> dict[str, JSON]:
    """The keywords of one schema as draft-07 spells them, without those that say nothing."""
    made = dict(schema)
    made.pop("nullable", None)  # JSON Schema knows no such keyword, so here it is none either.
    if "if" not in made or not made.keys() & {"then", "else"}:
        for word in ("if", "then", "else"):
            made.pop(word, None)
    if isinstance(made.get("prefixItems"), list) and not isinstance(made.get("items"), list):
        rest = made.pop("items", None)
        made["items"] = made.pop("prefixItems")
        if rest is not None:
            made["additionalItems"] = rest
        elif made.get("maxItems") == len(made["items"]):
            made["additionalItems"] = False
    elif not isinstance(made.get("items"), list):
        made.pop("additionalItems", None)
    needed = made.pop("dependentRequired", {})
    then = made.pop("dependentSchemas", {})
    if needed or then:
        dependencies = dict(made.get("dependencies", {}))
        for name, one in (*needed.items(), *then.items()):
            before = dependencies.get(name)
            dependencies[name] = one if before is None else {"allOf": [_as_schema(before), _as_schema(one)]}
        made["dependencies"] = dependencies
    return made


def _as_schema(dependency: JSON) -> JSON:
    return {"type": "object", "required": dependency} if isinstance(dependency, list) else dependency


def _declare_required(schema: dict[str, JSON]) -> None:
    """Declare what is required among the properties, as what it may be already."""
    declared: Mapping[str, JSON] = schema.get("properties") or {}
    missing = [name for name in schema.get("required") or () if name not in declared]
    rest = schema.get("additionalProperties", {})
    if missing and (rest in ({}, True) or "patternProperties" not in schema):
        schema["properties"] = {**declared, **dict.fromkeys(missing, {} if rest is True else rest)}
