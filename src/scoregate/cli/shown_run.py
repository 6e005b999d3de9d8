"""A run on stdout: its counts and its scores, in text or as one JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scoregate.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from typing import TextIO

    from scoregate.records import Run


def show_run(run: Run, as_json: bool, stdout: TextIO | None = None) -> None:
    """Print the run."""
    from scoregate.reports.run_text import run_as_dict, run_summary

    if as_json:
        print_json(json.dumps(run_as_dict(run), indent=2, ensure_ascii=False), stream=stdout)
    else:
        print_text(run_summary(run), stream=stdout)
