"""Texts of others stay texts in JUnit, JSON, CSV and the terminal: each can be read, and nothing around it changes."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from junitparser import JUnitXml

from scoregate.records import JSON
from scoregate.reports import render
from scoregate.reports.document import from_document
from scoregate.reports.terminal import render_terminal
from scoregate.reports.text import one_line
from tests.documents import problems
from tests.reports.hostile import HOSTILE, report_with
from tests.reports.xunit import end_of, schema

PLAIN = "plain"
ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""What no report may hold as it is."""

each_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def test_there_are_forty() -> None:
    assert len(set(HOSTILE.values())) == 40


@each_text
def test_json_holds_the_text_itself(text: str) -> None:
    written = render(report_with(text), "json")

    document = json.loads(written)
    assert document == with_text(json.loads(render(report_with(PLAIN), "json")), text)
    assert problems(document) == []
    assert not ACTS.search(written)
    assert render(from_document(document), "json") == written


def with_text(value: JSON, text: str) -> JSON:
    """The value of a report with the plain text, as it is with another one in its place."""
    if isinstance(value, dict):
        return {with_text(key, text): with_text(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_text(inner, text) for inner in value]
    return text if value == PLAIN else value


@each_text
def test_csv_has_the_same_cells_around_it(text: str) -> None:
    rows, plain = table(text), table(PLAIN)

    assert len(rows) == len(plain) == 4
    for row, as_usual in zip(rows, plain, strict=True):
        assert [cell for cell, usual in zip(row, as_usual, strict=True) if usual != PLAIN] == [
            usual for usual in as_usual if usual != PLAIN
        ]
        for cell, usual in zip(row, as_usual, strict=True):
            if usual == PLAIN:
                assert is_shown(text, cell.removeprefix("'"))
                assert not cell.startswith(("=", "+", "-", "@", "::"))


@each_text
def test_csv_has_a_line_a_rule(text: str) -> None:
    written = render(report_with(text), "csv")

    assert not ACTS.search(written.replace("\r\n", "\n"))
    assert written.count("\n") == written.count("\r\n") == 4


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(render(report_with(text), "csv"), newline=""), strict=True))


def is_shown(text: str, cell: str) -> bool:
    """Whether the cell shows all of the text, or so much of it as fits into one."""
    if len(cell) == 32_767 and cell.endswith("…"):
        return readable(text).startswith(readable(cell[:-1]))
    return readable(cell) == readable(text)


def readable(text: str) -> str:
    """What a reader sees of it: no blanks, no line ends, and nothing that was written out."""
    return re.sub(r"\\x..|\\u....|\\n|\\r|\\t|\s", "", ACTS.sub("", text))


@each_text
def test_junit_has_the_same_elements_around_it(text: str) -> None:
    written, plain = (render(report_with(one), "junit") for one in (text, PLAIN))

    schema().validate(written)
    assert not ACTS.search(written)
    assert shape(ElementTree.fromstring(written)) == shape(ElementTree.fromstring(plain))
    assert written.count("\n") == plain.count("\n")


def shape(element: ElementTree.Element) -> Any:
    """Tag, attributes by name, whether there is text, and the same of all that it holds."""
    has_text = bool((element.text or "").strip())
    return element.tag, sorted(element.attrib), has_text, [shape(inner) for inner in element]


@each_text
def test_junit_shows_what_the_terminal_shows(text: str) -> None:
    (suite,) = JUnitXml.fromstring(render(report_with(text), "junit").encode())

    cases = list(suite)
    assert [end_of(case) for case in cases] == [
        f"failure: {one_line(text)}",
        f"skipped: {one_line(text)}",
        "error: the last one",
    ]
    assert suite.name == cases[0].classname == cases[0].name
    assert one_line(text).startswith(suite.name.removesuffix("…"))
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (3, 1, 1, 1)


@each_text
def test_the_terminal_is_told_nothing_but_text(text: str) -> None:
    shown = render_terminal(report_with(text), width=100, colour=False)

    assert not ACTS.search(shown)
    assert len(shown) < 200_000
