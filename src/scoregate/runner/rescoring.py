"""Scoring again: stored outputs go through scorers as the engine's do, and no candidate is called.

As in the engine, what is finished is committed at once, so that an interrupted session can be gone on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from scoregate.catalog import Catalog
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunItem, Score
from scoregate.runner.budget import CostCap
from scoregate.runner.committer import MEASURED, Finished, complete_cells
from scoregate.runner.finishing import Finishing
from scoregate.runner.scoring import ItemToScore
from scoregate.scorers.scorer import OutOfBudget, Postponed, Scorer
from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A run item with its output, and what is needed to score it."""

    run_item: RunItem
    item: DatasetItem | None
    """None where nobody knows what was asked any more: then its cells are errors."""
    kept: tuple[Score, ...] = ()
    """Stored scores that stay unless a scorer makes one of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RescoringPlan:
    """What is to be scored, by what, and where it is kept."""

    run: str
    """Id of a run that the store knows, to which everything is committed."""
    outputs: Sequence[StoredOutput]
    store: Store
    scorers: Sequence[Scorer]
    catalog: Catalog | None
    expected_scores: Sequence[str]
    """Scores that every run item gets a cell of, be it an error."""
    optional_scores: Collection[str] = ()
    """Those of them that do not apply to an item of which their scorer says nothing."""
    limits: Limits = field(default_factory=Limits)
    """Of these, `concurrency` and `timeout_seconds` are kept, and `max_cost_usd` for what judges cost of this run."""
    done: AbstractSet[tuple[str, int]] = frozenset()
    """Cells `(item, trial)` that are committed already."""
    in_loops_thread: bool = False
    """Blocking scorers run one after another in the event loop's thread."""
    spent_usd: float = 0.0
    """Dollars that were spent on other runs under the same cap, and count towards it."""


@dataclass(frozen=True, slots=True)
class _RescoringReport:
    """What a session has committed."""

    done: int
    """Run items, with those that were there before."""
    expected: int
    stopped: str | None
    """The limit that ended the session early: max_cost_usd."""
    unanswered: str | None = None
    """Why the first of the outputs that a judge did not reply on was left out."""

    @property
    def complete(self) -> bool:
        return self.done == self.expected


class Rescoring:
    """One session. Made and used within its event loop; see `session.drive`."""

    def __init__(self, plan: RescoringPlan) -> None:
        self._plan = plan
        self._done = len(plan.done)
        self._finishing = Finishing(
            plan.store,
            plan.scorers,
            plan.catalog,
            plan.limits,
            complete=self._completed,
            put_off=self._on_put_off,
            committed=self._on_committed,
            failed=self.interrupt,
            cost_cap=CostCap(
                plan.limits.max_cost_usd,
                spent_usd=plan.spent_usd + (plan.store.totals(plan.run).services_usd or 0.0),
            ),
            postpone_unanswered=True,
            in_loops_thread=plan.in_loops_thread,
        )
        self.calls = self._finishing.calls
        self._kept = {(one.run_item.item, one.run_item.trial): one.kept for one in plan.outputs}
        self._stopped: str | None = None
        self._unanswered: str | None = None

    async def run(self) -> _RescoringReport:
        """Score and commit what is missing. Raises StoreWriteError; what was committed before is kept."""
        finishing = self._finishing
        try:
            for output in self._plan.outputs:
                if (output.run_item.item, output.run_item.trial) not in self._plan.done:
                    await finishing.room()
                    if finishing.interrupted or self._stopped is not None:
                        break
                    self._begin(output)
            await finishing.drain()
        finally:
            finishing.end()
            await finishing.close()
        await asyncio.sleep(0)  # The committer's last words are still on their way.
        if finishing.failure is not None:
            raise finishing.failure
        return _RescoringReport(self._done, len(self._plan.outputs), self._stopped, self._unanswered)

    def interrupt(self) -> None:
        """End the session now: abort what is in flight, commit what is finished."""
        if not self._finishing.interrupted:
            self._finishing.interrupt()

    def _begin(self, output: StoredOutput) -> None:
        run_item = output.run_item
        if run_item.status == "ok" and output.item is not None and self._plan.scorers:
            self._finishing.score(self._plan.run, output.item, run_item)
            return
        made = self._unscored(output) if run_item.status == "ok" and output.item is None else []
        self._finishing.commit(self._plan.run, run_item, made)

    def _unscored(self, output: StoredOutput) -> list[Score]:
        run_item, there = output.run_item, {score.score for score in output.kept}
        reason = "its dataset item is not known any more, so that its output cannot be scored"
        return [
            Score(run_item.item, run_item.trial, name, None, "error", reason)
            for name in self._plan.expected_scores
            if name not in there and name not in MEASURED
        ]

    def _completed(self, run: str, run_item: RunItem, made: Sequence[Score]) -> Finished:
        names = {score.score for score in made}
        kept = [score for score in self._kept[run_item.item, run_item.trial] if score.score not in names]
        plan = self._plan
        cells = complete_cells(
            run_item, [*made, *kept], plan.expected_scores, plan.catalog, plan.optional_scores
        )
        return Finished(run, run_item, cells)

    def _on_committed(self, _: Sequence[Finished], new: tuple[bool, ...]) -> None:
        self._done += sum(new)

    def _on_put_off(self, _: ItemToScore, why: Postponed) -> None:
        """A judge may not be paid any more, or does not reply; the output is there for another session."""
        if isinstance(why, OutOfBudget):
            self._stopped = "max_cost_usd"
        else:
            self._unanswered = self._unanswered or str(why)
