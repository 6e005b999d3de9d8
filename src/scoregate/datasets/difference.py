"""What differs between two states of a dataset, item by item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scoregate.datasets.fingerprint import canonical
from scoregate.records import JSON, DatasetItem

_MEMBERS = ("input", "expected_output", "metadata")


@dataclass(frozen=True, slots=True)
class _DatasetDifference:
    """Ids of items, each sorted."""

    new: tuple[str, ...]
    """Only in the second."""
    gone: tuple[str, ...]
    """Only in the first."""
    changed: Mapping[str, tuple[str, ...]]
    """Id -> which of input, expected_output and metadata say something else."""
    same: tuple[str, ...]

    @property
    def none(self) -> bool:
        return not (self.new or self.gone or self.changed)

    def to_dict(self) -> dict[str, JSON]:
        return {
            "new": list(self.new),
            "gone": list(self.gone),
            "changed": {item: list(members) for item, members in self.changed.items()},
            "same": len(self.same),
        }


def dataset_difference(before: Iterable[DatasetItem], after: Iterable[DatasetItem]) -> _DatasetDifference:
    """What became of the items between two states of a dataset, by their ids.

    Content is compared in its canonical form, so that 1 and 1.0 are the same. Raises DatasetError for content
    that is no JSON.
    """
    old = {item.id: item for item in before}
    new = {item.id: item for item in after}
    both = sorted(old.keys() & new.keys())
    changed = {name: members for name in both if (members := changed_members(old[name], new[name]))}
    return _DatasetDifference(
        new=tuple(sorted(new.keys() - old.keys())),
        gone=tuple(sorted(old.keys() - new.keys())),
        changed=changed,
        same=tuple(name for name in both if name not in changed),
    )


def changed_members(before: DatasetItem, after: DatasetItem) -> tuple[str, ...]:
    """Which of input, expected_output and metadata differ between two items. Raises DatasetError as above."""
    if before.id == after.id and canonical(before) == canonical(after):
        return ()
    return tuple(name for name in _MEMBERS if _form(before[name]) != _form(after[name]))


def _form(value: JSON) -> bytes:
    return canonical(DatasetItem("", dict(value) if isinstance(value, Mapping) else value))
