"""What the engine is given, and what it says when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from scoregate.catalog import Catalog
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store

Place = tuple[str | None, Mapping[str, str]]
"""Cluster and slices of an item."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """Counts of a run, while it goes on and at its end.

    Items, scores and cost are those of the whole run, what was done before a resume included; calls, retries
    and seconds are of this session.
    """

    expected: int
    """Run items that make the run whole: selected items × trials."""
    resumed: int = 0
    """Run items that were there before this session."""
    ok: int = 0
    error: int = 0
    timeout: int = 0
    scores_ok: int = 0
    """Cells with a value, or not applicable."""
    scores_error: int = 0
    cost_usd: float | None = None
    """None if no item says what it cost."""
    calls: int = 0
    """Calls of the candidate that were started, retries included."""
    retries: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    """The limit that ended the run early: max_calls, max_cost_usd or max_seconds."""
    interrupted: bool = False
    """Ended early by Ctrl-C or SIGTERM."""

    @property
    def done(self) -> int:
        """Run items that are committed."""
        return self.ok + self.error + self.timeout

    @property
    def failed(self) -> int:
        return self.error + self.timeout

    @property
    def complete(self) -> bool:
        return self.done == self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One session of a run: what is missing of items × trials is called, scored and committed."""

    run: str
    """Id of a run that the store knows."""
    items: Sequence[DatasetItem]
    candidate: Candidate
    store: Store
    scorers: Sequence[Scorer] = ()
    catalog: Catalog | None = None
    expected_scores: Sequence[str] = ()
    """Scores that every run item gets a cell of, be it an error: those that the gate decides on."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Item id -> cluster and slices."""
    limits: Limits = field(default_factory=Limits)
    trials: int = 1
    done: AbstractSet[tuple[str, int]] = frozenset()
    """Cells `(item, trial)` that are committed already (`Store.done_cells`)."""
    seed: int = 0
    """Of the jitter between retries."""
    progress: Callable[[RunReport], None] | None = None
    """Called after every commit and once a second, from the event loop: it must be quick and must not raise."""
