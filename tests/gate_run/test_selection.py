"""Which items a run takes, and how it says so."""

from __future__ import annotations

import pytest

from scoregate.catalog import Catalog, Contract
from scoregate.errors import ConfigError
from scoregate.gate_run.selection import Selection, failed_items, select
from scoregate.records import DatasetItem, Run, RunHeader, RunItem, Score

ITEMS = tuple(DatasetItem(f"item-{number:02}", number) for number in range(20))
SLICES = {
    item.id: {"intent": "refund" if int(item.id[-2:]) < 5 else "order", "tier": "gold" if i % 2 else "free"}
    for i, item in enumerate(ITEMS)
}


def ids(selection: Selection, previous: Run | None = None) -> tuple[list[str], str | None]:
    items, words = select(ITEMS, selection, slices=SLICES, previous=previous)
    return [item.id for item in items], words


def test_nothing_asked_for_is_the_whole_dataset() -> None:
    assert ids(Selection()) == ([item.id for item in ITEMS], None)


def test_items_are_chosen_by_id_in_the_order_of_the_dataset() -> None:
    chosen, words = ids(Selection(items=("item-07", "item-02", "item-07")))
    assert chosen == ["item-02", "item-07"]
    assert words == "item item-07, item-02: 2 of 20 items"


def test_slices_of_one_name_add_up_and_of_two_names_narrow() -> None:
    assert len(ids(Selection(slices=(("intent", "refund"), ("intent", "order"))))[0]) == 20
    chosen, words = ids(Selection(slices=(("intent", "refund"), ("tier", "gold"))))
    assert chosen == ["item-01", "item-03"]
    assert words == "slice intent=refund, tier=gold: 2 of 20 items"


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    first, words = ids(Selection(sample=5, seed=3))
    assert words == "sample of 5 with seed 3: 5 of 20 items"
    assert (len(first), first) == (5, ids(Selection(sample=5, seed=3))[0])
    assert first != ids(Selection(sample=5, seed=4))[0]
    assert first == sorted(first)


def test_a_limit_takes_the_first_items_of_what_is_left() -> None:
    chosen, words = ids(Selection(slices=(("tier", "gold"),), limit=2))
    assert chosen == ["item-01", "item-03"]
    assert words == "slice tier=gold; the first 2: 2 of 20 items"


def test_a_selection_that_leaves_nothing_out_is_no_selection() -> None:
    assert ids(Selection(limit=20))[1] is None
    assert ids(Selection(sample=100))[1] is None


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(items=("item-7",)), "has no item 'item-7' .*did you mean 'item-"),
        (Selection(slices=(("intents", "refund"),)), "no slice 'intents' .*did you mean 'intent'"),
        (Selection(slices=(("intent", "refnd"),)), "no value 'refnd' .*did you mean 'refund'"),
        (Selection(items=("item-01",), slices=(("intent", "order"),)), "no item is left to run"),
        (Selection(limit=0), "--limit is a number of items, at least 1, not 0"),
        (Selection(sample=-1), "--sample is a number of items, at least 1, not -1"),
        (Selection(only_failed=True), "no earlier run"),
    ],
)
def test_what_cannot_be_selected_is_an_error(selection: Selection, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ids(selection)


def test_a_slice_of_a_dataset_without_slices_is_an_error() -> None:
    with pytest.raises(ConfigError, match="name slices in the gate"):
        select(ITEMS, Selection(slices=(("intent", "refund"),)))


def previous_run() -> Run:
    """Of items 0 to 5: 0 is fine, each other one failed in its own way; the rest was not run."""
    header = RunHeader(run="r-1", dataset="d", candidate="v1", expected_items=20)
    names = [item.id for item in ITEMS[:6]]
    items = [RunItem(name, 0, "timeout" if name == "item-01" else "ok") for name in names]
    scores = [Score(name, 0, "exact", name != "item-02") for name in names]
    scores += [Score(name, 0, "policy", "fail" if name == "item-03" else "pass") for name in names]
    scores += [
        Score("item-04", 0, "tone", None, "error"),
        Score("item-00", 0, "tone", None, "not_applicable"),
    ]
    scores += [Score(name, 0, "leaks", name == "item-05") for name in names]
    return Run(header, tuple(items), tuple(scores))


CATALOG = Catalog(
    {
        "policy": Contract("policy", "categorical", categories=("pass", "fail"), passing=("pass",)),
        "leaks": Contract("leaks", "boolean", direction="lower"),
    }
)


def test_items_that_failed_in_any_way_or_were_not_run_are_failed() -> None:
    names = [item.id for item in ITEMS[:7]]
    assert sorted(failed_items(previous_run(), names, CATALOG)) == names[1:]


def test_only_failed_items_of_an_earlier_run_are_run_again() -> None:
    items, words = select(ITEMS[:6], Selection(only_failed=True), previous=previous_run(), catalog=CATALOG)
    assert [item.id for item in items] == [f"item-0{n}" for n in range(1, 6)]
    assert words == "failed in run r-1: 5 of 6 items"


def test_what_a_selection_never_asked_for_did_not_fail_in_it() -> None:
    header = RunHeader(
        run="r",
        dataset="d",
        candidate="c",
        expected_items=2,
        metadata={"selected_items": ["item-01", "item-02"]},
    )
    previous = Run(header, (RunItem("item-01", 0, "ok"),))
    assert failed_items(previous, [item.id for item in ITEMS]) == {"item-02"}
