"""Which items of a dataset a run takes: the whole, or a selection for the local loop that says that it is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from scoregate.catalog import Catalog
from scoregate.errors import ConfigError, did_you_mean
from scoregate.records import DatasetItem, Run, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What `run` was asked to take. The parts apply one after the other, in this order."""

    only_failed: bool = False
    """Items that failed in a previous run."""
    items: tuple[str, ...] = ()
    """Ids."""
    slices: tuple[tuple[str, str], ...] = ()
    """Name and value; of one name any of the values, of several names one each."""
    sample: int | None = None
    """So many at random, the same ones for the same seed."""
    seed: int = 0
    limit: int | None = None
    """The first so many."""


def select(
    items: Sequence[DatasetItem],
    selection: Selection,
    *,
    slices: Mapping[str, Mapping[str, str]] | None = None,
    previous: Run | None = None,
    catalog: Catalog | None = None,
) -> tuple[tuple[DatasetItem, ...], str | None]:
    """The chosen items in the dataset's order, and what was chosen in words; None if that is all of them.

    `slices` maps item id to slice name to value; `previous` is the run that `only_failed` looks at. Raises
    ConfigError for an unknown item, slice or value, and for a selection that leaves nothing.
    """
    chosen = list(items)
    words = []
    if selection.only_failed:
        if previous is None:
            raise ConfigError("there is no earlier run to take the failed items of", hint="run the gate once")
        failed = failed_items(previous, [item.id for item in items], catalog)
        chosen = [item for item in chosen if item.id in failed]
        if not chosen:
            raise ConfigError(f"no item failed in run {previous.id}", hint="there is nothing to run again")
        words.append(f"failed in run {previous.id}")
    if selection.items:
        _check_ids(selection.items, items)
        chosen = [item for item in chosen if item.id in selection.items]
        words.append(f"item {', '.join(dict.fromkeys(selection.items))}")
    if selection.slices:
        known = slices or {}
        wanted = _wanted_values(selection.slices, known)
        chosen = [item for item in chosen if _matches(known.get(item.id, {}), wanted)]
        words.append(f"slice {', '.join(f'{name}={value}' for name, value in selection.slices)}")
    if selection.sample is not None:
        _check_count("sample", selection.sample)
        drawn = set(Random(selection.seed).sample(range(len(chosen)), min(selection.sample, len(chosen))))
        chosen = [item for position, item in enumerate(chosen) if position in drawn]
        words.append(f"sample of {selection.sample} with seed {selection.seed}")
    if selection.limit is not None:
        _check_count("limit", selection.limit)
        chosen = chosen[: selection.limit]
        words.append(f"the first {selection.limit}")
    if not chosen:
        raise ConfigError(f"no item is left to run: {'; '.join(words)}", hint="choose less narrowly")
    if len(chosen) == len(items):
        return tuple(chosen), None
    return tuple(chosen), f"{'; '.join(words)}: {len(chosen)} of {len(items)} items"


def failed_items(run: Run, expected: Sequence[str], catalog: Catalog | None = None) -> frozenset[str]:
    """Ids of which at least one cell failed in a run: not run, not ok, an error, false, or no passing category.

    A number fails nothing by itself: the gate's rules say what is too low.
    """
    failed = {item.item for item in run.items if item.status != "ok"}
    failed |= {score.item for score in run.scores if _is_failure(score, catalog)}
    cells: dict[str, int] = {}
    for item in run.items:
        cells[item.item] = cells.get(item.item, 0) + 1
    # A run of a selection was never asked for the rest.
    asked = run.header.facts.selected_items
    wanted = set(expected) if asked is None else set(asked)
    failed |= {name for name in expected if name in wanted and cells.get(name, 0) < run.header.trials}
    return frozenset(failed)


def _is_failure(score: Score, catalog: Catalog | None) -> bool:
    contract = catalog.get(score.score) if catalog else None
    if score.status == "ok" and contract is not None and contract.type == "boolean":
        return score.value == (contract.direction == "lower")
    if score.status == "ok" and contract is not None and contract.passing:
        return score.value not in (*contract.passing, *contract.ignore)
    return score.status == "error" or score.value is False


def _check_ids(wanted: Sequence[str], items: Sequence[DatasetItem]) -> None:
    known = {item.id for item in items}
    for name in wanted:
        if name not in known:
            raise ConfigError(f"the dataset has no item '{name}'", hint=_nearest(name, known))


def _wanted_values(
    wanted: Sequence[tuple[str, str]], slices: Mapping[str, Mapping[str, str]]
) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {}
    for values in slices.values():
        for name, value in values.items():
            known.setdefault(name, set()).add(value)
    result: dict[str, set[str]] = {}
    for name, value in wanted:
        if name not in known:
            hint = did_you_mean(name, known) or "name slices in the gate's [slices] table"
            raise ConfigError(f"there is no slice '{name}'", hint=hint)
        if value not in known[name]:
            raise ConfigError(f"slice '{name}' has no value '{value}'", hint=_nearest(value, known[name]))
        result.setdefault(name, set()).add(value)
    return result


def _matches(values: Mapping[str, str], wanted: Mapping[str, set[str]]) -> bool:
    return all(values.get(name) in allowed for name, allowed in wanted.items())


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ConfigError(f"--{name} is a number of items, at least 1, not {count}")


def _nearest(word: str, known: set[str]) -> str:
    """A near word, or a few of many: a dataset has more ids than a line has room for."""
    if len(known) > 10:
        hint = did_you_mean(word, known) or ""
        return hint if hint.startswith("did") else f"ids such as '{min(known)}'"
    return did_you_mean(word, known) or ""
