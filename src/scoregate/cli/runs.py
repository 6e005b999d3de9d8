"""`scoregate runs`: what the store holds."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import delivery_seconds_option, json_option, store_option, yes_option
from scoregate.cli.printing import claim_streams, print_json, print_text, say
from scoregate.cli.shown_run import show_run
from scoregate.wording import count, proposed_command

if TYPE_CHECKING:
    from scoregate.store import Store


@click.group()
def runs() -> None:
    """List, show, compare, export, import, rescore, push and prune stored runs.

    RUN is the id of a stored run, or a unique beginning of it.
    """


def _store(path: Path | None) -> Store:
    from scoregate.errors import StoreError
    from scoregate.sources import STORE, existing_store, find_root

    root = find_root()
    store = existing_store(root, path)
    if store is None:
        raise StoreError(
            "there are no stored runs",
            where=str(path or root / STORE),
            hint="run a gate first: scoregate run GATE",
        )
    return store


@runs.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The newest so many."
)
@click.option("--gate", help="Only runs of the gate of this name.")
@json_option
@store_option
def list_(limit: int, gate: str | None, as_json: bool, store_path: Path | None) -> None:
    """List stored runs, newest first."""
    from scoregate.reports.run_text import runs_table

    with _store(store_path) as store:
        found = store.list_runs(limit=limit, gate=gate)
    if as_json:
        print_json(json.dumps([asdict(summary) for summary in found], indent=2, ensure_ascii=False))
    elif not found:
        print_text("no runs" + (f" of the gate '{gate}'" if gate else ""))
    else:
        print_text(runs_table(found))


@runs.command()
@click.argument("run")
@json_option
@store_option
def show(run: str, as_json: bool, store_path: Path | None) -> None:
    """Show one run: its counts, its scores, what failed and why."""
    with _store(store_path) as store:
        found = store.load_run(store.find_run(run))
    show_run(found, as_json)


@runs.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option("--score", "only", help="Only this score.")
@json_option
@store_option
def diff(before: str, after: str, only: str | None, as_json: bool, store_path: Path | None) -> None:
    """List every item whose score differs between two runs. Decides nothing: the exit code is 0.

    BEFORE and AFTER are stored runs or results files.
    """
    from scoregate.baselines.load import load_run
    from scoregate.reports.run_text import changed_cells, diff_table
    from scoregate.sources import existing_store, find_root

    store = existing_store(find_root(), store_path)
    cells = changed_cells(load_run(before, store, "BEFORE"), load_run(after, store, "AFTER"), only=only)
    if as_json:
        print_json(json.dumps([asdict(cell) for cell in cells], indent=2, ensure_ascii=False))
    else:
        print_text(diff_table(cells))


@runs.command()
@click.argument("run")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A .jsonl or .jsonl.gz file; else stdout."
)
@store_option
def export(run: str, output: Path | None, store_path: Path | None) -> None:
    """Write a run as a results file, which `check` and any other tool can read."""
    from scoregate.cli.outputs import RESULTS, check_output
    from scoregate.git.version import note_report
    from scoregate.results_file import iterate_lines, write_results
    from scoregate.sources import find_root

    if output is not None:
        check_output(RESULTS, output)
    with _store(store_path) as store:
        found = store.load_run(store.find_run(run))
    if output is None:
        for line in iterate_lines(found):
            print_json(line)
        return
    write_results(found, output)
    note_report(find_root(), output)
    print_text(
        f"wrote {found.id}: {len(found.items):,} run items, {len(found.scores):,} scores to {output}",
        err=True,
    )


@runs.command("import")
@click.argument("source", metavar="FILE")
@click.option("--replace", is_flag=True, help="Replace a stored run of the same id.")
@store_option
def import_(source: str, replace: bool, store_path: Path | None) -> None:
    """Take a results file into the store, where it can be compared and accepted like any other run.

    langfuse:EXPERIMENT (a name or an id) in place of FILE takes a run from Langfuse.
    """
    from scoregate.baselines.load import load_run
    from scoregate.gate_file.source import LangfuseExperiment, named_source
    from scoregate.results_file import read_results
    from scoregate.sources import find_root, open_store

    in_langfuse = isinstance(named_source(source, "FILE"), LangfuseExperiment)
    run = load_run(source, None, "FILE") if in_langfuse else read_results(Path(source))
    with open_store(find_root(), path=store_path) as store:
        store.import_run(run, replace=replace)
    print_text(f"imported {run.id}: {len(run.items):,} run items, {len(run.scores):,} scores")


@runs.command()
@click.argument("name", metavar="BASELINE")
@click.option(
    "--gate",
    "gate_path",
    required=True,
    type=click.Path(path_type=Path),
    help="The gate whose present scorers are applied.",
)
@click.option(
    "--outputs",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A results file that has the run's outputs, where neither the baseline's file nor the store has them.",
)
@json_option
@store_option
def rescore(name: str, gate_path: Path, outputs: Path | None, as_json: bool, store_path: Path | None) -> None:
    """Score the stored outputs of BASELINE again by the gate's present scorers; no candidate is called.

    BASELINE is a stored run, a results file or langfuse:EXPERIMENT. What comes of it is a new run in the store. Where
    the gate's baseline is a file that holds the run, its scores are written anew; `run:ID` and `langfuse:` mean the
    new run from now on, wherever the candidate was scored by the same scorers.
    """
    import sys

    from scoregate.files.reading import shown_path
    from scoregate.gate_file import read_gate
    from scoregate.gate_run.announce import priceless, say_judges
    from scoregate.gate_run.assembly import assemble_scorers
    from scoregate.gate_run.rescore import prepare, rewrite
    from scoregate.gate_run.rescore import rescore as score_again
    from scoregate.gate_run.stored_outputs import named_run
    from scoregate.own.supervisor import own_process
    from scoregate.sources import open_store

    own_process()
    gate = read_gate(gate_path)
    sys.path.insert(0, str(gate.root))
    stdout = claim_streams()
    with open_store(gate.root, path=store_path) as store:
        assembly = assemble_scorers(gate)
        prepared = prepare(assembly, named_run(name, gate, store), store, outputs=outputs)
        for line in priceless(assembly):
            say(line)
        say(prepared.announcement())
        try:
            run = score_again(prepared, store)
        finally:
            say_judges(assembly, say)
        show_run(run, as_json, stdout)
        stdout.flush()
        written = rewrite(gate, run, prepared.before)
    for path in written:
        say(
            f"wrote the new scores to {shown_path(path)}: commit this file, a pull request shows it as a diff"
        )
    if not written:
        check = proposed_command("check", gate_path, "--candidate", run.id)
        say(
            f"compare with it where the baseline is that run, or by --baseline {run.id}; as the candidate: {check}"
        )


@runs.command()
@click.option("--keep", type=click.IntRange(min=0), help="Keep the newest so many runs.")
@click.option("--before", metavar="TIME", help="Delete only what started before this ISO time.")
@yes_option
@store_option
def prune(keep: int | None, before: str | None, yes: bool, store_path: Path | None) -> None:
    """Delete old runs from the store. Baselines that gates name as `run:ID` are kept."""
    from scoregate.baselines.load import protected_runs
    from scoregate.cli.terminal import agreed
    from scoregate.errors import ConfigError
    from scoregate.sources import find_root

    if keep is None and before is None:
        raise ConfigError("nothing says which runs are old", hint="give --keep N or --before TIME")
    if not yes and not agreed("Delete old runs from the store?"):
        print_text("nothing was deleted")
        return
    with _store(store_path) as store:
        deleted = store.prune(keep=keep, before=before, protect=protected_runs(find_root(), store))
    print_text(
        f"deleted {count(deleted.runs, 'run')}, "
        f"{deleted.items:,} run items, {deleted.scores:,} scores "
        f"({deleted.freed_bytes / 1e6:.1f} MB freed)"
    )


@runs.command()
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@delivery_seconds_option("How long to send and to wait until everything is seen.")
@json_option
@store_option
def push(names: tuple[str, ...], delivery_seconds: float, as_json: bool, store_path: Path | None) -> int:
    """Deliver to Langfuse what is missing there of stored runs.

    May be repeated at any time, also after a process died: what is sent twice is there once. Exit code 5 as long as
    something is missing.
    """
    from scoregate.errors import INTERRUPTED, PASS, ServiceError
    from scoregate.gate_run.langfuse_link import LangfuseLink, as_json_values
    from scoregate.langfuse.settings import require_settings
    from scoregate.sources import find_root, read_catalog_of

    root = find_root()
    settings = require_settings(root, "`runs push`")
    with _store(store_path) as store:
        found = [store.find_run(name) for name in names]
        with LangfuseLink(
            settings, store.path, read_catalog_of(root), say if as_json else print_text
        ) as link:
            for run in found:
                link.add(run, live=False)
            link.connect(f"trying for {delivery_seconds:g} s")
            with suppress(ServiceError):  # what was not looked for now is told as not seen
                link.recheck(delivery_seconds)
            report = link.end(delivery_seconds)
    if as_json:
        print_json(json.dumps(as_json_values(report), indent=2, ensure_ascii=False))
    return PASS if report.complete else INTERRUPTED
