"""Show a verdict: on the terminal or as JSON on stdout, and in the files that were asked for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.records import DatasetItem, Run, Verdict

WIDTH_WITHOUT_TERMINAL = 120


def present(
    verdict: Verdict,
    gate: Gate,
    *,
    baseline: Run | None,
    candidate: Run,
    items: Sequence[DatasetItem],
    outputs: Sequence[tuple[str, Path]],
    as_json: bool,
    hints: Sequence[str] = (),
) -> None:
    """Write the reports, then print the verdict."""
    from scoregate.reports import Report, render_json, render_terminal, write_report

    contracts = {name: contract for name in gate.rules if (contract := gate.contract(name)) is not None}
    report = Report(
        verdict=verdict,
        items={item.id: item for item in items},
        baseline_outputs=_outputs(baseline),
        candidate_outputs=_outputs(candidate),
        contracts=contracts,
        hints=tuple(hints),
    )
    for fmt, path in outputs:
        write_report(report, fmt, path)
    if as_json:
        click.echo(render_json(report))
    else:
        click.echo(render_terminal(report, width=terminal_width(), colour=use_colour()), color=use_colour())


def _outputs(run: Run | None) -> dict[str, object]:
    """Item id -> output of its first trial."""
    found: dict[str, object] = {}
    for item in run.items if run else ():
        if item.status == "ok" and item.output is not None:
            found.setdefault(item.item, item.output)
    return found


def terminal_width() -> int:
    return (
        shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns
        if sys.stdout.isatty()
        else WIDTH_WITHOUT_TERMINAL
    )


def use_colour() -> bool:
    """Colour only on a terminal, and not where NO_COLOR or CI says otherwise."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
