"""What the user's code has done to Python itself in this process: it tells whose doing an unexpected error is."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import ModuleType

from scoregate.own.folder import here

_MODULES = (
    "asyncio",
    "asyncio.base_events",
    "asyncio.events",
    "asyncio.tasks",
    "builtins",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "io",
    "itertools",
    "json",
    "json.decoder",
    "json.encoder",
    "math",
    "os",
    "os.path",
    "pathlib",
    "random",
    "re",
    "select",
    "shutil",
    "signal",
    "sqlite3",
    "subprocess",
    "tempfile",
    "textwrap",
    "threading",
    "time",
)
_SHOWN = 3
_PACKAGE = str(Path(__file__).parents[1])
_before: dict[str, dict[str, object]] = {}
_limits: list[int] = []


def remember_python() -> None:
    """From here on what these modules of the standard library hold is how it should be."""
    _limits[:] = [sys.getrecursionlimit()]
    for name in _MODULES:
        module = sys.modules.get(name)
        if module is not None:
            _before[name] = dict(vars(module))


def doing_of_user(error: BaseException) -> str | None:
    """What the user's code did that such an error may come from; None where nothing tells of it."""
    place = _place_in_project(error)
    if place is not None:
        return f"it was raised by code of the candidate or of a scorer, in {place}"
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in (errno.EMFILE, errno.EBADF):
        return "the candidate or a scorer has used up or closed what the process had"
    if _limits and sys.getrecursionlimit() < _limits[0]:
        return "the candidate or a scorer has lowered the recursion limit"
    names = _replaced()
    if not names:
        return None
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"the candidate or a scorer has replaced {', '.join(names[:_SHOWN])}{more}"


def _replaced() -> list[str]:
    names = []
    for name, members in _before.items():
        module = sys.modules.get(name)
        now = vars(module) if isinstance(module, ModuleType) else {}
        names += [
            f"{name}.{member}"
            for member, value in members.items()
            if not member.startswith("_") and now.get(member) is not value
        ]
    return names


def _place_in_project(error: BaseException) -> str | None:
    """File and line where it was raised, if that is the user's own file."""
    trace = error.__traceback__
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename
    folder = f"{here()}/"
    if not file.startswith(folder) or file.startswith((_PACKAGE, sys.prefix)):
        return None
    return f"{file.removeprefix(folder)}:{trace.tb_lineno}"
