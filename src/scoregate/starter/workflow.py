"""The workflow of a repository that runs its gates: made for the first one, and extended as text for each further one.

As text, so that comments, order and whatever else people changed stay as they are. What cannot be extended safely is
refused, with what to write there by hand.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files

from scoregate.errors import ConfigError
from scoregate.version import __version__

WORKFLOW = "scoregate.yml"
COMMENT = "scoregate-comment.yml"
"""Posts the comment where the workflow itself has no rights, for pull requests from forks."""
OWNER = "OWNER_OF_SCOREGATE"
"""Whose repository has the action. No account on GitHub can have a name like this one: as long as it is not filled in,
nobody's code is run."""
ACTION = f"{OWNER}/scoregate/.github/actions/gate@v{__version__}"
_OURS = re.compile(r"^( *)- uses: +\S*/scoregate/\.github/actions/gate@")
_JOB = re.compile(r"^  ([A-Za-z_][\w-]*):\s*(#.*)?$")
_GATES = "          gates: |\n"
_ONLY_WITH_RIGHTS = ("      pull-requests: write # the comment\n", "      checks: write # the check run\n")


@dataclass(frozen=True, slots=True)
class Place:
    """A gate as a workflow names it."""

    folder: str
    """The project's, from the top of the repository; `.` for the top itself."""
    gate: str
    """From the project's folder."""

    @property
    def by_hand(self) -> str:
        """What to add where this cannot be done here."""
        return (
            f"add a step to it: `uses: {ACTION}` with `working-directory: {json.dumps(self.folder)}` and "
            f"`gates: {self.gate}`, then call init again"
        )


def new_workflow(place: Place, *, rights: bool) -> str:
    """`rights`: whether the jobs themselves comment."""
    return shipped("workflow.yml.txt") + _job(place, _job_name(place.folder, ()), rights=rights)


def comment_workflow() -> str:
    return shipped("comment.yml.txt").replace("@VERSION@", __version__)


def with_gate(text: str, place: Place, where: str, *, rights: bool) -> str:
    """A workflow that runs this gate as well; the same text where it does so already.

    Raises ConfigError for a file that is not in the form in which it can be extended.
    """
    lines = text.splitlines()
    steps = [step for step in _steps(lines) if step.folder == place.folder]
    if any(step.runs(place.gate) for step in steps):
        return text
    try:
        for step in steps:
            return "\n".join([*lines[: step.end], step.line_for(place.gate), *lines[step.end :]]) + "\n"
        return _with_job(lines, place, rights=rights)
    except _CannotExtendError as error:
        if _is_named(lines, place):
            return text
        raise ConfigError(f"cannot be extended: {error}", where=where, hint=place.by_hand) from None


class _CannotExtendError(Exception):
    """Why not, in words."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of a workflow that uses the action."""

    folder: str
    gates: tuple[str, ...]
    indent: str | None
    """Of the gates' lines; None where they stand in no block of lines."""
    end: int
    """Number of the line behind the last gate."""

    def runs(self, gate: str) -> bool:
        return any(
            fnmatchcase(gate, pattern) or gate.startswith(f"{pattern.rstrip('/')}/") for pattern in self.gates
        )

    def line_for(self, gate: str) -> str:
        if self.indent is None:
            raise _CannotExtendError("its `gates:` are no block of lines")
        return f"{self.indent}{gate}"


def _steps(lines: list[str]) -> Iterator[_Step]:
    for number, line in enumerate(lines):
        begun = _OURS.match(line)
        if begun is None:
            continue
        inner = begun[1] + "  "
        end = number + 1
        while end < len(lines) and (not lines[end].strip() or lines[end].startswith(inner)):
            end += 1
        yield _step(lines, number, end)


def _step(lines: list[str], first: int, end: int) -> _Step:
    """The step on the lines from `first` to `end`, as far as it is written in the form that init writes."""
    folder, last = ".", end
    gates: tuple[str, ...] = ()
    indent: str | None = None
    for number in range(first, end):
        found = re.match(r"^( +)(working-directory|gates): *(.*)$", lines[number])
        if found is None:
            continue
        key_indent, key, value = found.groups()
        if key == "working-directory":
            folder = posixpath.normpath(_scalar(value))
        elif re.match(r"[|>][+-]?\s*(#.*)?$", value):
            block = []
            last = number + 1
            while last < end and lines[last].startswith(key_indent + " "):
                block.append(lines[last])
                last += 1
            gates = tuple(map(str.strip, block))
            written = block[0] if block and value.startswith("|") else ""
            indent = written[: len(written) - len(written.lstrip())] or None
        else:
            gates = (_scalar(value),)
    return _Step(folder, gates, indent, last)


def _scalar(value: str) -> str:
    """A value of one line, without quotes and comment."""
    if value.startswith(('"', "'")):
        return value[1:].partition(value[0])[0]
    return value.partition(" #")[0].strip()


def _is_named(lines: list[str], place: Place) -> bool:
    """Whether somebody has put the gate, with its folder, into a file whose form is not known here."""
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    words = (place.gate,) if place.folder == "." else (place.folder, place.gate)
    return all(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", text) for word in words)


def _with_job(lines: list[str], place: Place, *, rights: bool) -> str:
    """The text with a job behind all others."""
    tops = [number for number, line in enumerate(lines) if re.match(r"[^\s#]", line)]
    jobs = [number for number in tops if re.match(r"jobs:\s*(#.*)?$", lines[number])]
    if len(jobs) != 1:
        raise _CannotExtendError("it has no `jobs:` of its own line")
    if tops[-1] != jobs[0]:
        raise _CannotExtendError("`jobs:` is not the last part of it")
    inside = [line for line in lines[jobs[0] + 1 :] if line.strip() and not line.lstrip().startswith("#")]
    names = [found[1] for line in inside if (found := _JOB.match(line))]
    if not names or any(line.startswith("\t") or len(line) - len(line.lstrip(" ")) < 2 for line in inside):
        raise _CannotExtendError("its jobs are not indented by two spaces")
    above = "\n".join(lines).rstrip("\n")
    return f"{above}\n{_job(place, _job_name(place.folder, names), rights=rights)}"


def _job_name(folder: str, taken: list[str] | tuple[str, ...]) -> str:
    name = "gate" if folder == "." else re.sub(r"[^A-Za-z0-9_-]+", "-", folder).strip("-")
    if not re.match(r"[A-Za-z_]", name):
        name = f"gate-{name}".rstrip("-")
    number = 1
    wanted = name
    while wanted in taken:
        number += 1
        wanted = f"{name}-{number}"
    return wanted


def _job(place: Place, name: str, *, rights: bool) -> str:
    text = shipped("job.yml.txt")
    if not rights:
        for line in _ONLY_WITH_RIGHTS:
            text = text.replace(line, "")
        text = text.replace(_GATES, f'          comment: "false" # {COMMENT} writes it\n{_GATES}')
    values = {
        "JOB": name,
        "ACTION": ACTION,
        "FOLDER": json.dumps(place.folder, ensure_ascii=False),
        "GATE": place.gate,
    }
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], text)


def shipped(name: str) -> str:
    """A text that comes with the package."""
    return (files("scoregate.starter") / "files" / name).read_text(encoding="utf-8")
