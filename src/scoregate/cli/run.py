"""`scoregate run`: candidate, scores, comparison, verdict."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from scoregate.cli.options import (
    delivery_seconds_option,
    gates_argument,
    json_option,
    on_inconclusive_option,
    output_option,
    parse_outputs,
    seed_option,
    store_option,
)
from scoregate.cli.printing import claim_streams, print_text, say
from scoregate.cli.terminal import Terminal, exit_code_of, present
from scoregate.gate_run.request import NEWEST, Request
from scoregate.gate_run.run import run_gate
from scoregate.wording import first_line, proposed_command

if TYPE_CHECKING:
    from scoregate.cli.many import Part
    from scoregate.errors import RunInterrupted
    from scoregate.gate_run.outcome import Decided
    from scoregate.own.supervisor import ProcessHung
    from scoregate.store.listing import RunSummary


def _run_id(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """The value of `--resume` may be left out, so that the word behind it is easily taken for one."""
    if value is not None and value.endswith(".toml"):
        raise click.BadParameter(f"'{value}' is a gate, not a run; put GATE before --resume")
    return value


def _ref(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """As for `--resume`; a ref of such a name can be written `refs/heads/…`."""
    if value is not None and (value.endswith((".toml", "/")) or Path(value).is_dir()):
        raise click.BadParameter(
            f"'{value}' is a gate or a folder, not a git ref; put GATE before --only-changed"
        )
    return value


_existing = click.Path(path_type=Path)


@click.command()
@gates_argument
@click.option(
    "--experiment",
    type=_existing,
    metavar="FILE",
    help="Another Python candidate than the gate's: a file with a function `task`.",
)
@click.option(
    "--replay",
    type=_existing,
    metavar="FILE",
    help="Recorded outputs as the candidate: JSON Lines of `id` and `output`.",
)
@click.option(
    "--version", metavar="LABEL", help="Label of the candidate; else its file's `version`, else the commit."
)
@click.option(
    "--trials", type=click.IntRange(min=1), help="Runs of every item, instead of the gate's own number."
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    help="Calls of the candidate at once, instead of the gate's own number.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time limit of one call, and of one scorer.",
)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="Start no call beyond this cost, of candidate and judges together.",
)
@click.option(
    "--max-calls", type=click.IntRange(min=1), help="Start no call of the candidate beyond this number."
)
@click.option(
    "--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Start no call after so many seconds."
)
@click.option(
    "--keep-going", is_flag=True, help="Make every call, also where the first ones all failed alike."
)
@click.option(
    "--baseline",
    metavar="FILE|RUN|langfuse:NAME|git:REF",
    help="Compare with this instead of the gate's own baseline.",
)
@click.option(
    "--candidate",
    metavar="FILE|git:REF",
    help="Another version as the candidate: a Python file, or a git ref.",
)
@click.option(
    "--against", metavar="FILE|git:REF", help="Run this version beside the candidate, as the baseline."
)
@click.option(
    "--rescore-baseline",
    is_flag=True,
    help="Where a scorer changed, score the baseline's stored outputs again, and compare with that.",
)
@on_inconclusive_option
@click.option(
    "--resume",
    callback=_run_id,
    is_flag=False,
    flag_value=NEWEST,
    metavar="[RUN]",
    help="Go on with an unfinished run; the newest one without RUN.",
)
@click.option("--only-failed", is_flag=True, help="Only items that failed in this gate's newest run.")
@click.option("--item", multiple=True, metavar="ID", help="Only this item; may be repeated.")
@click.option(
    "--slice", multiple=True, metavar="NAME=VALUE", help="Only items of this slice; may be repeated."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only N items, drawn with --seed.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N items.")
@click.option(
    "--shard",
    metavar="K/N",
    help="Only the K-th of N shares of the dataset, and no verdict: `scoregate merge` decides from all of them.",
)
@click.option(
    "--only-changed",
    callback=_ref,
    is_flag=False,
    flag_value="merge-base",
    metavar="[REF]",
    help="Leave out gates of which no file has changed since REF, or since the merge base; that is no pass.",
)
@click.option(
    "--no-cache", is_flag=True, help="Ask the judges anew, though they have replied to the same before."
)
@click.option("--local", is_flag=True, help="Keep the run here, whatever Langfuse keys there are.")
@click.option(
    "--require-delivery",
    is_flag=True,
    help="Exit code 5 in place of 0 or 3 where the run is not all seen in Langfuse.",
)
@delivery_seconds_option("How long to wait, after the verdict, until the run is seen in Langfuse.")
@seed_option
@output_option
@json_option
@store_option
def run(gates: tuple[Path, ...], only_changed: str | None, **options: object) -> int:
    """Run GATE: call the candidate on every item, score, compare with the baseline, decide.

    With several gates, or a folder of them, each is run as by a command of its own, one after the other. One table of
    all comes last, and each -o writes one report of all; the exit code is the worst of theirs, in the order 5, 2, 4, 1,
    3, 0. --max-cost, --max-calls and --max-seconds are then the caps of all together.

    Every run item and score is kept in .scoregate/ as soon as it is there; an interrupted run prints the command
    that resumes it. A selection of items (--only-failed, --item, --slice, --sample, --limit) is for the local
    loop: it can show a regression, but never a pass.
    """
    from scoregate.own.folder import remember_folder
    from scoregate.own.spoiled import remember_python

    remember_folder()
    remember_python()

    request = Request(gate_path=gates[0], **options)  # type: ignore[arg-type]  # click has made each what it is declared as
    if len(gates) == 1 and not gates[0].is_dir() and only_changed is None:
        return run_one(request)
    from scoregate.cli.many_runs import run_many

    return run_many(gates, request, run_one, only_changed)


def run_one(request: Request, part: Part | None = None) -> int:
    """Run one gate in a process of its own, and return its exit code; `part` where it is one of several.

    Raises RunInterrupted where that process ended before its work did.
    """
    from scoregate.errors import RunInterrupted
    from scoregate.own.clock import iso_now
    from scoregate.own.supervisor import ProcessHung, supervise

    since = iso_now()

    def go() -> int:
        return _run_or_blame(request, since, part)

    def work() -> int:
        return exit_code_of(go if part is None else lambda: part.noting(go))

    try:
        return supervise(work, say=say, asked_to_end=part.stop if part else None)
    except ProcessHung as error:
        raise _hung(request, _begun(request, since), error) from error
    except RunInterrupted as error:
        begun = _begun(request, since)
        if begun is None:
            raise RunInterrupted(error.message, hint="no run had begun") from error
        hint = f"go on with: {request.resume_command(begun)}"
        contained = "isolate = true in [candidate] contains a crash of a Python candidate"
        raise RunInterrupted(error.message, hint=f"{hint}; {contained}") from error


def _hung(request: Request, begun: str | None, error: ProcessHung) -> RunInterrupted:
    """What the user is told where the run's process gave no sign of life; the run notes which call is to blame."""
    from scoregate.errors import RunInterrupted, ScoregateError
    from scoregate.gate_file import read_gate
    from scoregate.gate_run.stopped import note_held_up, what_held_up
    from scoregate.sources import open_store

    message = f"{error.message}: {what_held_up(error.at_work)}"
    if begun is None:
        return RunInterrupted(message, hint="no run had begun")
    apart = "which makes it in a process of its own, or an error where that cannot be"
    with (
        suppress(ScoregateError),
        open_store(read_gate(request.gate_path).root, path=request.store_path) as store,
    ):
        note_held_up(error.at_work, store)
    return RunInterrupted(message, hint=f"go on with: {request.resume_command(begun)}, {apart}", run=begun)


def _begun(request: Request, since: str) -> str | None:
    """Id of the run that this command had begun when its process died, as far as the store tells."""
    unfinished = [run for run in _stored(request) if run.finished_at is None]
    if request.resume is not None:
        named = [run for run in unfinished if request.resume == NEWEST or run.run.startswith(request.resume)]
        return named[0].run if named else None
    return next((run.run for run in unfinished if (run.started_at or "") >= since), None)


def _made(request: Request, since: str) -> str | None:
    """Id of the run that this command has brought to its end, undecided."""
    return next((run.run for run in _stored(request) if (run.finished_at or "") >= since), None)


def _stored(request: Request) -> list[RunSummary]:
    """The gate's runs, newest first, without companions; none where the store cannot be read."""
    from scoregate.errors import ScoregateError
    from scoregate.gate_file import read_gate
    from scoregate.sources import existing_store

    try:
        gate = read_gate(request.gate_path)
        store = existing_store(gate.root, request.store_path)
        return [run for run in store.list_runs(gate=gate.name) if not run.companion] if store else []
    except ScoregateError:
        return []


def _run_or_blame(request: Request, since: str, part: Part | None) -> int:
    """`_run`; an error that nobody expected is the user's code's where that has changed what everything relies on."""
    from scoregate.errors import RunInterrupted, ScoregateError
    from scoregate.own.spoiled import doing_of_user

    try:
        return _run(request, claim_streams(), part)
    except (ScoregateError, BrokenPipeError):
        raise
    except Exception as error:
        doing = doing_of_user(error)
        if doing is None:
            raise
        text = first_line(f"{type(error).__name__}: {error}")
        hint = f"what was committed is kept; mend it, then: {_way_on(request, since)}"
        raise RunInterrupted(f"the run broke off with {text}; {doing}", hint=hint) from error


def _way_on(request: Request, since: str) -> str:
    """The command that goes on with the run of this command, or decides it where all its items are there."""
    with suppress(Exception):  # What spoiled the run may keep the store out of reach as well.
        begun = _begun(request, since)
        if begun is not None:
            return request.resume_command(begun)
        made = _made(request, since)
        if made is not None:
            return proposed_command("check", request.gate_path, "--candidate", made)
    return proposed_command("runs", "list")


def _run(request: Request, stdout: TextIO, part: Part | None) -> int:
    outputs = parse_outputs(request.outputs) if part is None else part.outputs
    if request.shard is not None:
        from scoregate.cli.shard import refuse_reports

        refuse_reports(outputs)
    terminal = Terminal()

    def decided(found: Decided) -> None:
        terminal.close()
        if found.candidate.header.facts.shard is not None:
            from scoregate.cli.shard import present_shard

            present_shard(found, outputs=outputs, as_json=request.as_json, stdout=stdout)
            return
        silent = part is not None and part.silent
        if found.baseline is None and not request.as_json and not silent:
            from scoregate.reports.run_text import run_summary

            print_text(run_summary(found.candidate) + "\n", stream=stdout)
        present(
            found,
            outputs=outputs,
            as_json=request.as_json,
            stdout=stdout,
            silent=silent,
            asked=asdict(request),
        )

    try:
        return run_gate(request, terminal, decided).exit_code
    finally:
        terminal.close()
