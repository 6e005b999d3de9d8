"""The files of a project that one of its files is made of, and the words in them by which code finds other files.

By the source alone: nothing is imported for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scoregate.scorers.project_imports import Finder, import_folders, imports_in, module_at, project_of

_LONGEST_NAME = 300
"""Characters of a text that may be the path of a file."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a project that one file is made of, and the words in them."""

    files: frozenset[Path]
    """The file itself and every module of its project that it imports, wherever in it, directly or through others."""
    texts: frozenset[str]
    """Text constants, by which such code finds what it reads beside modules; the long ones are left out."""
    modules: frozenset[str]
    """The last name of everything that is imported, whether it is there or not."""


def sources_of(file: Path) -> Sources:
    """What a file is made of; a whole module is taken for used where one name of it is."""
    file = file.resolve()
    root = project_of(file) or file.parent
    find = Finder(tuple(import_folders(file, root)), root)
    files, texts, modules = {file}, set[str](), set[str]()
    waiting = [file]
    while waiting:
        importer = waiting.pop()
        module = module_at(importer)
        if module is None:
            continue
        texts |= {text for text in _texts_in(module.tree) if len(text) <= _LONGEST_NAME}
        for one in imports_in(module.tree):
            level = one.level if isinstance(one, ast.ImportFrom) else 0
            for parts in _modules_named(one):
                modules.update(parts[-1:])
                ways = (parts[:end] for end in range(0 if level else 1, len(parts) + 1))
                found = {way for parts in ways if (way := find(importer, parts, level)) is not None}
                waiting += found - files
                files |= found
    return Sources(frozenset(files), frozenset(texts), frozenset(modules))


def _texts_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _modules_named(one: ast.Import | ast.ImportFrom) -> Iterator[list[str]]:
    """The names, part by part, of all modules that an import statement may mean."""
    source = (one.module or "").split(".") if isinstance(one, ast.ImportFrom) and one.module else []
    for alias in one.names:
        yield [*source, *(alias.name.split(".") if alias.name != "*" else [])]
