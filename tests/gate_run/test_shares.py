"""The share of a shard: every item once, clusters whole, the same on every machine, and all at about the same time."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scoregate.gate_run.shares import measured_seconds, shares
from scoregate.records import RunItem

Places = dict[str, str | None]

IDS = st.text(min_size=1, max_size=8)
PLACES = st.dictionaries(IDS, st.one_of(st.none(), st.sampled_from("abc")), max_size=40)
OF = st.integers(1, 12)
SEEDS = st.integers(0, 999)


def alone(number: int) -> Places:
    return {f"q{n:04}": None for n in range(number)}


def some_seconds(places: Places, seed: int, *, known: float) -> dict[str, float]:
    """Most calls are short and some long; of so large a part of the items it is known."""
    random = Random(seed)
    return {
        item: random.choice((0.0, 0.0004, 1.0, 600.0)) * random.random()
        for item in sorted(places)
        if random.random() < known
    }


@given(places=PLACES, of=OF, seed=SEEDS)
def test_every_item_is_in_exactly_one_shard_and_clusters_are_whole(
    places: Places, of: int, seed: int
) -> None:
    found = shares(places, some_seconds(places, seed, known=0.5), of)
    assert found.keys() == places.keys()
    assert set(found.values()) <= set(range(1, of + 1))
    for cluster in set(places.values()) - {None}:
        assert len({found[item] for item, its in places.items() if its == cluster}) == 1


@given(places=PLACES, of=OF, seed=SEEDS)
def test_the_order_of_the_dataset_changes_nothing(places: Places, of: int, seed: int) -> None:
    items = list(places)
    seconds = {item: float(position) for position, item in enumerate(items)}
    Random(seed).shuffle(items)
    assert shares({item: places[item] for item in items}, seconds, of) == shares(places, seconds, of)


@given(places=PLACES, of=OF, seed=SEEDS)
def test_no_shard_takes_much_longer_than_the_mean(places: Places, of: int, seed: int) -> None:
    seconds = some_seconds(places, seed, known=1.0)
    found = shares(places, seconds, of)
    # In whole milliseconds, of which every item takes at least one.
    weights = Counter({item: max(1, round(1000 * seconds[item])) for item in places})
    mean = weights.total() / of
    for shard in range(1, of + 1):
        heaviest = Counter[str]()
        for item, number in found.items():
            if number == shard:
                heaviest[places[item] or f"alone {item}"] += weights[item]
        assert heaviest.total() <= max(1.05 * mean, mean + max(heaviest.values(), default=0)) + 1e-6


def test_shares_are_the_same_on_every_machine_and_in_every_version() -> None:
    """A job may run another version of Python. Written down once; a change parts the jobs of a build."""
    found = shares({**alone(10), "x1": "one", "x2": "one"}, {"q0003": 4.0, "x1": 2.5}, 3)
    assert [sorted(item for item, number in found.items() if number == shard) for shard in (1, 2, 3)] == [
        ["q0000", "q0005", "x1", "x2"],
        ["q0002", "q0003", "q0008", "q0009"],
        ["q0001", "q0004", "q0006", "q0007"],
    ]


def test_items_are_counted_where_no_latency_is_known() -> None:
    sizes = Counter(shares(alone(318), {}, 8).values())
    assert sum(sizes.values()) == 318
    assert max(sizes.values()) <= 41  # 39.75 on average


def test_slow_items_are_spread_by_the_latency_of_the_baseline() -> None:
    slow = {f"q{n:04}": 60.0 for n in range(8)}
    found = shares(alone(318), {**dict.fromkeys(alone(318), 1.0), **slow}, 8)
    assert sorted(found[item] for item in slow) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_item_that_the_baseline_does_not_know_counts_as_a_usual_one() -> None:
    seconds = dict.fromkeys(alone(100), 2.0)
    sizes = Counter(shares({**alone(100), **{f"new{n}": None for n in range(100)}}, seconds, 4).values())
    assert max(sizes.values()) <= 52


def test_an_item_that_comes_moves_few_others() -> None:
    moved = []
    for number in range(300, 340):
        before, after = shares(alone(number), {}, 8), shares(alone(number + 1), {}, 8)
        moved.append(sum(after[item] != shard for item, shard in before.items()))
    assert max(moved) <= 10
    assert sum(moved) / len(moved) <= 2


def test_more_shards_than_items_leave_some_empty() -> None:
    assert len(set(shares(alone(3), {}, 8).values())) == 3


def test_latency_is_the_mean_of_what_was_measured() -> None:
    calls = [
        RunItem("a", 0, "ok", latency_seconds=1.0),
        RunItem("a", 1, "timeout", latency_seconds=3.0),
        RunItem("b", 0, "error"),
        RunItem("c", 0, "ok", latency_seconds=0.0),
    ]
    assert measured_seconds(calls) == {"a": 2.0, "c": 0.0}
