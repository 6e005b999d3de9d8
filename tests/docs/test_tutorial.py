"""The tutorial, typed command by command in an empty folder: every line that it shows is what comes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.project import Project
from tests.docs.shown_output import RUN_ID, follow

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
EDITED = "experiments/agent.py"
_PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


def test_every_command_of_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    reader = _Reader(Project(tmp_path, _PERSON))
    blocks = re.findall(r"^```(console|diff)\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.M | re.S)
    for kind, text in blocks:
        reader.types(text) if kind == "console" else reader.edits(text)
    assert [code for code, _ in reader.ended].count(1) >= 2
    assert reader.ended[-1][0] == 1


def test_the_gate_that_the_tutorial_shows_is_the_one_that_init_writes(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.scoregate("init")
    shown = re.search(r"^```toml\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.M | re.S)
    assert shown is not None
    assert _without_comments(project.read("gates/agent.toml")) == _without_comments(shown[1])


@dataclass
class _Reader:
    """Follows the tutorial in a folder. Ids of runs are other ones here, so they are translated."""

    project: Project
    here: dict[str, str] = field(default_factory=dict)
    """Id that the tutorial shows -> id of the run that it was here."""
    ended: list[tuple[int, str]] = field(default_factory=list)
    """Exit code of each `scoregate …`, and the command."""

    def types(self, block: str) -> None:
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            self.here |= follow(shown, self._run(command))

    def edits(self, block: str) -> None:
        lines = {line[0]: line[1:] for line in block.splitlines()}
        self.project.edit(EDITED, lines["-"], lines["+"])

    def _run(self, command: str) -> str:
        typed = RUN_ID.sub(lambda shown: self.here[shown[0]], command)
        words = shlex.split(typed, comments=True)
        if words[0] == "scoregate":
            ended = self.project.scoregate(*words[1:])
            self.ended.append((ended.code, command))
            return ended.err + ended.out
        done = subprocess.run(
            typed,
            shell=True,
            check=True,
            cwd=self.project.folder,
            env=os.environ | _PERSON,
            capture_output=True,
            text=True,
        )
        return done.stdout


def _without_comments(toml: str) -> list[str]:
    lines = (line.partition("#")[0].rstrip() for line in toml.splitlines())
    return [line for line in lines if line]
