"""`scoregate check`: decide a gate from results that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from scoregate.cli.options import (
    gate_argument,
    json_option,
    output_option,
    parse_outputs,
    seed_option,
    store_option,
)


@click.command()
@gate_argument
@click.option(
    "--candidate",
    required=True,
    metavar="FILE|RUN",
    help="Results file, the id of a stored run, or langfuse:EXPERIMENT.",
)
@click.option("--baseline", metavar="FILE|RUN", help="Instead of the gate's own baseline.")
@click.option("--on-inconclusive", type=click.Choice(["warn", "fail"]), help="Instead of the gate's own.")
@seed_option
@output_option
@json_option
@store_option
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
    from scoregate.baselines.baselines import load_anchor, load_baseline, load_run
    from scoregate.baselines.expected_items import with_expected_items
    from scoregate.cli.present import present
    from scoregate.gate_file import read_gate
    from scoregate.gates.anchors import compare_with_both
    from scoregate.judge_trust.judge_trust import judge_trust
    from scoregate.judge_trust.true_margins import with_true_margins
    from scoregate.sources.datasets import known_items
    from scoregate.sources.places import existing_store

    wanted = parse_outputs(outputs)
    gate = read_gate(gate_path).with_policy(on_inconclusive)
    store = existing_store(gate.root, store_path)
    now = load_run(candidate, store, "--candidate", gate)
    scorers = now.header.scorers
    before = load_baseline(gate, baseline, store, scorers)
    expected = with_expected_items(now, gate, store)
    decided = with_true_margins(gate, now.header)
    verdict = compare_with_both(decided, before, expected, load_anchor(gate, store, scorers), seed=seed)
    trust = judge_trust(gate, before, now)
    verdict = trust.applied(verdict)
    present(
        verdict,
        gate,
        baseline=before,
        candidate=now,
        items=known_items(gate, now, store),
        outputs=wanted,
        as_json=as_json,
        hints=trust.commands,
        judge_usage=store.judge_usage.of_runs(now.id) if store is not None else (),
    )
    return verdict.exit_code
