"""A gate inside of a script for Langfuse's experiment action: the SDK's result in, the SDK's `RegressionError` out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.baselines.load import load_anchor, load_baseline
from scoregate.errors import INCONCLUSIVE, INVALID, ConfigError, NoBaseline, ScoregateError
from scoregate.files.reading import shown_path
from scoregate.gate_file import read_gate
from scoregate.gate_run.begin import new_id
from scoregate.gate_run.decide import decide
from scoregate.gate_run.request import reviewed
from scoregate.gates.sentences import named_ids
from scoregate.git.version import version_of
from scoregate.records import Verdict
from scoregate.records.run_facts import RunFacts
from scoregate.sources import files_of_other_gates, open_store, read_gate_dataset
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from langfuse.experiment import ExperimentResult


class NotDecided(ScoregateError):
    """The gate asked to fail a build that is neither proved worse nor proved as good. `verdict` says why."""

    exit_code = INCONCLUSIVE
    verdict: Verdict


class NotComparable(ScoregateError):
    """The comparison means nothing, so the build must not pass. `verdict` says why."""

    exit_code = INVALID
    verdict: Verdict


def enforce(
    gate_path: str | Path, result: ExperimentResult, *, seed: int = 0, version: str | None = None
) -> Verdict:
    """Decide a gate on the result of the SDK's `run_experiment`, and return its verdict unless it fails the build.

    The result becomes a run in the project's store, with the items of the gate's dataset: those that the result
    lacks count against the candidate. It is compared with the gate's stored baseline. `version` labels it, else
    the experiment's run name does.

    Raises the SDK's own `RegressionError` with `.result` for a regression, NotComparable for an invalid comparison,
    NotDecided for an inconclusive one under `on_inconclusive = "fail"`, BaselineError where there is no baseline
    yet, and ConfigError, DatasetError, ResultsError or StoreError where gate, data or store cannot be used.
    """
    from scoregate.langfuse.sdk import check_sdk

    check_sdk()
    from scoregate.langfuse.experiment_results import regression_error, run_from

    gate = reviewed(read_gate(Path(gate_path)))
    if gate.side_by_side:
        raise ConfigError(
            f"the baseline {gate.baseline} would have to be run beside the candidate, which has been run already",
            where=shown_path(Path(gate_path)),
            hint=f'for results that exist set baseline = "gates/{gate.name}.baseline.jsonl"',
        )
    dataset = read_gate_dataset(gate) if gate.dataset else None
    label = version_of(gate.root, version, result.run_name, aside=lambda: files_of_other_gates(gate))
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    made_by = {"id": result.experiment_id, "name": result.name}
    facts = RunFacts(gate=gate.name, sdk_experiment=made_by, dirty=label.dirty)
    run, items = run_from(
        result,
        gate,
        dataset,
        header={
            "run": new_id(gate.name),
            "candidate": label.label,
            "commit": label.commit,
            "started_at": now,
            "finished_at": now,
            "metadata": facts.to_metadata(),
        },
    )
    with open_store(gate.root) as store:
        store.import_run(run, dataset_items=items)
        try:
            baseline = load_baseline(gate, None, store, run.header.scorers)
        except NoBaseline as error:
            accept = proposed_command("baseline", "accept", shown_path(Path(gate_path)), run.id, why=True)
            raise NoBaseline(error.message, where=error.where, hint=f"accept this run: {accept}") from None
        anchor = load_anchor(gate, store, run.header.scorers)
        verdict = decide(gate, baseline, run, anchor, seed=seed, store=store).verdict
    if verdict.outcome == "regression":
        raise regression_error(result, _message(verdict))
    if verdict.outcome == "invalid":
        raise _about(NotComparable(verdict.reason, hint=f"the run is {run.id}"), verdict)
    if verdict.exit_code == INCONCLUSIVE:
        raise _about(NotDecided(verdict.reason, hint=f"the run is {run.id}"), verdict)
    return verdict


def _about(error: NotComparable | NotDecided, verdict: Verdict) -> ScoregateError:
    error.verdict = verdict
    return error


def _message(verdict: Verdict) -> str:
    """One paragraph for the action's comment: why, and which items are worse."""
    worse = verdict.regressed_items
    return f"{verdict.reason}; worse: {named_ids(worse)}" if worse else verdict.reason
