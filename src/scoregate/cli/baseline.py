"""`scoregate baseline`: accept a run as the baseline, show it, see what it would change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import gate_argument, json_option, store_option, yes_option

if TYPE_CHECKING:
    from scoregate.records import Run


@click.group()
def baseline() -> None:
    """Accept, show and compare baselines.

    A baseline is a lock file beside the gate that a person accepted and that a pull request shows as a diff.
    """


@baseline.command()
@gate_argument
@click.argument("run")
@click.option("--why", required=True, help="The reason; it is written into the lock file.")
@click.option(
    "--force", is_flag=True, help="Accept in spite of objections; they are written into the lock file."
)
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

    Shows what changes, and asks before it lowers anything. Never works in CI: a baseline moves by a commit.

    Where the store holds several runs of the same version, the first is the unbiased choice: the best of them
    owes some of its score to luck, and an unchanged candidate would look worse than it.
    """
    from datetime import UTC, datetime

    from scoregate.cli.asking import agreed
    from scoregate.cli.present import present
    from scoregate.errors import BaselineError, ConfigError
    from scoregate.gate_file import read_gate
    from scoregate.gates.acceptance import Acceptance, locked, lowered, objections, same_scores
    from scoregate.gates.compare import compare
    from scoregate.project.assembly import read_gate_dataset
    from scoregate.project.baselines import NoBaseline, load_baseline, load_run, lock_path
    from scoregate.project.deciding import check_decidable, known_items
    from scoregate.project.equal_runs import choice_by_score
    from scoregate.project.people import whoami
    from scoregate.project.places import existing_store, shown_path
    from scoregate.results_file import write_lock

    gate = read_gate(gate_path)
    target = lock_path(gate)
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise ConfigError(
            "a baseline is never accepted in CI", hint="accept it on a checkout and commit the lock file"
        )
    if not why.strip():
        raise ConfigError("--why is empty", hint="say why this run is good enough to compare with")
    store = existing_store(gate.root, store_path)
    new = load_run(run, store, "RUN")
    try:
        old = load_baseline(gate, None, store)
    except NoBaseline:
        old = None
    except BaselineError as error:
        click.echo(f"scoregate: {error}", err=True)
        old = None
    if old is not None and old.id == new.id and same_scores(old, new):
        click.echo(f"run {new.id} is the baseline already, so nothing was changed: {shown_path(target)}")
        return 0
    fingerprint = read_gate_dataset(gate).fingerprint if gate.dataset else None
    against = objections(new, gate, fingerprint)
    if against and not force:
        raise BaselineError(
            f"run {new.id} was not accepted: {'; '.join(against)}",
            hint="--force accepts it and records why not",
        )
    if old is None:
        check_decidable(gate, new)
    choice = choice_by_score(store, new, gate)
    if choice is not None and not best_of_several:
        raise BaselineError(
            f"run {new.id} was not accepted: it is one of {choice.among} equal runs, and better than the first of "
            f"them in {', '.join(choice.better)}; a baseline chosen by its score makes unchanged candidates look worse",
            hint=f"accept the first, {choice.first}; --best-of-several accepts this one, and every verdict says so",
        )
    if old is not None:
        verdict = compare(old, new, gate)
        present(
            verdict,
            gate,
            baseline=old,
            candidate=new,
            items=known_items(gate, new, store),
            outputs=(),
            as_json=False,
            decides=False,
        )
        lower = list(dict.fromkeys(lowered(verdict)))
        if lower or verdict.outcome in ("regression", "invalid"):
            about = f"this lowers {', '.join(lower)}" if lower else f"the comparison is '{verdict.outcome}'"
            if not yes and not agreed(f"{about}. Accept it as the baseline all the same?"):
                raise BaselineError("the baseline stays as it was", hint="nothing was changed")
    acceptance = Acceptance(
        who=whoami(gate.root),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        why=why.strip(),
        forced=against,
        best_of=choice.among if choice is not None else None,
    )
    write_lock(locked(new, acceptance), target)
    click.echo(f"accepted {new.id} ({new.header.candidate}) as the baseline: {shown_path(target)}")
    click.echo("commit this file: a pull request shows it as a diff")
    return 0


@baseline.command()
@gate_argument
@json_option
@store_option
def show(gate_path: Path, as_json: bool, store_path: Path | None) -> None:
    """Show the baseline of GATE: who accepted it, when, why, and its scores."""
    from scoregate.gate_file import read_gate
    from scoregate.project.baselines import load_baseline
    from scoregate.project.places import existing_store
    from scoregate.reports.runs import run_as_dict, run_summary

    gate = read_gate(gate_path)
    store = existing_store(gate.root, store_path)
    found = load_baseline(gate, None, store)
    if as_json:
        import json

        click.echo(json.dumps(run_as_dict(found), indent=2, ensure_ascii=False))
        return
    click.echo(_accepted(found))
    click.echo(run_summary(found))


@baseline.command()
@gate_argument
@click.argument("run")
@json_option
@store_option
def diff(gate_path: Path, run: str, as_json: bool, store_path: Path | None) -> None:
    """Show what would change if RUN became the baseline of GATE. Decides nothing: the exit code is 0."""
    from scoregate.cli.present import present
    from scoregate.gate_file import read_gate
    from scoregate.gates.compare import compare
    from scoregate.project.baselines import load_baseline, load_run
    from scoregate.project.deciding import known_items
    from scoregate.project.places import existing_store

    gate = read_gate(gate_path)
    store = existing_store(gate.root, store_path)
    old, new = load_baseline(gate, None, store), load_run(run, store, "RUN")
    verdict = compare(old, new, gate)
    items = known_items(gate, new, store)
    present(
        verdict, gate, baseline=old, candidate=new, items=items, outputs=(), as_json=as_json, decides=False
    )


def _accepted(run: Run) -> str:
    from scoregate.gates.age import best_of_note

    accepted = run.header.metadata.get("accepted")
    if not isinstance(accepted, dict):
        return f"run {run.id}: not accepted by anybody (a plain results file)"
    lines = [f"accepted by {accepted.get('who')} on {accepted.get('when')}: {accepted.get('why')}"]
    forced = accepted.get("forced")
    if forced:
        lines.append(f"forced in spite of: {'; '.join(str(objection) for objection in forced)}")
    chosen = best_of_note(run.header)
    if chosen:
        lines.append(chosen)
    return "\n".join(lines)
