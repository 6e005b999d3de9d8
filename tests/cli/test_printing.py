"""What a model, a dataset or a file holds reaches a terminal and a build's log as text that nobody acts on."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest

import scoregate
from scoregate.cli.printing import print_json, print_text

_SOURCES = Path(scoregate.__file__).parent


def _printed(text: str, *, colours: bool = False) -> str:
    stream = io.StringIO()
    print_text(text, stream=stream, colours=colours)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;http://a.example\x07link\x1b]8;;\x07", r"\x1b]8;;http://a.example\x07link\x1b]8;;\x07"),
        ("\x9b2J clears", r"\x9b2J clears"),
        ("a\rb\0c\x08d\x7f", r"a\rb\x00c\x08d\x7f"),
        ("evil\u202etxt.exe\u2066", r"evil\u202etxt.exe\u2066"),
        ("two\u2028lines\x85three", r"two\u2028lines\x85three"),
        ("half \ud83d", r"half \ud83d"),
        ("a tab\tand a line\nend stay", "a tab\tand a line\nend stay"),
        ("joined 👩‍👩‍👧 and naïve stay", "joined 👩‍👩‍👧 and naïve stay"),
    ],
)
def test_what_a_terminal_would_act_on_is_written_out(text: str, shown: str) -> None:
    assert _printed(text) == shown + "\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error file=a.py::no", ": :error file=a.py::no"),
        ("  \t::add-mask::x", "  \t: :add-mask::x"),
        ("fine\n::stop-commands::x", "fine\n: :stop-commands::x"),
        ("said ##[group]x", "said # #[group]x"),
        ("##vso[task.setvariable variable=a]b", "# #vso[task.setvariable variable=a]b"),
        ("x ##teamcity[buildStop]", "x # #teamcity[buildStop]"),
        ("### a heading and tests/a.py::test_b stay", "### a heading and tests/a.py::test_b stay"),
    ],
)
def test_a_line_that_a_build_service_takes_for_a_command_is_broken(line: str, shown: str) -> None:
    assert _printed(line) == shown + "\n"


def test_colours_of_the_report_stay_and_nothing_else_does() -> None:
    assert (
        _printed("\x1b[1;31mRED\x1b[0m \x1b[2J\x9b", colours=True) == "\x1b[1;31mRED\x1b[0m \\x1b[2J\\x9b\n"
    )


def test_json_keeps_its_values() -> None:
    document = {
        "\u202ekey": "\x1b[2J ##[group] \x9b ##vso[a] ##teamcity[b] \u2028",
        "plain": "::set-output::é",
    }
    stream = io.StringIO()

    print_json(json.dumps(document, ensure_ascii=False), stream=stream)

    shown = stream.getvalue()
    assert json.loads(shown) == document
    assert "é" in shown
    for acts in ("\u202e", "\x9b", "\u2028", "##["):
        assert acts not in shown


def test_every_line_that_is_printed_goes_through_there() -> None:
    others = {
        f"{path.relative_to(_SOURCES)}:{node.lineno}"
        for path in _SOURCES.rglob("*.py")
        if path.name != "printing.py"
        if "echo" in (source := path.read_text(encoding="utf-8"))  # most files need not be parsed
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in ("echo", "secho", "echo_via_pager")
    }
    assert others == set()
