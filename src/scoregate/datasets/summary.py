"""What a dataset holds, in numbers: the answer of `dataset validate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scoregate.datasets.fingerprint import canonical
from scoregate.datasets.keys import check_keys, cluster_of, slices_of
from scoregate.records import Dataset


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """Counts of a dataset that was read and is valid."""

    name: str
    items: int
    fingerprint: str
    with_expected_output: int
    """Items whose expected output is not null."""
    clusters: int | None
    """Number of clusters, an item without one being its own; None where no cluster path is given."""
    largest_cluster: int | None
    """Items of the largest cluster."""
    slices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Slice name -> value -> items, the most frequent value first."""
    bytes: int = 0
    """Size of the content as canonical JSON, whatever the kind of file."""


def summarise(
    dataset: Dataset, *, cluster: str | None = None, slices: Mapping[str, str] | None = None
) -> DatasetSummary:
    """Count a dataset's items, clusters and slices. Raises DatasetError as `check_keys` does."""
    paths = slices or {}
    check_keys(dataset, cluster, paths)
    counts: dict[str, Counter[str]] = {name: Counter() for name in paths}
    sizes: Counter[str] = Counter()
    alone = 0
    for item in dataset.items:
        for name, value in slices_of(item, paths).items():
            counts[name][value] += 1
        own = cluster_of(item, cluster) if cluster is not None else None
        if own is None:
            alone += 1
        else:
            sizes[own] += 1
    return DatasetSummary(
        name=dataset.name,
        items=len(dataset.items),
        fingerprint=dataset.fingerprint,
        with_expected_output=sum(item.expected_output is not None for item in dataset.items),
        clusters=len(sizes) + alone if cluster is not None else None,
        largest_cluster=max(sizes.values(), default=1) if cluster is not None else None,
        slices={name: _most_frequent_first(count) for name, count in counts.items()},
        bytes=sum(len(canonical(item)) for item in dataset.items),
    )


def _most_frequent_first(count: Counter[str]) -> dict[str, int]:
    return dict(sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))
