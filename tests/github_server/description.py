"""GitHub's own description of its REST API, to which requests to the stand-in and its answers are held.

It is npm's `@octokit/openapi`, which is GitHub's OpenAPI document as it publishes it; fetched, and not kept here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.github_server.server import Exchange, GitHubServer
from tests.npm import file_of_package

VERSION = "23.0.2"
_DOCUMENT = "generated/api.github.com.json"
_WHERE = "urn:github"
_OF_ANY = {
    "401": "#/components/responses/requires_authentication",
    "403": "#/components/responses/forbidden",
    "404": "#/components/responses/not_found",
    "410": "#/components/responses/gone",
    "422": "#/components/responses/validation_failed",
}
"""What the document says of errors elsewhere, where an operation lists none."""
_OF_THE_SERVER = {"type": "object", "required": ["message"]}


def check(exchanges: Iterable[Exchange]) -> int:
    """How many exchanges were held to the description. Fails with all that is wrong in them."""
    found = list(exchanges)
    wrong = [complaint for exchange in found for complaint in complaints(exchange)]
    assert not wrong, "\n".join(wrong[:20])
    return len(found)


@contextmanager
def described_server() -> Iterator[GitHubServer]:
    """A stand-in all of whose exchanges are held to the description once it is left."""
    with GitHubServer() as server:
        yield server
    check(server.exchanges)


def complaints(exchange: Exchange) -> Iterator[str]:
    """Where an exchange differs from the description, a line each."""
    name = f"{exchange.method} {exchange.path} -> {exchange.status}"
    place = _place(exchange.path)
    operation = None if place is None else _document()["paths"][place].get(exchange.method.lower())
    if place is None or operation is None:
        yield f"{name}: no such operation"
        return
    for problem in (
        *_of_parameters(exchange, place, operation),
        *_of_body(exchange, operation),
        *_of_answer(exchange, operation),
    ):
        yield f"{name}: {problem}"


def _of_parameters(exchange: Exchange, place: str, operation: Mapping[str, Any]) -> Iterator[str]:
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", place), exchange.path)
    given = {"path": found.groupdict() if found else {}, "query": exchange.query}
    known = [_resolved(one) for one in operation.get("parameters", ())]
    for side, values in given.items():
        declared = {one["name"]: one for one in known if one["in"] == side}
        yield from (f"{side} parameter {name} is not described" for name in values.keys() - declared.keys())
        for name, one in declared.items():
            if name in values:
                kind = one["schema"].get("type")
                value: Any = int(values[name]) if kind == "integer" else values[name]
                yield from _problems(one["schema"], value, f"{side} parameter {name}")
            elif one.get("required"):
                yield f"{side} parameter {name} is missing"


def _of_body(exchange: Exchange, operation: Mapping[str, Any]) -> Iterator[str]:
    if "requestBody" not in operation:
        if exchange.asked is not None:
            yield "has a body that is not described"
        return
    yield from _problems(_content(_resolved(operation["requestBody"])), exchange.asked, "request")


def _of_answer(exchange: Exchange, operation: Mapping[str, Any]) -> Iterator[str]:
    status = str(exchange.status)
    if exchange.status >= 500:
        yield from _problems(_OF_THE_SERVER, exchange.answered, "answer")
        return
    answer = operation["responses"].get(status) or ({"$ref": _OF_ANY[status]} if status in _OF_ANY else None)
    if answer is None:
        yield f"status {status} is not described"
    elif exchange.answered is None:
        if "content" in _resolved(answer):
            yield "the answer has no body"
    else:
        yield from _problems(_content(_resolved(answer)), exchange.answered, "answer")


def _content(described: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = described["content"]["application/json"]["schema"]
    return schema


def _problems(schema: Mapping[str, Any], value: Any, what: str) -> Iterator[str]:
    validator = OAS30Validator(_anchored(schema), registry=_registry())
    for error in validator.iter_errors(value):
        yield f"{what} {error.json_path}: {error.message[:200]}"


def _anchored(schema: Any) -> Any:
    """The schema with references that can be followed from outside of the document."""
    if isinstance(schema, dict):
        return {
            key: f"{_WHERE}{inner}" if key == "$ref" else _anchored(inner) for key, inner in schema.items()
        }
    return list(map(_anchored, schema)) if isinstance(schema, list) else schema


def _resolved(part: Any) -> Any:
    if "$ref" not in part:
        return part
    found: Any = _document()
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


@cache
def _place(path: str) -> str | None:
    """The most literal of the templates that fit a path."""
    fitting = [one for one in _document()["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path)]
    return min(fitting, key=lambda one: one.count("{"), default=None)


@cache
def _registry() -> Registry[Any]:
    registry: Registry[Any] = Registry().with_resource(_WHERE, DRAFT4.create_resource(_document()))
    return registry


@cache
def _document() -> Any:
    path = file_of_package("@octokit/openapi", VERSION, _DOCUMENT)
    return json.loads(path.read_text(encoding="utf-8"))
