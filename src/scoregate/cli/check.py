"""`scoregate check`: decide a gate from results that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from scoregate.cli.options import gates_argument, parse_outputs, stored_results_options


@click.command()
@gates_argument
@click.option(
    "--candidate",
    required=True,
    metavar="FILE|RUN|langfuse:NAME|newest|FOLDER",
    help="Results file, the id of a stored run, or langfuse:EXPERIMENT; newest: the gate's newest whole run; a folder: "
    "the results file in it that has the gate's name.",
)
@stored_results_options
def check(
    gates: tuple[Path, ...],
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

    With several gates, or a folder of them, --candidate is newest or a folder with results files of the gates' names
    (gates/agent.toml: agent.jsonl). One table of all comes last, and each -o writes one report of all; the exit code is
    the worst of theirs, in the order 5, 2, 4, 1, 3, 0.
    """
    if len(gates) > 1 or gates[0].is_dir():
        from scoregate.cli.many_checks import check_many

        return check_many(
            gates,
            candidate,
            baseline,
            on_inconclusive=on_inconclusive,
            seed=seed,
            outputs=outputs,
            as_json=as_json,
            store_path=store_path,
        )
    from scoregate.cli.terminal import present
    from scoregate.gate_run.check import check_gate

    wanted, gate_path = parse_outputs(outputs), gates[0]
    if candidate == "newest" or Path(candidate).is_dir():
        from scoregate.gate_run.newest import results_of

        candidate = results_of(gate_path, candidate, store_path)
    found = check_gate(
        gate_path,
        candidate,
        baseline,
        on_inconclusive=on_inconclusive,
        seed=seed,
        store_path=store_path,
    )
    asked = {"on_inconclusive": on_inconclusive, "seed": seed}
    present(found, outputs=wanted, as_json=as_json, asked=asked)
    return found.verdict.exit_code
