"""Options that several commands share."""

from __future__ import annotations

import os
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
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of everything that uses chance.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
output_option = click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH",
    help="Also write the report as json, markdown, junit or csv, or the run as results (a .jsonl file). "
    "May be repeated.",
)  # fmt: skip


on_inconclusive_option = click.option(
    "--on-inconclusive",
    type=click.Choice(["warn", "fail"]),
    help="Instead of the gate's own word: exit code 0 or 3.",
)


def stored_results_options(command: F) -> F:
    """What every command takes that decides a gate from results that exist."""
    against = click.option(
        "--baseline",
        metavar="FILE|RUN|langfuse:NAME",
        help="Compare with this instead of the gate's own baseline.",
    )
    for option in (store_option, json_option, output_option, seed_option, on_inconclusive_option, against):
        command = option(command)
    return command


def delivery_seconds_option(help: str) -> Callable[[F], F]:
    """`--delivery-seconds`: what is waited for differs from command to command."""
    return click.option(
        "--delivery-seconds",
        type=click.FloatRange(min=0, max=86_400),
        default=120.0,
        show_default=True,
        help=help,
    )


_NO_GATES = (".jsonl", ".json", ".csv", ".parquet", ".gz", ".py")
"""Endings of the other files of a project, one of which is easily given in a gate's place."""


def existing_gate(path: Path) -> Path:
    """The gate that a command line names. Raises ConfigError for what is none by its name, and one folder off."""
    if path.suffix.lower() in _NO_GATES:
        raise ConfigError(
            "this is no gate", where=str(path), hint="a gate is a TOML file, such as gates/agent.toml"
        )
    if not path.exists() and not path.is_absolute():
        from scoregate.sources import find_root

        above = find_root() / path
        if above.is_file():
            hint = f"did you mean '{os.path.relpath(above)}'?"
            raise ConfigError("there is no such gate in this folder", where=str(path), hint=hint)
    return path


gate_argument = click.argument(
    "gate_path",
    metavar="GATE",
    type=click.Path(path_type=Path),
    callback=lambda _context, _parameter, path: existing_gate(path),
)


gates_argument = click.argument(
    "gates",
    metavar="GATE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    callback=lambda _context, _parameter, paths: tuple(map(existing_gate, paths)),
)
"""One gate, or any number of gates and folders of gates."""


def parse_outputs(outputs: tuple[str, ...]) -> list[tuple[str, Path]]:
    """`FORMAT=PATH` pairs, refused before anything is run if they cannot be written."""
    if not outputs:
        return []
    from scoregate.cli.outputs import check_output
    from scoregate.own.folder import here

    parsed: list[tuple[str, Path]] = []
    for output in outputs:
        fmt, equals, name = output.partition("=")
        if not equals or not name:
            raise ConfigError(
                f"'{output}' is not FORMAT=PATH", where="-o", hint="such as -o markdown=verdict.md"
            )
        check_output(fmt, Path(name))
        if name == "-":
            raise ConfigError(
                f"'{output}' names no file", where="-o", hint="--json prints the report on stdout"
            )
        path = here() / name
        if path in [other for _, other in parsed]:
            raise ConfigError(f"two reports go to '{name}'", where="-o", hint="give each its own file")
        _check_writable(Path(name))
        parsed.append((fmt, path))
    return parsed


def _check_writable(path: Path) -> None:
    """A report comes after a run that may have been dear, so an impossible place is refused before it."""
    if path.is_dir():
        raise ConfigError(f"'{path}' is a folder", where="-o", hint="name a file")
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise ConfigError(f"'{path}' cannot be written: '{folder}' is no folder", where="-o")
    if not os.access(folder, os.W_OK) and not path.exists():
        raise ConfigError(f"'{path}' cannot be written: no permission in '{folder}'", where="-o")
