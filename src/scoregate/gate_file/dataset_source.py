"""Which dataset of Langfuse is meant: `langfuse:NAME`, or `langfuse:NAME@TIME` for the one of that time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from scoregate.gate_file.source import LANGFUSE, SourceProblem

_EXAMPLE = 'such as "langfuse:NAME" or "langfuse:NAME@2026-01-31T12:00:00Z"'
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")


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
        raise SourceProblem("names no dataset", _EXAMPLE)
    if name != name.strip() or _NO_TEXT.search(name):
        raise SourceProblem(
            f"names the dataset {name!r}, with white space around it or a control character", _EXAMPLE
        )
    if name.startswith("/") or name.endswith("/"):
        raise SourceProblem(f"names the dataset '{name}', and no name begins or ends with a slash", _EXAMPLE)
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
        raise SourceProblem(f"pins the dataset to '{text}', which is too far away", _EXAMPLE) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceProblem(
            f"pins the dataset to '{text}', which is no time",
            f"{_EXAMPLE}; a name that holds an @ has another one behind it",
        ) from None
    if moment.tzinfo is None:
        raise SourceProblem(
            f"pins the dataset to '{text}', which does not say in which time zone",
            f"such as '{text}Z' for UTC",
        )
    return moment
