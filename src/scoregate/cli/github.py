"""`scoregate github`: tell a verdict where a reviewer looks, from its documents alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.errors import ConfigError

if TYPE_CHECKING:
    from scoregate.reports.build import Build

_MOST_BYTES_OF_A_FORK = 4 << 20

label_option = click.option(
    "--label",
    metavar="TEXT",
    help="Tells apart sections of one gate, such as the model of a matrix; the same in `running` and `publish`.",
)


@click.group()
def github() -> None:
    """Tell verdicts on GitHub, in a job of GitHub Actions.

    The comment and the check runs need `GITHUB_TOKEN` in the environment, with `pull-requests: write` and
    `checks: write`, and `pip install scoregate[github]`. What the token may not do is left out with a warning, and
    changes no exit code: 0 where all is told as far as the token may, 2 for bad input.
    """


@github.command()
@click.argument("gates", metavar="GATE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@label_option
def running(gates: tuple[Path, ...], label: str | None) -> None:
    """Say in the comment of the pull request that these gates, files or folders of them, have begun.

    Older verdicts on them become one line each.
    """
    from scoregate.cli.printing import print_workflow_command
    from scoregate.github.job import Job
    from scoregate.github.publishing import publish_running

    publish_running(_from_top(gates), Job.of(os.environ), print_workflow_command, label=label)


@github.command()
@click.argument("documents", metavar="RESULT.json...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--failed",
    "failed",
    multiple=True,
    metavar="GATE",
    type=click.Path(path_type=Path),
    help="A gate that ended without a result. May be repeated.",
)
@label_option
@click.option("--no-comment", is_flag=True, help="Write no comment on the pull request.")
@click.option("--no-check-run", is_flag=True, help="Make no check runs.")
@click.option("--no-annotations", is_flag=True, help="Print no annotations.")
@click.option("--no-summary", is_flag=True, help="Write nothing on the job's page.")
def publish(
    documents: tuple[Path, ...],
    failed: tuple[Path, ...],
    label: str | None,
    no_comment: bool,
    no_check_run: bool,
    no_annotations: bool,
    no_summary: bool,
) -> None:
    """Tell the verdicts that RESULT.json hold, which `-o json=RESULT.json` of run, check or merge wrote.

    In the job's summary, as annotations of the lines of the gate file, in one comment a pull request, as check runs,
    and in the step's outputs: verdict, exit-code, regressions, inconclusive, experiment-url and gates (JSON).
    """
    from scoregate.cli.printing import print_workflow_command
    from scoregate.github.job import Job
    from scoregate.github.publishing import Faces
    from scoregate.github.publishing import publish as tell
    from scoregate.github.section import WithoutVerdict, without_verdict

    if not documents and not failed:
        raise click.UsageError("no results are named: scoregate github publish RESULT.json...")
    faces = Faces(
        comment=not no_comment,
        check_run=not no_check_run,
        annotations=not no_annotations,
        summary=not no_summary,
    )
    builds = _builds(documents)
    tell(
        [report for build in builds for report in build.reports],
        Job.of(os.environ),
        print_workflow_command,
        without=[
            *(WithoutVerdict(gate=gate) for gate in _from_top(failed)),
            *(one for build in builds for one in without_verdict(build, _place)),
        ],
        label=label,
        faces=faces,
    )


@github.command()
@click.argument("document", metavar="RESULT.json", type=click.Path(path_type=Path))
@label_option
def publish_fork(document: Path, label: str | None) -> None:
    """Tell the verdict of a fork's build, in a workflow that runs on `workflow_run` with the rights to comment.

    Nothing of the fork is taken but RESULT.json, up to 4 MiB, which obeys the schema; links in it are left out. The
    pull request is the open one that GitHub knows the built commit from, whatever the document says.
    """
    from scoregate.cli.printing import print_workflow_command, say
    from scoregate.errors import ResultsError
    from scoregate.github.job import Job
    from scoregate.github.publishing import publish_fork as tell
    from scoregate.github.section import without_verdict

    if document.is_symlink():
        raise ResultsError("is a link to another file", where=str(document))
    if document.is_file() and document.stat().st_size > _MOST_BYTES_OF_A_FORK:
        raise ResultsError(f"is larger than {_MOST_BYTES_OF_A_FORK >> 20} MiB", where=str(document))
    (build,) = _builds((document,))
    told = tell(
        build.reports,
        Job.of(os.environ),
        print_workflow_command,
        without=without_verdict(build, build.from_top),
        label=label,
    )
    for number in told:
        say(f"told on pull request #{number}")


def _builds(documents: tuple[Path, ...]) -> list[Build]:
    from scoregate.errors import ResultsError
    from scoregate.reports.reading import read_build

    builds = [read_build(document) for document in documents]
    for document, build in zip(documents, builds, strict=True):
        if not build.rows:
            raise ResultsError("tells of no gate", where=str(document))
    return builds


def _from_top(gates: tuple[Path, ...]) -> list[str]:
    """The gates as seen from the top of the repository; of a folder all that it holds."""
    from scoregate.cli.options import existing_gate
    from scoregate.gate_file.named import named_gates

    found = named_gates(gates) if gates else ()
    for path in found:
        if not existing_gate(path).is_file():
            raise ConfigError("there is no such gate", where=str(path))
    return [_place(str(path)) for path in found]


def _place(path: str) -> str:
    """Where a gate is that is named as from this folder; a document may also come from another checkout."""
    from scoregate.gate_file.gate import project_root
    from scoregate.reports.provenance import in_repository

    file = Path(path)
    return in_repository(file, project_root(file)) if file.is_file() else path
