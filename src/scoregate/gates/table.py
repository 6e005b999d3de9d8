"""A run as columns: what the comparison reads, made from a `Run` or from a long-form DataFrame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import MEASURED_UNITS
from scoregate.errors import ResultsError
from scoregate.records import Run, RunHeader, ScoreValue

if TYPE_CHECKING:
    import pandas

NOT_APPLICABLE = object()
"""Stands in a value column where the scorer said that the score does not apply."""


@dataclass(frozen=True, slots=True)
class Column:
    """One score of one run: parallel sequences, one entry a cell that is there."""

    items: NDArray[np.intp]
    """Index into `RunTable.items`."""
    trials: NDArray[np.intp]
    values: NDArray[np.object_]
    """A score value, None (missing or failed) or NOT_APPLICABLE."""


@dataclass(frozen=True, slots=True)
class RunTable:
    """Header, items and score columns of one run."""

    header: RunHeader
    items: tuple[str, ...]
    """Ids of all items that the run mentions, sorted."""
    columns: Mapping[str, Column]
    clusters: Mapping[str, str] = field(default_factory=dict)
    """Item id -> cluster, where the item has one."""
    slices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Item id -> slice name -> value, where the item has any."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Item id -> reason of its first failed trial."""
    comments: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(item id, score) -> the first comment on it."""
    timeouts: frozenset[tuple[str, int]] = frozenset()
    """(item id, trial) of every call that timed out."""
    contents: Mapping[str, str] = field(default_factory=dict)
    """Item id -> digest of what the dataset's item held, where the run says so."""
    dataset: Mapping[str, str] | None = None
    """The same of every item that the run was to cover; None where only the run itself is known."""


def refuse_later_trials(score: str, column: Column, table: RunTable) -> None:
    """Raises ResultsError for a cell of a trial that its run does not have."""
    trials = table.header.trials
    if len(column.trials) and int(column.trials.max()) >= trials:
        raise ResultsError(
            f"score '{score}' has trial {int(column.trials.max())} in a run of {trials} trials",
            where=table.header.run or None,
            hint="trials count from 0",
        )


def table_from_run(run: Run) -> RunTable:
    """Columns of a run. Raises ResultsError when a cell is there twice."""
    names = sorted({item.item for item in run.items} | {score.item for score in run.scores})
    index = {name: position for position, name in enumerate(names)}
    cells: dict[str, tuple[list[int], list[int], list[object]]] = {}
    comments: dict[tuple[str, str], str] = {}
    failed = {(item.item, item.trial) for item in run.items if item.status != "ok"}
    comment_trials: dict[tuple[str, str], int] = {}
    for score in run.scores:
        column = cells.get(score.score)
        if column is None:
            column = cells[score.score] = ([], [], [])
        column[0].append(index[score.item])
        column[1].append(score.trial)
        value: object = score.value
        if score.status == "not_applicable":
            value = NOT_APPLICABLE
        elif score.status == "error" or (
            (score.item, score.trial) in failed and score.score not in MEASURED_UNITS
        ):
            value = None  # what failed has no answer that could be right; only its latency and cost are real
        column[2].append(value)
        key = (score.item, score.score)
        if score.comment and score.trial < comment_trials.get(key, score.trial + 1):
            comments[key] = score.comment
            comment_trials[key] = score.trial
    seen_trials: set[tuple[str, int]] = set()
    for item in run.items:
        place = (item.item, item.trial)
        if place in seen_trials:
            raise ResultsError(
                f"item '{item.item}' is there twice in trial {item.trial}",
                where=run.id,
                hint="every item × trial may appear once",
            )
        seen_trials.add(place)
    return RunTable(
        header=run.header,
        items=tuple(names),
        columns={
            name: _column(run.id, name, names, items, trials, values)
            for name, (items, trials, values) in cells.items()
        },
        clusters={item.item: item.cluster for item in run.items if item.cluster is not None},
        slices={item.item: item.slices for item in run.items if item.slices},
        failures={
            item.item: item.error or item.status for item in reversed(run.items) if item.status != "ok"
        },
        comments=comments,
        timeouts=frozenset((item.item, item.trial) for item in run.items if item.status == "timeout"),
        contents={item.item: item.content for item in run.items if item.content is not None},
    )


def with_more_trials(table: RunTable, more: RunTable) -> RunTable:
    """The run with the trials of `more`, of the same items, put behind its own."""
    first = table.header.trials
    items = tuple(sorted({*table.items, *more.items}))
    index = {name: position for position, name in enumerate(items)}
    columns = {}
    for name in sorted({*table.columns, *more.columns}):
        parts = [
            (
                np.array([index[item] for item in part.items], dtype=np.intp)[column.items],
                column.trials + later,
                column,
            )
            for part, later in ((table, 0), (more, first))
            if (column := part.columns.get(name)) is not None
        ]
        columns[name] = Column(
            np.concatenate([places for places, _, _ in parts]),
            np.concatenate([trials for _, trials, _ in parts]),
            np.concatenate([column.values for _, _, column in parts]),
        )
    header = replace(table.header, trials=first + more.header.trials)
    return RunTable(
        header,
        items,
        columns,
        {**more.clusters, **table.clusters},
        {**more.slices, **table.slices},
        {**more.failures, **table.failures},
        {**more.comments, **table.comments},
        table.timeouts | {(item, trial + first) for item, trial in more.timeouts},
        {**more.contents, **table.contents},
        table.dataset,
    )


def table_from_frame(frame: pandas.DataFrame, label: str) -> RunTable:
    """Columns of a long-form table with `item`, `trial`, `score`, `value`; null value = missing or failed.

    `trial` may be left out for one trial an item; `status` (of the score: ok, error, not_applicable) and `cluster`
    are optional; every other column is a slice. `label` names the run in messages ("baseline" or "candidate").
    """
    import pandas as pd

    needed = [name for name in ("item", "score", "value") if name not in frame.columns]
    if needed:
        raise ResultsError(
            f"the {label} table has no column '{needed[0]}'",
            hint="columns are item, trial, score, value, and optionally cluster and one a slice",
        )
    if frame[["item", "score"]].isna().to_numpy().any():
        raise ResultsError(f"the {label} table has a row without item or score", hint="give every row both")
    trials = (
        pd.to_numeric(frame["trial"], errors="coerce")
        if "trial" in frame.columns
        else pd.Series(0, index=frame.index)
    )
    if trials.isna().any() or (trials < 0).any() or (trials % 1 != 0).any():
        raise ResultsError(
            f"the {label} table has a trial that is no whole number", hint="count trials from 0"
        )
    if len(trials) and trials.nunique() != trials.max() + 1:
        raise ResultsError(
            f"the {label} table has trials up to {trials.max():g} and not all of those before",
            hint="count trials from 0, without gaps",
        )
    items = frame["item"].astype(str)
    codes, unique = pd.factorize(items, sort=True)
    names = [str(name) for name in unique]
    values = frame["value"].to_numpy(dtype=object, copy=True)
    values[frame["value"].isna().to_numpy()] = None
    if "status" in frame.columns:
        status = frame["status"].fillna("ok").astype(str).to_numpy()
        values[status == "not_applicable"] = NOT_APPLICABLE
        values[~np.isin(status, ["ok", "not_applicable"])] = None
    trial_numbers = trials.to_numpy().astype(np.intp)
    scores = frame["score"].astype(str).to_numpy()
    columns = {}
    for name in sorted(set(scores.tolist())):
        rows = np.flatnonzero(scores == name)
        plain = [v.item() if isinstance(v, np.generic) else v for v in values[rows].tolist()]
        columns[name] = _column(label, name, names, codes[rows], trial_numbers[rows], plain)
    keyed = frame.assign(item=items).drop_duplicates("item")
    clusters = (
        {str(i): str(c) for i, c in zip(keyed["item"], keyed["cluster"], strict=True) if not pd.isna(c)}
        if "cluster" in frame.columns
        else {}
    )
    slice_names = [
        str(c) for c in frame.columns if c not in ("item", "trial", "score", "value", "cluster", "status")
    ]
    slices: dict[str, dict[str, str]] = {}
    for name in slice_names:
        for item, value in zip(keyed["item"], keyed[name], strict=True):
            if not pd.isna(value):
                slices.setdefault(str(item), {})[name] = str(value)
    header = RunHeader(
        run="",
        dataset="",
        candidate=label,
        expected_items=len(names),
        trials=int(trial_numbers.max()) + 1 if len(trial_numbers) else 1,
    )
    return RunTable(header, tuple(names), columns, clusters, slices)


def _column(
    run: str,
    score: str,
    names: list[str],
    items: list[int] | NDArray[np.intp],
    trials: list[int] | NDArray[np.intp],
    values: list[object],
) -> Column:
    item_codes = np.asarray(items, dtype=np.intp)
    trial_codes = np.asarray(trials, dtype=np.intp)
    keys = item_codes * (int(trial_codes.max(initial=0)) + 1) + trial_codes
    unique, first = np.unique(keys, return_index=True)
    if len(unique) != len(keys):
        doubled = np.setdiff1d(np.arange(len(keys)), first)[0]
        raise ResultsError(
            f"score '{score}' of item '{names[item_codes[doubled]]}' is there twice "
            f"in trial {trial_codes[doubled]}",
            where=run or None,
            hint="every item × trial × score may appear once",
        )
    filled = np.empty(len(values), dtype=object)
    filled[:] = values
    return Column(item_codes, trial_codes, filled)


def value_text(value: ScoreValue) -> str:
    """A score value as a person writes it."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
