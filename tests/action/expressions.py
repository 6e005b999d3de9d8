"""`${{ … }}` as a runner evaluates it, as far as our action goes: contexts, comparisons, and, or, not, success().

What the action does not use raises SyntaxError, so that nothing is taken for what it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Value: TypeAlias = str | bool | float | None
Contexts: TypeAlias = Mapping[str, object]
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(==|!=|&&|\|\||[!()])|([A-Za-z_][\w-]*(?:\.[\w-]+)*)|(\d+))")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_STATUS = ("success", "failure", "always", "cancelled")


def filled(text: str, contexts: Contexts) -> str:
    """A text with the value of each expression in its place."""
    return _EXPRESSION.sub(lambda found: _as_text(evaluated(found[1], contexts, failed=False)), text)


def is_wanted(condition: str | None, contexts: Contexts, *, failed: bool) -> bool:
    """Whether a step with this `if:` is run; without a status function only where no step before it failed."""
    if condition is None:
        return not failed
    text = condition.strip().removeprefix("${{").removesuffix("}}")
    wanted = _is_true(evaluated(text, contexts, failed=failed))
    return wanted and (not failed or any(f"{name}()" in text for name in _STATUS))


def evaluated(text: str, contexts: Contexts, *, failed: bool) -> Value:
    return _Reader(text, contexts, failed).whole()


class _Reader:
    """Reads an expression from left to right; both sides of `&&` and `||` are read, as none has an effect."""

    def __init__(self, text: str, contexts: Contexts, failed: bool) -> None:
        self._contexts = contexts
        self._status = {"success": not failed, "failure": failed, "always": True, "cancelled": False}
        self._tokens: list[tuple[str, str, str, str]] = []
        text, at = text.strip(), 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise SyntaxError(f"not known in an expression: {text[at:]}")
            self._tokens.append((found[1] or "", found[2] or "", found[3] or "", found[4] or ""))
            at = found.end()

    def whole(self) -> Value:
        value = self._either()
        if self._tokens:
            raise SyntaxError(f"left over in an expression: {self._tokens}")
        return value

    def _either(self) -> Value:
        return self._joined("||", self._both, lambda left, right: left if _is_true(left) else right)

    def _both(self) -> Value:
        return self._joined("&&", self._compared, lambda left, right: right if _is_true(left) else left)

    def _compared(self) -> Value:
        left = self._single()
        operator = self._operator("==", "!=")
        if not operator:
            return left
        same = _as_text(left).lower() == _as_text(self._single()).lower()  # GitHub ignores case
        return same if operator == "==" else not same

    def _joined(
        self, operator: str, inner: Callable[[], Value], join: Callable[[Value, Value], Value]
    ) -> Value:
        value = inner()
        while self._operator(operator):
            value = join(value, inner())
        return value

    def _operator(self, *wanted: str) -> str:
        if self._tokens and self._tokens[0][1] in wanted:
            return self._tokens.pop(0)[1]
        return ""

    def _single(self) -> Value:
        if self._operator("!"):
            return not _is_true(self._single())
        if self._operator("("):
            value = self._either()
            self._close()
            return value
        text, _, name, number = self._tokens.pop(0)
        if text:
            return text[1:-1].replace("''", "'")
        if number:
            return float(number)
        if self._operator("("):
            self._close()
            return self._status[name]
        return {"true": True, "false": False, "null": None}.get(name) if name in (
            "true", "false", "null",
        ) else self._looked_up(name)  # fmt: skip

    def _close(self) -> None:
        if not self._operator(")"):
            raise SyntaxError("an argument or a missing ')' in an expression")

    def _looked_up(self, path: str) -> Value:
        """What a context does not have is null, as GitHub has it; a context that there is not is a mistake."""
        first, *rest = path.split(".")
        if first not in self._contexts:
            raise SyntaxError(f"there is no context '{first}'")
        value: object = self._contexts[first]
        for name in rest:
            value = value.get(name) if isinstance(value, Mapping) else None
        assert value is None or isinstance(value, (str, bool, float, int))
        return value


def _is_true(value: Value) -> bool:
    return value not in (None, False, "", 0)


def _as_text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
