"""The version of an evaluator that names none: a hash of its source code.

Comments, docstrings and formatting do not count. What counts is the function itself, the arguments of a partial,
the values it closes over, and every definition that it refers to by name, directly or through others: functions,
classes, constants and imports of its own module and of other modules of the project.

Limits. A change in a prompt file, in the environment or in a library is not seen, nor is what is reached by `getattr`
or chosen at run time: give such an evaluator a `version`. Of objects that are closed over
or bound, only plain values and functions count. Where there is no source (an interactive session, code written in
C), the bytecode or the qualified name is hashed, and then the version also changes with Python's own.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

from scoregate.scorers.project_imports import Bound, closure, imported_parts, top_level

_DIGITS = 12
_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def source_version(function: Callable[..., Any]) -> str:
    """`src-` and 12 hexadecimal digits (`code-` where no source can be had). The same on any machine."""
    parts = list(_callable_parts(function, frozenset()))
    kind = "code" if any(part.startswith("code:") for part in parts) else "src"
    return f"{kind}-{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'replace')).hexdigest()[:_DIGITS]}"


def _callable_parts(function: Any, seen: frozenset[int]) -> Iterator[str]:
    """What identifies a callable, as texts. `seen` are the objects already on the way, against circles."""
    if id(function) in seen:
        return
    seen |= {id(function)}
    if isinstance(function, functools.partial):
        yield from _callable_parts(function.func, seen)
        yield from _value_parts([list(function.args), function.keywords], seen)
    elif isinstance(function, MethodType):
        yield from _callable_parts(function.__func__, seen)
        yield from _state_parts(function.__self__, seen)
    elif isinstance(function, FunctionType):
        yield from _function_parts(function, seen)
    elif isinstance(function, type):
        yield from _class_parts(function)
    elif hasattr(function, "__wrapped__"):
        yield from _callable_parts(function.__wrapped__, seen)
    elif isinstance(getattr(type(function), "__call__", None), FunctionType):  # noqa: B004
        yield from _class_parts(type(function))
        yield from _state_parts(function, seen)
    else:
        yield f"code:{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"


def _function_parts(function: FunctionType, seen: frozenset[int]) -> Iterator[str]:
    inner = inspect.unwrap(function)
    code = function.__code__
    if inner is not function:
        yield from _callable_parts(inner, seen)
        if getattr(inner, "__code__", code).co_filename != code.co_filename:
            return  # a decorator of another module: its name and arguments stand above the inner function
    tree = _module_tree(function)
    node = _node_of(code, tree) if tree is not None else None
    if tree is None or node is None:
        yield f"code:{_code_text(code)}"
    else:
        yield from _definition_parts(node, tree, _file_of(function))
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        yield name
        yield from _value_parts(_content(cell), seen)


def _class_parts(cls: type) -> Iterator[str]:
    # By a method, because the source of a class is only found while its module is registered in sys.modules.
    methods = [member for member in vars(cls).values() if isinstance(member, FunctionType)]
    definition = methods[0] if methods else cls
    tree = _module_tree(definition)
    name = cls.__qualname__.rpartition(".")[2]
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name] if tree else []
    if tree is None or len(nodes) != 1:
        yield f"code:{cls.__qualname__}{[_code_text(method.__code__) for method in methods]}"
    else:
        yield from _definition_parts(nodes[0], tree, _file_of(definition))


def _definition_parts(node: ast.AST, tree: ast.Module, file: Path | None) -> Iterator[str]:
    """The definition, then every definition that it leads to: of its module by name, then of others by their place."""
    yield _canonical(node)
    reached = closure([node], _bound_in(tree))
    statements = [statement for name in sorted(reached) for statement in reached[name]]
    yield from (_canonical(statement) for statement in statements if statement is not node)
    if file is not None:
        yield from imported_parts([node, *statements], file, _canonical)


def _canonical(node: Any) -> str:
    """The tree as text, without positions, docstrings and what differs between versions of Python."""
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__}:{node.value!r}"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value is not None and value != []}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and _docstring(node):
        fields["body"] = node.body[1:]
    return (
        f"{type(node).__name__}({','.join(f'{name}={_canonical(value)}' for name, value in fields.items())})"
    )


def _docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def _module_tree(definition: Any) -> ast.Module | None:
    try:
        lines, _ = inspect.findsource(definition)
        return _parsed("".join(lines))
    except (OSError, TypeError, SyntaxError, ValueError, IndexError):
        return None


@cache
def _parsed(text: str) -> ast.Module:
    """One tree for all evaluators of a file."""
    return ast.parse(text)


@cache
def _bound_in(tree: ast.Module) -> Bound:
    return top_level(tree)


def _file_of(definition: Any) -> Path | None:
    try:
        file = inspect.getsourcefile(definition)
    except TypeError:
        return None
    return Path(file) if file is not None else None


def _node_of(code: CodeType, tree: ast.Module) -> _FunctionNode | None:
    """The definition that the code was compiled from; None where a line holds several, as lambdas may."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, _FunctionNode) and _fits(node, code)]
    return nodes[0] if len(nodes) == 1 else None


def _fits(node: _FunctionNode, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return node.name == code.co_name and first == code.co_firstlineno


def _code_text(code: CodeType) -> str:
    constants = [_code_text(c) if isinstance(c, CodeType) else _plain_text(c) for c in code.co_consts]
    return f"{code.co_code.hex()}{constants}{code.co_names}{code.co_varnames}"


def _state_parts(holder: object, seen: frozenset[int]) -> Iterator[str]:
    yield type(holder).__qualname__
    yield from _value_parts(getattr(holder, "__dict__", {}), seen)


def _value_parts(value: Any, seen: frozenset[int]) -> Iterator[str]:
    """A value as texts; of an object that is no plain value, only its type."""
    if id(value) in seen:
        return
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield str(key)
            yield from _value_parts(value[key], seen | {id(value)})
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _value_parts(one, seen | {id(value)})
    elif isinstance(value, (functools.partial, FunctionType, MethodType)):
        yield from _callable_parts(value, seen)
    else:
        yield _plain_text(value)


def _plain_text(value: Any) -> str:
    if isinstance(value, (set, frozenset)):
        return f"set{sorted(map(_plain_text, value))}"
    if isinstance(value, tuple):
        return f"tuple{list(map(_plain_text, value))}"
    plain = value is None or isinstance(value, (bool, int, float, complex, str, bytes))
    return f"{type(value).__name__}:{value!r}" if plain else type(value).__qualname__


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # a cell that is still empty
        return None
