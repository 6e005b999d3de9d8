"""`scoregate check`: decide a gate from results that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from scoregate.cli.options import gate_argument, parse_outputs, stored_results_options


@click.command()
@gate_argument
@click.option(
    "--candidate",
    required=True,
    metavar="FILE|RUN|langfuse:NAME",
    help="Results file, the id of a stored run, or langfuse:EXPERIMENT.",
)
@stored_results_options
def check(
    gate_path: Path,
    candidate: str,
    baseline: str | None,
    on_inconclusive: Literal["warn", "fail"] | None,
    seed: int,
    outputs: tuple[str, ...],
    as_json: bool,
    store_path: Path | None,
) -> int:
    """Decide GATE from results that exist: nothing is run, and the same input gives the same verdict.

    Results come from a file (`scoregate runs export` writes one, and so can any other tool) or from the store.
    A stored run can be decided again under another gate at no cost.
    """
    from scoregate.cli.terminal import present
    from scoregate.gate_run.check import check_gate

    wanted = parse_outputs(outputs)
    found = check_gate(
        gate_path,
        candidate,
        baseline,
        on_inconclusive=on_inconclusive,
        seed=seed,
        store_path=store_path,
    )
    present(found, outputs=wanted, as_json=as_json)
    return found.verdict.exit_code
