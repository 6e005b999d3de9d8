"""`scoregate doctor`: whether Langfuse can be reached and used from here, and what to do where it cannot."""

from __future__ import annotations

import json

import click

from scoregate.cli.options import json_option
from scoregate.cli.printing import print_json, print_text


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check the connection to Langfuse: keys, server, project, endpoints, clock and score configs.

    Nothing is written there. Ends with 0 where all is well or there are only warnings, with 2 where something is
    set up wrongly, with 5 where the service fails.
    """
    from scoregate.catalog import CATALOG_FILE
    from scoregate.langfuse.doctor import Check, examine, exit_code
    from scoregate.sources import find_root

    root = find_root()
    checks: list[Check] = []
    for check in examine(root, root / "gates" / CATALOG_FILE):
        checks.append(check)
        if not as_json:
            advice = f" ({check.hint})" if check.hint else ""
            print_text(f"{check.level:<7}  {check.name:<16}  {_line(check.message + advice)}")
    code = exit_code(checks)
    if as_json:
        document = {"exit_code": code, "checks": [check.to_dict() for check in checks]}
        print_json(json.dumps(document, indent=2, ensure_ascii=False))
    return code


def _line(text: str) -> str:
    """One line, whatever a server put into it."""
    return "".join(char if char.isprintable() else " " for char in text)
