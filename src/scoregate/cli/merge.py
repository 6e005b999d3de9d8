"""`scoregate merge`: decide a gate from the results of jobs that ran a shard each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from scoregate.cli.options import existing_gate, parse_outputs, stored_results_options


@click.command()
@click.argument("names", metavar="[GATE] RESULTS...", nargs=-1, required=True)
@stored_results_options
def merge(
    names: tuple[str, ...],
    baseline: str | None,
    on_inconclusive: Literal["warn", "fail"] | None,
    seed: int,
    outputs: tuple[str, ...],
    as_json: bool,
    store_path: Path | None,
) -> int:
    """Decide GATE once from the shards of a run, as if one job had run it all.

    RESULTS are the results files of the jobs that ran the gate with --shard, or the ids of stored runs, in any order.
    GATE may be left out where it is the project's gate of the name that they note. A shard that is missing or there
    twice, an item that is in two of them, and shards of different commits, candidates, datasets, scorers or gates make
    the verdict invalid: exit code 4, with what it is by name. The merged run is kept in .scoregate/.
    """
    from scoregate.cli.printing import print_text
    from scoregate.cli.shown_run import show_run
    from scoregate.cli.terminal import present
    from scoregate.gate_run.merge import merge as merge_shards

    gates = [name for name in names if name.endswith(".toml")]
    results = [name for name in names if name not in gates]
    if len(gates) > 1:
        raise click.UsageError(f"one gate is decided at a time, not {' and '.join(gates)}")
    if not results:
        raise click.UsageError("no results are named: scoregate merge GATE RESULTS...")
    wanted = parse_outputs(outputs)
    found = merge_shards(
        existing_gate(Path(gates[0])) if gates else None,
        results,
        baseline,
        on_inconclusive=on_inconclusive,
        seed=seed,
        store_path=store_path,
    )
    if found.baseline is None and found.candidate.id and not as_json:
        show_run(found.candidate, as_json)
        print_text()
    asked = {"baseline": baseline, "on_inconclusive": on_inconclusive, "seed": seed}
    present(found, outputs=wanted, as_json=as_json, asked=asked)
    return found.verdict.exit_code
