"""`scoregate`: the group of all commands, how errors are shown, and the exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from scoregate.cli.printing import begin_streams
from scoregate.cli.process import begin_process
from scoregate.cli.terminal import DEBUG, exit_code_of
from scoregate.version import __version__

_COMMANDS = {
    "run": ("scoregate.cli.run:run", "Run a gate: candidate, scores, comparison with the baseline, verdict."),
    "check": ("scoregate.cli.check:check", "Decide a gate from results that exist; nothing is run."),
    "merge": ("scoregate.cli.merge:merge", "Decide a gate once from the shards of a run."),
    "report": (
        "scoregate.cli.report:report",
        "Show the verdict of a result document, or write other reports of it.",
    ),
    "init": ("scoregate.cli.init:init", "Write a small working gate into this repository."),
    "baseline": ("scoregate.cli.baseline:baseline", "Accept, show and compare baselines."),
    "runs": ("scoregate.cli.runs:runs", "List, show, compare, export, import, push and prune stored runs."),
    "plan": ("scoregate.cli.plan:plan", "What a gate sees, how often it is inconclusive, what it costs."),
    "selftest": ("scoregate.cli.selftest:selftest", "Measure a gate's false alarms on stored trials."),
    "score": (
        "scoregate.cli.score:score",
        "Write one score to Langfuse: feedback, a review, how a session ended.",
    ),
    "scores": (
        "scoregate.cli.scores:scores",
        "The catalog beside the score configs of Langfuse: list, sync.",
    ),
    "dataset": ("scoregate.cli.dataset:dataset", "Check datasets, and bring them to Langfuse and back."),
    "judge": ("scoregate.cli.judge:judge", "Try a judge, calibrate it, and share its replies."),
    "github": (
        "scoregate.cli.github:github",
        "Tell a verdict on GitHub: summary, annotations, one comment, check runs.",
    ),
    "schema": ("scoregate.cli.schema:schema", "JSON Schemas of gate files, catalogs and results."),
    "doctor": ("scoregate.cli.doctor:doctor", "Check the connection to Langfuse."),
}
"""Command -> where it lives, and its line in the help; a module is imported when its command is called."""


class _LazyGroup(click.Group):
    """Imports a command when it is asked for, so that `--help` and every other command start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            from scoregate.errors import did_you_mean

            ctx.fail(f"there is no command '{args[0]}' ({did_you_mean(args[0], _COMMANDS)})")
        return super().resolve_command(ctx, args)


@click.command(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="scoregate")
def cli() -> None:
    """A regression gate for LLM agents.

    A candidate version runs against a dataset, is scored, and is compared item by item with an accepted
    baseline. The build fails on a regression, and only on a real one.

    \b
    Exit codes: 0 pass, or inconclusive where the gate only warns, 1 regression, 2 usage or configuration,
    3 inconclusive, 4 invalid comparison, 5 interrupted, a limit reached, or not delivered. --debug anywhere
    shows the traceback of an error.
    """


def main(argv: list[str] | None = None) -> None:
    """Entry point: runs a command and exits with its code; every error is one line on stderr."""
    begin_process()
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments or bool(os.environ.get(DEBUG))
    arguments = [a for a in arguments if a != "--debug"]
    begin_streams()
    if debug:
        os.environ[DEBUG] = "1"
    sys.exit(exit_code_of(lambda: cli.main(arguments, prog_name="scoregate", standalone_mode=False)))
