"""Every `scoregate …` that the documentation shows is a command that exists, with options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from scoregate.cli.main import cli
from tests.docs.pages import PAGES, Page

_COMMAND = re.compile(r"(?:^|[\s/])scoregate (?!COMMAND|…)(.+)")
_FREE = re.compile(r"[\[\]…|]")
"""What only stands in a line that shows several commands in one."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page: Page) -> None:
    for line in [*_block_lines(page), *page.inline()]:
        for words in _commands(line):
            _parse(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_blocks_have_what_they_need(page: Page) -> None:
    for line in _block_lines(page):
        if not _FREE.search(line.partition("#")[0]):
            for words in _commands(line):
                command, given = _parse(words)
                missing = [
                    one.name for one in command.params if one.required and given.get(one.name or "") is None
                ]
                assert missing == [], line


def test_options_that_prose_names_exist() -> None:
    known = {name for command in _all(cli) for option in command.params for name in option.opts} | {"--debug"}
    known |= {name for command in _all(cli) for name in command.get_help_option_names(click.Context(command))}
    unknown = [
        (page.name, code)
        for page in PAGES
        if page.name != "docs/figures.md"  # of the scripts in benchmarks/
        for code in page.inline()
        if code.startswith("--") and code.split()[0].partition("=")[0] not in known
    ]
    assert unknown == []


@pytest.mark.parametrize(
    "line", ["scoregate rnu GATE", "scoregate run GATE --trails 5", "scoregate runs list|shwo"]
)
def test_a_mistake_would_be_seen(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        _ = [_parse(words) for words in _commands(line)]


def test_many_commands_are_looked_at() -> None:
    found = [words for page in PAGES for line in _block_lines(page) for words in _commands(line)]
    assert len(found) > 60


def _block_lines(page: Page) -> Iterator[str]:
    for block in page.blocks("", "console", "yaml", "bash"):
        for line in block.splitlines():
            if not line.startswith("scoregate: "):
                yield line.split(" && ")[-1] if " && scoregate" in line else line


def _commands(line: str) -> Iterator[list[str]]:
    """The words behind `scoregate` in a line, once for each command where one word names several."""
    found = _COMMAND.search(line)
    if not found:
        return
    words = shlex.split(found[1], comments=True)
    for number, word in enumerate(words):
        if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", word):
            yield from ([*words[:number], one, *words[number + 1 :]] for one in word.split("|"))
            return
    yield words


def _parse(words: list[str]) -> tuple[click.Command, dict[str, object]]:
    """Walk to the command and let click's own parser take the rest."""
    command: click.Command = cli
    context = click.Context(cli, info_name="scoregate")
    rest = [word.strip("[]") for word in words if word not in ("|", "[OPTIONS]")]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        assert found is not None, f"there is no command {words}"
        command, rest = found, rest[1:]
        context = click.Context(command, info_name="", parent=context)
    if isinstance(command, click.Group):
        return command, {}
    given, extra, _ = command.make_parser(context).parse_args(rest)
    assert not extra, (words, extra)
    return command, {
        name: value for name, value in given.items() if isinstance(value, str | bool | list | tuple)
    }


def _all(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _all(below)
