"""`scoregate selftest`: the gate's false alarms and what it finds, measured on stored trials."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scoregate.cli.options import gate_argument, json_option, seed_option, store_option
from scoregate.cli.printing import print_json, print_text


@click.command()
@gate_argument
@click.option(
    "--builds", type=click.IntRange(min=1), default=300, show_default=True, help="A/A builds to decide."
)
@click.option(
    "--from",
    "names",
    multiple=True,
    metavar="FILE|RUN",
    help="Deal the trials of these runs of one version; may be repeated.",
)
@click.option(
    "--drop",
    "drops",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    help="Plant this drop, in the score's unit; may be repeated.  [default: 0.05, 0.10]",
)
@click.option(
    "--score",
    "scores",
    multiple=True,
    metavar="NAME",
    help="Plant drops in this score; may be repeated.  [default: the first primary score, else the first rate]",
)
@seed_option
@json_option
@store_option
def selftest(
    gate_path: Path,
    builds: int,
    names: tuple[str, ...],
    drops: tuple[float, ...],
    scores: tuple[str, ...],
    seed: int,
    as_json: bool,
    store_path: Path | None,
) -> int:
    """Measure the false alarms of GATE, and which drops it finds, on trials that are stored. Nothing is run.

    Each build deals stored trials of one version at random to a baseline and a candidate and decides as the gate
    does: an alarm is a false one. Ends with 1 where they are proved to be more frequent than the gate's alpha.
    """
    from scoregate.cli.terminal import terminal_width
    from scoregate.gate_file import read_gate
    from scoregate.planning.self_test import DROPS, Wanted, self_test
    from scoregate.planning.stored_trials import named_trials, placed_trials, stored_trials
    from scoregate.reports.selftest_text import selftest_text
    from scoregate.sources import existing_store, read_gate_dataset

    gate = read_gate(gate_path)
    store = existing_store(gate.root, store_path)
    trials = named_trials(gate, names, store) if names else stored_trials(gate, store)
    if trials is not None and gate.dataset is not None and Path(gate.dataset).exists():
        trials = placed_trials(gate, trials, read_gate_dataset(gate))
    wanted = Wanted(builds=builds, drops=drops or DROPS, scores=scores, seed=seed)
    found = self_test(gate, trials, wanted)
    if as_json:
        print_json(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_text(selftest_text(found, width=terminal_width(sys.stdout)))
    return found.exit_code
