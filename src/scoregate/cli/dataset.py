"""`scoregate dataset`: check a dataset before anything is run on it."""

from __future__ import annotations

from pathlib import Path

import click

from scoregate.cli.options import json_option


@click.group()
def dataset() -> None:
    """Check a dataset."""


@dataset.command()
@click.argument("path", metavar="FILE|GATE", type=click.Path(path_type=Path))
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
    """Read FILE (JSONL, JSON, CSV or Parquet), or the dataset of GATE with its schemas and slices.

    Says what is in it; exit code 2 with file and line of the first error.
    """
    from scoregate.datasets import check_keys, read_dataset, summarise

    if path.suffix == ".toml":
        from scoregate.gate_file import read_gate
        from scoregate.project.assembly import read_gate_dataset

        gate = read_gate(path)
        found = read_gate_dataset(gate)
        slice_paths, cluster_path = dict(gate.slices), gate.cluster
    else:
        found = read_dataset(path, input_schema=input_schema, expected_output_schema=expected_output_schema)
        slice_paths, cluster_path = {name.rpartition(".")[2]: name for name in slices}, cluster
        check_keys(found, cluster_path, slice_paths)
    summary = summarise(found, cluster=cluster_path, slices=slice_paths)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps(asdict(summary), indent=2, ensure_ascii=False))
        return
    click.echo(
        f"{summary.name}: {summary.items:,} items, {summary.with_expected_output:,} with an expected output"
    )
    if summary.clusters is not None:
        click.echo(f"clusters: {summary.clusters:,}, items in the largest: {summary.largest_cluster:,}")
    for name, values in summary.slices.items():
        counts = ", ".join(f"{value} {count:,}" for value, count in sorted(values.items()))
        click.echo(f"{name}: {counts}")
    click.echo(f"fingerprint: {summary.fingerprint}")
