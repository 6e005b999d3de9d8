"""One verdict, many faces: terminal, Markdown, JSON, CSV. A new format is one file and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from scoregate.errors import ConfigError, ScoregateError, did_you_mean
from scoregate.files.writing import atomic_file
from scoregate.reports.json import render_json
from scoregate.reports.report import Report
from scoregate.reports.terminal import render_terminal

__all__ = [
    "FORMATS",
    "Report",
    "check_format",
    "render_csv",
    "render_json",
    "render_markdown",
    "render_terminal",
    "write_report",
]


def render_csv(report: Report) -> str:
    """The rules as comma-separated values, see `scoregate.reports.csv`."""
    from scoregate.reports import csv

    return csv.render_csv(report)


def render_markdown(report: Report) -> str:
    """The verdict as GitHub shows it, see `scoregate.reports.markdown`."""
    from scoregate.reports import markdown

    return markdown.render_markdown(report)


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "csv": render_csv,
    "json": render_json,
    "markdown": render_markdown,
}
"""What `-o FORMAT=PATH` can write: format -> renderer."""

_NOT_YET = ("html", "junit")


def check_format(fmt: str) -> None:
    """Raises ConfigError for a format that cannot be written, so that a run can refuse it before it starts."""
    if fmt in FORMATS:
        return
    if fmt in _NOT_YET:
        known = ", ".join(FORMATS)
        raise ConfigError(
            f"this version cannot write {fmt} reports yet", where="-o", hint=f"it can write {known}"
        )
    raise ConfigError(f"unknown report format '{fmt}'", where="-o", hint=did_you_mean(fmt, FORMATS))


def write_report(report: Report, fmt: str, path: Path) -> None:
    """Render the report and put it at `path` whole or not at all; missing folders are made.

    Raises ConfigError for an unknown format, ScoregateError if the file cannot be written.
    """
    check_format(fmt)
    content = FORMATS[fmt](report).encode("utf-8")
    try:
        if path.is_relative_to("/dev") or path.is_fifo():  # a stream has no file that could be replaced
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScoregateError(
            f"cannot be written: {error.strerror or error}", where=str(path), hint="choose another path"
        ) from None
    with atomic_file(path, ScoregateError) as file:
        file.write(content)
