"""docs/reference/commands.md says what the command line says, and leaves nothing out."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from docs.generate import commands

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def test_the_page_is_what_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == commands.page(), "`make docs` brings it up to date"


def test_every_command_has_a_section_with_every_option() -> None:
    sections = {
        section.partition("\n")[0]: section for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    }
    found = list(commands.commands())
    assert list(sections) == [path for path, _, _ in found]
    for path, command, _ in found:
        for option in commands.options(command):
            for name in (*option.opts, *option.secondary_opts):
                assert f"`{name}" in sections[path], (path, name)


def test_every_command_and_every_option_has_a_help_text() -> None:
    silent = [
        f"{path} {option.opts[-1]}"
        for path, command, _ in commands.commands()
        for option in commands.options(command)
        if not (option.help or "").strip()
    ]
    silent += [path for path, command, _ in commands.commands() if not (command.help or "").strip()]
    assert silent == []


def test_the_list_of_all_commands_and_the_help_of_each_are_of_one_subject() -> None:
    """`scoregate --help` has lines of its own, so that it need not import the commands."""
    from scoregate.cli.main import cli

    shown = CliRunner().invoke(cli, ["--help"]).output
    for path, _, context in commands.commands():
        if context.parent is not None and context.parent.parent is None:
            assert f"\n  {path.removeprefix('scoregate ')} " in shown
