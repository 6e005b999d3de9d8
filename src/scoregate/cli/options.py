"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from scoregate.errors import ConfigError

F = TypeVar("F", bound=Callable[..., object])

store_option = click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    help="Another store than .scoregate/store.sqlite3.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
seed_option = click.option(
    "--seed", default=0, show_default=True, help="Seed of everything that uses chance."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
output_option = click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH",
    help="Also write the report as json, markdown or csv; may be repeated.",
)  # fmt: skip
gate_argument = click.argument("gate_path", metavar="GATE", type=click.Path(path_type=Path))


def parse_outputs(outputs: tuple[str, ...]) -> list[tuple[str, Path]]:
    """`FORMAT=PATH` pairs, refused before anything is run if they cannot be written."""
    from scoregate.reports import check_format

    parsed = []
    for output in outputs:
        fmt, equals, path = output.partition("=")
        if not equals or not path:
            raise ConfigError(
                f"'{output}' is not FORMAT=PATH", where="-o", hint="such as -o markdown=verdict.md"
            )
        check_format(fmt)
        parsed.append((fmt, Path(path)))
    return parsed
