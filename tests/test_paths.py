"""Dotted paths into JSON values and dataset items."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.paths import PathError, json_type, look_up, path_parts
from scoregate.records import JSON, DatasetItem

REPLY = {
    "calls": [{"name": "search", "arguments": {"q": "late parcel"}}, {"name": "refund"}],
    "text": "Done.",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("text", "Done."),
        ("calls.0.name", "search"),
        ("calls.0.arguments.q", "late parcel"),
        ("calls.-1.name", "refund"),
        ("", REPLY),
    ],
)
def test_a_path_leads_through_keys_and_indices(path: str, expected: JSON) -> None:
    assert look_up(REPLY, path) == expected


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ('metadata."user.tier"', ["metadata", "user.tier"]),
        ('"a.b".0."say \\"hi.\\""', ["a.b", "0", 'say "hi."']),
        ('5".x', ['5"', "x"]),
        ('"open.x', ['"open', "x"]),
    ],
)
def test_a_key_that_holds_a_dot_stands_in_quotes(path: str, parts: list[str]) -> None:
    assert path_parts(path) == parts
    value: JSON = 1
    for part in reversed(parts):
        value = {part: value}
    assert look_up(value, path) == 1


def test_a_null_that_is_there_is_not_absent() -> None:
    assert look_up({"answer": None}, "answer") is None


def test_a_number_names_a_key_where_there_is_an_object() -> None:
    assert look_up({"0": "zero"}, "0") == "zero"


def test_a_dataset_item_is_walked_by_its_fields() -> None:
    item = DatasetItem(id="a", input={"q": "?"}, metadata={"intent": "refund"})
    assert look_up(item, "metadata.intent") == "refund"
    assert look_up(item, "input.q") == "?"
    with pytest.raises(PathError, match="keys: expected_output, id, input, metadata"):
        look_up(item, "slices.intent")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("answer", r"no 'answer' at the top \(keys: calls, text\)"),
        ("calls.2.name", "no '2' in 'calls', a list of 2"),
        ("calls.-3", "no '-3' in 'calls', a list of 2"),
        ("calls.99999999999999999999", "a list of 2"),
        ("calls.first", "no 'first' in 'calls', which is a list: give an index"),
        ("text.length", "no 'length' in 'text', which is text"),
        ("calls.0.arguments.q.", "which is text"),
        (".text", "no '' at the top"),
    ],
)
def test_a_path_that_leads_nowhere_says_how_far_it_led(path: str, message: str) -> None:
    with pytest.raises(PathError, match=message) as caught:
        look_up(REPLY, path)
    assert caught.value.path == path
    assert isinstance(caught.value, LookupError)


def test_an_empty_object_says_so() -> None:
    with pytest.raises(PathError, match="it is empty"):
        look_up({}, "a")


def test_only_the_first_keys_of_a_wide_object_are_listed() -> None:
    with pytest.raises(PathError, match="k0, k1, k10, k11, k12, k13, k14, k15 and 42 more"):
        look_up({f"k{number}": number for number in range(50)}, "a")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1.5, "a number"),
        ("x", "text"),
        ([], "a list"),
        ({}, "an object"),
        ({1}, "a set"),
    ],
)
def test_json_kinds_have_names(value: object, words: str) -> None:
    assert json_type(value) == words


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(_values, st.text(max_size=12))
def test_any_path_gives_a_value_or_a_path_error(value: JSON, path: str) -> None:
    with contextlib.suppress(PathError):
        look_up(value, path)
