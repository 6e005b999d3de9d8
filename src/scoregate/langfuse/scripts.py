"""The context of a script for Langfuse's experiment action, on the gate's engine.

It is the SDK's own `RunnerContext`, so that a script runs unchanged: what it passes to `run_experiment` is run on the
gate's dataset, with the gate's limits and store, and comes back as the SDK's own `ExperimentResult`.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from langfuse import Evaluation, Langfuse, RunnerContext, get_client
from langfuse.experiment import ExperimentItemResult, ExperimentResult

from scoregate.errors import ConfigError, ResultsError, ScoregateError
from scoregate.gate_file import Gate
from scoregate.langfuse.experiment_results import matched, sdk_result
from scoregate.records import Dataset
from scoregate.runner.candidates.failures import reason_of
from scoregate.runner.candidates.script import Handed, RunEvaluation, Script

Evaluator = Callable[..., Any]
_Cell = tuple[str, int]
"""Item and trial."""


def _composed(
    evaluators: tuple[Evaluator, ...], composite: Evaluator, *, in_loops_thread: bool
) -> tuple[Evaluator, ...]:
    """The evaluators, each noting what it says, and behind them the composite one, which is given that.

    The engine calls the async scorers of an item after all sync ones, and either in their order. So the composite is
    async where one of the evaluators is, whatever it was, and else is called as it is.
    """
    made: dict[_Cell, list[Evaluation]] = {}

    def compose(*, item: Any, trial: int, **offered: Any) -> Any:
        evaluations = made.pop((item.id, trial), [])
        if not evaluations:
            raise ValueError("no evaluator made anything to compose")
        return composite(**offered, evaluations=evaluations)

    @functools.wraps(composite)
    def compose_sync(*, item: Any, trial: int, **offered: Any) -> Any:
        return awaited(compose(item=item, trial=trial, **offered))

    @functools.wraps(composite)
    async def compose_async(*, item: Any, trial: int, **offered: Any) -> Any:
        if in_loops_thread:
            returned = compose(item=item, trial=trial, **offered)
        else:  # in a thread, for it may be slow
            returned = await asyncio.to_thread(compose, item=item, trial=trial, **offered)
        return await returned if inspect.isawaitable(returned) else returned

    is_async = any(map(inspect.iscoroutinefunction, (composite, *evaluators)))
    composed = _offered(compose_async if is_async else compose_sync, composite)
    return (*(_noting(evaluator, made) for evaluator in evaluators), composed)


def _noting(evaluator: Evaluator, made: dict[_Cell, list[Evaluation]]) -> Evaluator:
    """The evaluator under its own name and version, whose evaluations are kept for the composite one."""

    def note(item: Any, trial: int, returned: Any) -> Any:
        made.setdefault((item.id, trial), []).extend(_evaluations_of(returned))
        return returned

    if inspect.iscoroutinefunction(evaluator):

        @functools.wraps(evaluator)
        async def noting_async(*, item: Any, trial: int, **offered: Any) -> Any:
            return note(item, trial, await evaluator(**offered))

        return _offered(noting_async, evaluator)

    @functools.wraps(evaluator)
    def noting(*, item: Any, trial: int, **offered: Any) -> Any:
        return note(item, trial, awaited(evaluator(**offered)))

    return _offered(noting, evaluator)


def _offered(function: Evaluator, wrapped: Evaluator) -> Evaluator:
    """The function with its own signature, by which the engine gives it item and trial, and not the wrapped one's."""
    while isinstance(wrapped, functools.partial):
        wrapped = wrapped.func
    function.__name__ = getattr(wrapped, "__name__", type(wrapped).__name__)
    function.__signature__ = inspect.signature(function, follow_wrapped=False)  # type: ignore[attr-defined]  # of any
    return function


def _evaluations_of(returned: object) -> list[Evaluation]:
    """What an evaluator returned, as the SDK reads it: evaluations and dictionaries, one or a list of them."""
    several = returned if isinstance(returned, list) else [returned]
    return [
        Evaluation(**one) if isinstance(one, dict) else copy.copy(one)
        for one in several
        if isinstance(one, dict | Evaluation)
    ]


def awaited(returned: Any) -> Any:
    """What was returned, waited for if it has to be, also where this thread runs an event loop already."""
    if not inspect.isawaitable(returned):
        return returned
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_result_of(returned))
    return _awaited_elsewhere(returned)


def _awaited_elsewhere(returned: Awaitable[Any]) -> Any:
    ended: list[Any] = []
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            ended.append(asyncio.run(_result_of(returned)))
        except BaseException as error:  # noqa: BLE001  user code: raised again where it was called
            failed.append(error)

    thread = threading.Thread(target=wait, name="scoregate-awaiting", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return ended[0]


async def _result_of(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class ScriptContext(RunnerContext):
    """What a script's `experiment(context)` is called with."""

    def __init__(self, script: Script, gate: Gate, dataset: Dataset) -> None:
        # Not the SDK's own: it wants a client, and one that is made now could not be set up otherwise later.
        # Copies, for what the script does to its data is not done to the gate's.
        self.data = [*(item.own_copy() for item in dataset.items)]  # type: ignore[assignment]  # they read like the SDK's
        self.dataset_version = datetime.fromisoformat(dataset.version) if dataset.version else None
        self.metadata = {"gate": gate.name}
        self._script = script
        self._gate = gate
        self._dataset = dataset

    @cached_property
    def client(self) -> Langfuse:  # type: ignore[override]  # an attribute of the SDK's, made when it is asked for
        """The SDK's client, made as the action makes it; without keys it traces nothing and says so itself."""
        return get_client()

    def run_experiment(
        self,
        *,
        name: str,
        run_name: str | None = None,
        description: str | None = None,
        data: Sequence[Any] | None = None,
        task: Callable[..., Any],
        evaluators: Sequence[Callable[..., Any]] = (),
        composite_evaluator: Callable[..., Any] | None = None,
        run_evaluators: Sequence[Callable[..., Any]] = (),
        max_concurrency: int | None = None,
        metadata: Mapping[str, str] | None = None,
        experiment_id: str | None = None,
        _dataset_version: datetime | None = None,
    ) -> ExperimentResult:
        """Have the gate run the task on its dataset, and wait for the results. Arguments as in the SDK.

        The gate's own dataset and run id hold: `data` must be the whole dataset, and what is not used is said in the
        verdict's notes. No more calls are made at once than `max_concurrency` and the gate allow. Raises ConfigError
        and ResultsError for what cannot be run.
        """
        try:
            self._check(data, task, [*evaluators, *run_evaluators])
        except ScoregateError as error:
            self._script.refuse(error)
            raise
        self._note_unused(experiment_id, _dataset_version)
        every = tuple(evaluators)
        if composite_evaluator is not None:
            said = self._gate.candidate.threads if self._gate.candidate is not None else None
            every = _composed(every, composite_evaluator, in_loops_thread=said != "pool")
        about = {**(self.metadata or {}), **(metadata or {})}
        handed = Handed(task, every, name, run_name, description, about, max_concurrency)
        results = self._script.hand_over(handed)
        made = partial(
            sdk_result, results.run, results.items, name=name, run_name=run_name, description=description
        )
        result = made()
        for evaluator in run_evaluators:
            # Each is given results of its own, so that none sees what another one has done to them.
            result.run_evaluations.extend(self._evaluated(evaluator, made().item_results))
        return result

    def _check(self, data: Sequence[Any] | None, task: object, evaluators: Sequence[object]) -> None:
        if not callable(task):
            raise ConfigError(
                f"gives run_experiment a task that is no function: {task!r:.60}", where=self._where
            )
        wrong = next((one for one in evaluators if not callable(one)), None)
        if wrong is not None:
            raise ConfigError(
                f"gives run_experiment an evaluator that is no function: {wrong!r:.60}", where=self._where
            )
        if data is None:
            return
        try:
            ids = {item.id for item in matched(data, self._dataset)}
        except ResultsError as error:
            raise ConfigError(
                f"gives run_experiment data of its own, and {error.message}",
                where=self._where,
                hint="put the data into the gate's dataset file, and leave `data` as it is or out",
            ) from error
        if len(ids) < len(self._dataset.items):
            raise ConfigError(
                f"gives run_experiment {len(ids):,} of the {len(self._dataset.items):,} items of the gate's dataset",
                where=self._where,
                hint="leave `data` out, and choose items with --item, --slice, --sample or --limit",
            )

    def _note_unused(self, experiment_id: str | None, version: datetime | None) -> None:
        if experiment_id is not None:
            self._script.note("the script's experiment_id was not used; the gate's run has an id of its own")
        if version is not None:
            self._script.note("the script's _dataset_version was not used; the gate names its dataset")

    def _evaluated(
        self, evaluator: Callable[..., Any], item_results: list[ExperimentItemResult]
    ) -> list[Evaluation]:
        """What a run evaluator says of the results. One that fails says nothing, as in the SDK, and that is noted."""
        name = getattr(evaluator, "__name__", type(evaluator).__name__)
        try:
            made = _evaluations_of(awaited(evaluator(item_results=item_results)))
        except Exception as error:  # noqa: BLE001  user code: the script goes on without it, as in the SDK
            self._script.note(f"the script's run evaluator '{name}' failed: {reason_of(error)}")
            return []
        if not made:
            self._script.note(f"the script's run evaluator '{name}' returned no evaluation")
        for one in made:
            self._script.evaluated(RunEvaluation(one.name, one.value, one.comment))
        return made

    @property
    def _where(self) -> str:
        return str(self._script.path)
