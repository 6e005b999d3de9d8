"""A result document read back into a `Report` or a `Build`, from a file that anyone may have written.

It is believed only as far as it agrees with itself: it is of bounded size, strict JSON, obeys the published schema, and
says of what follows from the rest (exit code, items that regressed, digest of the policy) what does follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scoregate.errors import ResultsError
from scoregate.files.reading import JsonProblem, check_input_file, decode_utf8, parse_json, reading
from scoregate.records import JSON
from scoregate.reports import build_document
from scoregate.reports.build import Build
from scoregate.reports.document import VERSION, as_document, document_schema, from_document
from scoregate.reports.report import Report
from scoregate.reports.text import one_line, shorten

MOST_BYTES = 32 << 20
"""Bytes of a document, which holds the items that moved with all that went in and came out."""
_SHOWN = 200
"""Columns of what is said of a document that is refused: it quotes from it."""


def read_build(path: Path) -> Build:
    """What a document of `-o json=PATH` holds; that of one gate is a build of one. Raises as `read_result`."""
    found = read_result(path)
    return found if isinstance(found, Build) else Build((found,))


def read_result(path: Path) -> Report | Build:
    """What a document of `-o json=PATH` holds: the report of a gate, or those of a build.

    Raises ResultsError, in one line with the place in it.
    """
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
    found: Report | Build
    if document["schema"] == VERSION:
        found = from_document(document)
        differing = _contradiction(found, document)
    else:
        found = build_document.from_build_document(document)
        differing = _build_contradiction(found, document)
    if differing is not None:
        raise ResultsError(f"{differing} is not what follows from the rest", where=str(path))
    return found


def _version_problem(document: JSON) -> str | None:
    version = document.get("schema") if isinstance(document, dict) else None
    known = (VERSION, build_document.VERSION)
    if version is None or version in known:
        return None
    return f"is of schema {version}, and this version reads {' and '.join(map(str, known))}"


def _schema_problem(document: JSON) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema = document_schema()
    if isinstance(document, dict) and document.get("schema") == build_document.VERSION:
        schema = build_document.build_schema(schema)
    error = best_match(Draft202012Validator(schema).iter_errors(document))
    return None if error is None else f"is no result document: {error.json_path}: {error.message}"


def _build_contradiction(build: Build, document: Mapping[str, JSON]) -> str | None:
    """As `_contradiction`, of the build and of each of its gates."""
    for index, (report, one) in enumerate(zip(build.reports, document["gates"], strict=True)):
        differing = _contradiction(report, one)
        if differing is not None:
            return f"gates[{index}].{differing}"
    return _first_difference(document, build_document.build_document(build))


def _contradiction(report: Report, document: Mapping[str, JSON]) -> str | None:
    """The first key that differs from what the report itself would be written as; None where none does."""
    if report.policy is not None:
        from scoregate.reports.policy import digest_of

        if digest_of(report.policy, report.contracts) != report.policy.digest:
            return "policy.digest"
    for spread in report.verdict.spreads:
        if len({len(spread.quantiles), len(spread.baseline), len(spread.candidate)}) > 1:
            return "spreads"
    return _first_difference(document, as_document(report))


def _first_difference(document: Mapping[str, JSON], written: Mapping[str, JSON]) -> str | None:
    return next((key for key in document if document[key] != written.get(key)), None)


def _line(text: str) -> str:
    return shorten(one_line(text), _SHOWN)
