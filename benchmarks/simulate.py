"""The gate's published operating characteristics, measured on simulated agents with the shipped code.

Every row has a threshold that was fixed before it was measured. `--builds quick` is a smoke test with few builds
(a row fails only when chance cannot explain it); `--builds full` makes the figures that are published. `--world
second` asks the same of agents that behave quite differently.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from figures import HEADERS, Measured
from kept_tallies import KeptTallies
from measuring import measure
from metamorphic import metamorphic_failures
from rows import reference_rows
from second_world import second_world_rows
from speed import measure_speed
from tabulate import tabulate

Line = tuple[str, ...]


@click.command(help=__doc__)
@click.option("--builds", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--world", type=click.Choice(["reference", "second"]), default="reference", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--row", "rows", multiple=True, help="Only these rows; may be repeated.")
@click.option("--max-builds", type=int, help="No more builds than this in any situation.")
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the situations that are done in this file, and simulate none again that this code has left there.",
)
def main(
    builds: str,
    world: str,
    seed: int,
    workers: int,
    rows: tuple[str, ...],
    max_builds: int | None,
    resume: Path | None,
) -> None:
    quick = builds == "quick"
    figures = reference_rows() if world == "reference" else second_world_rows()
    known = {figure.row for figure in figures} | ({"21", "22"} if world == "reference" else set())
    if unknown := set(rows) - known:
        raise click.BadParameter(f"there is no row {', '.join(sorted(unknown))}", param_hint="--row")
    wanted = [figure for figure in figures if not rows or figure.row in rows]
    say = partial(click.echo, err=True)
    kept = None if resume is None else KeptTallies(resume, seed)
    measured = measure(
        wanted, quick=quick, seed=seed, workers=workers, say=say, max_builds=max_builds, kept=kept
    )
    lines = [_line(m, seed, quick=quick) for m in measured]
    if world == "reference":
        lines += _exact_lines(rows, seed, quick=quick)
    click.echo(f"world: {world}; seed: {seed}; {builds} run; cost = mean trials an item and arm\n")
    click.echo(tabulate(lines, headers=HEADERS, tablefmt="github", disable_numparse=True))
    sys.exit(1 if any(line[-1] == "NO" for line in lines) else 0)


def _line(measured: Measured, seed: int, *, quick: bool) -> Line:
    figure, (low, high) = measured.figure, measured.interval()
    if figure.counted == "bias":
        value, interval = f"{measured.value:+.2f} pt", f"{low:+.2f} to {high:+.2f} pt"
    else:
        value, interval = f"{100 * measured.value:.1f} %", f"{100 * low:.1f} to {100 * high:.1f} %"
    asked = figure.situation.trials == "rounds"
    return (
        figure.row,
        figure.situation.what,
        figure.counted,
        _threshold(measured),
        value,
        interval,
        f"{measured.tally.builds:,}",
        str(seed),
        f"{measured.cost:.1f}" if asked else "",
        _holds(measured.holds(quick=quick)) if _threshold(measured) else "",
    )


def _threshold(measured: Measured) -> str:
    figure, parts = measured.figure, []
    if figure.counted == "bias" and figure.at_most is not None:
        parts.append(f"≤ ±{figure.at_most:g} pt")
    elif figure.at_most is not None:
        parts.append(f"≤ {100 * figure.at_most:.1f} %")
    if figure.at_least is not None:
        parts.append(f"≥ {100 * figure.at_least:.1f} %")
    if figure.cost_at_most is not None:
        parts.append(f"cost ≤ {figure.cost_at_most:g}")
    return ", ".join(parts)


def _exact_lines(rows: Sequence[str], seed: int, *, quick: bool) -> list[Line]:
    """Rows 21 and 22, which count no builds."""
    lines: list[Line] = []
    if not rows or "21" in rows:
        rounds = 10 if quick else 400
        broken = metamorphic_failures(rounds, seed)
        for failure in broken[:10]:
            click.echo(f"  {failure}", err=True)
        what = "related inputs give related verdicts"
        measured = (str(len(broken)), "", f"{rounds:,}", str(seed), "")
        lines.append(("21", what, "broken relations", "0", *measured, _holds(not broken)))
    if not rows or "22" in rows:
        for speed in measure_speed(seed):
            # A smoke test runs on any machine at any load; only the full run is a measurement.
            holds = "" if quick else _holds(speed.holds)
            limit, value = f"≤ {speed.at_most:g} s", f"{speed.seconds:.2f} s"
            lines.append(("22", speed.what, "best of three", limit, value, "", "", str(seed), "", holds))
    return lines


def _holds(kept: bool) -> str:
    return "yes" if kept else "NO"


if __name__ == "__main__":
    main()
