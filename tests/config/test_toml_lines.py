"""TOML with positions: every table and key has its line, every broken file its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.config.toml_lines import line_map, read_toml
from scoregate.errors import ConfigError


def test_keys_and_tables_are_found_on_their_lines() -> None:
    text = 'a = 1\n\n# comment = 2\n[scores.x]  # [not.this]\nmin = 0.5\n"quoted key" = 1\n[scores."y.z"]\nmax = 1\n'
    assert line_map(text) == {
        ("a",): 1,
        ("scores",): 4,
        ("scores", "x"): 4,
        ("scores", "x", "min"): 5,
        ("scores", "x", "quoted key"): 6,
        ("scores", "y.z"): 7,
        ("scores", "y.z", "max"): 8,
    }


def test_a_dotted_key_counts_from_the_table_above_it() -> None:
    assert line_map("[t]\na . b = 1\na.'c' = 2\n") == {
        ("t",): 1,
        ("t", "a"): 2,
        ("t", "a", "b"): 2,
        ("t", "a", "c"): 3,
    }


def test_values_over_several_lines_hide_no_key_and_add_none() -> None:
    text = (
        'one = """\n[fake]\nkey = 1 \\"""\nstill = 2"""\n'
        "two = '''\nfake = ''''\n"
        'three = [\n  "x = 1", # y = [\n  { z = 1 },\n]\n'
        'four = "a # b = ["\n'
    )
    assert line_map(text) == {("one",): 1, ("two",): 5, ("three",): 7, ("four",): 11}


def test_tables_of_an_array_share_the_line_of_the_first() -> None:
    assert line_map("[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n") == {("a",): 1, ("a", "b"): 1, ("a", "b", "x"): 2}


VALUES = st.sampled_from(
    [
        "1",
        '"a = 1"',
        "'''\nx = 1\n'''",
        '"""\n[t]\n\\""" """',
        "[\n1, # =\n2]",
        "{ y = 1 }",
        '"\\"# ["',
        "1979-05-27",
    ]
)
KEYS = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


@given(KEYS, st.data())
def test_any_key_is_found_whatever_stands_around_it(keys: list[str], data: st.DataObject) -> None:
    text, expected = "", {}
    for key in keys:
        text += data.draw(st.sampled_from(["", "\n", "# note = [\n", "  "]))
        expected[(key,)] = text.count("\n") + 1
        text += f"{toml_key(key)} = {data.draw(VALUES)}\n"
    assert line_map(text) == expected


def toml_key(key: str) -> str:
    """A basic quoted key, every character of it escaped."""
    return '"' + "".join(f"\\U{ord(character):08x}" for character in key) + '"'


def test_a_key_inside_an_inline_table_is_placed_at_the_key_around_it(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = 1\nt = { deep = { er = 1 } }\n")
    assert read_toml(path, "gate").place(("t", "deep", "er")) == f"{path}:2"
    assert read_toml(path, "gate").place(("unknown",)) == str(path)


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n[t]\r\nb = 2\r\n")
    document = read_toml(path, "gate")
    assert document.data == {"a": 1, "t": {"b": 2}}
    assert document.lines[("t", "b")] == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb 2\n", ":2: not valid TOML: Expected '=' after a key in a key/value pair at column 3"),
        (b'a = 1\nb = "open', ":2: not valid TOML: "),
        (b"a = 1\nb = [1,", ":2: not valid TOML: "),
        (b"[a]\n[a]\n", ":2: not valid TOML: "),
        (b"a = 1\n\nb = '\xff'\n", ":3: the gate is not UTF-8 text"),
        (b"", ": the gate is empty (`scoregate init` writes an example)"),
        (b"# only a comment\n", ": the gate is empty (`scoregate init` writes an example)"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, ": not valid TOML: nested too deeply"),
        (b"a = " + b"9" * 5000, ": not valid TOML: "),
    ],
)
def test_a_broken_file_is_one_error_that_names_its_place(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_toml(path, "gate")
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_file_that_cannot_be_opened_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a = 1")
    with pytest.raises(ConfigError, match="the gate cannot be read: Not a directory"):
        read_toml(tmp_path / "file" / "x.toml", "gate")
    with pytest.raises(ConfigError, match=r"x\.toml: there is no such gate$"):
        read_toml(tmp_path / "x.toml", "gate")
    with pytest.raises(ConfigError, match="a folder, not a gate"):
        read_toml(tmp_path, "gate")
