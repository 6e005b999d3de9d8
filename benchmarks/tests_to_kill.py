"""Which tests could notice a change of a module, from cheap to dear."""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

STAGES = ("its room's tests", "tests that import it", "tests of commands named like it", "the rest")
PACKAGE = "scoregate"
COMMANDS = Path("tests") / "cli"
"""The dearest tests, and so nobody's first."""


@dataclass(frozen=True)
class Suite:
    """A checkout's modules and tests, by what they import."""

    root: Path

    def stages(self, file: Path) -> list[list[str]]:
        """Test files in the order in which they are tried, a list for each of STAGES; together they are the suite.

        `file` is a module's path below `src/scoregate/`.
        """
        distance = self._distances(_module(Path(PACKAGE) / file))
        words = _words(file.stem).union(*(_words(name.rpartition(".")[2]) for name in self._near(distance)))

        def order(test: str) -> tuple[bool, int, int, str]:
            far = distance.get(_module(Path(test)), len(distance) + 1)
            return test in self._dear, -len(words & _words(Path(test).stem)), far, test

        found: list[list[str]] = [[] for _ in STAGES]
        for test in sorted(self._tests, key=order):
            if self._is_of_its_room(test, file) and not _is_in(test, COMMANDS):
                stage = 0
            elif test in self._dear:
                stage = 2 if words & _words(Path(test).stem) else 3
            else:
                stage = 1 if _module(Path(test)) in distance else 3
            found[stage].append(test)
        # What does not even import the module is the last to notice.
        found[3].sort(key=lambda test: test not in self._dear)
        return found

    def _is_of_its_room(self, test: str, file: Path) -> bool:
        """Folders and files of `tests/` mirror the rooms; what has no room is tested beside these."""
        if file.parent == Path():
            return _is_in(test, Path("tests"))
        for room in (file.parent, *file.parent.parents[:-1]):
            if (self.root / "tests" / room).is_dir():
                return _is_in(test, Path("tests") / room)
        return test.startswith(f"tests/test_{file.parts[0]}")

    @cached_property
    def _tests(self) -> list[str]:
        return [path.relative_to(self.root).as_posix() for path in self.root.glob("tests/**/test_*.py")]

    @cached_property
    def _dear(self) -> set[str]:
        """Tests that start processes: commands, above all."""
        own = {name: imported for name, imported in self._imports.items() if name.startswith("tests")}
        reached = _reached("subprocess", own)
        return {
            test for test in self._tests if test.startswith("tests/cli/") or _module(Path(test)) in reached
        }

    @cached_property
    def _imports(self) -> dict[str, set[str]]:
        """Module -> what it imports, wherever in it."""
        found = {}
        for folder in (self.root / "src", self.root):
            for path in folder.glob(f"{PACKAGE if folder.name == 'src' else 'tests'}/**/*.py"):
                found[_module(path.relative_to(folder))] = _imported(path)
        return found

    def _distances(self, module: str) -> dict[str, int]:
        return _reached(module, self._imports)

    def _near(self, distance: Mapping[str, int]) -> list[str]:
        """Modules of ours that import it themselves."""
        return [name for name, far in distance.items() if far == 1 and name.startswith(PACKAGE)]


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_in(test: str, room: Path) -> bool:
    parent = Path(test).parent
    return parent == room or (room != Path("tests") and room in parent.parents)


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _reached(module: str, imports: Mapping[str, set[str]]) -> dict[str, int]:
    """Everything that imports the module, over however many others -> over how many."""
    importers = defaultdict(set)
    for name, imported in imports.items():
        for other in imported:
            importers[other].add(name)
    found = {module: 0}
    waiting = deque([module])
    while waiting:
        name = waiting.popleft()
        for importer in importers[name] - found.keys():
            found[importer] = found[name] + 1
            waiting.append(importer)
    return found


def _words(stem: str) -> set[str]:
    return {word.removesuffix("s") for word in stem.split("_")} - {"test", ""}
