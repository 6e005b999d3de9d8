"""A candidate that is a Python file: its `task`, and with it its evaluators and its version.

A file whose `experiment(context)` makes it a script gives its task and evaluators when it is called (see `script`).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from scoregate.errors import ConfigError, did_you_mean
from scoregate.files.reading import check_input_file
from scoregate.git.checkout import Version
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate, CandidateError, classify
from scoregate.runner.candidates.failures import reason_of
from scoregate.runner.candidates.importing import import_file
from scoregate.runner.candidates.script import Handed, Script, only_in_run, script_function

Task = Callable[..., Any]

_SHAPE = "def task(*, item, **kwargs)"


@dataclass(frozen=True, slots=True)
class Experiment:
    """What an experiment's Python file defines."""

    path: Path
    task: Task
    evaluators: tuple[Callable[..., Any], ...] = ()
    version: str | None = None
    script: Script | None = None
    """The script that gave the task, and waits for the results."""

    @property
    def is_async(self) -> bool:
        """Whether the task is a coroutine function, also as an object's `__call__` or inside a partial."""
        task = self.task
        while isinstance(task, functools.partial):
            task = task.func
        return inspect.iscoroutinefunction(task) or inspect.iscoroutinefunction(
            getattr(task, "__call__", None)  # noqa: B004  not whether it is callable, but how
        )


def load_experiment(path: Path, begin: Callable[[Script], Handed] | None = None) -> Experiment:
    """What the file defines, once it is imported (see `import_file`). Raises ConfigError with file and line.

    `begin` begins a script, and says what it handed over. Without it a script is refused.
    """
    check_input_file(path, (".py",), ConfigError)
    path = path.resolve()
    module = import_file(path)
    function = script_function(module, path)
    if function is None:
        experiment = Experiment(path, _task(module, path), _evaluators(module, path), _version(module, path))
    elif begin is None:
        raise only_in_run(path)
    else:
        version, script = _version(module, path), Script(path, function)
        handed = begin(script)
        experiment = Experiment(path, handed.task, handed.evaluators, version, script)
    _check_call(experiment)
    return experiment


def python_candidate(experiment: Experiment, *, version: Version) -> Candidate:
    """A candidate that calls `task(item=item)` in this process, and gives the task nothing else.

    A task that is not async blocks, and must be called in a thread; it cannot be stopped from outside.
    """
    return Candidate(
        version.label,
        version.commit,
        version.dirty,
        "python",
        _async_call(experiment) if experiment.is_async else _sync_call(experiment),
        is_async=experiment.is_async,
        evaluators=experiment.evaluators,
        file=experiment.path,
        script=experiment.script,
    )


def _sync_call(experiment: Experiment) -> Callable[[DatasetItem, int], object]:
    def call(item: DatasetItem, _trial: int) -> object:
        try:
            returned = experiment.task(item=item)
        except _UNFIT_TO_TRAVEL as error:
            raise _explained(error, experiment.path) from error
        if inspect.isawaitable(returned):
            if inspect.iscoroutine(returned):
                returned.close()
            raise CandidateError("task is no async function but returned an awaitable (make it `async def`)")
        return returned

    return call


def _async_call(experiment: Experiment) -> Callable[[DatasetItem, int], object]:
    async def call(item: DatasetItem, _trial: int) -> object:
        try:
            return await experiment.task(item=item)
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if own is None or own.cancelling():
                raise
            # Not from outside, so it must not pass for the engine's time limit or for a stop.
            raise CandidateError("task was cancelled by its own code") from None
        except _UNFIT_TO_TRAVEL as error:
            raise _explained(error, experiment.path) from error

    return call


_UNFIT_TO_TRAVEL = (SystemExit, StopIteration, ModuleNotFoundError)
"""SystemExit would end an event loop and StopIteration hang a future; the third deserves an explanation."""


def _explained(error: BaseException, path: Path) -> CandidateError:
    if isinstance(error, ModuleNotFoundError) and error.name:
        sibling = path.parent / error.name.partition(".")[0]
        if sibling.is_dir() or sibling.with_suffix(".py").is_file():
            return CandidateError(
                f"{reason_of(error)} (import it at the top of {path.name}, not inside task)"
            )
    return classify(error)


def _task(module: ModuleType, path: Path) -> Task:
    task = getattr(module, "task", None)
    if callable(task):
        return cast(Task, task)
    if task is not None:
        raise ConfigError(f"`task` is no function but {type(task).__name__}", where=str(path), hint=_SHAPE)
    defined = [
        name
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    hint = f"{_SHAPE}; the file defines {', '.join(sorted(defined)) or 'no function'}"
    near = did_you_mean("task", defined)
    if near and near.startswith("did"):
        hint = f"{near} {hint}"
    raise ConfigError("defines no `task`", where=str(path), hint=hint)


def _evaluators(module: ModuleType, path: Path) -> tuple[Callable[..., Any], ...]:
    evaluators = getattr(module, "evaluators", ())
    if isinstance(evaluators, ModuleType):
        return ()  # `import evaluators` names a module beside the file
    if not isinstance(evaluators, (list, tuple)):
        raise ConfigError(
            f"`evaluators` is a list of functions, not {type(evaluators).__name__}", where=str(path)
        )
    for number, evaluator in enumerate(evaluators):
        if not callable(evaluator):
            raise ConfigError(f"evaluators[{number}] is no function: {evaluator!r:.60}", where=str(path))
    return tuple(evaluators)


def _version(module: ModuleType, path: Path) -> str | None:
    for name in ("version", "VERSION"):
        value = getattr(module, name, None)
        if isinstance(value, str) and value.strip():
            return value.strip()
        # `from importlib.metadata import version` and the like are no label.
        if value is not None and not callable(value) and not isinstance(value, ModuleType):
            raise ConfigError(f"`{name}` is a text that is not empty, not {value!r:.60}", where=str(path))
    return None


def _check_call(experiment: Experiment) -> None:
    try:
        inspect.signature(experiment.task).bind(item=None)
    except TypeError as error:
        code = getattr(experiment.task, "__code__", None)
        line = f":{code.co_firstlineno}" if code else ""
        raise ConfigError(
            f"`task` cannot be called as task(item=...): {error}",
            where=f"{experiment.path}{line}",
            hint=_SHAPE,
        ) from None
    except ValueError:
        pass  # a built-in without a signature: the first call will tell
