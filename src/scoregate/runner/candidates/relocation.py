"""Keeping the code of the present working tree out of a process that runs another version of it.

A project's own folders get onto the import path by PYTHONPATH and by editable installs. Both name the working tree,
also in a process that is started in a checkout of another commit: without a word it would run today's code.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Relocation:
    """Two checkouts of one repository: the present working tree, and the one whose code is to run."""

    here: Path
    """Top folder of the working tree."""
    there: Path
    """Top folder of the other checkout, which may lie inside `here`."""

    def path(self, path: str) -> str:
        """The path that stands in the other checkout for one of the working tree; any other path as it is."""
        real = Path(os.path.realpath(path))
        if not _is_own(real, self.here) or real.is_relative_to(self.there):
            return path
        return str(self.there / real.relative_to(self.here))


def _is_own(path: Path, top: Path) -> bool:
    """Whether a real path is a project's own below `top`, and not of an environment that lies inside it."""
    if not path.is_relative_to(top):
        return False
    # A prefix above `top`, such as /usr of a project in /usr/src, says nothing.
    return not any(prefix.is_relative_to(top) and path.is_relative_to(prefix) for prefix in _prefixes())


@functools.cache
def _prefixes() -> set[Path]:
    return {Path(os.path.realpath(prefix)) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)}


def named_import_folders() -> list[str]:
    """The folders of PYTHONPATH, absolute."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path(entry).absolute()) for entry in entries if entry]


def own_import_folders(top: Path) -> list[str]:
    """The folders of this process's import path that are the project's own, as after an editable install."""
    found = [entry for entry in sys.path if _is_own(Path(os.path.realpath(entry)), top)]
    return [str(Path(entry).absolute()) for entry in found]


def relocate_imports(relocation: Relocation, *, kept: Iterable[Path]) -> None:
    """Make this process import what the other checkout holds, and refuse what only the working tree does.

    `kept`: real paths of folders from which modules may come although they lie in the working tree.
    """
    sys.path[:] = dict.fromkeys(relocation.path(entry) for entry in sys.path)
    for finder in sys.meta_path:
        _relocate_editable(finder, relocation)
    sys.meta_path.insert(0, _Guard(relocation, (*kept, relocation.there)))
    importlib.invalidate_caches()


def _relocate_editable(finder: object, relocation: Relocation) -> None:
    """Setuptools installs a flat project editable by a finder, with a table of packages and their folders."""
    module = sys.modules.get(str(getattr(finder, "__module__", "")))
    if module is None or not module.__name__.startswith("__editable__"):
        return
    packages: dict[str, str] = getattr(module, "MAPPING", {})
    packages.update({name: relocation.path(folder) for name, folder in packages.items()})
    namespaces: dict[str, list[str]] = getattr(module, "NAMESPACES", {})
    for folders in namespaces.values():
        folders[:] = [relocation.path(folder) for folder in folders]


class _Guard(importlib.abc.MetaPathFinder):
    """Asks all other finders, and refuses a module of the working tree."""

    def __init__(self, relocation: Relocation, kept: Sequence[Path]) -> None:
        self._here = relocation.here
        self._kept = kept

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: importlib.machinery.ModuleSpec | None = find and find(fullname, path, target)
            if spec is not None:
                self._check(fullname, spec)
                return spec
        return None

    def _check(self, name: str, spec: importlib.machinery.ModuleSpec) -> None:
        places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
        for place in places:
            real = Path(os.path.realpath(place or ""))
            if _is_own(real, self._here) and not any(real.is_relative_to(folder) for folder in self._kept):
                raise ImportError(
                    f"'{name}' would be imported from the working tree ({place}), not from the version that is "
                    "to run",
                    name=name,
                )
