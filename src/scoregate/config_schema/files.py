"""The schema of a gate file and that of a score catalog: what is declared of them, and every scorer's arguments."""

from __future__ import annotations

from scoregate.catalog import CATALOG, KEYS_OF_TYPE, NEEDED_OF_TYPE, SCORE_TYPES, ScoreType
from scoregate.config_schema.keys import Schema, schema_of
from scoregate.config_schema.scorers import scorer_schema
from scoregate.gate_file.gate import GATE

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def gate_schema() -> Schema:
    """JSON Schema of a gate file as its TOML parses to, `gates/NAME.toml`."""
    gate = schema_of(GATE)
    gate["properties"]["scorers"]["additionalProperties"] = scorer_schema()
    return {"$schema": DIALECT, "title": "scoregate: a gate", **gate}


def catalog_schema() -> Schema:
    """JSON Schema of a score catalog, `gates/scores.toml`."""
    catalog = schema_of(CATALOG)
    catalog["additionalProperties"]["allOf"] = [_of_type(kind) for kind in SCORE_TYPES]
    return {"$schema": DIALECT, "title": "scoregate: the score catalog", **catalog}


def _of_type(kind: ScoreType) -> Schema:
    """What holds for contracts of one type: the keys of the others are unknown to it."""
    foreign: Schema = dict.fromkeys(
        (key for other, keys in KEYS_OF_TYPE.items() if other != kind for key in keys), False
    )
    if kind != "categorical":
        foreign["ordered"] = {"const": False}
    needed = NEEDED_OF_TYPE.get(kind)
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {
            "properties": foreign,
            **({"required": [needed]} if needed else {}),
        },
    }
