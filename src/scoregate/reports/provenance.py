"""Where a verdict comes from: which program, gate file and runs, of what commit, dataset and scorers, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate
from scoregate.records import Run, RunItem
from scoregate.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProvenance:
    """What a run says of itself. None and empty where it does not say."""

    run: str
    candidate: str
    """Version label."""
    commit: str | None
    branch: str | None
    dirty: bool | None
    """Whether it ran from a working tree with uncommitted changes."""
    dataset: str
    dataset_fingerprint: str | None
    dataset_version: str | None
    """ISO time of the version in Langfuse; None for files."""
    expected_items: int
    trials: int
    scorers: Mapping[str, str]
    """Score name -> version of what makes it: of a judge the beginning of its hash."""
    started_at: str | None
    """ISO time."""
    finished_at: str | None
    """When its last answer came, which every copy of the run tells alike; where no item says, the run's own word."""

    @classmethod
    def of(cls, run: Run) -> RunProvenance:
        """What the run's header and its items say."""
        header = run.header
        return cls(
            run=header.run,
            candidate=header.candidate,
            commit=header.commit,
            branch=header.facts.branch,
            dirty=header.facts.dirty,
            dataset=header.dataset,
            dataset_fingerprint=header.dataset_fingerprint,
            dataset_version=header.dataset_version,
            expected_items=header.expected_items,
            trials=header.trials,
            scorers=dict(header.scorers),
            started_at=header.started_at,
            finished_at=_last_answer(run.items) or header.finished_at,
        )

    @property
    def seconds(self) -> float | None:
        """From its start to its end; None where one of them is not known, or no ISO time."""
        if self.started_at is None or self.finished_at is None:
            return None
        try:
            took = datetime.fromisoformat(self.finished_at) - datetime.fromisoformat(self.started_at)
        except (ValueError, TypeError):  # TypeError: one of them is without a time zone
            return None
        return max(took.total_seconds(), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFile:
    """Where a rule can be pointed at."""

    path: str
    """From the top of the repository, or of the project where there is none; with `/` on every system."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Score -> line of its table."""

    @classmethod
    def of(cls, gate: Gate) -> GateFile | None:
        """None for a gate that was made in Python."""
        if gate.path is None:
            return None
        found = {name: _line(rule.where, gate.path) for name, rule in gate.rules.items()}
        lines = {name: line for name, line in found.items() if line is not None}
        return cls(path=in_repository(gate.path, gate.root), lines=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command that bear on the verdict, as they were given; each as by default where it was not."""

    sparse: ClassVar[bool] = True
    candidate: str | None = None
    experiment: str | None = None
    replay: str | None = None
    version: str | None = None
    baseline: str | None = None
    against: str | None = None
    rescore_baseline: bool = False
    on_inconclusive: Literal["warn", "fail"] | None = None
    trials: int | None = None
    timeout: float | None = None
    keep_going: bool = False
    only_failed: bool = False
    item: tuple[str, ...] = ()
    slice: tuple[str, ...] = ()
    sample: int | None = None
    limit: int | None = None
    seed: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Asked:
        """Of all options of a command, under the names that they have in Python."""
        given: dict[str, Any] = {}
        for one in fields(cls):
            if one.name in options:
                value = options[one.name]
                given[one.name] = str(value) if isinstance(value, Path) else value
        return cls(**given)

    def words(self) -> Iterator[str]:
        """The options as words of `scoregate run`."""
        for one in fields(self):
            value = getattr(self, one.name)
            if value == one.default:
                continue
            for each in value if isinstance(value, tuple) else (value,):
                yield f"--{one.name.replace('_', '-')}"
                if each is not True:
                    yield f"{each:g}" if isinstance(each, float) else str(each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Of both runs, and of the program that decided."""

    sparse: ClassVar[bool] = True
    scoregate: str
    """Version of the program."""
    candidate: RunProvenance
    baseline: RunProvenance | None
    gate: GateFile | None = None
    asked: Asked = Asked()

    @classmethod
    def of(
        cls,
        candidate: Run,
        baseline: Run | None,
        gate: Gate | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> Provenance:
        """Of a verdict that this program reached now."""
        return cls(
            scoregate=__version__,
            candidate=RunProvenance.of(candidate),
            baseline=None if baseline is None else RunProvenance.of(baseline),
            gate=None if gate is None else GateFile.of(gate),
            asked=Asked.of(asked or {}),
        )


def _line(where: str | None, gate: Path) -> int | None:
    """The line, where it is one of this file: under the base's policy a rule is read from another."""
    name, _, line = (where or "").rpartition(":")
    place = Path(name)
    if place.parent.resolve() / place.name != gate or not (line.isascii() and line.isdigit()):
        return None
    return int(line)


def in_repository(path: Path, root: Path) -> str:
    """The path of a file of the project at `root`, from the top of its repository."""
    from scoregate.git.revisions import repository_top

    try:
        top = repository_top(root)
    except ConfigError:  # no repository, or no git
        top = root
    path, top = path.resolve(), top.resolve()
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name


def _last_answer(items: Sequence[RunItem]) -> str | None:
    ends = [one.started_at + (one.latency_seconds or 0.0) for one in items if one.started_at is not None]
    try:
        return datetime.fromtimestamp(max(ends), UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # there is none, or it is in no year that a calendar has
        return None
