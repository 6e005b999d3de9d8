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
    from datetime import UTC, datetime

    from scoregate.cli.asking import agreed
    from scoregate.cli.present import present
    from scoregate.errors import BaselineError, ConfigError
    from scoregate.gate_file import read_gate
    from scoregate.gate_file.experiment_source import is_langfuse
    from scoregate.gates.acceptance import Acceptance, locked, lowered, objections, same_scores
    from scoregate.gates.compare import compare
    from scoregate.project.assembly import read_gate_dataset
    from scoregate.project.baselines import NoBaseline, load_baseline, load_run, lock_path
    from scoregate.project.deciding import check_decidable, known_items
    from scoregate.project.equal_runs import choice_by_score
    from scoregate.project.expected_items import with_expected_items
    from scoregate.project.langfuse_acceptance import accept_in_langfuse, delivered_run
    from scoregate.project.people import whoami
    from scoregate.project.places import existing_store, shown_path
    from scoregate.results_file import write_lock

    gate = read_gate(gate_path)
    target = None if is_langfuse(gate.baseline) else lock_path(gate)
    place = str(gate.baseline) if target is None else shown_path(target)
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        how = "accept it on a checkout" + ("" if target is None else " and commit the lock file")
        raise ConfigError("a baseline is never accepted in CI", hint=how)
    if not why.strip():
        raise ConfigError("--why is empty", hint="say why this run is good enough to compare with")
    store = existing_store(gate.root, store_path)
    new = delivered_run(gate, run, store) if target is None else load_run(run, store, "RUN")
    try:
        old = load_baseline(gate, None, store, new.header.scorers)
    except NoBaseline:
        old = None
    except BaselineError as error:
        click.echo(f"scoregate: {error}", err=True)
        old = None
    if old is not None and old.id == new.id and same_scores(old, new):
        click.echo(f"run {new.id} is the baseline already, so nothing was changed: {place}")
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
        verdict = compare(old, with_expected_items(new, gate, store), gate)
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
    accepted = f"accepted {new.id} ({new.header.candidate}) as the baseline: {place}"
    if target is not None:
        write_lock(locked(new, acceptance), target)
        click.echo(f"{accepted}\ncommit this file: a pull request shows it as a diff")
    elif accept_in_langfuse(gate, new, acceptance):
        click.echo(accepted)
    else:
        click.echo(f"{accepted}\nLangfuse took it and does not show it yet: `scoregate baseline show` tells")
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
    click.echo(_accepted(found, gate.baseline or ""))
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
    from scoregate.project.expected_items import with_expected_items
    from scoregate.project.places import existing_store

    gate = read_gate(gate_path)
    store = existing_store(gate.root, store_path)
    new = load_run(run, store, "RUN")
    old = load_baseline(gate, None, store, new.header.scorers)
    verdict = compare(old, with_expected_items(new, gate, store), gate)
    items = known_items(gate, new, store)
    present(
        verdict, gate, baseline=old, candidate=new, items=items, outputs=(), as_json=as_json, decides=False
    )


def _accepted(run: Run, source: str) -> str:
    from scoregate.gate_file.experiment_source import is_langfuse
    from scoregate.gates.age import best_of_note

    accepted = run.header.metadata.get("accepted")
    if not isinstance(accepted, dict):
        what = f"named by the gate as {source}" if is_langfuse(source) else "a plain results file"
        return f"run {run.id}: not accepted by anybody ({what})"
    lines = [f"accepted by {accepted.get('who')} on {accepted.get('when')}: {accepted.get('why')}"]
    forced = accepted.get("forced")
    if forced:
        lines.append(f"forced in spite of: {'; '.join(str(objection) for objection in forced)}")
    chosen = best_of_note(run.header)
    if chosen:
        lines.append(chosen)
    return "\n".join(lines)
