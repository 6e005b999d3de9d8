"""What a baseline, an anchor, a candidate and a dataset may be named by: the whole grammar, and nobody else reads it.

    text                      in a gate: baseline, anchor     on the command line
    ------------------------  ------------------------------  -----------------------------------------------
    gates/x.baseline.jsonl    File, from the project's root   File, from the working directory
    agent-1                   File                            File where there is one, else RunId
    run:agent-1               RunId                           RunId
    langfuse:NAME             LangfuseExperiment              LangfuseExperiment
    langfuse:branch=BRANCH    LangfuseExperiment              LangfuseExperiment
    git:REF                   GitRevision; of no anchor       GitRevision
    experiments/x.py          -                               File, of `run --candidate` and `--against` alone

`check` refuses a GitRevision, of which there are no results. To `run --candidate` and `--against`, which name a
version to run, whatever is no GitRevision is a File.

A dataset is a file, or `langfuse:NAME`, or `langfuse:NAME@TIME` for the one in Langfuse as it was at a time.

Only the kind is told here. Whether the file, the run, the ref or the experiment exists, whoever looks it up says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Literal, TypeVar

from scoregate.errors import ConfigError

LANGFUSE = "langfuse:"
_GIT = "git:"
_RUN = "run:"
_BRANCH = "branch="
_RESULT_SUFFIXES = (".jsonl", ".jsonl.gz")
_EXAMPLE = 'such as "langfuse:branch=main" or "langfuse:NAME-OF-AN-EXPERIMENT"'
_DATASET_EXAMPLE = 'such as "langfuse:NAME" or "langfuse:NAME@2026-01-31T12:00:00Z"'
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")

_T = TypeVar("_T")


class SourceProblem(ValueError):
    """A text that names nothing. `str(problem)` reads on from the text, `hint` says what would do."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class File:
    """A lock file or a results file, whose results exist; or a Python file, which is run."""

    name: str
    """The path as it was written; in a `Gate` that was read from a file it is absolute."""

    @property
    def path(self) -> Path:
        return Path(self.name)

    @property
    def is_named_as_results(self) -> bool:
        return self.name.endswith(_RESULT_SUFFIXES)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class RunId:
    """A run in the store, by its id or a unique beginning of it."""

    id: str
    bare: bool = False
    """Written without `run:`, so that a file may have been meant."""

    def __str__(self) -> str:
        return self.id if self.bare else f"{_RUN}{self.id}"


@dataclass(frozen=True, slots=True)
class GitRevision:
    """A version that is run: the candidate at a branch, tag, commit or `merge-base[:BRANCH]`."""

    ref: str

    def __str__(self) -> str:
        return f"{_GIT}{self.ref}"


@dataclass(frozen=True, slots=True)
class LangfuseExperiment:
    """An experiment by name or id, or the newest accepted one of a branch; exactly one of the two is there.

    One whose name begins with `branch=` is meant by its id.
    """

    name: str | None = None
    branch: str | None = None

    def __str__(self) -> str:
        return f"{LANGFUSE}{self.name if self.branch is None else _BRANCH + self.branch}"


Source = File | RunId | GitRevision | LangfuseExperiment
"""`str(source)` is the text that is read as the same source again."""


def read_source(text: str) -> Source:
    """What stands in a gate; a name without a prefix is a file's. Raises SourceProblem."""
    if text.startswith(LANGFUSE):
        return _read_langfuse_experiment(text)
    if text.startswith(_RUN):
        return RunId(text.removeprefix(_RUN))
    return named_version(text)


def read_gate_source(text: str, key: Literal["baseline", "anchor"]) -> Source:
    """As `read_source`, and refused where nothing stands behind the prefix, or an anchor would have to be run."""
    source = read_source(text)
    match source:
        case GitRevision() if key == "anchor":
            hint = "a results file, a lock file or run:ID"
            raise SourceProblem(f'is "{text}", and an anchor is fixed: nothing is run for it', hint)
        case GitRevision(ref) if not ref.strip():
            raise SourceProblem(f"names no ref after '{_GIT}'", 'such as "git:main" or "git:merge-base"')
        case RunId(id) if not id.strip():
            raise SourceProblem(f"names no run after '{_RUN}'", "`scoregate runs list` shows their ids")
    return source


def _read_langfuse_experiment(text: str) -> LangfuseExperiment:
    """`NAME` or `branch=BRANCH`, each with or without `langfuse:` before it. Raises SourceProblem."""
    rest = text.removeprefix(LANGFUSE).strip()
    if not rest:
        raise SourceProblem("names no experiment", _EXAMPLE)
    if not rest.startswith(_BRANCH):
        return LangfuseExperiment(name=rest)
    branch = rest.removeprefix(_BRANCH).strip()
    if not branch:
        raise SourceProblem(f"names no branch after '{_BRANCH}'", _EXAMPLE)
    return LangfuseExperiment(branch=branch)


def named_source(text: str, option: str) -> Source:
    """What an option such as `--baseline` means: results that exist, or for `run` a git ref too.

    A name without a prefix is a file's where there is one, or where it could be nothing else by its ending or its
    folders; else it is a run's id. Raises ConfigError, which names the option.
    """
    source = _named(read_source, text, option)
    match source:
        case File(path=path) if not (path.exists() or source.is_named_as_results or len(path.parts) > 1):
            return RunId(text, bare=True)
    return source


def named_experiment(text: str, option: str) -> LangfuseExperiment:
    """As `_read_langfuse_experiment`, of an option that means nothing else. Raises ConfigError, which names it."""
    return _named(_read_langfuse_experiment, text, option)


def named_version(text: str) -> GitRevision | File:
    """What `run --candidate` and `--against` mean: a version that is run, at a git ref or of a Python file."""
    return GitRevision(text.removeprefix(_GIT)) if text.startswith(_GIT) else File(text)


def _named(read: Callable[[str], _T], text: str, option: str) -> _T:
    try:
        return read(text)
    except SourceProblem as problem:
        raise ConfigError(f"{option}: '{text}' {problem}", hint=problem.hint) from None


@dataclass(frozen=True, slots=True)
class LangfuseDataset:
    """A dataset by name, as it is or as it was at a time."""

    name: str
    """May hold slashes, which make folders in Langfuse."""
    version: datetime | None = None
    """In UTC, to the millisecond, which is what the server keeps."""

    def __str__(self) -> str:
        """The text that is read as this again."""
        if self.version is not None:
            return f"{LANGFUSE}{self.name}@{version_text(self.version)}"
        return f"{LANGFUSE}{self.name}{'@' if '@' in self.name else ''}"


def read_dataset_source(text: str) -> Path | LangfuseDataset:
    """`langfuse:NAME[@TIME]`, or else the path of a file. Raises SourceProblem."""
    return read_langfuse_dataset(text) if text.startswith(LANGFUSE) else Path(text)


def read_langfuse_dataset(text: str) -> LangfuseDataset:
    """`NAME`, `NAME@TIME`, each with or without `langfuse:` before it; TIME is ISO 8601 with its offset from UTC, or a
    date, which stands for the midnight in UTC that it begins with.

    The last `@` begins the time, so that a name that holds one, and is read as it is now, is written with an `@`
    behind it. Raises SourceProblem.
    """
    name, at, when = text.removeprefix(LANGFUSE).rpartition("@")
    if not at:
        name = when
    if not name.strip():
        raise SourceProblem("names no dataset", _DATASET_EXAMPLE)
    if name != name.strip() or _NO_TEXT.search(name):
        raise SourceProblem(
            f"names the dataset {name!r}, with white space around it or a control character", _DATASET_EXAMPLE
        )
    if name in (".", ".."):
        raise SourceProblem(
            f"names the dataset '{name}', which means a folder in an address", _DATASET_EXAMPLE
        )
    if name.startswith("/") or name.endswith("/"):
        raise SourceProblem(
            f"names the dataset '{name}', and no name begins or ends with a slash", _DATASET_EXAMPLE
        )
    return LangfuseDataset(name, _version(when) if at and when else None)


def version_text(moment: datetime) -> str:
    """The time as the server writes it: `2026-01-31T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _version(text: str) -> datetime:
    try:
        moment = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        moment = _moment(text)
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise SourceProblem(
            f"pins the dataset to '{text}', which is too far away", _DATASET_EXAMPLE
        ) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceProblem(
            f"pins the dataset to '{text}', which is no time",
            f"{_DATASET_EXAMPLE}; a name that holds an @ has another one behind it",
        ) from None
    if moment.tzinfo is None:
        raise SourceProblem(
            f"pins the dataset to '{text}', which does not say in which time zone",
            f"such as '{text}Z' for UTC",
        )
    return moment
