"""One verdict, or those of a build, with many faces: terminal, Markdown, JSON, JUnit, CSV. A new format is one function
and its line in `FORMATS`, and the same of a build in `_OF_BUILDS`; those that are promised stand in `_NOT_YET` until
then."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.errors import ConfigError, ScoregateError, did_you_mean
from scoregate.reports.report import Report

if TYPE_CHECKING:
    from scoregate.reports.build import Build

__all__ = ["FORMATS", "Report", "check_format", "render", "write_report"]

FORMATS: Mapping[str, str] = {
    "csv": "scoregate.reports.csv_rules:render_csv",
    "json": "scoregate.reports.document:render_json",
    "junit": "scoregate.reports.junit:render_junit",
    "markdown": "scoregate.reports.markdown:render_markdown",
}
"""What `-o FORMAT=PATH` can write: format -> where its renderer lives, which is imported when it is asked for."""

_OF_BUILDS: Mapping[str, str] = {
    "csv": "scoregate.reports.csv_rules:render_build_csv",
    "json": "scoregate.reports.build_document:render_build_json",
    "junit": "scoregate.reports.junit:render_build_junit",
    "markdown": "scoregate.reports.build_markdown:render_build_markdown",
}
"""The same formats, of the gates of a build."""
_NOT_YET = ("html",)


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


def render(report: Report | Build, fmt: str) -> str:
    """The whole report in a format of `FORMATS`. Raises ConfigError for an unknown one."""
    check_format(fmt)
    module, name = (FORMATS if isinstance(report, Report) else _OF_BUILDS)[fmt].split(":")
    text: str = getattr(import_module(module), name)(report)
    return text


def write_report(report: Report | Build, fmt: str, path: Path) -> None:
    """Render the report and put it at `path` whole or not at all; missing folders are made.

    Raises ConfigError for an unknown format, ScoregateError if the file cannot be written.
    """
    from scoregate.files.writing import atomic_file, make_folder_of

    content = render(report, fmt).encode("utf-8")
    try:
        if path.is_relative_to("/dev") or path.is_fifo():  # a stream has no file that could be replaced
            path.write_bytes(content)
            return
    except OSError as error:
        raise ScoregateError(
            f"cannot be written: {error.strerror or error}", where=str(path), hint="choose another path"
        ) from None
    make_folder_of(path, ScoregateError)
    with atomic_file(path, ScoregateError) as file:
        file.write(content)
