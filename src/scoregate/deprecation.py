"""How a public name goes: it warns for a while, with the version in which it will be gone. See CONTRIBUTING.md.

A module whose names have moved ends with

    __getattr__ = moved(__name__, {"Old": ("scoregate.new_home", "New")}, removed_in="0.3")
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module

from scoregate.version import __version__


def warn_deprecated(what: str, *, instead: str, removed_in: str, stacklevel: int = 2) -> None:
    """Tell whoever uses `what` that it will be gone in version `removed_in`, and what to use.

    A FutureWarning, which Python shows to everybody, at the line that is `stacklevel` calls up. Raises AssertionError
    from that version on, so that the name cannot be forgotten here.
    """
    assert _numbers(__version__) < _numbers(removed_in), f"{what} was to be removed in {removed_in}"
    warnings.warn(
        f"{what} is deprecated and will be removed in scoregate {removed_in}; use {instead}",
        FutureWarning,
        stacklevel=stacklevel + 1,
    )


def moved(module: str, names: Mapping[str, tuple[str, str]], *, removed_in: str) -> Callable[[str], object]:
    """A module's `__getattr__` that still finds names which live elsewhere now: old name -> (module, name)."""

    def find(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        home, now = names[name]
        warn_deprecated(f"{module}.{name}", instead=f"{home}.{now}", removed_in=removed_in)
        return getattr(import_module(home), now)

    return find


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
