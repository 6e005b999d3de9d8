"""Which shard of a run takes which items: a share that is the same on every machine, whatever the order of the dataset.

Each cluster is drawn to a shard by a hash of its name, the slowest first, and goes on to its next draw where that shard
has its share already. So the shards end at about the same time, and an item that comes or goes moves few others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from scoregate.records import RunItem

_SLACK = 20
"""A shard takes what its draws send it until its share is this part of it (1/20) above the mean."""


def shares(places: Mapping[str, str | None], seconds: Mapping[str, float], of: int) -> dict[str, int]:
    """Item id -> number of its shard, 1 to `of`.

    `places` maps every item of the dataset to its cluster, whose items stay together, None for an item by itself.
    `seconds` says how long an item is expected to take; one that it does not name counts as the median of the others,
    so that items are counted where nothing is known.

    No shard gets more than 5 % above the mean, or the mean and its own heaviest cluster where that is more.
    """
    known = {item: max(1, round(1000 * seconds[item])) for item in places if item in seconds}
    usual = sorted(known.values())[len(known) // 2] if known else 1
    members: dict[str, list[str]] = {}
    for item, cluster in places.items():
        members.setdefault(f"item {item}" if cluster is None else f"cluster {cluster}", []).append(item)
    weights = {name: sum(known.get(item, usual) for item in items) for name, items in members.items()}
    total, loads = sum(weights.values()), [0] * of
    found: dict[str, int] = {}
    for name in sorted(members, key=lambda name: (-weights[name], _drawn(name, 0))):
        weight = weights[name]
        shard = next(
            (
                drawn
                for draw in range(of)
                if (loads[drawn := _drawn(name, draw) % of] + weight) * of * _SLACK <= total * (_SLACK + 1)
            ),
            None,
        )
        if shard is None:
            shard = loads.index(min(loads))
        loads[shard] += weight
        found |= dict.fromkeys(members[name], shard + 1)
    return found


def _drawn(name: str, draw: int) -> int:
    text = f"{draw} {name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8])


def measured_seconds(items: Iterable[RunItem]) -> dict[str, float]:
    """Item id -> mean seconds of its calls, of those that were measured."""
    calls: dict[str, list[float]] = {}
    for item in items:
        if item.latency_seconds is not None:
            calls.setdefault(item.item, []).append(item.latency_seconds)
    return {item: sum(each) / len(each) for item, each in calls.items()}
