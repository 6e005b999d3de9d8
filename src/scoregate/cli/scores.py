"""`scoregate scores`: the score catalog and the score configs of Langfuse, side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import json_option
from scoregate.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from scoregate.catalog import Catalog
    from scoregate.langfuse.config_sync import SyncedConfig
    from scoregate.langfuse.connection import Connection
    from scoregate.langfuse.score_configs import ConfigState
    from scoregate.records import JSON

_SHOWN = ("different", "archived", "conflict", "refused")
"""What needs a line of its own below the table, which says the rest."""


@click.group()
def scores() -> None:
    """Show the catalog beside the score configs of Langfuse, and make those as the catalog says."""


@scores.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Every score of the catalog and every config in Langfuse, and how they differ."""
    from scoregate.langfuse.score_configs import compare_configs, read_configs

    catalog = _catalog()
    with _connection("the list of score configs") as connection:
        states = compare_configs(catalog, read_configs(connection))
    if as_json:
        print_json(json.dumps([_as_dict(state) for state in states], indent=2, ensure_ascii=False))
    elif not states:
        print_text("no scores in the catalog, and no score configs in Langfuse")
    else:
        print_text(_table(states))


@scores.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def sync(dry_run: bool) -> int:
    """Make the score configs in Langfuse as the catalog says: create, update, unarchive. Nothing is ever deleted.

    Exit code 2 where a config cannot be made as the catalog says.
    """
    from scoregate.errors import USAGE
    from scoregate.langfuse.config_sync import sync_configs
    from scoregate.langfuse.score_configs import TO_DO, compare_configs, read_configs

    catalog = _catalog(required=True)
    with _connection("the sync of score configs") as connection:
        if dry_run:
            states = [s for s in compare_configs(catalog, read_configs(connection)) if s.contract]
            for state in states:
                if state.standing in TO_DO:
                    print_text(f"would {_deed(state)}")
                elif state.standing != "same":
                    print_text(f"cannot be done: {state.line}")
            changed = sum(state.standing in TO_DO for state in states)
            stuck = sum(state.standing in ("conflict", "refused") for state in states)
            print_text(
                f"{changed} to change, {stuck} that cannot be, {len(states) - changed - stuck} as they should be"
            )
            return USAGE if stuck else 0
        done = sync_configs(connection, catalog, done_with=_show)
    problems = [one for one in done if one.problem]
    changed = sum(one.state.standing in TO_DO and not one.problem for one in done)
    for one in problems:
        print_text(f"not as it should be: {one.state.name}: {one.problem}", err=True)
    print_text(
        f"{changed} changed, {len(problems)} that could not be, {len(done) - changed - len(problems)} as they were"
    )
    return USAGE if problems else 0


def _catalog(*, required: bool = False) -> Catalog:
    from scoregate.catalog import CATALOG_FILE, Catalog, read_catalog
    from scoregate.errors import ConfigError
    from scoregate.sources import find_root

    path = find_root() / "gates" / CATALOG_FILE
    if path.is_file():
        return read_catalog(path)
    if required:
        raise ConfigError("there is no score catalog", where=str(path), hint="`scoregate init` writes one")
    return Catalog()


def _connection(what_for: str) -> Connection:
    from scoregate.langfuse.connection import Connection
    from scoregate.langfuse.settings import require_settings
    from scoregate.sources import find_root

    return Connection(require_settings(find_root(), what_for))


def _deed(state: ConfigState) -> str:
    if state.standing == "missing":
        return f"create {state.name}: {(state.changes or {}).get('dataType')}"
    verb = "take out of the archive" if state.standing == "archived" else "update"
    return f"{verb} {state.line}"


def _show(one: SyncedConfig) -> None:
    from scoregate.langfuse.score_configs import TO_DO

    if one.state.standing in TO_DO and not one.problem:
        print_text(f"done: {_deed(one.state)}")


def _table(states: list[ConfigState]) -> str:
    from tabulate import tabulate

    from scoregate.langfuse.score_configs import TO_DO

    rows = [(state.name, _ours(state), _theirs(state), state.standing) for state in states]
    table = tabulate(
        rows, headers=("score", "catalog", "Langfuse", ""), tablefmt="simple", disable_numparse=True
    )
    lines = [state.line for state in states if state.standing in _SHOWN or state.duplicates]
    waiting = sum(state.standing in TO_DO for state in states)
    if waiting:
        lines.append(f"`scoregate scores sync` puts {waiting} right; with --dry-run it shows how")
    return "\n".join([table, *([""] if lines else []), *lines])


def _ours(state: ConfigState) -> str:
    contract = state.contract
    if contract is None:
        return "-"
    return _in_short(contract.type, contract.min, contract.max, contract.categories)


def _theirs(state: ConfigState) -> str:
    config = state.config
    if config is None:
        return "-"
    labels = config.labels if config.data_type == "CATEGORICAL" else ()
    archived = ", archived" if config.archived else ""
    more = f" (+{state.duplicates})" if state.duplicates else ""
    return _in_short(config.data_type.lower(), config.min, config.max, labels) + archived + more


def _in_short(kind: str, low: float | None, high: float | None, labels: tuple[str, ...]) -> str:
    if labels:
        return f"{kind} {', '.join(labels)}"
    if low is None and high is None:
        return kind
    return f"{kind} {'…' if low is None else f'{low:g}'} to {'…' if high is None else f'{high:g}'}"


def _as_dict(state: ConfigState) -> dict[str, JSON]:
    from dataclasses import asdict

    config, contract = state.config, state.contract
    return {
        "name": state.name,
        "standing": state.standing,
        "differences": list(state.reasons),
        "duplicates": state.duplicates,
        "catalog": None
        if contract is None
        else {
            "type": contract.type,
            "parent": contract.parent,
            "min": contract.min,
            "max": contract.max,
            "categories": list(contract.categories),
            "description": contract.description,
        },
        "langfuse": None
        if config is None
        else {
            **asdict(config),
            "categories": [{"label": label, "value": value} for label, value in config.categories],
        },
    }
