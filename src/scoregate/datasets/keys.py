"""What an item belongs to: its cluster and its slices, each named by a path such as `metadata.intent`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from scoregate.errors import DatasetError, did_you_mean
from scoregate.paths import PathError, json_type, look_up
from scoregate.records import JSON, Dataset, DatasetItem

_SUGGESTED_PATHS = 20


def cluster_of(item: DatasetItem, path: str) -> str | None:
    """The item's cluster: the text at `path`, or None where there is nothing or null.

    Integers stand for their decimal text (1.0 is 1), booleans for "true" and "false". Raises DatasetError,
    naming the item, for an object, a list or a number with a fraction.
    """
    try:
        value = look_up(item, path)
    except PathError:
        return None
    return _key(value, item, path)


def slices_of(item: DatasetItem, paths: Mapping[str, str]) -> dict[str, str]:
    """Slice name -> the item's value, for the slices that the item has one of; values as in `cluster_of`."""
    values = {name: cluster_of(item, path) for name, path in paths.items()}
    return {name: value for name, value in values.items() if value is not None}


def check_keys(dataset: Dataset, cluster: str | None, slices: Mapping[str, str]) -> None:
    """Raise DatasetError for a path that no item has, with the nearest that some item has."""
    wanted = {f"slice '{name}'": path for name, path in slices.items()}
    if cluster is not None:
        wanted = {"the cluster": cluster, **wanted}
    for what, path in wanted.items():
        if all(cluster_of(item, path) is None for item in dataset.items):
            raise DatasetError(
                f"{what}: no item has '{path}'",
                where=dataset.source or dataset.name,
                hint=_suggestion(dataset, path),
            )


def _key(value: JSON, item: DatasetItem, path: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return str(value)
    what = f"{value}" if isinstance(value, float) else json_type(value)
    raise DatasetError(
        f"'{path}' is {what}", where=f"item '{item.id}'", hint="slices and clusters are texts or integers"
    )


def _suggestion(dataset: Dataset, path: str) -> str | None:
    counts = Counter(leaf for item in dataset.items for leaf in _leaves(item))
    nearest = did_you_mean(path, counts)
    if nearest is None or nearest.startswith("did you mean"):
        return nearest or "no item has metadata"
    return did_you_mean(path, [leaf for leaf, _ in counts.most_common(_SUGGESTED_PATHS)])


def _leaves(item: DatasetItem) -> Iterator[str]:
    """The paths of an item's metadata that could name a slice or a cluster."""
    stack: list[tuple[str, JSON]] = [("metadata", dict(item.metadata))]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            stack.extend((f"{path}.{key}", member) for key, member in value.items())
        elif isinstance(value, (str, int)):
            yield path
