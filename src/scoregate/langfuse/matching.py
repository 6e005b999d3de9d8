"""Which dataset item is meant: by its id where it has one, else by what it asks.

The SDK's local items are dictionaries without an id, and its result keeps no position in the data: items that failed
are left out of it. So what has no id is known by its content, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoregate.datasets.fingerprint import canonical
from scoregate.errors import ResultsError
from scoregate.records import JSON, Dataset, DatasetItem


def matched(given: Sequence[object], dataset: Dataset) -> list[DatasetItem]:
    """The dataset's item for each of the given ones: objects or mappings with `input` and perhaps an id.

    An id is that of the item (`id`) or in its metadata. Of several dataset items that ask the same, the one with
    the same expected output and metadata is meant. Raises ResultsError, with what to do, for an item that none
    fits, that several fit, or that asks something else than the dataset's item of its id.
    """
    by_id = {item.id: item for item in dataset.items}
    by_input: dict[bytes, list[DatasetItem]] = {}
    for item in dataset.items:
        by_input.setdefault(_input_of(item), []).append(item)
    return [_match(as_item(one), number, by_id, by_input, dataset) for number, one in enumerate(given)]


def as_item(given: object) -> DatasetItem:
    """An item of the SDK, local or from a dataset, as one of ours; its id is empty where it has none."""
    metadata = _member(given, "metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    own = _member(given, "id")
    if own is None:
        own = metadata.get("id")
    named = isinstance(own, str | int) and not isinstance(own, bool)
    return DatasetItem(
        str(own) if named else "", _member(given, "input"), _member(given, "expected_output"), metadata
    )


def _match(
    item: DatasetItem,
    number: int,
    by_id: Mapping[str, DatasetItem],
    by_input: Mapping[bytes, Sequence[DatasetItem]],
    dataset: Dataset,
) -> DatasetItem:
    named = by_id.get(item.id)
    if named is not None:
        if not _asks_the_same(item, named):
            raise ResultsError(
                f"item '{item.id}' is not what the gate's dataset '{dataset.name}' says it is",
                hint="run the experiment on the dataset that the gate names",
            )
        return named
    found = by_input.get(_input_of(item), ())
    if len(found) > 1:
        found = [one for one in found if _says_the_same(item, one)] or found
    if len(found) == 1:
        return found[0]
    place = f"item {number + 1} of the experiment's data" + (f" ('{item.id}')" if item.id else "")
    if not found:
        raise ResultsError(
            f"{place} is not in the gate's dataset '{dataset.name}'",
            hint="put it into the dataset, with an id, or run the experiment on the gate's dataset",
        )
    raise ResultsError(
        f"{place} asks the same as {len(found)} items of the dataset '{dataset.name}' "
        f"({', '.join(one.id for one in found[:3])}{', …' if len(found) > 3 else ''})",
        hint='give the items of the data the dataset\'s ids, as {"id": …, "input": …}',
    )


def _asks_the_same(given: DatasetItem, item: DatasetItem) -> bool:
    expects = given.expected_output is None or _content(expected_output=given.expected_output) == _content(
        expected_output=item.expected_output
    )
    return expects and _input_of(given) == _input_of(item)


def _says_the_same(given: DatasetItem, item: DatasetItem) -> bool:
    own = {key: value for key, value in given.metadata.items() if key != "id"}
    return _asks_the_same(given, item) and _content(metadata=own) == _content(metadata=item.metadata)


def _input_of(item: DatasetItem) -> bytes:
    return canonical(DatasetItem("", item.input))


def _content(*, expected_output: JSON = None, metadata: Mapping[str, JSON] | None = None) -> bytes:
    return canonical(DatasetItem("", None, expected_output, metadata or {}))


def _member(given: object, name: str) -> JSON:
    return given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)
