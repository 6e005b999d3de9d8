"""A result document read back into a `Report`, from a file that anyone may have written.

It is believed only as far as it agrees with itself: it is of bounded size, strict JSON, obeys the published schema, and
says of what follows from the rest (exit code, items that regressed, digest of the policy) what does follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scoregate.errors import ResultsError
from scoregate.files.reading import JsonProblem, check_input_file, decode_utf8, parse_json, reading
from scoregate.records import JSON
from scoregate.reports.document import VERSION, as_document, document_schema, from_document
from scoregate.reports.report import Report
from scoregate.reports.text import one_line, shorten

MOST_BYTES = 32 << 20
"""Bytes of a document, which holds the items that moved with all that went in and came out."""
_SHOWN = 200
"""Columns of what is said of a document that is refused: it quotes from it."""


def read_report(path: Path) -> Report:
    """The report that a document of `-o json=PATH` holds. Raises ResultsError, in one line with the place in it."""
    check_input_file(path, (".json",), ResultsError)
    with reading(path, ResultsError), path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ResultsError(f"is larger than {MOST_BYTES >> 20} MiB", where=str(path))
    try:
        document = parse_json(decode_utf8(data))
    except UnicodeDecodeError as error:
        raise ResultsError(f"is not UTF-8 at byte {error.start}", where=str(path)) from None
    except JsonProblem as problem:
        raise ResultsError(str(problem), where=str(path)) from None
    wrong = _version_problem(document) or _schema_problem(document)
    if wrong is not None:
        raise ResultsError(_line(wrong), where=str(path), hint="it is what -o json=PATH wrote")
    report = from_document(document)
    differing = _contradiction(report, document)
    if differing is not None:
        raise ResultsError(f"{differing} is not what follows from the rest", where=str(path))
    return report


def _version_problem(document: JSON) -> str | None:
    version = document.get("schema") if isinstance(document, dict) else None
    if version is None or version == VERSION:
        return None
    return f"is of schema {version}, and this version reads {VERSION}"


def _schema_problem(document: JSON) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(document_schema()).iter_errors(document))
    return None if error is None else f"is no result document: {error.json_path}: {error.message}"


def _contradiction(report: Report, document: Mapping[str, JSON]) -> str | None:
    """The first key that differs from what the report itself would be written as; None where none does."""
    if report.policy is not None:
        from scoregate.reports.policy import digest_of

        if digest_of(report.policy, report.contracts) != report.policy.digest:
            return "policy.digest"
    for spread in report.verdict.spreads:
        if len({len(spread.quantiles), len(spread.baseline), len(spread.candidate)}) > 1:
            return "spreads"
    written = as_document(report)
    return next((key for key in document if document[key] != written.get(key)), None)


def _line(text: str) -> str:
    return shorten(one_line(text), _SHOWN)
