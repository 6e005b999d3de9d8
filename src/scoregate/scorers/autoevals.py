"""The name of what an evaluator of the SDK's `create_evaluator_from_autoevals` makes.

All of them are functions of one name around an object, and the score has the name of that object. Known beforehand,
the score is announced, and what keeps it from being made is an error of that score.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

_MAKER = "create_evaluator_from_autoevals.<locals>"
_HELD = "autoevals_evaluator"


def autoevals_name(function: Callable[..., Any]) -> str | None:
    """Name of the score; None for any other function, and where the object does not tell its name."""
    if not isinstance(function, FunctionType) or not function.__qualname__.startswith(_MAKER):
        return None
    held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)).get(_HELD)
    try:
        name = held.cell_contents._name() if held is not None else None
    except Exception:  # noqa: BLE001  user code: an object without that method, or one that fails, has no name
        return None
    return name if isinstance(name, str) and name else None
