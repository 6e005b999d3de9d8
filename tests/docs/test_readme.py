"""The README's first screen is what a newcomer gets."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from tests.cli.project import Project
from tests.docs.pages import REPOSITORY, Page
from tests.docs.shown_output import follow

README = Page(REPOSITORY / "README.md")


def test_the_verdict_that_it_shows_is_the_one_that_its_command_ends_with(tmp_path: Path) -> None:
    _, command, shown, *_ = README.blocks("")
    words = shlex.split(command)
    assert words[0] == ".venv/bin/scoregate"
    ended = Project(REPOSITORY).scoregate(*words[1:], "--store", tmp_path / "store.sqlite3")
    assert ended.outcome(1) == "REGRESSION"
    follow(shown, ended.out)


def test_the_two_commands_are_targets_of_make() -> None:
    commands = [line.partition("#")[0].split() for line in next(README.blocks("")).splitlines()]
    assert commands == [["make", "gate"], ["make", "test"]]
    for command in commands:
        subprocess.run([*command, "--dry-run"], cwd=REPOSITORY, check=True, capture_output=True)
