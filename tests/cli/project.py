"""A user's project in a folder, and the real command run in it as a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scoregate.records import JSON
from scoregate.results_file.seal import KEY as DIGEST
from tests.documents import checked_document
from tests.fork_server.process import Process, start, usual_environment

_ANNOUNCED = re.compile(
    r"scoregate: (run \S+: .* on [\d,]+ items|no Langfuse keys: the run stays here$|round [A-D], "
    r"|this run will be compared with nothing, and can become the first baseline$|both versions are "
    r"|.*: (smaller drops will be missed|most builds will be inconclusive|every build will be invalid); )"
)

GATE = """\
dataset = "datasets/agent.jsonl"
experiment = "experiments/agent.py"
baseline = "gates/agent.baseline.jsonl"

[slices]
intent = "metadata.intent"

[scores.correct]
max_drop = 0.05
"""

AGENT = """\
version = "v1"


def task(*, item, **kwargs):
    return item.input["n"]


def correct(*, output, expected_output, **kwargs):
    return output == expected_output


evaluators = [correct]
"""
"""Answers every item of `items()` as expected."""


NOTE_CALL = "with open('calls', 'a') as log: log.write(f'{n}\\n')"
"""A statement of a task, by which the project knows of its `calls()`."""


def items(number: int) -> list[dict[str, JSON]]:
    """`q000`, `q001`, …: input and expected output are the number, the intents take turns."""
    return [
        {
            "id": f"q{n:03}",
            "input": {"n": n},
            "expected_output": n,
            "metadata": {"intent": ("refund", "hours")[n % 2]},
        }
        for n in range(number)
    ]


def agent(body: str, *, before: str = "", version: str = "v1") -> str:
    """An experiment whose task has this body, one statement a line; `n` is the item's number."""
    lines = "\n    ".join(body.splitlines())
    head, tail = AGENT.split('    return item.input["n"]\n')
    head = head.replace('"v1"', f'"{version}"')
    return f'{before}\n{head}    n = item.input["n"]\n    {lines}\n{tail}'


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that came to its end."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines on stderr, without those that announce a run."""
        return [line for line in self.err.splitlines() if not _ANNOUNCED.match(line)]

    def error(self, code: int) -> str:
        """The one line that it ended with, without its beginning; checks the exit code and that it is alone."""
        assert "Traceback" not in self.err, self.err
        assert self.code == code, (self.code, self.err, self.out)
        assert len(self.lines) == 1, self.err
        assert self.lines[0].startswith("scoregate: "), self.err
        return self.lines[0].removeprefix("scoregate: ")

    @property
    def started(self) -> str:
        """Id of the run that it announced."""
        found = re.search(r"^scoregate: run (\S+): ", self.err, re.MULTILINE)
        assert found, self.err
        return found[1]

    def json(self) -> JSON:
        """Its stdout, which must be one JSON document and nothing else: of a verdict, one that obeys the schema."""
        return checked_document(json.loads(self.out))

    def outcome(self, code: int) -> str:
        """The verdict's word, as the first word of its line on stdout; checks the exit code."""
        assert "Traceback" not in self.err, self.err
        assert self.code == code, (self.code, self.err, self.out)
        found = [
            word
            for line in self.out.splitlines()
            if (word := line.partition(":")[0]) in ("PASS", "REGRESSION", "INCONCLUSIVE", "INVALID")
        ]
        assert len(found) == 1, self.out
        return found[0]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with files, in which commands are run. The environment is this one's, outside CI."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cold: bool = False
    """Whether its commands are started cold, and not forked."""

    @classmethod
    def small(cls, folder: Path, *, number: int = 8, experiment: str = AGENT, gate: str = GATE) -> Project:
        """A dataset of so many items, an experiment and a gate."""
        project = cls(folder)
        project.write_lines("datasets/agent.jsonl", items(number))
        project.write("experiments/agent.py", experiment)
        project.write("gates/agent.toml", gate)
        return project

    def copied_to(self, folder: Path) -> Project:
        """The same with everything that is in its folder, the store too, in another one."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return replace(self, folder=folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def write_lines(self, name: str, records: Sequence[JSON]) -> Path:
        """Write records as lines; a lock file's digest, which would be that of other lines, is left out."""
        unsealed = [{key: value for key, value in record.items() if key != DIGEST} for record in records]
        return self.write(name, "".join(json.dumps(record) + "\n" for record in unsealed))

    def read(self, name: str) -> str:
        return self.path(name).read_text(encoding="utf-8")

    def read_lines(self, name: str) -> list[JSON]:
        return [json.loads(line) for line in self.read(name).splitlines()]

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new))

    def start(
        self,
        *words: str | Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        before: Callable[[], None] | None = None,
        cold: bool = False,
    ) -> Process:
        """Begin `scoregate …` in the folder; `before` is called in the new process, which is a cold one then."""
        # No checkout around the folder is taken for the project's.
        outside = {"GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        return start(
            [str(word) for word in words],
            folder=folder or self.folder,
            environment={**usual_environment(), **outside, **self.environment, **(environment or {})},
            before=before,
            cold=cold or self.cold,
        )

    def scoregate(
        self,
        *words: str | Path,
        answer: str = "",
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        before: Callable[[], None] | None = None,
        cold: bool = False,
    ) -> Ended:
        """Run `scoregate …` to its end with `answer` on its stdin."""
        process = self.start(*words, environment=environment, folder=folder, before=before, cold=cold)
        return ended(process, answer)

    def run(self, *words: str | Path) -> Ended:
        return self.scoregate("run", "gates/agent.toml", *words)

    def with_baseline(self) -> Project:
        """Run the gate once and accept the run."""
        run = self.run().started
        assert self.scoregate("baseline", "accept", "gates/agent.toml", run, "--why", "x").code == 0
        return self

    def calls(self) -> list[int]:
        """Numbers of the items that a task with NOTE_CALL was called for, in order."""
        path = self.path("calls")
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for_calls(self, number: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.calls()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def baseline_run(self) -> str:
        """Id of the run that is the accepted baseline."""
        run: str = self.read_lines("gates/agent.baseline.jsonl")[0]["run"]
        return run


def ended(process: Process, answer: str = "") -> Ended:
    """Wait for a process that was started."""
    try:
        out, err = process.communicate(answer, timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(process.wait(), out, err)
