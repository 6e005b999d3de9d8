"""What `run --shard` shows: the run and what to do with it, as the verdict is that of all shards together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.cli.outputs import RESULTS, write_outputs, write_run
from scoregate.cli.printing import print_text, say
from scoregate.cli.shown_run import show_run
from scoregate.errors import ConfigError

if TYPE_CHECKING:
    from typing import TextIO

    from scoregate.gate_run.outcome import Decided


def refuse_reports(outputs: Sequence[tuple[str, Path]]) -> None:
    """Raises ConfigError for a report: there is no verdict that it could show."""
    for fmt, _ in outputs:
        if fmt != RESULTS:
            raise ConfigError(
                f"a shard has no verdict, and so no {fmt} report",
                where="-o",
                hint=f"write its results with -o {RESULTS}=FILE, and give -o {fmt}=… to `scoregate merge`",
            )


def present_shard(
    found: Decided, *, outputs: Sequence[tuple[str, Path]], as_json: bool, stdout: TextIO
) -> None:
    """Print the run, then write its results."""
    show_run(found.candidate, as_json, stdout)
    if not as_json:
        print_text(
            "\n" + "\n".join(f"→ {line}" for line in (*found.hints, found.verdict.reason)), stream=stdout
        )
    stdout.flush()

    def write(fmt: str, path: Path) -> None:
        if fmt == RESULTS:
            write_run(found.candidate, path)
        else:
            say(f"no {fmt} report of a shard: give -o {fmt}=… to `scoregate merge`")

    write_outputs(outputs, write, found.gate.root, passed=True)
