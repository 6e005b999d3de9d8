"""Importing a user's Python file by its path."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from scoregate.errors import ConfigError
from scoregate.runner.candidates.failures import classify

_numbers = itertools.count(1)
_siblings: dict[str, Path] = {}
"""Modules that an imported file found in its own folder, with that folder."""


def import_file(path: Path) -> ModuleType:
    """Import a file, once more each time, under a module name of its own.

    Its folder comes first on the import path while it is imported, so the modules beside it are found; what is
    imported only later, when a function of it is called, is not looked for there. Raises ConfigError with the
    file and line of the user's own code that failed.
    """
    name = f"scoregate_experiment_{next(_numbers)}_{path.stem}"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _importing_from(path.parent):
            loader.exec_module(module)
    except (Exception, SystemExit) as error:  # user code: whatever it raises, it cannot be imported
        del sys.modules[name]
        raise _import_error(error, path) from error
    return module


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Put `folder` first on the import path, and keep the modules of other experiments' folders out of it.

    Two versions of an experiment have modules of the same names beside them. Without this the second would
    silently be given the first one's.
    """
    for name in [name for name, origin in _siblings.items() if origin != folder]:
        sys.modules.pop(name, None)
        del _siblings[name]
    importlib.invalidate_caches()
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):  # the file may have put the import path in an order of its own
            sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if _is_beside(folder, name, sys.modules[name]):
                _siblings[name] = folder


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
