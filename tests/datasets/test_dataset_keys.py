"""Clusters and slices of items, and the summary that counts them."""

from __future__ import annotations

import pytest

from scoregate.datasets import check_keys, cluster_of, fingerprint, slices_of
from scoregate.datasets.summary import summarise
from scoregate.errors import DatasetError
from scoregate.records import JSON, Dataset, DatasetItem


def item_with(**metadata: JSON) -> DatasetItem:
    return DatasetItem("a", "hi", metadata=metadata)


def dataset_of(*items: DatasetItem) -> Dataset:
    return Dataset("support", items, fingerprint(items), source="datasets/support.jsonl")


@pytest.mark.parametrize(
    ("value", "text"),
    [("refund", "refund"), (3, "3"), (3.0, "3"), (True, "true"), (False, "false"), (None, None)],
)
def test_a_key_is_the_text_of_what_the_path_leads_to(value: JSON, text: str | None) -> None:
    assert cluster_of(item_with(key=value), "metadata.key") == text


def test_a_key_may_lie_in_the_input_or_in_a_list() -> None:
    item = DatasetItem("a", {"messages": [{"role": "user"}]})
    assert cluster_of(item, "input.messages.0.role") == "user"
    assert cluster_of(item, "id") == "a"


def test_an_absent_key_is_none_and_is_left_out_of_the_slices() -> None:
    item = item_with(intent="refund")
    assert cluster_of(item, "metadata.conversation") is None
    assert cluster_of(item, "metadata.intent.deeper") is None
    assert slices_of(item, {"intent": "metadata.intent", "tier": "metadata.tier"}) == {"intent": "refund"}


@pytest.mark.parametrize(("value", "what"), [({"x": 1}, "an object"), (["x"], "a list"), (0.5, "0.5")])
def test_a_key_that_is_no_text_or_integer_is_an_error_that_names_the_item(value: JSON, what: str) -> None:
    with pytest.raises(DatasetError) as caught:
        slices_of(item_with(intent=value), {"intent": "metadata.intent"})
    assert str(caught.value) == (
        f"item 'a': 'metadata.intent' is {what} (slices and clusters are texts or integers)"
    )


def test_a_path_that_no_item_has_is_an_error_with_the_nearest_one() -> None:
    dataset = dataset_of(item_with(intent="refund", user={"tier": 1}))
    check_keys(dataset, "metadata.user.tier", {"intent": "metadata.intent"})
    with pytest.raises(DatasetError) as caught:
        check_keys(dataset, None, {"intent": "metadata.intnet"})
    assert str(caught.value) == (
        "datasets/support.jsonl: slice 'intent': no item has 'metadata.intnet' (did you mean 'metadata.intent'?)"
    )
    with pytest.raises(DatasetError, match=r"the cluster: no item has 'x' \(known: metadata.intent, "):
        check_keys(dataset, "x", {})


def test_a_path_is_wrong_where_items_have_no_metadata_at_all() -> None:
    with pytest.raises(DatasetError, match=r"no item has 'metadata.x' \(no item has metadata\)"):
        check_keys(dataset_of(DatasetItem("a", 1)), "metadata.x", {})


def test_a_path_that_some_items_lack_is_right() -> None:
    check_keys(dataset_of(item_with(), item_with(intent="refund")), "metadata.intent", {})


def test_the_summary_counts_items_clusters_and_slices() -> None:
    dataset = dataset_of(
        DatasetItem("a", 1, "x", {"intent": "refund", "talk": 1}),
        DatasetItem("b", 1, None, {"intent": "order", "talk": 1}),
        DatasetItem("c", 1, 0, {"intent": "refund"}),
    )
    summary = summarise(dataset, cluster="metadata.talk", slices={"intent": "metadata.intent"})
    assert (summary.name, summary.items, summary.fingerprint) == ("support", 3, dataset.fingerprint)
    assert summary.with_expected_output == 2
    assert (summary.clusters, summary.largest_cluster) == (2, 2)
    assert summary.slices == {"intent": {"refund": 2, "order": 1}}
    assert list(summary.slices["intent"]) == ["refund", "order"]


def test_the_summary_has_no_clusters_where_no_path_is_given() -> None:
    summary = summarise(dataset_of(DatasetItem("a", 1)))
    assert (summary.clusters, summary.largest_cluster, summary.slices) == (None, None, {})
    assert summary.bytes == len(b'{"expected_output":null,"id":"a","input":1,"metadata":{}}')


def test_the_summary_refuses_a_path_that_no_item_has() -> None:
    with pytest.raises(DatasetError, match=r"no item has 'metadata\.talk'"):
        summarise(dataset_of(item_with(intent="x")), cluster="metadata.talk")
