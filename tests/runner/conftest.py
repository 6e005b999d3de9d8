"""A run from end to end against a real store, in one call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, Run, RunHeader, RunItem, Score
from scoregate.runner.candidates.candidate import Candidate
from scoregate.runner.plan import Arm, RunPlan, RunReport
from scoregate.runner.session import run
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store


@dataclass
class Driven:
    """What came of a run: the engine's report, and the run as the store holds it."""

    report: RunReport
    run: Run
    progress: list[RunReport] = field(default_factory=list)

    def items(self) -> dict[tuple[str, int], RunItem]:
        return {(item.item, item.trial): item for item in self.run.items}

    def scores(self, name: str) -> dict[str, Score]:
        return {score.item: score for score in self.run.scores if score.score == name}


class Driver:
    """Runs tasks `(item, trial) -> answer` over items named a, b, c, … whose expected output is their name."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __call__(
        self,
        task: Callable[..., Any],
        *,
        items: int | Sequence[DatasetItem] = 3,
        evaluators: Sequence[Callable[..., Any]] = (),
        scorers: Sequence[Scorer] = (),
        run_id: str = "run-1",
        trials: int = 1,
        **plan: Any,
    ) -> Driven:
        chosen = self.make_items(items) if isinstance(items, int) else items
        if not any(summary.run == run_id for summary in self.store.list_runs()):
            header = RunHeader(
                run=run_id, dataset="demo", candidate="v1", expected_items=len(chosen), trials=trials
            )
            self.store.create_run(header)
        made = [
            Scorer(e.__name__, "1", e, is_async=inspect.iscoroutinefunction(e), scores=(e.__name__,))
            for e in evaluators
        ]
        candidate = plan.pop("candidate", None) or Candidate(
            "v1", None, None, "python", task, is_async=inspect.iscoroutinefunction(task)
        )
        progress: list[RunReport] = []
        values: dict[str, Any] = {
            "scorers": [*made, *scorers],
            "limits": Limits(concurrency=4),
            "trials": range(trials),
            "progress": progress.append,
        }
        arm = Arm(
            run=run_id,
            candidate=candidate,
            done=self.store.done_cells(run_id),
            held_up=plan.pop("held_up", {}),
        )
        report = run(RunPlan(arms=[arm], items=chosen, store=self.store, **(values | plan)))
        return Driven(report, self.store.load_run(run_id), progress)

    @staticmethod
    def make_items(count: int) -> list[DatasetItem]:
        names = "abcdefghij" if count <= 10 else [f"item-{number:04}" for number in range(count)]
        return [DatasetItem(name, {"q": name}, name) for name in names[:count]]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Driver]:
    with Store.open(tmp_path / "store.sqlite3") as store:
        yield Driver(store)
