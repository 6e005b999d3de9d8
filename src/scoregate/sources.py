"""Where things of a project come from by what a person calls them: its folder, store, catalog and datasets.

A dataset is a file, or the name of one in Langfuse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scoregate.catalog import CATALOG_FILE, Catalog, read_catalog
from scoregate.errors import ConfigError, ScoregateError
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.gate_file.source import (
    LangfuseDataset,
    SourceProblem,
    read_dataset_source,
    read_langfuse_dataset,
)
from scoregate.own.folder import here
from scoregate.records import Dataset, DatasetItem, Run
from scoregate.store import Store

if TYPE_CHECKING:
    from scoregate.gates.table import RunTable
    from scoregate.langfuse.connection import Connection


_T = TypeVar("_T")
STORE = Path(".scoregate") / "store.sqlite3"
_SHORT_WAIT = 10.0
"""Seconds that a report waits for a dataset in Langfuse."""


def find_root(start: Path | None = None) -> Path:
    """The project's folder: the working directory or its nearest ancestor that holds `gates/`, else itself."""
    start = (start or here()).resolve()
    return next((folder for folder in (start, *start.parents) if (folder / "gates").is_dir()), start)


def of_other_project(gate: Gate) -> str | None:
    """A line on which files the gate means where the working directory's project has some of the same names."""
    here = find_root()
    if gate.path is None or here == gate.root or not (here / "gates").is_dir():
        return None
    candidate = gate.candidate
    named = [gate.dataset_source, *(filter(None, (candidate.python, candidate.replay)) if candidate else ())]
    files = [Path(source) for source in named if isinstance(source, (str, Path))]
    inside = [path for path in files if path.is_relative_to(gate.root)]
    twice = [path for path in inside if (here / path.relative_to(gate.root)).exists()]
    if not twice:
        return None
    return f"the gate's own project is meant, with {' and '.join(map(shown_path, twice))}"


def files_of_other_gates(gate: Gate) -> frozenset[Path]:
    """The gate files beside this one, and what they name and this one does not. What cannot be read names nothing."""
    if gate.path is None:
        return frozenset()
    gates = [
        path for path in gate.path.parent.glob("*.toml") if path.name not in (gate.path.name, CATALOG_FILE)
    ]
    named = {gate.root / text for path in gates for text in _texts_of(path)}
    return frozenset(gates) | (named - {gate.root / text for text in _texts_of(gate.path)})


def _texts_of(gate: Path) -> Iterator[str]:
    import tomllib

    try:
        top = tomllib.loads(gate.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    candidate = top.get("candidate")
    tables = (top, candidate if isinstance(candidate, dict) else {})
    yield from (
        text for table in tables for text in table.values() if isinstance(text, str) and "\0" not in text
    )


def open_store(root: Path, *, path: Path | None = None, create: bool = True) -> Store:
    """The project's store, or the one at `path`. Raises StoreError."""
    return Store.open(here() / (path or root / STORE), create=create)


def existing_store(root: Path, path: Path | None = None) -> Store | None:
    """The project's store, or the one at `path`; None where there is none. Raises StoreError."""
    place = path or root / STORE
    return open_store(root, path=place, create=False) if place.exists() else None


def answered_run(gate: Gate, store: Store | None, run: str | None) -> str | None:
    """Id of the stored run that is named, else of the gate's newest one that has an answer; None without one.

    Raises StoreError for a name that is no run's.
    """
    if store is None:
        return None
    if run is not None:
        return store.find_run(run)
    return next((found.run for found in store.list_runs(gate=gate.name) if found.done), None)


def read_catalog_of(root: Path) -> Catalog:
    """The project's score catalog, `gates/scores.toml`; an empty one where there is none. Raises ConfigError."""
    path = root / "gates" / CATALOG_FILE
    return read_catalog(path) if path.exists() else Catalog()


def dataset_in_langfuse(
    source: LangfuseDataset,
    root: Path,
    *,
    input_schema: Path | None = None,
    expected_output_schema: Path | None = None,
    seconds: float | None = None,
) -> Dataset:
    """A dataset from Langfuse, with the keys of the project at `root`; `seconds` bounds the wait for each answer.

    Raises ConfigError where there are no keys, and what `langfuse.datasets.read_dataset` raises.
    """
    from scoregate.langfuse.datasets import read_dataset

    with connect(root, f"the dataset '{source}'", seconds=seconds) as connection:
        return read_dataset(
            connection, source, input_schema=input_schema, expected_output_schema=expected_output_schema
        )


def any_dataset(text: str, root: Path) -> Dataset:
    """The dataset of a file, or of Langfuse where the text begins with `langfuse:` or is no file's name.

    Raises ConfigError, DatasetError, Refused, ServiceError.
    """
    source = file_or_langfuse(text)
    if isinstance(source, Path) and is_file_name(source):
        from scoregate.datasets import read_dataset

        return read_dataset(source)
    return dataset_in_langfuse(named_in_langfuse(text), root)


def is_file_name(path: Path) -> bool:
    """Whether a name without `langfuse:` is that of a file and not of a dataset: it ends like one, or there is one."""
    from scoregate.datasets.files import SUFFIXES

    return path.name.lower().endswith(SUFFIXES) or path.is_file()


def file_or_langfuse(text: str) -> Path | LangfuseDataset:
    """`langfuse:NAME[@TIME]`, or else the path of a file. Raises ConfigError."""
    return _read(read_dataset_source, text)


def named_in_langfuse(text: str) -> LangfuseDataset:
    """`NAME` or `NAME@TIME`, with or without `langfuse:` before it. Raises ConfigError."""
    return _read(read_langfuse_dataset, text)


def _read(read: Callable[[str], _T], text: str) -> _T:
    try:
        return read(text)
    except SourceProblem as problem:
        raise ConfigError(f"'{text}' {problem}", hint=problem.hint) from None


def connect(
    root: Path, what_for: str, *, seconds: float | None = None, stop: threading.Event | None = None
) -> Connection:
    """A connection with the keys of the project at `root`. Raises ConfigError where there are none."""
    from scoregate.langfuse.connection import Connection, Patience
    from scoregate.langfuse.settings import require_settings

    patience = None if seconds is None else Patience(min(15.0, seconds), seconds, seconds)
    return Connection(require_settings(root, what_for), patience, stop=stop)


def read_gate_dataset(gate: Gate, *, seconds: float | None = None) -> Dataset:
    """The dataset that the gate names, from its file or from Langfuse, which is waited for so many seconds.

    Raises ConfigError, DatasetError, and for Langfuse Refused and ServiceError.
    """
    source = gate.dataset_source
    if source is None:
        raise ConfigError(
            "the gate names no dataset", where=gate.place, hint='add dataset = "datasets/….jsonl"'
        )
    from scoregate.datasets import read_dataset
    from scoregate.datasets.keys import check_keys

    inputs = Path(gate.input_schema) if gate.input_schema else None
    outputs = Path(gate.expected_output_schema) if gate.expected_output_schema else None
    if isinstance(source, LangfuseDataset):
        dataset = dataset_in_langfuse(
            source,
            gate.root,
            input_schema=inputs,
            expected_output_schema=outputs,
            seconds=seconds,
        )
    else:
        path = Path(shown_path(source))
        dataset = read_dataset(path, input_schema=inputs, expected_output_schema=outputs)
    check_keys(dataset, gate.cluster, gate.slices)
    return dataset


def known_items(gate: Gate, run: Run, store: Store | None) -> Sequence[DatasetItem]:
    """The dataset items behind a run, for showing them: from the store, else from the gate's dataset.

    A verdict does not need them, so a dataset that cannot be read here only leaves the report shorter.
    """
    fingerprint = run.header.dataset_fingerprint
    if store is not None and fingerprint:
        stored = store.dataset_items(fingerprint)
        if stored:
            return tuple(stored.values())
    if gate.dataset is None:
        return ()
    try:
        return read_gate_dataset(gate, seconds=_SHORT_WAIT).items
    except ScoregateError:
        return ()


def with_expected_items(run: Run, gate: Gate, store: Store | None) -> Run | RunTable:
    """The run, and where the gate compares changed datasets, beside it every item that it was to cover.

    An item that is missing from the run is then known by its name: it is lost, and has not left the dataset. The
    dataset is what the store kept of it, else the gate's own where that is the one that was run; where neither has
    it, or nothing is missing, the run stands for itself. Raises ResultsError when a cell is there twice.
    """
    if gate.on_dataset_change == "invalid" or _says_everything(run):
        return run
    items = _items_of(run, gate, store)
    selected = run.header.facts.selected_items if run.header.partial else None
    chosen = None if selected is None else set(selected)
    if items is None or (run.header.partial and chosen is None):
        return run
    from scoregate.datasets import content_digest

    dataset = {item.id: content_digest(item) for item in items if chosen is None or item.id in chosen}
    from scoregate.gates.table import table_from_run

    return replace(table_from_run(run), dataset=dataset)


def _says_everything(run: Run) -> bool:
    known = {item.item for item in run.items if item.content is not None}
    return len(known) >= run.header.expected_items and known >= {score.item for score in run.scores}


def _items_of(run: Run, gate: Gate, store: Store | None) -> Sequence[DatasetItem] | None:
    fingerprint = run.header.dataset_fingerprint
    if fingerprint is None:
        return None
    stored = store.dataset_items(fingerprint) if store is not None else {}
    if stored:
        return tuple(stored.values())
    if gate.dataset is None:
        return None
    try:
        present = read_gate_dataset(gate)
    except ScoregateError:
        return None  # The run's own word is enough to decide, or the verdict says what is not known.
    return present.items if present.fingerprint == fingerprint else None
