"""Where one token of a Python file can be changed so that it means something else.

Changed are comparisons, `and`/`or`, arithmetic, numbers (one more), conditions (to `False`), `not` (gone) and calls as
statements (gone). Left out is what no test could notice: docstrings, annotations, blocks under `TYPE_CHECKING`, and
whatever compiles to the same bytecode. Decorators declare more than they do, and are left out too; so are f-strings,
whose inner positions Python 3.11 does not know.
"""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import CodeType

Position = tuple[int, int]
"""Line from 1 and character from 0, as tokens have them."""

COMPARISONS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "**": "*"}
BOOLEAN = {"and": "or", "or": "and"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of a file: what stands from `start` to before `end` is replaced by `new`."""

    kind: str
    start: Position
    end: Position
    old: str
    new: str

    def applied(self, source: str) -> str:
        """The source with the change. Lines are counted at `\\n`, as the tokenizer does."""
        lines = source.split("\n")
        (first, begin), (last, end) = self.start, self.end
        changed = lines[first - 1][:begin] + self.new + lines[last - 1][end:]
        return "\n".join([*lines[: first - 1], changed, *lines[last:]])

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        shown = old if len(old) <= 40 else f"{old[:39]}…"
        return f"`{shown}` → `{new}` ({self.kind})"


def mutations(source: str) -> list[Mutation]:
    """Everything that can be changed, in the order of the file."""
    return sorted(_Finder(source).found, key=lambda one: (one.start, one.end, one.kind))


def choose(source: str, rng: random.Random) -> Mutation | None:
    """One mutation at random that changes the bytecode: first a kind, then a place of that kind."""
    left = mutations(source)
    before = _meaning(compile(source, "source", "exec", dont_inherit=True))
    while left:
        kind = rng.choice(sorted({one.kind for one in left}))
        chosen = rng.choice([one for one in left if one.kind == kind])
        if _meaning(compile(chosen.applied(source), "source", "exec", dont_inherit=True)) != before:
            return chosen
        left.remove(chosen)
    return None


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self.found: list[Mutation] = []
        self._lines = source.split("\n")
        self._tokens = [
            token
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type in (tokenize.OP, tokenize.NAME)
        ]
        self.visit(ast.parse(source))

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        super().visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.visit(child)

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for left, right in pairwise(sides):
            self._operator("comparison", left, right, COMPARISONS)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in pairwise(node.values):
            self._operator("boolean", left, right, BOOLEAN)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not isinstance(node.left, ast.Constant) or not isinstance(node.left.value, str):
            self._operator("arithmetic", node.left, node.right, ARITHMETIC)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            line, begin = self._start(node)
            gap = self._lines[line - 1][begin + len("not") :].startswith(" ")
            self._add("not", (line, begin), (line, begin + len("not") + gap), "")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            self._add("number", self._start(node), self._end(node), repr(node.value + 1))

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.orelse:
                self.visit(child)
            return
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        called = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(called, ast.Call):
            self._add("dropped call", self._start(node), self._end(node), "pass")
        self.generic_visit(node)

    def _condition(self, test: ast.expr) -> None:
        self._add("condition", self._start(test), self._end(test), "False")

    def _operator(self, kind: str, left: ast.expr, right: ast.expr, new: dict[str, str]) -> None:
        """The operator is what stands between its sides beside parentheses and comments."""
        between = [
            token
            for token in self._tokens
            if self._end(left) <= token.start and token.end <= self._start(right) and token.string not in "()"
        ]
        old = " ".join(token.string for token in between)
        if old in new:
            self._add(kind, between[0].start, between[-1].end, new[old])

    def _add(self, kind: str, start: Position, end: Position, new: str) -> None:
        self.found.append(Mutation(kind, start, end, "\n".join(self._between(start, end)), new))

    def _between(self, start: Position, end: Position) -> Iterator[str]:
        for number in range(start[0], end[0] + 1):
            line = self._lines[number - 1]
            yield line[start[1] if number == start[0] else 0 : end[1] if number == end[0] else len(line)]

    def _start(self, node: ast.expr | ast.stmt) -> Position:
        return node.lineno, self._character(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt) -> Position:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return node.end_lineno, self._character(node.end_lineno, node.end_col_offset)

    def _character(self, line: int, byte: int) -> int:
        return len(self._lines[line - 1].encode()[:byte].decode())


def _meaning(code: CodeType) -> tuple[object, ...]:
    """What a code object does, without where it stands. `1`, `1.0` and `True` are three constants."""
    return (
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_flags,
        code.co_exceptiontable,
        [_meaning(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts],
    )
