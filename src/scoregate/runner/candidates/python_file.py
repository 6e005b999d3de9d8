"""A candidate that is a Python file, imported by its path: its `task`, and with it its evaluators and its version.

A file whose `experiment(context)` makes it a script gives its task and evaluators when it is called (see `script`).
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import itertools
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from scoregate.errors import ConfigError, did_you_mean
from scoregate.files.reading import check_input_file
from scoregate.git.version import Version
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate, CandidateError
from scoregate.runner.candidates.failures import classify, reason_of
from scoregate.runner.candidates.streams import IN_ONE_PIECE, collected, collected_async
from scoregate.runner.users_thread import IMPORTING, in_users_thread
from scoregate.wording import first_line

if TYPE_CHECKING:
    from scoregate.runner.candidates.script import Handed, Script

Task = Callable[..., Any]

_SHAPE = "def task(*, item, **kwargs)"
_UNFIT_TO_TRAVEL = (SystemExit, StopIteration, ModuleNotFoundError)
"""SystemExit would end an event loop and StopIteration hang a future; the third deserves an explanation."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where an imported file found a module of the user's, and as what."""

    folder: Path
    file: Path
    stamp: tuple[int, int] | None
    """When it was changed last, and its size; None where it is gone."""


_found: dict[str, _Origin] = {}
"""Modules that imported files have found in their own folders and their projects' roots."""


@dataclass(frozen=True, slots=True)
class ExperimentFile:
    """What an experiment's Python file defines."""

    path: Path
    task: Task
    evaluators: tuple[Callable[..., Any], ...] = ()
    version: str | None = None
    script: Script | None = None
    """The script that gave the task, and waits for the results."""

    @property
    def is_async(self) -> bool:
        """Whether the task is an async function or generator, also as an object's `__call__` or in a partial."""
        task = self.task
        while isinstance(task, functools.partial):
            task = task.func
        called = getattr(task, "__call__", None)  # noqa: B004  not whether it is callable, but how
        return any(
            inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (task, called)
        )


def load_experiment(
    path: Path, begin: Callable[[Script], Handed] | None = None, *, root: Path | None = None
) -> ExperimentFile:
    """What the file defines, once it is imported (see `_import_file`). Raises ConfigError with file and line.

    `root` is the project's folder, whose modules are found too. `begin` begins a script, and says what it handed
    over. Without it a script is refused.
    """
    check_input_file(path, (".py",), ConfigError)
    path = path.resolve()
    module = _import_file(path, root)
    function = _script_function(module, path)
    if function is None:
        experiment = ExperimentFile(
            path, _task(module, path), _evaluators(module, path), _version(module, path)
        )
    else:
        from scoregate.runner.candidates.script import Script, only_in_run

        if begin is None:
            raise only_in_run(path)
        version, script = _version(module, path), Script(path, function)
        handed = begin(script)
        experiment = ExperimentFile(path, handed.task, handed.evaluators, version, script)
    _check_call(experiment)
    return experiment


def load_evaluators(path: Path, *, root: Path | None = None) -> tuple[Callable[..., Any], ...]:
    """The `evaluators` of a file that defines no task. Raises ConfigError with file and line."""
    check_input_file(path, (".py",), ConfigError)
    path = path.resolve()
    found = _evaluators(_import_file(path, root), path)
    if not found:
        raise ConfigError("defines no `evaluators`", where=str(path), hint="a list of functions")
    return found


def python_candidate(experiment: ExperimentFile, *, version: Version) -> Candidate:
    """A candidate that calls `task(item=item)` in this process, and gives the task nothing else.

    Each call is given an item of its own, as the dataset has it, whatever another call has done to its item.
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
        in_process=True,
        script=experiment.script,
    )


def _sync_call(experiment: ExperimentFile) -> Callable[[DatasetItem, int], object]:
    def call(item: DatasetItem, _trial: int) -> object:
        try:
            returned = experiment.task(item=item.own_copy())
            if inspect.isawaitable(returned):
                if inspect.iscoroutine(returned):
                    returned.close()
                raise CandidateError(
                    "task is no async function but returned an awaitable (make it `async def`)"
                )
            return returned if type(returned) in IN_ONE_PIECE else collected(returned)
        except _UNFIT_TO_TRAVEL as error:
            raise _explained(error, experiment.path) from error

    return call


def _async_call(experiment: ExperimentFile) -> Callable[[DatasetItem, int], object]:
    import asyncio

    async def call(item: DatasetItem, _trial: int) -> object:
        try:
            returned = experiment.task(item=item.own_copy())
            if inspect.isawaitable(returned):
                returned = await returned
            return returned if type(returned) in IN_ONE_PIECE else await collected_async(returned)
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if own is None or own.cancelling():
                raise
            # Not from outside, so it must not pass for the engine's time limit or for a stop.
            raise CandidateError("task was cancelled by its own code") from None
        except _UNFIT_TO_TRAVEL as error:
            raise _explained(error, experiment.path) from error

    return call


def _explained(error: BaseException, path: Path) -> CandidateError:
    if isinstance(error, ModuleNotFoundError) and error.name:
        sibling = path.parent / error.name.partition(".")[0]
        if sibling.is_dir() or sibling.with_suffix(".py").is_file():
            return CandidateError(
                f"{reason_of(error)} (import it at the top of {path.name}, not inside task)"
            )
    return classify(error)


def _script_function(module: ModuleType, path: Path) -> Callable[..., Any] | None:
    """The function `experiment` that makes a module a script; None where it has none.

    As for the action, it takes a `context`. Raises ConfigError for an `experiment` that does not, where the module
    defines no `task` either.
    """
    function = getattr(module, "experiment", None)
    if not callable(function):
        return None
    try:
        inspect.signature(function).bind(context=None)
    except TypeError as error:
        if callable(getattr(module, "task", None)):
            return None
        from scoregate.runner.candidates.script import SHAPE

        code = getattr(function, "__code__", None)
        raise ConfigError(
            f"`experiment` cannot be called as experiment(context=...): {first_line(str(error))}",
            where=f"{path}:{code.co_firstlineno}" if code else str(path),
            hint=f"{SHAPE}; or define `task`",
        ) from None
    except ValueError:
        return None  # a built-in without a signature, which nobody wrote as a script
    return cast(Callable[..., Any], function)


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


def _check_call(experiment: ExperimentFile) -> None:
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


def _import_file(path: Path, root: Path | None) -> ModuleType:
    """Import a file, once more each time, under a module name of its own.

    Its folder comes first on the import path while it is imported, then `root`, so the modules there are found; what is
    imported only later, when a function of it is called, is not looked for beside the file. Raises ConfigError with the
    file and line of the user's own code that failed.
    """
    name = f"scoregate_experiment_{next(_numbers)}_{path.stem}"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with IMPORTING, _importing_from([path.parent, *([root.resolve()] if root is not None else [])]):
            in_users_thread(lambda: loader.exec_module(module))
    except (Exception, SystemExit) as error:  # user code: whatever it raises, it cannot be imported
        del sys.modules[name]
        raise _import_error(error, path) from error
    return module


@contextmanager
def _importing_from(folders: Sequence[Path]) -> Iterator[None]:
    """Put `folders` first on the import path, and keep the modules of other experiments out of it.

    Two versions of an experiment, and two projects, have modules of the same names. Without this the second would
    silently be given the first one's. One that was edited since is imported anew, with all that were found beside it.
    """
    changed = {origin.folder for origin in _found.values() if origin.stamp != _stamp(origin.file)}
    for name, origin in list(_found.items()):
        if origin.folder not in folders or origin.folder in changed:
            sys.modules.pop(name, None)
            del _found[name]
    importlib.invalidate_caches()
    before = set(sys.modules)
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        for folder in folders:
            with suppress(ValueError):  # the file may have put the import path in an order of its own
                sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            for folder in folders:
                if _is_beside(folder, name, sys.modules[name]):
                    file = Path(str(sys.modules[name].__file__))
                    _found[name] = _Origin(folder, file, _stamp(file))
                    break


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _is_beside(folder: Path, name: str, module: ModuleType) -> bool:
    """Whether a module is a file or package of `folder` itself, and not of an environment inside it."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not Path(file).is_relative_to(folder):
        return False
    top = name.partition(".")[0]
    return Path(file).relative_to(folder).parts[0] in (top, f"{top}.py")


def _import_error(error: BaseException, path: Path) -> ConfigError:
    line: int | None = None
    place = path
    if isinstance(error, SyntaxError) and error.filename:
        place, line = Path(error.filename), error.lineno
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            file = Path(frame.filename)
            if file == path or (file.is_relative_to(path.parent) and "site-packages" not in file.parts):
                place, line = file, frame.lineno
    return ConfigError(
        f"cannot be imported: {classify(error)}",
        where=f"{place}:{line}" if line else str(place),
        hint=_hint(error),
    )


def _hint(error: BaseException) -> str | None:
    if isinstance(error, SystemExit):
        return "what a script does when it is run belongs under `if __name__ == '__main__':`"
    if isinstance(error, ModuleNotFoundError):
        return "modules beside the file and installed ones are found; PYTHONPATH adds folders"
    return None
