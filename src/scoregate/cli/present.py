"""Show a verdict: on the terminal or as JSON on stdout, and in the files that were asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from scoregate.calibration.corrected_value import CorrectedValue
    from scoregate.gate_file import Gate
    from scoregate.gate_file.source import Source
    from scoregate.gate_run.outcome import Decided
    from scoregate.records import RoundName, Run

_WIDTH_WITHOUT_TERMINAL = 120


def present(
    found: Decided,
    *,
    outputs: Sequence[tuple[str, Path]],
    as_json: bool,
    stdout: TextIO | None = None,
    decides: bool = True,
) -> None:
    """Print the verdict, then write the reports: a file that cannot be written hides nothing."""
    from scoregate.cli.terminal import say
    from scoregate.errors import PASS, ScoregateError
    from scoregate.reports import Report, render, write_report
    from scoregate.reports.terminal import render_terminal

    gate, verdict, baseline, candidate = found.gate, found.verdict, found.baseline, found.candidate
    contracts = {name: contract for name in gate.rules if (contract := gate.contract(name)) is not None}
    report = Report(
        verdict=verdict,
        items={item.id: item for item in found.items},
        baseline_outputs=_outputs(baseline),
        candidate_outputs=_outputs(candidate),
        contracts=contracts,
        hints=found.hints,
        decides=decides,
        anchor=_shown(gate.anchor_source),
        corrected=_corrected(gate, candidate, baseline),
        judge_usage=found.judge_usage,
        last_round=_last_round(gate) if verdict.rounds else "D",
    )
    stdout = stdout or sys.stdout
    if as_json:
        click.echo(render(report, "json"), file=stdout)
    else:
        colour = _use_colour(stdout)
        click.echo(
            render_terminal(report, width=terminal_width(stdout), colour=colour), file=stdout, color=colour
        )
    stdout.flush()
    for fmt, path in outputs:
        try:
            write_report(report, fmt, _reachable(path, stdout))
        except ScoregateError as error:
            if verdict.exit_code == PASS:
                raise
            say(str(error))  # the exit code stays that of the verdict


def _corrected(gate: Gate, candidate: Run, baseline: Run | None) -> Mapping[str, CorrectedValue | str]:
    if all(rule.labels is None for rule in gate.rules.values()):
        return {}
    from scoregate.judge_trust.corrected_values import corrected_values

    return corrected_values(gate, candidate, baseline)


def _last_round(gate: Gate) -> RoundName:
    from scoregate.gates.levels import rounds_of

    return rounds_of(gate)[-1]


def _shown(source: Source | None) -> str | None:
    from scoregate.gate_file.source import File
    from scoregate.wording import shown_path

    if source is None:
        return None
    return shown_path(source.path) if isinstance(source, File) else str(source)


def _reachable(path: Path, stdout: TextIO) -> Path:
    """`/dev/stdout` as the stream that it was before `run` kept it from the user's code."""
    return Path(f"/dev/fd/{stdout.fileno()}") if path == Path("/dev/stdout") else path


def _outputs(run: Run | None) -> dict[str, object]:
    """Item id -> output of its first trial that has one."""
    found: dict[str, object] = {}
    for item in run.items if run else ():
        if item.has_output:
            found.setdefault(item.item, item.output)
    return found


def terminal_width(stream: TextIO) -> int:
    if not stream.isatty():
        return _WIDTH_WITHOUT_TERMINAL
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH_WITHOUT_TERMINAL
    except OSError:
        return _WIDTH_WITHOUT_TERMINAL


def _use_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not where NO_COLOR or CI says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
