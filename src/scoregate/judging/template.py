"""A judge's prompt: a text file with `{{input}}`, `{{output}}`, `{{expected_output}}` and `{{metadata}}`.

A variable may be a path into these, such as `{{metadata.intent}}`. Values are put in once and as they are: braces
inside a value mean nothing. What is no text is put in as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoregate.errors import ConfigError, ScoregateError, did_you_mean
from scoregate.own import json_codec
from scoregate.paths import PathError, look_up, path_parts
from scoregate.records import JSON, DatasetItem

_OUTPUT = ("output",)
"""The answer, as a prompt about one answer names it."""
PAIR = ("first", "second")
"""Two answers, as a prompt that compares them names them."""
_OF_ITEM = ("input", "expected_output", "metadata")

_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_BRACES = "{{"


class MissingVariable(ScoregateError):
    """An item, or what the candidate answered, lacks what a variable of the template asks for."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in the template: the path it names, and its line."""

    path: str
    line: int

    @property
    def root(self) -> str:
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with its variables. Made by `read_template`."""

    text: str
    variables: tuple[Variable, ...]
    """In the order of their first appearance, each path once."""
    where: str
    """Name of the file, for messages."""
    answers: tuple[str, ...] = _OUTPUT
    """Names of the answers that are put in."""

    def check(self, items: Sequence[DatasetItem]) -> None:
        """Refuse a dataset of which an item lacks a variable. Raises ConfigError. Outputs are not there yet."""
        for variable in self.variables:
            if variable.root in self.answers:
                continue
            lacking = [(item.id, problem) for item in items if (problem := _problem(item, variable.path))]
            if lacking:
                first, problem = lacking[0]
                of_all = f"{len(lacking):,} of {len(items):,} items, the first is '{first}'"
                raise ConfigError(
                    f"{{{{{variable.path}}}}} is missing in {of_all}: {problem}",
                    where=f"{self.where}:{variable.line}",
                    hint="mend the dataset, or take the variable out of the prompt",
                )

    def compile(self, item: DatasetItem, answers: Mapping[str, JSON]) -> str:
        """The prompt about answers to an item, such as `{"output": …}`. Raises MissingVariable."""
        values: dict[str, str] = {}
        for variable in self.variables:
            here = variable.root in self.answers
            problem = _problem_in(answers, variable.path) if here else _problem(item, variable.path)
            if problem:
                raise MissingVariable(
                    f"{{{{{variable.path}}}}} is missing: {problem}", where=f"{self.where}:{variable.line}"
                )
            values[variable.path] = _as_text(look_up(dict(answers) if here else item, variable.path))
        return _VARIABLE.sub(lambda match: values[match[1].strip()], self.text)


def read_template(
    path: Path, *, shown: str | None = None, named_at: str | None = None, answers: tuple[str, ...] = _OUTPUT
) -> Template:
    """Read and check a prompt file. Raises ConfigError with file and line.

    `shown` is the file's name in messages, `named_at` the place that names the file, for one that is not there.
    `answers` are the names of what is judged, each of which the prompt must use.
    """
    name = shown or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"the prompt {name} cannot be read: {(error.strerror or 'unknown reason').lower()}",
            where=named_at,
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"the prompt {name} is not UTF-8", where=named_at) from None
    except ValueError:  # a NUL in the path
        raise ConfigError(f"the prompt {name!r} is no path of a file", where=named_at) from None
    template = parse_template(text, where=name, answers=answers)
    used = {variable.root for variable in template.variables}
    for answer in answers:
        if answer not in used:
            unused = f"{{{{{answer}}}}}"
            raise ConfigError(
                f"the prompt does not use {unused}, so the judge would not see what it judges", where=name
            )
    return template


def parse_template(text: str, *, where: str, answers: tuple[str, ...] = _OUTPUT) -> Template:
    """The template of a text. Raises ConfigError for braces that hold no variable and for an unknown name."""
    variables: dict[str, Variable] = {}
    known = (*answers, *_OF_ITEM)
    end = 0
    for match in _VARIABLE.finditer(text):
        _no_braces(text, end, match.start(), where)
        end = match.end()
        variable = Variable(match[1].strip(), _line(text, match.start()))
        if variable.root not in known:
            hint = did_you_mean(variable.root, known) if variable.root else f"known: {', '.join(known)}"
            raise ConfigError(
                f"{match[0]} is no variable of a judge's prompt",
                where=f"{where}:{variable.line}",
                hint=hint,
            )
        if not all(path_parts(variable.path)):
            raise ConfigError(f"{match[0]} is no path", where=f"{where}:{variable.line}")
        variables.setdefault(variable.path, variable)
    _no_braces(text, end, len(text), where)
    return Template(text, tuple(variables.values()), where, answers)


def _no_braces(text: str, start: int, end: int, where: str) -> None:
    found = text.find(_BRACES, start, end)
    if found >= 0:
        raise ConfigError(
            "{{ begins a variable that does not end",
            where=f"{where}:{_line(text, found)}",
            hint="write {{input}}, and single braces, or { {, for a brace that is meant",
        )


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _problem(item: DatasetItem, path: str) -> str | None:
    """What the item lacks. A whole input or expected output that is null is not there."""
    if path in ("input", "expected_output") and item[path] is None:
        return f"the item has no {path}"
    return _problem_in(item, path)


def _problem_in(value: Mapping[str, JSON] | DatasetItem, path: str) -> str | None:
    try:
        look_up(value, path)
    except PathError as error:
        return str(error)
    return None


def _as_text(value: JSON) -> str:
    """A text as it is, anything else as JSON; half a surrogate pair, which no request can carry, spelled out."""
    text = value if isinstance(value, str) else json_codec.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
