"""`scoregate plan`: what a gate sees, how often it will be inconclusive, and what that costs."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from scoregate.cli.options import gate_argument, json_option, store_option
from scoregate.cli.printing import print_json, print_text


@click.command()
@gate_argument
@click.option(
    "--from",
    "names",
    multiple=True,
    metavar="FILE|RUN",
    help="Tell the noise from these runs of one version; may be repeated.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Assume this pass rate.  [default: 0.85 where nothing is stored]",
)
@click.option(
    "--discordance",
    type=click.FloatRange(0, 0.5),
    help="Assume that two runs disagree on this share of items.  [default: 0.14 where nothing is stored]",
)
@click.option(
    "--items",
    type=click.IntRange(min=1),
    metavar="N",
    help="Plan for so many items instead of the dataset's.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="K",
    help="Plan for so many runs of every item instead of the gate's.",
)
@json_option
@store_option
def plan(
    gate_path: Path,
    names: tuple[str, ...],
    rate: float | None,
    discordance: float | None,
    items: int | None,
    trials: int | None,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Tell which drops GATE sees, how often an unchanged agent is inconclusive, what it costs and what would help.

    Runs nothing. The noise is told from stored trials of one version where there are any (`scoregate run GATE
    --trials 5` makes some), else from assumed rates.
    """
    from scoregate.cli.terminal import terminal_width
    from scoregate.gate_file import read_gate
    from scoregate.planning.basis import Assumption, basis_of
    from scoregate.planning.gate_plan import plan_gate
    from scoregate.reports.plan_text import plan_text
    from scoregate.sources import existing_store

    gate = read_gate(gate_path)
    gate = replace(gate, trials=trials or gate.trials)
    store = existing_store(gate.root, store_path)
    assumption = Assumption(rate=rate, discordance=discordance)
    found = plan_gate(gate, basis_of(gate, store, names=names, assumption=assumption, items=items))
    if as_json:
        print_json(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_text(plan_text(found, width=terminal_width(sys.stdout)))
