"""The body of a request from a template: `{messages = [{role = "user", content = "{{input.question}}"}]}`.

A text that is one variable and nothing else becomes the value itself, of whatever type; a variable within a text
becomes text, JSON where it is none. The template is data, so that no value of an item can break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scoregate.errors import ConfigError
from scoregate.own import json_codec
from scoregate.paths import look_up
from scoregate.records import JSON, DatasetItem

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_KNOWN = ("id", "input", "metadata", "trial")


def check_body(body: Mapping[str, JSON]) -> None:
    """Raises ConfigError for a variable that no request may hold."""
    for path in _paths(body):
        if path.partition(".")[0] not in _KNOWN:
            raise ConfigError(
                f"the body names '{{{{{path}}}}}'",
                hint="it may name id, input, metadata, trial and paths into them; the expected output stays here",
            )


def request_body(body: Mapping[str, JSON], item: DatasetItem, trial: int) -> bytes:
    """The body for one item, in ASCII. Raises PathError for a variable that the item lacks."""
    fields = {"id": item.id, "input": item.input, "metadata": dict(item.metadata), "trial": trial}
    return json_codec.dumps(_filled(body, fields), allow_nan=False).encode()


def _filled(part: JSON, fields: Mapping[str, JSON]) -> JSON:
    if isinstance(part, str):
        whole = _VARIABLE.fullmatch(part)
        if whole is not None:
            return look_up(fields, whole[1])
        return _VARIABLE.sub(lambda match: _as_text(look_up(fields, match[1])), part)
    if isinstance(part, Mapping):
        return {name: _filled(value, fields) for name, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_filled(value, fields) for value in part]
    return part


def _as_text(value: JSON) -> str:
    return value if isinstance(value, str) else json_codec.dumps(value, ensure_ascii=False)


def _paths(part: JSON) -> Iterator[str]:
    if isinstance(part, str):
        yield from (match[1] for match in _VARIABLE.finditer(part))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _paths(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _paths(value)
