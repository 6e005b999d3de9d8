"""Writing a run to a file, whole or not at all, the same bytes for the same run."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from scoregate.errors import ResultsError
from scoregate.files.writing import atomic_file
from scoregate.records import Run
from scoregate.results_file.lines import iterate_lines, iterate_lock_lines


def write_results(run: Run, path: Path) -> None:
    """Write a results file, packed where the name ends in `.gz`.

    Raises ResultsError where the place cannot be written to or the run cannot be read back (see
    `iterate_lines`); a file that was there before is then still there.
    """
    _write(iterate_lines(run), Path(path))


def write_lock(run: Run, path: Path) -> None:
    """Write a lock file (see `iterate_lock_lines` for what it keeps). Raises as `write_results` does."""
    _write(iterate_lock_lines(run), Path(path))


def _write(lines: Iterator[str], path: Path) -> None:
    with atomic_file(path, ResultsError) as file:
        if path.name.lower().endswith(".gz"):
            # No name and no time inside, so that the same run gives the same bytes.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                for line in lines:
                    packed.write(line.encode("utf-8") + b"\n")
        else:
            for line in lines:
                file.write(line.encode("utf-8") + b"\n")
