"""Copies for code that is not ours."""

from __future__ import annotations

import collections

from hypothesis import given
from hypothesis import strategies as st

from scoregate.own.json_codec import own_copy
from scoregate.records import DatasetItem

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def parts(value: object) -> list[int]:
    """Ids of the lists and objects in a value."""
    members = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    own = [id(value)] if isinstance(value, (dict, list)) else []
    return own + [part for member in members for part in parts(member)]


@given(json_values)
def test_a_copy_is_equal_and_shares_no_part(value: object) -> None:
    copied = own_copy(value)
    assert copied == value
    assert repr(copied) == repr(value)
    assert not set(parts(copied)) & set(parts(value))


def test_what_is_there_twice_is_copied_twice() -> None:
    turn = {"role": "user"}
    copied = own_copy([turn, turn])
    copied[0]["role"] = "changed"
    assert copied[1] == {"role": "user"}


def test_other_kinds_of_dict_are_copied_as_what_they_are() -> None:
    value = collections.OrderedDict(a=[1])
    copied = own_copy(value)
    copied["a"].append(2)
    assert type(copied) is collections.OrderedDict
    assert value == {"a": [1]}


def test_every_field_of_an_item_is_its_own() -> None:
    item = DatasetItem("a", {"q": [1]}, ["x"], {"intent": {"name": "refund"}})
    copied = item.own_copy()
    copied.input["q"].append(2)
    copied.expected_output.clear()
    copied.metadata["intent"]["name"] = "changed"
    assert item == DatasetItem("a", {"q": [1]}, ["x"], {"intent": {"name": "refund"}})
