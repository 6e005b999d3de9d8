"""What a definition uses of other modules of its project: their definitions, and what these use in turn.

By the source alone, so that it is the same on any machine and nothing is imported for it. A project is the nearest
folder above a file that holds `gates/`, else the one of its repository or package; what is installed is no part of it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_MARKS = ("gates", ".git", "pyproject.toml")
_INSTALLED = frozenset(("site-packages", "dist-packages"))
_OURS = Path(__file__).resolve().parents[1]
Bound = Mapping[str, list[ast.stmt]]
"""Name -> the statements of a module that bind it."""


@dataclass(frozen=True, slots=True)
class _Module:
    file: Path
    tree: ast.Module
    bound: Bound


@dataclass(frozen=True, slots=True)
class _Use:
    """A definition of a module, or (name None) all of it."""

    file: Path
    name: str | None


def closure(nodes: Sequence[ast.AST], bound: Bound) -> dict[str, list[ast.stmt]]:
    """Every definition of the module that these lead to by name, directly or through others."""
    reached = {"*": bound["*"]} if "*" in bound else {}  # what such an import binds is not in the source
    waiting = list(nodes)
    while waiting:
        for name in _names_in(waiting.pop()):
            if name in bound and name not in reached:
                reached[name] = bound[name]
                waiting.extend(reached[name])
    return reached


@cache
def _names_in(node: ast.AST) -> tuple[str, ...]:
    """The names in a statement, each once; several evaluators lead to the same statements."""
    return tuple(dict.fromkeys(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)))


def top_level(tree: ast.Module) -> Bound:
    """Name -> the statements of the module that bind it."""
    bound: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [statement.name]
        else:
            stored = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
            names = [n.id for n in stored if isinstance(n.ctx, ast.Store)]
            names += [bound_name for one in imports_in(statement) for bound_name, _ in _names_of(one)]
        for name in dict.fromkeys(names):
            bound.setdefault(name, []).append(statement)
    return bound


def imported_parts(
    nodes: Sequence[ast.AST], file: Path, canonical: Callable[[ast.AST], str]
) -> Iterator[str]:
    """The place and the text of all that these statements of `file` use of other modules of the project, sorted.

    `canonical` writes a statement as text.
    """
    root = project_of(file.resolve())
    if root is None:
        return
    find = Finder(tuple(import_folders(file.resolve(), root)), root)
    parts: dict[tuple[str, str], list[str]] = {}
    waiting = [(file.resolve(), list(nodes))]
    while waiting:
        importer, statements = waiting.pop()
        for use in _uses(importer, statements, find):
            key = (use.file.relative_to(root).as_posix(), use.name or "")
            module = module_at(use.file) if key not in parts else None
            if module is None:
                continue
            own = module.bound.get(use.name) if use.name is not None else module.tree.body
            # A name that nothing in the source binds is made by something else in the module.
            found: list[ast.stmt] = list(module.tree.body if own is None else own)
            for reached in closure(found, module.bound).values():
                found += [statement for statement in reached if statement not in found]
            parts[key] = sorted(canonical(statement) for statement in found)
            waiting.append((use.file, list(found)))
    for place, texts in sorted(parts.items()):
        yield "::".join(place)
        yield from texts


def import_folders(file: Path, root: Path) -> list[Path]:
    """Where modules of the project are looked for: whoever imports the file has one of the folders above it in view.

    Not where this process looks now, which changes while experiments are imported.
    """
    above = [folder for folder in file.parents if folder.is_relative_to(root)]
    packages = [folder for folder in above if (folder / "__init__.py").is_file()]
    elsewhere = (Path(entry).resolve() for entry in sys.path if entry)
    folders = [folder for folder in above if folder not in packages]
    return [folder for folder in dict.fromkeys([*folders, root / "src", *elsewhere]) if _inside(folder, root)]


def _uses(importer: Path, nodes: Sequence[ast.AST], find: Finder) -> Iterator[_Use]:
    """What the import statements among and inside these nodes bring from the project, as far as it is used."""
    direct = {id(one) for node in nodes for one in _module_level_imports(node)}
    names = {name for node in nodes for name in _names_in(node)}
    for node in nodes:
        for one in imports_in(node):
            for bound_name, alias in _names_of(one):
                if id(one) in direct and alias != "*" and bound_name not in names:
                    continue  # bound beside what is used, by the same statement
                yield from _of_alias(one, alias, bound_name, importer, nodes, find)


def _of_alias(
    one: ast.Import | ast.ImportFrom,
    alias: str,
    bound_name: str,
    importer: Path,
    nodes: Sequence[ast.AST],
    find: Finder,
) -> Iterator[_Use]:
    if isinstance(one, ast.ImportFrom):
        source = (one.module or "").split(".") if one.module else []
        module = find(importer, source, one.level)
        inner = find(importer, [*source, alias], one.level) if alias != "*" else None
        bound = _bound_in(module)
        if inner is not None and alias not in bound:
            yield from _of_module(inner, bound_name, nodes)
        elif module is not None and alias == "*":
            yield _Use(module, None)
        elif module is not None:
            yield _Use(module, alias)
        return
    parts = alias.split(".")
    if bound_name != parts[0] or len(parts) == 1:
        module = find(importer, parts, 0)
        if module is not None:
            yield from _of_module(module, bound_name, nodes)
        return
    for end in range(len(parts), 0, -1):  # `import a.b` binds `a`, and runs both
        module = find(importer, parts[:end], 0)
        if module is not None:
            yield _Use(module, None)


def _of_module(module: Path, bound_name: str, nodes: Sequence[ast.AST]) -> Iterator[_Use]:
    """Of a module that stands under a name: the attributes that are read of it, or all where it is handed on."""
    attributes = [
        (inner, inner.value)
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == bound_name
    ]
    heads = {id(head) for _, head in attributes}
    bare = any(
        isinstance(inner, ast.Name) and inner.id == bound_name and id(inner) not in heads
        for node in nodes
        for inner in ast.walk(node)
    )
    if bare or not attributes:
        yield _Use(module, None)
        return
    for attribute in sorted({inner.attr for inner, _ in attributes}):
        yield _Use(module, attribute)


@dataclass(frozen=True, slots=True)
class Finder:
    """The file of a module of the project; None for all other modules."""

    folders: tuple[Path, ...]
    root: Path
    known: dict[tuple[Path | None, tuple[str, ...]], Path | None] = field(default_factory=dict)

    def __call__(self, importer: Path, parts: Sequence[str], level: int) -> Path | None:
        if not level and parts and parts[0] in sys.stdlib_module_names:
            return None
        above = importer.parents[level - 1] if level else None
        key = (above, tuple(parts))
        if key not in self.known:
            self.known[key] = self._find(above, parts)
        return self.known[key]

    def _find(self, above: Path | None, parts: Sequence[str]) -> Path | None:
        for base in self.folders if above is None else (above,):
            place = base.joinpath(*parts)
            for file in (place / "__init__.py", *([place.with_name(f"{place.name}.py")] if parts else [])):
                if file.is_file() and _inside(file.resolve(), self.root):
                    return file.resolve()
        loaded = getattr(sys.modules.get(".".join(parts)), "__file__", None) if above is None else None
        if not isinstance(loaded, str) or not loaded.endswith(".py"):
            return None
        file = Path(loaded).resolve()
        return file if _inside(file, self.root) else None


@cache
def imports_in(node: ast.AST) -> tuple[ast.Import | ast.ImportFrom, ...]:
    return tuple(inner for inner in ast.walk(node) if isinstance(inner, (ast.Import, ast.ImportFrom)))


def _module_level_imports(node: ast.AST) -> Iterable[ast.Import | ast.ImportFrom]:
    """The import statements that run as the module does: not those inside a function."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return ()
    return imports_in(node)


def _names_of(one: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """(name that it binds, name that it brings) of each alias."""
    plain = isinstance(one, ast.Import)
    return [
        (alias.asname or (alias.name.partition(".")[0] if plain else alias.name), alias.name)
        for alias in one.names
    ]


def _bound_in(file: Path | None) -> Bound:
    module = module_at(file) if file is not None else None
    return module.bound if module is not None else {}


def module_at(file: Path) -> _Module | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return _parsed(file, found.st_mtime_ns, found.st_size)


@cache
def _parsed(file: Path, _changed: int, _size: int) -> _Module | None:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    return _Module(file, tree, top_level(tree))


def project_of(file: Path) -> Path | None:
    """The folder of the project that a file belongs to; None for what is installed, and for ours."""
    for mark in _MARKS:
        for folder in file.parents:
            if (folder / mark).exists():
                return folder if _inside(file, folder) else None
    return file.parent if _inside(file, file.parent) else None


def _inside(path: Path, root: Path) -> bool:
    """Whether a path is of the project's own code."""
    if not path.is_relative_to(root) or path.is_relative_to(_OURS):
        return False
    environment = Path(sys.prefix).resolve()
    if environment != root and environment.is_relative_to(root) and path.is_relative_to(environment):
        return False
    return not _INSTALLED.intersection(path.relative_to(root).parts)
