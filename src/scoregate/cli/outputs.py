"""The files of `-o FORMAT=PATH`: reports of the verdict, and the run behind it as a results file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.cli.printing import say
from scoregate.errors import ConfigError, ResultsError, ScoregateError

if TYPE_CHECKING:
    from scoregate.records import Run

RESULTS = "results"
"""The format that is no report: the candidate's run as a results file."""


def check_output(fmt: str, path: Path) -> None:
    """Raises ConfigError for a format that cannot be written, or cannot be read again from this file."""
    if fmt == RESULTS:
        from scoregate.results_file.reading import SUFFIXES

        if not path.name.endswith(SUFFIXES):
            raise ConfigError(
                f"'{path}' could not be read again",
                where="-o",
                hint="a results file ends in .jsonl or .jsonl.gz",
            )
        return
    from scoregate.reports import check_format

    check_format(fmt)


def write_run(run: Run, path: Path) -> None:
    """Write a results file; missing folders are made. Raises ResultsError, also for a run that is none."""
    from scoregate.files.writing import make_folder_of
    from scoregate.results_file import write_results

    if not run.id:
        raise ResultsError("is not written, as there is no run", where=str(path))
    make_folder_of(path, ResultsError)
    write_results(run, path)


def write_outputs(
    outputs: Iterable[tuple[str, Path]], write: Callable[[str, Path], None], root: Path, *, passed: bool
) -> None:
    """Call `write` for each file, and keep in mind that it is no change of the candidate, whose project `root` is.

    Raises what it raises where the command has passed; else that is said, and the exit code stays what it is.
    """
    from scoregate.git.version import note_report

    for fmt, path in outputs:
        try:
            write(fmt, path)
            note_report(root, path)
        except ScoregateError as error:
            if passed:
                raise
            say(str(error))
