"""A script written for Langfuse's experiment action, as a candidate: `experiment(context)` beside the gate.

    script        begins ─► context.run_experiment(task, evaluators) · · · waits · · · ─► judges, returns or raises
                                  │ hand_over                                ▲
    gate          begin ──────────┴─► engine, store, scores ─► conclude ─────┴──────────► what the script says

Nothing here needs Langfuse's SDK: the context is made elsewhere.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from scoregate.errors import ConfigError, ScoregateError
from scoregate.records import DatasetItem, Run, ScoreValue
from scoregate.runner.candidates.failures import reason_of
from scoregate.runner.users_thread import current_users_thread

SHAPE = "def experiment(context)"
_REGRESSION = "RegressionError"
"""The name by which Langfuse's action knows a regression, whoever has defined the class."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What a script gives to `run_experiment`: what the engine needs of it, and how it calls the experiment."""

    task: Callable[..., Any]
    evaluators: tuple[Callable[..., Any], ...] = ()
    name: str = ""
    run_name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    max_concurrency: int | None = None
    """How many calls at once it bears, if it says so."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a script is given for it."""

    run: Run
    items: Sequence[DatasetItem]
    """The dataset's items, in its order; the run may cover only some."""


@dataclass(frozen=True, slots=True)
class RunEvaluation:
    """A score of the whole run, made by a run evaluator of the script."""

    name: str
    value: ScoreValue
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptEnd:
    """What a script said of the results in the end."""

    outcome: Literal["regression", "invalid"] | None = None
    """None: it has nothing against them."""
    reason: str = ""
    """Why, for an outcome."""
    notes: tuple[str, ...] = ()
    """Things to know that do not change the outcome, one sentence each."""
    evaluations: tuple[RunEvaluation, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ended:
    """The script's function has returned, or raised."""

    error: BaseException | None


class Script:
    """One script, called once. `begin` and `conclude` are the gate's side, the rest that of the script's thread."""

    def __init__(self, path: Path, function: Callable[..., Any]) -> None:
        self.path = path
        self._function = function
        self._said: SimpleQueue[Handed | ScoregateError | _Ended] = SimpleQueue()
        self._results: list[Results] = []
        self._given = threading.Event()
        self._thread = current_users_thread.get()
        """The thread that it is called in; None where it gets one of its own."""
        self._lock = threading.Lock()
        self.handed: Handed | None = None
        """What it handed over, once it has."""
        self._misuse: ConfigError | None = None
        self._notes: list[str] = []
        self._evaluations: list[RunEvaluation] = []

    def begin(self, context: object) -> Handed:
        """Call the script with `context`, and wait until it hands over. Raises ConfigError where it never does.

        It is called in the thread that the user's code belongs to, where the gate was begun so, else in one of its own,
        which ends with the process, so that a run that is interrupted does not wait for it.
        """
        # As in the action, modules beside the script are also found when its functions import them later.
        sys.path.append(str(self.path.parent))
        if self._thread is not None:
            self._thread.post(lambda: self._run(context))
        else:
            threading.Thread(target=self._run, args=(context,), name="scoregate-script", daemon=True).start()
        said = self._said.get()
        if isinstance(said, Handed):
            return said
        if isinstance(said, ScoregateError):
            raise said
        if said.error is None:
            raise ConfigError(
                "its `experiment` ended without a call of context.run_experiment, so there is nothing to run",
                where=str(self.path),
                hint="run_experiment of a client or a dataset is not seen by the gate; call the context's",
            )
        raise ConfigError(
            f"its `experiment` failed before it called context.run_experiment: {reason_of(said.error)}",
            where=f"{self.path}{self._line(said.error)}",
        ) from said.error

    def conclude(self, results: Results) -> ScriptEnd:
        """Give the script its results, and wait for what it makes of them."""
        self._results.append(results)
        self._given.set()
        if self._thread is not None:
            self._thread.post(self._given.set)  # wakes it
        said = self._said.get()
        outcome, reason = self._judgement(said.error if isinstance(said, _Ended) else None)
        return ScriptEnd(outcome, reason, tuple(self._notes), tuple(self._evaluations))

    def hand_over(self, handed: Handed) -> Results:
        """Give the gate what it needs, and wait for the results. Raises ConfigError when called again."""
        with self._lock:
            if self.handed is not None:
                self._misuse = ConfigError(
                    "called context.run_experiment twice, and a gate runs one experiment",
                    where=str(self.path),
                    hint="make two scripts, with a gate each",
                )
                raise self._misuse
            self.handed = handed
        self._said.put(handed)
        if self._thread is not None:
            self._thread.serve_until(self._given.is_set)
        self._given.wait()
        return self._results[0]

    def refuse(self, error: ScoregateError) -> None:
        """Say that what the script asked for cannot be done, whether or not it lets the error through."""
        self._said.put(error)

    def note(self, sentence: str) -> None:
        """Something to know that does not change the outcome."""
        self._notes.append(sentence)

    def evaluated(self, evaluation: RunEvaluation) -> None:
        """What a run evaluator has made of the results."""
        self._evaluations.append(evaluation)

    def _run(self, context: object) -> None:
        error: BaseException | None = None
        try:
            returned = self._function(context=context)
            if inspect.isawaitable(returned):
                asyncio.run(_result_of(returned))
        except KeyboardInterrupt as raised:
            if self._thread is not None:
                raise  # the command's thread is asked to end
            error = raised
        except BaseException as raised:  # noqa: BLE001  user code, and a thread's end: whatever it raises is its end
            error = raised
        self._said.put(_Ended(error))

    def _judgement(self, error: BaseException | None) -> tuple[Literal["regression", "invalid"] | None, str]:
        if self._misuse is not None:
            return "invalid", f"the script {self._misuse.message}; {self._misuse.hint}"
        if error is None:
            return None, ""
        if type(error).__name__ == _REGRESSION:
            reason = reason_of(error)
            return "regression", f"the script says: {reason.removeprefix(f'{_REGRESSION}: ')}"
        # Only the file's name, for a verdict says the same on any machine.
        place = f"{self.path.name}{self._line(error)}"
        return "invalid", f"the script failed after the run: {reason_of(error)} ({place})"

    def _line(self, error: BaseException) -> str:
        """The script's own line that led to it, as `:12`; nothing where there is none."""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(self.path)]
        return f":{frames[-1].lineno}" if frames else ""


async def _result_of(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def only_in_run(path: Path) -> ConfigError:
    """The refusal of a script where worker processes would have to call its task."""
    return ConfigError(
        "is a script, which runs once and in one process: neither isolated nor beside another version",
        where=str(path),
        hint="for these, put `task` and `evaluators` into a file without `experiment`",
    )
