"""`check`: a gate decided from results that exist; nothing is run."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scoregate.gate_run.outcome import Decided
    from scoregate.records import Verdict


def check(
    gate: str | Path,
    candidate: str | Path,
    baseline: str | Path | None = None,
    *,
    on_inconclusive: Literal["warn", "fail"] | None = None,
    seed: int = 0,
    store_path: str | Path | None = None,
) -> Verdict:
    """Decide a gate from results that exist, as `scoregate check` does; nothing is run, printed or written.

        verdict = scoregate.check("gates/agent.toml", candidate="results.jsonl")
        verdict.exit_code

    `candidate` and `baseline` are each a results file, the id of a stored run (a unique beginning is enough) or
    `langfuse:EXPERIMENT`; without `baseline` it is the gate's own. The same input gives the same verdict.

    Raises BaselineError where there is no baseline or it cannot be trusted, and otherwise the ScoregateError that the
    command line would tell: with `where`, `hint` and `exit_code`.
    """
    from scoregate.gate_run.run import check_option

    check_option("on_inconclusive", on_inconclusive)
    check_option("seed", seed)
    return check_gate(
        Path(gate),
        str(candidate),
        None if baseline is None else str(baseline),
        on_inconclusive=on_inconclusive,
        seed=seed,
        store_path=None if store_path is None else Path(store_path),
    ).verdict


def check_gate(
    gate_path: Path,
    candidate: str,
    baseline: str | None = None,
    *,
    on_inconclusive: Literal["warn", "fail"] | None = None,
    seed: int = 0,
    store_path: Path | None = None,
) -> Decided:
    """`check`, with everything that a report shows of the verdict."""
    from scoregate.baselines.load import load_anchor, load_baseline, load_run
    from scoregate.errors import EditedBaseline
    from scoregate.gate_file import read_gate
    from scoregate.gate_run.decide import decide
    from scoregate.gate_run.outcome import Decided
    from scoregate.gate_run.request import reviewed
    from scoregate.sources import existing_store, known_items

    gate = reviewed(read_gate(gate_path)).with_policy(on_inconclusive)
    with existing_store(gate.root, store_path) or nullcontext() as store:
        now = load_run(candidate, store, "--candidate", gate)
        scorers = now.header.scorers
        before, why_none = None, ""
        try:
            before = load_baseline(gate, baseline, store, scorers)
        except EditedBaseline as error:
            if not gate.policy_changes:
                raise
            why_none = str(error)  # A verdict, so that what the change moves is told with it.
        anchor = load_anchor(gate, store, scorers)
        decision = decide(gate, before, now, anchor, seed=seed, store=store, why_no_baseline=why_none)
        return Decided(
            gate=gate,
            verdict=decision.verdict,
            candidate=now,
            baseline=before,
            items=known_items(gate, now, store),
            hints=decision.hints,
            judge_usage=store.judge_usage.of_runs(now.id) if store is not None else (),
        )
