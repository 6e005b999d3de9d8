"""The verdict as one JSON document, from which alone every other face can be made: written, declared, read back.

It is `verdict.to_dict()` with what stands beside a verdict in a `Report`, each part under the key in `_parts`, and the
contents of the items that it names. `schema` counts up when a key goes or changes its meaning; within a schema, keys
are only added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoregate.catalog import Contract
from scoregate.errors import INCONCLUSIVE, INTERRUPTED, PASS
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem, RoundName, Verdict
from scoregate.reports.declared import as_json, from_json, object_of, schema_of
from scoregate.reports.judge_lines import corrected_json, judge_usage_json
from scoregate.reports.report import Report
from scoregate.wording import written_out

VERSION = 1
_CONTENTS = ("input", "expected_output", "before", "after")
_MADE = ("schema", "exit_code", "regressed_items")
"""What a verdict's document says beside its fields."""


def render_json(report: Report) -> str:
    """`verdict.to_dict()` plus `items`: id -> `input`, `expected_output`, `before`, `after` of each item that moved
    or was run again; and all that a report shows beside the verdict, and where both come from.

    A key of an item is there only if its value is known (`before: null` is an output that was null), and so are
    `corrected`, `judges`, `provenance`, `policy` and `path`. Numbers that JSON does not have (NaN, infinity) are null,
    and what acts instead of being read (other line ends, turned directions) is an escape of JSON.
    """
    return written(as_document(report))


def written(document: Mapping[str, JSON]) -> str:
    """The document as text, see `render_json`."""
    text = json_codec.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    # Such characters stand in strings only; half of a surrogate pair has no UTF-8, and its escape is legal JSON.
    return written_out(text, lambda character: f"\\u{ord(character):04x}") + "\n"


def as_document(report: Report) -> dict[str, JSON]:
    """The same as JSON values."""
    document = {**report.verdict.to_dict(), "exit_code": report.undelivered_code or report.verdict.exit_code}
    moved = [flip.item for flip in report.verdict.flips]
    named = dict.fromkeys([*moved, *(fresh.item for fresh in report.verdict.confirmed)])
    document["items"] = {item: _contents(report, item) for item in named}
    if report.corrected:
        document["corrected"] = corrected_json(report)
    if report.judge_usage:
        document["judges"] = judge_usage_json(report)
    document |= {name: getattr(report, name) for name in _ALWAYS}
    document |= {name: part for name in _IF_KNOWN if (part := getattr(report, name)) is not None}
    return {key: as_json(part) for key, part in document.items()}


_ALWAYS = ("contracts", "hints", "links", "anchor", "last_round", "decides", "diff_command")
_IF_KNOWN = ("provenance", "policy", "path")
"""Fields of a `Report` that are parts of the document under their own names."""


def _contents(report: Report, item: str) -> dict[str, JSON]:
    contents: dict[str, JSON] = {}
    if item in report.items:
        contents["input"] = report.items[item].input
        contents["expected_output"] = report.items[item].expected_output
    if item in report.baseline_outputs:
        contents["before"] = report.baseline_outputs[item]
    if item in report.candidate_outputs:
        contents["after"] = report.candidate_outputs[item]
    return contents


def document_schema() -> dict[str, JSON]:
    """JSON Schema of the document of one gate, made from what the code declares."""
    verdict = schema_of(Verdict)
    parts = {name: schema_of(kind) for name, kind in _parts().items()}
    items = {
        "type": "object",
        "additionalProperties": object_of({name: {} for name in _CONTENTS}, ())
        | {"dependentRequired": {"input": ["expected_output"], "expected_output": ["input"]}},
    }
    made = {
        "schema": {"const": VERSION},
        "exit_code": {"enum": [0, 1, 3, 4, 5]},
        "regressed_items": {"type": "array", "items": {"type": "string"}},
    }
    return object_of(
        {**made, **verdict["properties"], "items": items, **parts},
        [*made, *verdict["required"], "items", *_ALWAYS],
    )


def from_document(document: Mapping[str, JSON]) -> Report:
    """The report that the document, which obeys the schema, was made of, as far as a face shows it."""
    kinds = _parts()
    parts = {name: from_json(kind, document[name]) for name, kind in kinds.items() if name in document}
    if "corrected" in parts:
        parts["corrected"] = {
            name: value.reason if isinstance(value, NotCorrected) else value
            for name, value in parts["corrected"].items()
        }
    if "judges" in parts:
        parts["judge_usage"] = parts.pop("judges")
    items = document["items"]
    verdict: Verdict = from_json(Verdict, {key: part for key, part in document.items() if key not in _MADE})
    undelivered = document["exit_code"] == INTERRUPTED and verdict.exit_code in (PASS, INCONCLUSIVE)
    return Report(
        verdict=verdict,
        undelivered_code=INTERRUPTED if undelivered else None,
        items={
            item: DatasetItem(item, contents["input"], contents["expected_output"])
            for item, contents in items.items()
            if "input" in contents
        },
        baseline_outputs=_outputs(items, "before"),
        candidate_outputs=_outputs(items, "after"),
        **parts,
    )


def _outputs(items: Mapping[str, Mapping[str, JSON]], side: str) -> dict[str, JSON]:
    return {item: contents[side] for item, contents in items.items() if side in contents}


@dataclass(frozen=True, slots=True)
class NotCorrected:
    """Why there is no corrected value of a score."""

    reason: str


def _parts() -> dict[str, Any]:
    """Key -> type of what stands beside the verdict. Asked for only where a document is declared or read."""
    from scoregate.calibration.corrected_value import CorrectedValue
    from scoregate.reports.policy import Policy
    from scoregate.reports.provenance import Provenance
    from scoregate.store.judging import RunUsage

    return {
        "corrected": Mapping[str, CorrectedValue | NotCorrected],
        "judges": tuple[RunUsage, ...],
        "contracts": Mapping[str, Contract],
        "hints": tuple[str, ...],
        "links": Mapping[str, str],
        "anchor": str | None,
        "last_round": RoundName,
        "decides": bool,
        "diff_command": str | None,
        "provenance": Provenance,
        "policy": Policy,
        "path": str,
    }
