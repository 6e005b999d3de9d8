"""`scoregate baseline`: accept a run as the baseline, show it, see what it would change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import gate_argument, json_option, store_option, yes_option
from scoregate.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from scoregate.baselines.accepting import Succession
    from scoregate.gate_file import Gate
    from scoregate.records import Run, Verdict
    from scoregate.store import Store


@click.group()
def baseline() -> None:
    """Accept, show and compare baselines.

    A baseline is a lock file beside the gate that a person accepted and that a pull request shows as a diff, or a
    run in Langfuse that a person accepted there.
    """


@baseline.command()
@gate_argument
@click.argument("run")
@click.option("--why", required=True, help="The reason; it is kept with the baseline.")
@click.option("--force", is_flag=True, help="Accept in spite of objections; they are kept with the baseline.")
@click.option(
    "--best-of-several",
    is_flag=True,
    help="Accept a run that scores better than an earlier equal one; every verdict will say so.",
)
@yes_option
@store_option
def accept(
    gate_path: Path,
    run: str,
    why: str,
    force: bool,
    best_of_several: bool,
    yes: bool,
    store_path: Path | None,
) -> int:
    """Make RUN (a stored run's id or a results file) the baseline of GATE.

    Shows what changes, and asks before it lowers anything. Never works in CI: a baseline is moved by a person.

    Where the gate's baseline is in Langfuse, RUN is a run that was delivered there (a stored run's id, or an
    experiment's name or id), and its experiments get the score accepted_baseline with who, when and why.

    Where the store holds several runs of the same version, the first is the unbiased choice: the best of them
    owes some of its score to luck, and an unchanged candidate would look worse than it.
    """
    from scoregate.baselines.accepting import examine, refuse_in_ci, succession
    from scoregate.errors import ConfigError
    from scoregate.gate_file import read_gate
    from scoregate.gates.dead_rules import dead_rules
    from scoregate.sources import existing_store

    gate = read_gate(gate_path)
    refuse_in_ci(gate, os.environ.get("CI", ""))
    if not why.strip():
        raise ConfigError("--why is empty", hint="say why this run is good enough to compare with")
    store = existing_store(gate.root, store_path)
    step = succession(gate, run, store)
    if step.unreadable is not None:
        print_text(f"scoregate: {step.unreadable}", err=True)
    if step.changes_nothing:
        print_text(f"run {step.new.id} is the baseline already, so nothing was changed: {step.place}")
        return 0
    overruled = examine(step, store, why=why, force=force, best_of_several=best_of_several)
    if step.old is not None:
        _agree(step, step.old, store, yes=yes)
    seen = step.accept(why, overruled)
    for clause in dead_rules(gate, step.new).values():
        print_text(f"scoregate: {clause}: its rule guards nothing", err=True)
    print_text(f"accepted {step.new.id} ({step.new.header.candidate}) as the baseline: {step.place}")
    if step.lock is not None:
        print_text("commit this file: a pull request shows it as a diff")
    elif not seen:
        print_text("Langfuse took it and does not show it yet: `scoregate baseline show` tells")
    return 0


def _agree(step: Succession, old: Run, store: Store | None, *, yes: bool) -> None:
    """Show what changes, and ask where the new baseline is lower; raises BaselineError where the answer is no."""
    from scoregate.cli.terminal import agreed
    from scoregate.errors import BaselineError
    from scoregate.gates.acceptance import lowered

    verdict = _shown_beside(step.gate, old, step.new, store)
    lower = list(dict.fromkeys(lowered(verdict)))
    if yes or not (lower or verdict.outcome in ("regression", "invalid")):
        return
    about = f"this lowers {', '.join(lower)}" if lower else f"the comparison is '{verdict.outcome}'"
    if not agreed(f"{about}. Accept it as the baseline all the same?"):
        raise BaselineError("the baseline stays as it was", hint="nothing was changed")


def _shown_beside(gate: Gate, old: Run, new: Run, store: Store | None, *, as_json: bool = False) -> Verdict:
    """The comparison of a run with the baseline, on the screen; it decides nothing."""
    from scoregate.cli.terminal import present
    from scoregate.gate_run.decide import to_compare_at_all
    from scoregate.gate_run.outcome import Decided
    from scoregate.gates.compare import compare
    from scoregate.sources import known_items, with_expected_items

    verdict = compare(old, with_expected_items(new, gate, store), gate)
    found = Decided(
        gate=gate,
        verdict=verdict,
        candidate=new,
        baseline=old,
        items=known_items(gate, new, store),
        hints=to_compare_at_all(gate, verdict, old, new),
    )
    present(found, outputs=(), as_json=as_json, decides=False)
    return verdict


@baseline.command()
@gate_argument
@json_option
@store_option
def show(gate_path: Path, as_json: bool, store_path: Path | None) -> None:
    """Show the baseline of GATE: who accepted it, when, why, and its scores."""
    from scoregate.baselines.load import load_baseline, unsealed
    from scoregate.gate_file import read_gate
    from scoregate.reports.run_text import run_as_dict, run_summary
    from scoregate.sources import existing_store

    gate = read_gate(gate_path)
    store = existing_store(gate.root, store_path)
    found = load_baseline(gate, None, store)
    if as_json:
        import json

        print_json(json.dumps(run_as_dict(found), indent=2, ensure_ascii=False))
        return
    print_text(_accepted(found, gate))
    if note := unsealed(gate, found):
        print_text(note)
    print_text(run_summary(found))


@baseline.command()
@gate_argument
@click.argument("run")
@json_option
@store_option
def diff(gate_path: Path, run: str, as_json: bool, store_path: Path | None) -> None:
    """Show what would change if RUN became the baseline of GATE. Decides nothing: the exit code is 0."""
    from scoregate.baselines.load import load_baseline, load_run
    from scoregate.gate_file import read_gate
    from scoregate.sources import existing_store

    gate = read_gate(gate_path)
    store = existing_store(gate.root, store_path)
    new = load_run(run, store, "RUN")
    _shown_beside(gate, load_baseline(gate, None, store, new.header.scorers), new, store, as_json=as_json)


def _accepted(run: Run, gate: Gate) -> str:
    from scoregate.gate_file.source import LangfuseExperiment
    from scoregate.gates.provenance import best_of_note
    from scoregate.wording import count

    accepted = run.header.facts.accepted
    if accepted is None:
        source = gate.baseline_source
        in_langfuse = isinstance(source, LangfuseExperiment)
        what = f"named by the gate as {source}" if in_langfuse else "a plain results file"
        return f"run {run.id}: not accepted by anybody ({what})"
    lines = [f"accepted by {accepted.who} on {accepted.when}: {accepted.why}"]
    if accepted.forced:
        lines.append(f"forced in spite of: {'; '.join(accepted.forced)}")
    lines += [
        f"{score}: {count(shift.runs, 'run')} of one version moved by {100 * shift.sd:.1f} % each (standard deviation)"
        for score, shift in run.header.facts.run_shifts.items()
    ]
    chosen = best_of_note(run.header)
    if chosen:
        lines.append(chosen)
    return "\n".join(lines)
