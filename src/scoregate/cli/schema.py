"""`scoregate schema`: JSON Schemas of gate files and score catalogs, for editors, and of result documents."""

from __future__ import annotations

from pathlib import Path

import click

from scoregate.cli.printing import print_json, print_text


@click.command()
@click.argument("kind", type=click.Choice(("gate", "scores", "verdict")))
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), help="Write it into this file.")
def schema(kind: str, path: Path | None) -> None:
    """Print the JSON Schema of a gate file, of the score catalog (scores), or of what --json prints (verdict).

    An editor that knows TOML completes and checks the file with it. It is of draft 2020-12, and made from what
    scoregate itself reads by.
    """
    import json

    from scoregate.config_schema import catalog_schema, gate_schema
    from scoregate.errors import ConfigError
    from scoregate.files.writing import atomic_file
    from scoregate.reports.build_document import result_schema

    found = {"gate": gate_schema, "scores": catalog_schema, "verdict": result_schema}[kind]()
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if path is None:
        print_json(text, end=False)
    else:
        with atomic_file(path, ConfigError) as file:
            file.write(text.encode())
        print_text(f"wrote {path}")
