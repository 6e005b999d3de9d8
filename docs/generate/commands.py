"""The reference of the command line, from click: every command, argument, option, default and help text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import fill

import click

from scoregate.cli.main import cli

HEAD = """\
# Commands

Made by `make docs` from the help of the commands (`scoregate COMMAND --help` shows the same).

Every command takes `--debug`, which shows the traceback of an error. What the exit codes mean:
[exit codes](exit-codes.md). Messages and progress go to stderr, results to stdout.
"""


def page() -> str:
    """The whole page, in Markdown."""
    found = list(commands())
    contents = [
        f"- [`{path}`](#{path.replace(' ', '-')}): {_first_sentence(command)}" for path, command, _ in found
    ]
    sections = [_section(path, command, context) for path, command, context in found]
    return "\n".join([HEAD, *contents, "", *sections])


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command and group of commands below `scoregate`: its whole name, itself, and its context."""
    yield from _below(cli, click.Context(cli, info_name="scoregate"))


def options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _below(group: click.Group, above: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, info_name=name, parent=above)
        yield context.command_path, command, context
        if isinstance(command, click.Group):
            yield from _below(command, context)


def _section(path: str, command: click.Command, context: click.Context) -> str:
    blocks = [f"## {path}\n"]
    if not isinstance(command, click.Group):
        arguments = [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]
        blocks.append(
            f"```\n{' '.join([path, *arguments, '[OPTIONS]' if options(command) else '']).strip()}\n```\n"
        )
    blocks.append(_text(command.help or ""))
    if options(command):
        rows = [_row(option, context) for option in options(command)]
        blocks.append("\n".join(["| option | default | |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(blocks)


def _text(help_text: str) -> str:
    """A help text as Markdown: paragraphs flow, those that click is told to leave alone become code."""
    blocks = []
    for paragraph in help_text.strip().split("\n\n"):
        if paragraph.lstrip("\n").startswith("\b"):
            lines = paragraph.lstrip("\n").removeprefix("\b").strip("\n")
            blocks.append(f"```\n{lines}\n```\n")
        else:
            flowing = _with_code(" ".join(paragraph.split()))
            blocks.append(fill(flowing, 120, break_long_words=False, break_on_hyphens=False) + "\n")
    return "\n".join(blocks)


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if not option.is_flag:
        names = f"{names[:-1]} {_value(option, context)}`"
    meaning = _with_code(option.help or "")
    if option.required:
        meaning = f"Required. {meaning}"
    return f"| {_cell(names)} | {_cell(_default(option))} | {_cell(meaning)} |"


def _value(option: click.Option, context: click.Context) -> str:
    """What stands for the option's value. click calls a number with bounds a range."""
    if option.metavar is None and isinstance(option.type, click.IntRange | click.FloatRange):
        return "N" if isinstance(option.type, click.IntRange) else "NUMBER"
    return option.make_metavar(context)


def _with_code(text: str) -> str:
    """Options that a help text names, as code."""
    return re.sub(r"(?<![`\w-])--[a-z][a-z-]*", r"`\g<0>`", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if option.is_flag or not isinstance(option.default, str | int | float):
        return ""
    return f"`{option.default:g}`" if isinstance(option.default, float) else f"`{option.default}`"


def _first_sentence(command: click.Command) -> str:
    first = " ".join((command.help or "").strip().split("\n\n")[0].split())
    return first.partition(". ")[0].rstrip(".") + "."
