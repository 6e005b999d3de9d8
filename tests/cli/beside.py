"""A project in a git repository: the good version on `main`, another one on the branch `pr`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cli.project import GATE, Ended, Project
from tests.git.repository import Repository

BESIDE = GATE.replace('"gates/agent.baseline.jsonl"', '"git:main"') + "\n[limits]\nconcurrency = 2\n"
"""A gate whose baseline is run beside the candidate."""

AGENT = """\
import os

from answers import NAME, answer

version = "agent"


def task(*, item, **kwargs):
    with open(os.environ["CALLS"], "a") as log:
        log.write(f"{NAME} {item.id}\\n")
    return answer(item.input["n"])


def correct(*, output, expected_output, **kwargs):
    return output == expected_output


evaluators = [correct]
"""
"""Answers as the module beside it says, which differs from version to version, and notes every call."""

ANSWERS = "experiments/answers.py"


def answers(name: str, right: str = "True", before: str = "") -> str:
    """A version that answers rightly where `right` holds for the number `n`."""
    head = f"import time\n\nNAME = {name!r}\n\n\ndef answer(n):\n"
    return head + (f"    {before}\n" if before else "") + f"    return n if {right} else -1\n"


@dataclass(frozen=True, slots=True)
class Branch:
    """The project and its repository, on the branch `pr`."""

    project: Project
    repository: Repository

    @classmethod
    def made(
        cls,
        folder: Path,
        *,
        number: int = 40,
        gate: str = BESIDE,
        old: str = answers("old"),
        new: str | None = None,
    ) -> Branch:
        """`old` is committed on `main`, `new` is a change of the working tree that nobody has committed."""
        project = Project(folder, {"CALLS": str(folder.parent / "calls")})
        Project.small(folder, number=number, experiment=AGENT, gate=gate)
        project.write(ANSWERS, old)
        project.write(".gitignore", ".scoregate/\n")
        repository = Repository(folder)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.commit()
        repository.git("checkout", "--quiet", "-b", "pr")
        if new is not None:
            project.write(ANSWERS, new)
        return cls(project, repository)

    def commit_on(self, branch: str, files: dict[str, str]) -> str:
        """Commit files on a branch, which is made where it is not there, and come back; the commit's hash."""
        back = self.repository.git("symbolic-ref", "--short", "HEAD")
        known = self.repository.git("branch", "--list", branch)
        self.repository.git("checkout", "--quiet", *([] if known else ["-b"]), branch)
        commit = self.repository.commit(files)
        self.repository.git("checkout", "--quiet", back)
        return commit

    def run(self, *words: str) -> Ended:
        return self.project.run(*words)

    def calls(self) -> list[tuple[str, str]]:
        """Version and item of every call, in order."""
        path = self.project.folder.parent / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(name, item) for name, item in (line.split() for line in lines)]

    def wait_for_calls(self, number: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.calls()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def versions_called(self) -> set[str]:
        return {name for name, _ in self.calls()}


def rounds_told(ended: Ended) -> list[str]:
    """The letters of the rounds that were announced."""
    return re.findall(r"^scoregate: round ([A-D]), ", ended.err, re.MULTILINE)


def table_cells(listed: str) -> dict[str, list[str]]:
    """Run -> the words behind it, of what `runs list` prints."""
    rows = [line.split() for line in listed.splitlines()[2:] if line.strip()]
    return {row[0]: row[1:] for row in rows}
