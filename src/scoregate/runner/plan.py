"""What the engine is given, and what it says when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from scoregate.catalog import Catalog
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate
from scoregate.runner.tracing import Tracing
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store

ARMS = (1, 2)
"""How many versions a session may run."""
Place = tuple[str | None, Mapping[str, str]]
"""Cluster and slices of an item."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """Counts of a session, while it goes on and at its end, over all its arms.

    Items, scores and cost are those of the session's trials, what was done before a resume included; calls,
    retries and seconds are of this process.
    """

    expected: int
    """Run items that make the session whole: selected items × trials × arms."""
    resumed: int = 0
    """Of these, run items that were there before."""
    ok: int = 0
    error: int = 0
    timeout: int = 0
    scores_ok: int = 0
    """Cells with a value, or not applicable."""
    scores_error: int = 0
    cost_usd: float | None = None
    """Of the candidate and of the judges; None if nothing says what it cost."""
    calls: int = 0
    """Calls of the candidate that were started, retries included."""
    retries: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    """The limit that ended the session early: max_calls, max_cost_usd or max_seconds."""
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
class Arm:
    """One version under test in a session, and the run that keeps what comes of it."""

    run: str
    """Id of a run that the store knows."""
    candidate: Candidate
    done: AbstractSet[tuple[str, int]] = frozenset()
    """Cells `(item, trial)` that are committed already (`Store.done_cells`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One session: what is missing of arms × items × trials is called, scored and committed.

    Scorers, limits, retries and throttle are the same for both arms, and so are items and trials: there is no
    session that gives one arm more than the other. Raises ValueError for no arm, for more than two, and for
    two arms or two trials that are the same.
    """

    arms: Sequence[Arm]
    items: Sequence[DatasetItem]
    store: Store
    scorers: Sequence[Scorer] = ()
    catalog: Catalog | None = None
    expected_scores: Sequence[str] = ()
    """Scores that every run item gets a cell of, be it an error: those that the gate decides on."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Item id -> cluster and slices."""
    contents: Mapping[str, str] = field(default_factory=dict)
    """Item id -> digest of its content, which its run items carry."""
    limits: Limits = field(default_factory=Limits)
    trials: Sequence[int] = range(1)
    """Numbers of the trials that this session is about, such as `range(1, 3)` for two more after the first."""
    also_counted: Sequence[str] = ()
    """Ids of other runs whose calls and cost count towards the caps."""
    spent_usd: float = 0.0
    """Dollars that were spent under the same cap on what is no call: on stored runs that were scored again."""
    seed: int = 0
    """Of the order of two arms, and of the jitter between retries."""
    progress: Callable[[RunReport], None] | None = None
    """Called after every commit and once a second, from the event loop: it must be quick and must not raise."""
    tracing: Tracing | None = None
    """What goes around every call of a candidate."""

    def __post_init__(self) -> None:
        if len(self.arms) not in ARMS:
            raise ValueError(f"a session has one or two arms, not {len(self.arms)}")
        if len({arm.run for arm in self.arms}) < len(self.arms):
            raise ValueError(f"both arms are the run '{self.arms[0].run}'")
        if len(set(self.trials)) < len(self.trials):
            raise ValueError(f"a trial is there twice: {list(self.trials)}")

    @property
    def interleaved(self) -> bool:
        """Whether the arms take turns in random order (two), or the items follow as given (one)."""
        return len(self.arms) > 1

    @property
    def expected(self) -> int:
        """Run items that make the session whole."""
        return len(self.arms) * len(self.items) * len(self.trials)

    @property
    def done(self) -> int:
        """Run items of the session that are committed already."""
        trials, items = set(self.trials), {item.id for item in self.items}
        return sum(item in items and trial in trials for arm in self.arms for item, trial in arm.done)
