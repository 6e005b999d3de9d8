"""`scoregate report`: any face of a verdict, or of those of a build, made again from its document."""

from __future__ import annotations

from pathlib import Path

import click

from scoregate.cli.options import json_option, output_option, parse_outputs


@click.command()
@click.argument("document", metavar="RESULT.json", type=click.Path(path_type=Path))
@output_option
@json_option
def report(document: Path, outputs: tuple[str, ...], as_json: bool) -> None:
    """Show the verdict that RESULT.json holds, which `-o json=RESULT.json` of run or check wrote.

    Needs that file alone: no gate, no store and no dataset. Of a command with several gates it holds all their
    verdicts. Every report is the same, byte for byte, as the command that decided would have written it. Without -o it
    is shown on the terminal. The exit code is 0 whatever the verdict is, and 2 for a file that is no such document or
    contradicts itself.
    """
    from scoregate.cli.outputs import RESULTS
    from scoregate.cli.terminal import show
    from scoregate.errors import ConfigError
    from scoregate.reports import write_report
    from scoregate.reports.reading import read_result

    wanted = parse_outputs(outputs)
    for fmt, path in wanted:
        if fmt == RESULTS:
            raise ConfigError(
                f"'{path}' cannot be written from a verdict", where="-o", hint="`runs export` writes a run"
            )
    found = read_result(document)
    if as_json or not wanted:
        show(found, as_json=as_json)
    for fmt, path in wanted:
        write_report(found, fmt, path)
