"""`merge`: a gate decided once, from the results of jobs that ran a shard each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scoregate.baselines.load import load_anchor, load_baseline, load_run
from scoregate.errors import ConfigError, EditedBaseline, NoBaseline, ResultsError, StoreError
from scoregate.gate_file import read_gate
from scoregate.gate_file.project import gates_below
from scoregate.gate_run.decide import decide, how_to_accept
from scoregate.gate_run.joining import Part, joined, judge_usage, why_not_one
from scoregate.gate_run.outcome import Decided
from scoregate.gate_run.request import reviewed
from scoregate.gates.compare import nothing_to_compare
from scoregate.records import Run
from scoregate.records.run_facts import RunFacts
from scoregate.sources import existing_store, find_root, known_items, open_store
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.store import Store
    from scoregate.store.judging import RunUsage


def merge(
    gate_path: Path | None,
    results: Sequence[str],
    baseline: str | None = None,
    *,
    on_inconclusive: Literal["warn", "fail"] | None = None,
    seed: int = 0,
    store_path: Path | None = None,
) -> Decided:
    """Join shards to the run that they are of, keep it in the store, and decide as `run` does of the whole.

    `results` are results files or stored runs. Without `gate_path` the gate is the project's of the name that the
    shards note. Shards that are not one whole run make an invalid verdict, whose reason names them; nothing is kept.

    Raises ConfigError for what is no shard, and otherwise as `check_gate`, except where there is no baseline yet.
    """
    gate = None if gate_path is None else read_gate(gate_path)
    root = find_root() if gate is None else gate.root
    stored = existing_store(root, store_path)
    with stored or nullcontext():
        parts, unread = _parts(results, stored, gate)
    if gate is None:
        gate_path = _own_gate(parts[0], root)
        gate = read_gate(gate_path)
    assert gate_path is not None
    gate = reviewed(gate).with_policy(on_inconclusive)
    against = [*unread, *why_not_one(parts, gate.name)]
    if against:
        return _not_one(gate, parts[0].run, against, seed=seed)
    with open_store(gate.root, path=store_path) as store:
        run = joined(parts)
        _keep(run, judge_usage(parts), store)
        return _decided(gate, gate_path, run, baseline, store, seed=seed)


def _parts(results: Sequence[str], store: Store | None, gate: Gate | None) -> tuple[list[Part], list[str]]:
    """The shards, and what keeps a file from being read, a clause each. Raises ResultsError where all are like that."""
    parts, problems = list[Part](), list[ResultsError]()
    for name in results:
        try:
            parts.append(_part(name, store, gate))
        except ResultsError as problem:
            problems.append(problem)
    if not parts:
        raise problems[0]
    return parts, [f"{problem.where}: {problem.message}" for problem in problems]


def _part(name: str, store: Store | None, gate: Gate | None) -> Part:
    run = load_run(name, store, "RESULTS", gate)
    shard = run.header.facts.shard
    if shard is None:
        check = proposed_command("check", "GATE", "--candidate", name)
        raise ConfigError(
            f"'{name}' is no shard: run {run.id} says nothing of one",
            hint=f"`scoregate run GATE --shard K/N` makes shards; a whole run is decided by: {check}",
        )
    return Part(name, run, shard)


def _own_gate(part: Part, root: Path) -> Path:
    name = part.run.header.facts.gate or ""
    path = root / "gates" / f"{name}.toml"
    if Path(name).name != name or not path.is_file():
        raise ConfigError(
            f"{part} is of the gate '{name}', which is not in the folder gates/ of this project",
            hint="name the gate: scoregate merge GATE RESULTS...",
        )
    same = [gate for gate in gates_below(root) if gate.stem == name]
    if len(same) > 1:
        raise ConfigError(
            f"{part} is of the gate '{name}', and {len(same)} gates of this project have that name",
            hint="name the gate: scoregate merge GATE RESULTS...",
        )
    return path


def _not_one(gate: Gate, first: Run, against: Sequence[str], *, seed: int) -> Decided:
    """An invalid verdict on a run that does not exist, so that no id of one is shown."""
    nothing = Run(replace(first.header, run="", expected_items=0).with_facts(RunFacts()))
    reason = f"the results are not one whole run: {'; '.join(against)}"
    verdict = nothing_to_compare(nothing, gate, reason, seed=seed)
    return Decided(gate=gate, verdict=verdict, candidate=nothing, baseline=None, items=())


def _keep(run: Run, judges: Sequence[RunUsage], store: Store) -> None:
    """Keep it, in the place of what the same shards were merged to before."""
    try:
        known = store.header(run.id).facts.merged_from
    except StoreError:
        known = ()
    store.import_run(run, replace=known == run.header.facts.merged_from)
    for used in judges:
        store.judge_usage.add(run.id, trial=0, **asdict(used))


def _decided(
    gate: Gate, gate_path: Path, run: Run, baseline: str | None, store: Store, *, seed: int
) -> Decided:
    scorers = run.header.scorers
    before, why_none = None, ""
    try:
        before = load_baseline(gate, baseline, store, scorers)
    except (NoBaseline, EditedBaseline) as error:
        if isinstance(error, EditedBaseline) and not gate.policy_changes:
            raise
        why_none = f"{error.where}: {error.message}"
    anchor = load_anchor(gate, store, scorers)
    decision = decide(gate, before, run, anchor, seed=seed, store=store, why_no_baseline=why_none)
    hints = how_to_accept(gate, gate_path, run) if before is None else []
    return Decided(
        gate=gate,
        verdict=decision.verdict,
        candidate=run,
        baseline=before,
        items=known_items(gate, run, store),
        hints=(*hints, *decision.hints),
        judge_usage=store.judge_usage.of_runs(run.id),
    )
