"""The fingerprint depends on what the items say and on nothing else."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoregate.datasets import content_digest, fingerprint, read_dataset
from scoregate.datasets.fingerprint import canonical, item_digest
from scoregate.errors import DatasetError
from scoregate.records import JSON, DatasetItem

texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
inputs = values.filter(lambda value: value is not None)
items = st.builds(
    DatasetItem,
    id=st.text(min_size=1, max_size=6).filter(str.strip),
    input=inputs,
    expected_output=values,
    metadata=st.dictionaries(texts, values, max_size=3),
)
datasets = st.lists(items, min_size=1, max_size=5, unique_by=lambda item: item.id)


def record(item: DatasetItem) -> dict[str, JSON]:
    return {key: item[key] for key in item}


def test_is_the_documented_hash() -> None:
    item = DatasetItem("a", {"z": 1.0, "é": [True, None, 0.5]}, metadata={"n": -0.0})
    canonical = '{"expected_output":null,"id":"a","input":{"z":1,"é":[true,null,0.5]},"metadata":{"n":0}}'
    inner = hashlib.sha256(canonical.encode()).digest()
    assert fingerprint([item]) == hashlib.sha256(inner).hexdigest()


@given(datasets, st.integers(0, 999))
def test_does_not_depend_on_the_order_of_items_or_keys(dataset: list[DatasetItem], seed: int) -> None:
    random = Random(seed)

    def shuffled(value: JSON) -> JSON:
        if isinstance(value, dict):
            pairs = [(key, shuffled(member)) for key, member in value.items()]
            random.shuffle(pairs)
            return dict(pairs)
        return [shuffled(element) for element in value] if isinstance(value, list) else value

    other = [DatasetItem(**shuffled(record(item))) for item in dataset]
    random.shuffle(other)
    assert fingerprint(other) == fingerprint(dataset)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(datasets)
def test_is_the_same_for_any_spelling_of_json(dataset: list[DatasetItem]) -> None:
    records = [record(item) for item in dataset]
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "a.jsonl")
        lines.write_text("\n\n".join(json.dumps(each, ensure_ascii=False) for each in reversed(records)))
        document = Path(folder, "a.json")
        document.write_text(json.dumps({"items": records}, indent=3, sort_keys=True))
        expected = fingerprint(dataset)
        assert read_dataset(lines).fingerprint == expected
        assert read_dataset(document).fingerprint == expected


@given(inputs, inputs)
def test_is_equal_for_equal_inputs_only(one: JSON, other: JSON) -> None:
    same = _typed(one) == _typed(other)
    assert (fingerprint([DatasetItem("a", one)]) == fingerprint([DatasetItem("a", other)])) is same


def _typed(value: JSON) -> JSON:
    """The value with booleans told apart from numbers, which Python's equality does not."""
    if isinstance(value, dict):
        return {key: _typed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_typed(element) for element in value]
    return (isinstance(value, bool), value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "1e0"),
        ("0", "-0.0"),
        ("100", "1E2"),
        ("0.5", "5e-1"),
        ("1e15", "1000000000000000"),
    ],
)
def test_does_not_depend_on_the_spelling_of_numbers(tmp_path: Path, one: str, other: str) -> None:
    def of(number: str) -> str:
        path = tmp_path / "items.jsonl"
        path.write_text(f'{{"id": "a", "input": {number}}}')
        return read_dataset(path).fingerprint

    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(2**53, 2**53 + 1), (10**30, 10**30 + 1), (1, True), (0, False), (1, "1"), ("é", "e\u0301"), ([], {})],
)
def test_tells_different_content_apart(one: JSON, other: JSON) -> None:
    assert fingerprint([DatasetItem("a", [one])]) != fingerprint([DatasetItem("a", [other])])


def test_content_that_moves_to_another_field_is_other_content() -> None:
    item = DatasetItem("a", "x", expected_output="y")
    assert fingerprint([item]) != fingerprint([DatasetItem("a", "y", expected_output="x")])


def test_is_the_same_from_json_lines_json_csv_and_parquet(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    records: list[dict[str, JSON]] = [
        {
            "id": "a",
            "input": {"question": "why?", "tags": ["x", "y"]},
            "expected_output": "so",
            "metadata": {"intent": "refund"},
        },
        {"id": "b", "input": {"question": "how?\nso?"}, "metadata": {"tier": "gold"}},
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(json.dumps(each) for each in records))
    (tmp_path / "d.json").write_text(json.dumps(records))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), tmp_path / "d.parquet")
    with (tmp_path / "d.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["metadata.intent", "id", "input.question", "input.tags", "expected_output", "metadata.tier"]
        )
        rows.writerow(["refund", "a", "why?", '["x", "y"]', "so", ""])
        rows.writerow(["", "b", "how?\nso?", "", "", "gold"])
    names = ("d.jsonl", "d.json", "d.csv", "d.parquet")
    assert len({read_dataset(tmp_path / name).fingerprint for name in names}) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "item 'a': holds NaN or Infinity, which are no JSON numbers"),
        ({1: "x"}, "item 'a': holds an object with the key 1; the keys of JSON objects are text"),
        ({"x"}, "item 'a': holds a value of type set, which is no JSON"),
    ],
)
def test_content_that_is_no_json_is_an_error_that_names_the_item(value: JSON, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        fingerprint([DatasetItem("a", value)])
    assert str(caught.value) == message


def test_the_content_digest_is_the_start_of_the_items_own() -> None:
    item = DatasetItem("a", {"q": 1}, "1", {"tier": "gold"})
    assert content_digest(item) == item_digest(canonical(item)).hex()[:16]
    assert content_digest(replace(item, metadata={"tier": "silver"})) != content_digest(item)
    assert content_digest(replace(item, input={"q": 1.0})) == content_digest(item)
