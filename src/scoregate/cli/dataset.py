"""`scoregate dataset`: check a dataset before anything is run on it, and bring it to Langfuse and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import json_option
from scoregate.cli.printing import print_json, print_text
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.langfuse.dataset_push import PushPlan

_MOST_NAMED = 20


@click.group()
def dataset() -> None:
    """Check datasets, and bring them to Langfuse and back.

    NAME is a dataset in Langfuse, NAME@TIME the one that it was at an ISO time; langfuse:NAME is the same where
    a file could be meant.
    """


@dataset.command()
@click.argument("path", metavar="FILE|GATE|langfuse:NAME", type=click.Path(path_type=Path))
@click.option("--input-schema", type=click.Path(path_type=Path), help="JSON Schema that every input obeys.")
@click.option(
    "--expected-output-schema", type=click.Path(path_type=Path), help="The same for expected outputs."
)
@click.option(
    "--slice",
    "slices",
    multiple=True,
    metavar="PATH",
    help="Count the values at a path such as metadata.intent.",
)
@click.option("--cluster", metavar="PATH", help="Count the clusters at a path such as metadata.conversation.")
@json_option
def validate(
    path: Path,
    input_schema: Path | None,
    expected_output_schema: Path | None,
    slices: tuple[str, ...],
    cluster: str | None,
    as_json: bool,
) -> None:
    """Read FILE (JSONL, JSON, CSV or Parquet), a dataset in Langfuse, or that of GATE with its schemas and slices.

    Says what is in it; exit code 2 with file and line of the first error.
    """
    from scoregate.datasets import check_keys, read_dataset
    from scoregate.datasets.summary import summarise
    from scoregate.sources import dataset_in_langfuse, file_or_langfuse, find_root

    if path.suffix == ".toml":
        from scoregate.gate_file import read_gate
        from scoregate.sources import read_gate_dataset

        gate = read_gate(path)
        found = read_gate_dataset(gate)
        slice_paths, cluster_path = dict(gate.slices), gate.cluster
    else:
        source = file_or_langfuse(str(path))
        if not isinstance(source, Path):
            found = dataset_in_langfuse(
                source,
                find_root(),
                input_schema=input_schema,
                expected_output_schema=expected_output_schema,
            )
        else:
            _check_is_no_name(path)
            found = read_dataset(
                path, input_schema=input_schema, expected_output_schema=expected_output_schema
            )
        from scoregate.paths import path_parts

        slice_paths, cluster_path = {path_parts(name)[-1]: name for name in slices}, cluster
        check_keys(found, cluster_path, slice_paths)
    summary = summarise(found, cluster=cluster_path, slices=slice_paths)
    if as_json:
        print_json(json.dumps(asdict(summary), indent=2, ensure_ascii=False))
        return
    print_text(
        f"{summary.name}: {summary.items:,} items, {summary.with_expected_output:,} with an expected output"
    )
    if summary.clusters is not None:
        print_text(f"clusters: {summary.clusters:,}, items in the largest: {summary.largest_cluster:,}")
    for name, values in summary.slices.items():
        counts = ", ".join(f"{value} {count:,}" for value, count in sorted(values.items()))
        print_text(f"{name}: {counts}")
    if found.version is not None:
        print_text(f"version: {found.version}")
    print_text(f"fingerprint: {summary.fingerprint}")


@dataset.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("name", metavar="NAME")
@click.option("--description", help="What the dataset is, for its page in Langfuse.")
@click.option(
    "--input-schema", type=click.Path(path_type=Path), help="JSON Schema that Langfuse holds every input to."
)
@click.option(
    "--expected-output-schema", type=click.Path(path_type=Path), help="The same for expected outputs."
)
@click.option(
    "--archive-missing", is_flag=True, help="Archive the items in Langfuse that FILE does not have."
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def push(
    path: Path,
    name: str,
    description: str | None,
    input_schema: Path | None,
    expected_output_schema: Path | None,
    archive_missing: bool,
    dry_run: bool,
) -> None:
    """Bring FILE into the Langfuse dataset NAME, which is made if there is none.

    Items are known by their ids. Only what differs is sent, so that a second push sends nothing, and one that was
    interrupted can be repeated. What Langfuse has and FILE has not stays, unless --archive-missing is given.
    """
    import threading

    from scoregate.datasets import read_dataset
    from scoregate.datasets.schemas import read_schema, schema_check
    from scoregate.errors import ConfigError
    from scoregate.langfuse import dataset_push
    from scoregate.langfuse.schema_translation import sendable_schema
    from scoregate.sources import connect, find_root, named_in_langfuse

    target = named_in_langfuse(name)
    if target.version is not None:
        raise ConfigError(
            f"'{name}' is a version, and only the present can be written to", hint="leave the time out"
        )
    found = read_dataset(path, input_schema=input_schema, expected_output_schema=expected_output_schema)
    given = [
        (key, member, schema)
        for key, member, schema in (
            ("inputSchema", "input", input_schema),
            ("expectedOutputSchema", "expected_output", expected_output_schema),
        )
        if schema is not None
    ]
    stop = threading.Event()
    with connect(find_root(), "dataset push", stop=stop) as connection:
        plan = dataset_push.plan_push(
            connection,
            found,
            target.name,
            description=description,
            schemas={
                key: sendable_schema(read_schema(schema), f"--{member.replace('_', '-')}-schema {schema}")
                for key, member, schema in given
            },
            schema_checks=[schema_check(schema, member) for _, member, schema in given],
            archive_missing=archive_missing,
        )
        if not dry_run:
            dataset_push.push(connection, plan, stop=stop)
    _tell_push(plan, path, dry_run=dry_run)


@dataset.command()
@click.argument("name", metavar="NAME[@TIME]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A .jsonl file that is not there yet; else stdout.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def pull(name: str, output: Path | None, force: bool) -> None:
    """Write a Langfuse dataset as a file: its active items, sorted by id.

    Pushing the file back sends nothing.
    """
    from scoregate.datasets.files import ENDING, dataset_lines, write_dataset
    from scoregate.errors import ConfigError
    from scoregate.sources import dataset_in_langfuse, find_root, named_in_langfuse

    source = named_in_langfuse(name)
    if output is not None and output.suffix.lower() != ENDING:
        raise ConfigError(
            f"'{output}' does not end in {ENDING}, the only form that datasets are written in",
            where="-o",
            hint=f"such as {output.with_suffix(ENDING)}",
        )
    if output is not None and output.exists() and not force:
        raise ConfigError(f"'{output}' is there already", where="-o", hint="--force replaces it")
    found = dataset_in_langfuse(source, find_root())
    if output is None:
        for line in dataset_lines(found.items):
            print_json(line)
        return
    write_dataset(found.items, output)
    print_text(f"wrote {len(found):,} items of '{found.name}' as of {found.version} to {output}", err=True)
    print_text(f"fingerprint: {found.fingerprint}", err=True)


@dataset.command()
@click.argument("before", metavar="ONE")
@click.argument("after", metavar="OTHER")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """List the items that only one of two datasets has, and those that differ. Decides nothing: the exit code is 0.

    ONE and OTHER are files, or datasets in Langfuse: what ends like a dataset file, or is there as one, is a file.
    """
    from scoregate.datasets.difference import dataset_difference
    from scoregate.sources import any_dataset, find_root

    root = find_root()
    first, second = any_dataset(before, root), any_dataset(after, root)
    found = dataset_difference(first.items, second.items)
    if as_json:
        sides = {
            side: {"source": d.source, "version": d.version, "items": len(d), "fingerprint": d.fingerprint}
            for side, d in (("before", first), ("after", second))
        }
        print_json(json.dumps({**sides, **found.to_dict()}, indent=2, ensure_ascii=False))
        return
    for item in found.gone:
        print_text(f"in {before} only: {item}")
    for item in found.new:
        print_text(f"in {after} only: {item}")
    for item, members in found.changed.items():
        print_text(f"changed: {item}: {', '.join(members)}")
    print_text(
        f"{len(found.gone):,} in {before} only, {len(found.new):,} in {after} only, {len(found.changed):,} changed, "
        f"{len(found.same):,} the same"
    )


def _check_is_no_name(path: Path) -> None:
    """Raise ConfigError for what is no file and may well be a dataset in Langfuse."""
    from scoregate.errors import ConfigError
    from scoregate.sources import is_file_name

    if not path.exists() and not is_file_name(path):
        raise ConfigError(f"there is no file '{path}'", hint=f"the dataset in Langfuse is langfuse:{path}")


def _tell_push(plan: PushPlan, path: Path, *, dry_run: bool) -> None:
    total = len(plan.to_send) + plan.same
    if dry_run:
        for item in plan.new:
            print_text(f"new           {item.id}")
        for item in plan.brought_back:
            print_text(f"brought back  {item.id}")
        for name, members in plan.changed.items():
            print_text(f"changed       {name}: {', '.join(members)}")
        for row in plan.archived:
            print_text(f"archived      {row['id']}")
        for field in plan.fields:
            print_text(f"set           {field} of the dataset")
    if plan.sends_nothing:
        print_text(
            f"{'would send' if dry_run else 'sent'} nothing: {count(plan.same, 'item')} of '{plan.name}' "
            f"{'is as it was' if plan.same == 1 else 'are as they were'}"
        )
    else:
        counts = {
            "new" if plan.asked else "new or archived before": len(plan.new),
            "brought back": len(plan.brought_back),
            "changed": len(plan.changed),
            "as before": plan.same,
            "archived": len(plan.archived),
        }
        text = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
        print_text(f"{'would push' if dry_run else 'pushed'} {count(total, 'item')} to '{plan.name}': {text}")
    if plan.left:
        names = ", ".join(plan.left[:_MOST_NAMED])
        further = len(plan.left) - _MOST_NAMED
        more = f" and {further:,} more" if further > 0 else ""
        print_text(
            f"in Langfuse and not in {path}: {names}{more} ({len(plan.left):,}; --archive-missing archives them)"
        )
