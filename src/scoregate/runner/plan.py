"""A session: what the engine is given, in which order it calls it, and what it counts of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from scoregate.catalog import Catalog
from scoregate.errors import AnswersRefused
from scoregate.gate_file import Limits
from scoregate.own import clock
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate
from scoregate.runner.first_calls import FailedAlike
from scoregate.runner.tracing import Tracing
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store, Totals
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.runner.committer import Finished

ARMS = (1, 2)
"""How many versions a session may run."""
_Place = tuple[str | None, Mapping[str, str]]
"""Cluster and slices of an item."""


class Refused(NamedTuple):
    """An answer that cannot be kept, and by its type no other of the version."""

    what: str
    """Which item it is of, and what is wrong with it."""
    remedy: str


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
    failed_alike: FailedAlike | None = None
    """The first calls of a version, where they ended the session early."""
    waiting_seconds: float = 0.0
    """How long no call will be started, because a service asked for that."""
    refused: Refused | None = None
    """Why the session ended at its first answers: they cannot be kept."""
    blocked: str | None = None
    """One line on async code that blocked the event loop, where others had to wait for it."""

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

    def check_answers(self) -> None:
        """Raises AnswersRefused where the session ended at answers that cannot be kept."""
        if self.refused is not None:
            raise AnswersRefused(
                f"{self.refused.what}, so the run ended after {count(self.calls, 'call')}",
                hint=self.refused.remedy,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One version under test in a session, and the run that keeps what comes of it."""

    run: str
    """Id of a run that the store knows."""
    candidate: Candidate
    done: AbstractSet[tuple[str, int]] = frozenset()
    """Cells `(item, trial)` that are committed already (`Store.done_cells`)."""
    held_up: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Cells whose call ended an earlier session, as its process gave no sign of life: the scorer that was called, or ""
    for the candidate."""
    apart: Candidate | None = None
    """The same version in processes of its own, for the cells whose call of the candidate held the process up."""


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
    optional_scores: Collection[str] = ()
    """Those of them that do not apply to an item of which their scorer says nothing."""
    places: Mapping[str, _Place] = field(default_factory=dict)
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
    in_loops_thread: bool = False
    """Blocking code, of candidates and scorers, runs one after another in the event loop's thread."""
    tracing: Tracing | None = None
    """What goes around every call of a candidate."""
    of_failures: bool = False
    """Whether the items are some that failed before, so that their failing alike again says nothing of other items."""

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

    def missing_in(self, arm: Arm) -> int:
        """Run items of a version that the session has still to make."""
        return sum((item.id, trial) not in arm.done for item in self.items for trial in self.trials)

    @property
    def expected(self) -> int:
        """Run items that make the session whole."""
        return len(self.arms) * len(self.items) * len(self.trials)

    @property
    def done(self) -> int:
        """Run items of the session that are committed already."""
        trials, items = set(self.trials), {item.id for item in self.items}
        return sum(item in items and trial in trials for arm in self.arms for item, trial in arm.done)


class SessionCounter:
    """Counts committed run items and started calls: all that stays in memory of what is committed."""

    def __init__(self, before: Totals, expected: int) -> None:
        """`before` is what the arms' runs held of the session's trials when it began."""
        self.stopped: str | None = None
        self.interrupted = False
        self.failed_alike: FailedAlike | None = None
        self.refused: Refused | None = None
        self.blocked: str | None = None
        self._expected = expected
        self._resumed = before.items
        self._statuses = {"ok": before.ok, "error": before.error, "timeout": before.timeout}
        self._scores_ok = before.scores_ok
        self._scores_error = before.scores_error
        self._cost = before.cost_usd
        self._calls = 0
        self._retries = 0
        self._started = clock.seconds()

    def start(self) -> None:
        """The clock starts here."""
        self._started = clock.seconds()

    def call_started(self, *, is_retry: bool) -> None:
        self._calls += 1
        self._retries += is_retry

    def spent(self, cost_usd: float) -> None:
        """A scorer's service was paid."""
        self._cost = (self._cost or 0.0) + cost_usd

    def committed(self, batch: Iterable[Finished]) -> None:
        for _, run_item, scores in batch:
            self._statuses[run_item.status] += 1
            if run_item.cost_usd is not None:
                self._cost = (self._cost or 0.0) + run_item.cost_usd
            for score in scores:
                if score.status == "error":
                    self._scores_error += 1
                else:
                    self._scores_ok += 1

    def report(self, waiting_seconds: float = 0.0) -> RunReport:
        return RunReport(
            expected=self._expected,
            resumed=self._resumed,
            ok=self._statuses["ok"],
            error=self._statuses["error"],
            timeout=self._statuses["timeout"],
            scores_ok=self._scores_ok,
            scores_error=self._scores_error,
            cost_usd=self._cost,
            calls=self._calls,
            retries=self._retries,
            seconds=clock.seconds() - self._started,
            stopped=self.stopped,
            interrupted=self.interrupted,
            failed_alike=self.failed_alike,
            waiting_seconds=waiting_seconds,
            refused=self.refused,
            blocked=self.blocked,
        )


class MissingCell(NamedTuple):
    """What one run item will come of."""

    arm: Arm
    item: DatasetItem
    trial: int


def missing_cells(plan: RunPlan) -> Iterator[MissingCell]:
    """The cells that are not done, in the order in which a session calls them.

    One arm: all items of a trial as they are given, then those of the next trial. Two arms: within a trial the items
    in random order, and for each item both arms directly one after the other, who goes first being drawn item by item.
    So whatever drifts in the course of a session (a provider, a cache, the machine) meets both arms alike.

    Where every cell stands follows from the seed, the items and its trial alone: what is done already, and which
    other trials the session is about, moves nothing.
    """
    for trial in plan.trials:
        for cell in _interleaved(plan, trial) if plan.interleaved else _as_given(plan, trial):
            if (cell.item.id, trial) not in cell.arm.done:
                yield cell


def _as_given(plan: RunPlan, trial: int) -> Iterator[MissingCell]:
    for item in plan.items:
        for arm in plan.arms:
            yield MissingCell(arm, item, trial)


def _interleaved(plan: RunPlan, trial: int) -> Iterator[MissingCell]:
    random = Random(f"{plan.seed} {trial}")
    items, arms = list(plan.items), list(plan.arms)
    random.shuffle(items)
    for item in items:
        random.shuffle(arms)
        for arm in arms:
            yield MissingCell(arm, item, trial)
