"""Where a verdict comes from: which program and which runs, of what commit, dataset and scorers, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

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
class Provenance:
    """Of both runs, and of the program that decided."""

    scoregate: str
    """Version of the program."""
    candidate: RunProvenance
    baseline: RunProvenance | None

    @classmethod
    def of(cls, candidate: Run, baseline: Run | None) -> Provenance:
        """Of a verdict that this program reached now."""
        before = None if baseline is None else RunProvenance.of(baseline)
        return cls(scoregate=__version__, candidate=RunProvenance.of(candidate), baseline=before)


def _last_answer(items: Sequence[RunItem]) -> str | None:
    ends = [one.started_at + (one.latency_seconds or 0.0) for one in items if one.started_at is not None]
    try:
        return datetime.fromtimestamp(max(ends), UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # there is none, or it is in no year that a calendar has
        return None
