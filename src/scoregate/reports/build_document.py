"""The document of a build: those of its gates, and what is known of the gates that have no verdict.

`schema` is 2 there and 1 in the document of a gate, which one gate that was named alone has to itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from scoregate.errors import INTERRUPTED, INVALID, USAGE
from scoregate.records import JSON
from scoregate.reports.build import Build, LeftOut, Refused
from scoregate.reports.declared import as_json, from_json, object_of, schema_of
from scoregate.reports.document import as_document, document_schema, from_document, written

VERSION = 2
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render_build_json(build: Build) -> str:
    """The document as text, in which a gate's stands as `reports.document` writes it."""
    return written(build_document(build))


def build_document(build: Build) -> dict[str, JSON]:
    """The same as JSON values."""
    return {
        "schema": VERSION,
        "exit_code": build.exit_code,
        "alpha": build.alpha,
        "gates": list(map(as_document, build.reports)),
        "left_out": as_json(build.left_out),
        "refused": as_json(build.refused),
        **({"folder": build.folder} if build.folder else {}),
    }


def from_build_document(document: Mapping[str, JSON]) -> Build:
    """The build that the document, which obeys the schema, was made of."""
    return Build(
        reports=tuple(map(from_document, document["gates"])),
        left_out=from_json(tuple[LeftOut, ...], document["left_out"]),
        refused=from_json(tuple[Refused, ...], document["refused"]),
        alpha=from_json(float | None, document["alpha"]),
        folder=document.get("folder"),
    )


def build_schema(gate: Mapping[str, JSON]) -> dict[str, JSON]:
    """JSON Schema of the document; `gate` is that of one gate's, or where it stands."""
    refused = schema_of(Refused)
    refused["properties"]["exit_code"] = {"enum": [USAGE, INVALID, INTERRUPTED]}
    members = {
        "schema": {"const": VERSION},
        "exit_code": {"enum": [0, 1, 2, 3, 4, 5]},
        "alpha": schema_of(float | None),
        "gates": {"type": "array", "items": gate},
        "left_out": schema_of(tuple[LeftOut, ...]),
        "refused": {"type": "array", "items": refused},
    }
    return object_of({**members, "folder": schema_of(str)}, list(members))


def result_schema() -> dict[str, JSON]:
    """JSON Schema of whatever `--json` prints: the document of a build has `gates`, and every other is a gate's."""
    of_gate, of_build = ({"$ref": f"#/$defs/{name}"} for name in ("gate", "build"))
    return {
        "$schema": _DIALECT,
        "title": "scoregate: the result of a gate, or of several",
        "if": {"type": "object", "required": ["gates"]},
        "then": of_build,
        "else": of_gate,
        "$defs": {"gate": document_schema(), "build": build_schema(of_gate)},
    }
