"""What a candidate returned, as JSON: typed objects as the Langfuse SDK writes them, and refused what it cannot write.

The SDK (`langfuse._utils.serializer.EventSerializer`, version 5) puts a placeholder such as "<object>" where it cannot
write, and two answers that differ would be stored alike. So what it has only a placeholder for is refused here, except
where a common text says it all (Decimal, time, timedelta), and what is JSON already stays as it is: an integer beyond
2**53 remains one, which the SDK writes as text.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from types import ModuleType
from typing import Any

from scoregate.records import JSON

_MAX_DEPTH = 200
"""Deepest nesting of an output. Python's own JSON writer gives up at about 1,000 levels, on a cycle as well."""
_MAX_INTEGER_BITS = 14_000
"""Python reads and writes integers of at most 4,300 digits."""
_REMEDY = (
    "return its data: as it fits x.model_dump(), dataclasses.asdict(x), vars(x), x.value, list(x) or str(x)"
)

_DOES = ("__call__", "__get__", "__iter__", "__next__", "__aiter__", "__await__", "__enter__", "__aenter__")
"""Methods of what is more than its attributes: functions, files, connections, streams, tables."""


class NoJson(Exception):
    """`path` grows from the inside out while the error rises: a path is only made when one is needed."""

    def __init__(self, what: str, *, remedy: str = "", of_type: bool = False) -> None:
        self.what = what
        self.remedy = remedy
        self.of_type = of_type
        """No value of this type can be written, so that the other answers will hardly fare better."""
        self.path: list[str] = []
        super().__init__(what)


class JsonForm:
    """Makes one value JSON. `typed` tells whether anything in it was another type than JSON has."""

    __slots__ = ("typed",)

    def __init__(self) -> None:
        self.typed = False

    def of(self, value: Any, depth: int = 0) -> JSON:
        """A JSON value of plain types that shares nothing with the given one. Raises NoJson."""
        kind = type(value)
        if kind is str:
            return _checked_text(value)
        if kind is dict:
            return self._object(value, depth)
        if kind is list:
            return self._list(value, depth)
        if value is None or kind is bool:
            return value
        if kind is int:
            return _checked_integer(value)
        if kind is float:
            return _checked_number(value)
        return self._other(value, depth)

    def _object(self, value: Mapping[Any, Any], depth: int) -> JSON:
        if depth >= _MAX_DEPTH:
            raise _too_deep()
        made: dict[str, JSON] = {}
        for key, member in value.items():
            if type(member) is type(key) is str and member.isascii() and key.isascii() and key not in made:
                made[key] = member  # most members
                continue
            text = key if type(key) is str else self._key(key)
            try:
                _checked_text(text)
                if text in made:
                    raise NoJson(f"two keys that are both written '{text}'")
                made[text] = self.of(member, depth + 1)
            except NoJson as problem:
                problem.path.append(text)
                raise
        return made

    def _list(self, value: Sequence[Any], depth: int) -> JSON:
        if depth >= _MAX_DEPTH:
            raise _too_deep()
        made: list[JSON] = []
        for element in value:
            kind = type(element)
            if kind is str and element.isascii():
                made.append(element)
                continue
            try:
                made.append((self._object if kind is dict else self.of)(element, depth + 1))
            except NoJson as problem:
                problem.path.append(str(len(made)))
                raise
        return made

    def _key(self, key: object) -> str:
        """A key that is no plain text, as the SDK and Python's own JSON write it."""
        self.typed = True
        try:
            plain = self.of(key)
        except NoJson:
            plain = []
        if isinstance(plain, str):
            return plain
        if isinstance(plain, bool) or plain is None:
            return {True: "true", False: "false", None: "null"}[plain]
        if isinstance(plain, (int, float)):
            return repr(plain)
        raise NoJson(f"a key of type {type(key).__name__}", remedy="make it a text", of_type=True)

    def _other(self, value: Any, depth: int) -> JSON:
        """A value of another type than those of JSON: in the order in which the SDK asks."""
        self.typed = True
        if _is_a(value, "pydantic", "SecretStr", "SecretBytes"):
            return "<secret>"
        if isinstance(value, datetime):
            return _datetime_text(value)
        if _is_a(value, "numpy", "generic"):
            return self._plain_of(value, value.item(), depth)
        if _is_array(value):
            return self.of(value.tolist(), depth)
        if isinstance(value, (Exception, KeyboardInterrupt)):
            return _checked_text(f"{type(value).__name__}: {value}")
        if _is_a(value, "enum", "Enum"):
            return self.of(value.value, depth)
        if isinstance(value, bytes):
            return _decoded(value)
        if isinstance(value, (date, time)):
            return value.isoformat()
        if isinstance(value, timedelta) or _is_a(value, "decimal", "Decimal"):
            return str(value)
        if _is_a(value, "uuid", "UUID") or _is_a(value, "pathlib", "PurePath"):
            return _checked_text(str(value))
        if isinstance(value, (str, int, float)):
            return self.of(_without_subclass(value), depth)
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> JSON:
        if depth >= _MAX_DEPTH:
            raise _too_deep()
        if "Streaming" in type(value).__name__:  # LlamaIndex's replies
            return _checked_text(str(value))
        if isinstance(value, (type, ModuleType)):
            raise _unwritable(value)
        if is_dataclass(value):
            return self._object({field.name: getattr(value, field.name) for field in fields(value)}, depth)
        dump = getattr(value, "model_dump", None)
        if callable(dump):
            return self.of(dump(), depth + 1)
        if _is_a(value, "pydantic.v1", "BaseModel"):
            return self.of(value.dict(), depth + 1)
        if isinstance(value, Mapping):
            return self._object(value, depth)
        if isinstance(value, (set, frozenset)):
            # Sorted, for the order of a set changes from process to process.
            return sorted(
                self._list(list(value), depth), key=lambda one: (type(one).__name__, _sort_key(one))
            )
        if isinstance(value, (list, tuple, Sequence)):
            return self._list(value, depth)
        members = _members(value)
        if members is None:
            raise _unwritable(value)
        return self._object(members, depth)

    def _plain_of(self, value: object, plain: object, depth: int) -> JSON:
        if type(plain) is type(value):  # a number that Python has none for, such as a long double
            raise _unwritable(value)
        return self.of(plain, depth)


def _sort_key(value: JSON) -> Any:
    return value if isinstance(value, (str, int, float)) else repr(value)


def _members(value: Any) -> dict[str, Any] | None:
    """The attributes of an object that only holds data; None for what does things, such as a function or a file."""
    if any(name in kind.__dict__ for kind in type(value).__mro__ for name in _DOES):
        return None
    own = getattr(value, "__dict__", None)
    slots: list[str] = []
    for kind in type(value).__mro__:
        names = kind.__dict__.get("__slots__", ())
        slots += [names] if isinstance(names, str) else list(names)
    slots = [name for name in slots if not name.startswith("__")]
    if own is None and not slots:
        return None
    return {**{name: getattr(value, name, None) for name in slots}, **(own or {})}


def _unwritable(value: object) -> NoJson:
    what = value.__name__ if isinstance(value, type) else type(value).__name__
    return NoJson(what, remedy=_REMEDY, of_type=True)


def _is_a(value: object, module: str, *names: str) -> bool:
    """Whether it is of one of these classes. A module that nobody has imported cannot have made it."""
    loaded = sys.modules.get(module)
    kinds = [getattr(loaded, name, None) for name in names] if loaded is not None else []
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def _is_array(value: Any) -> bool:
    """An array or tensor of whatever library."""
    return hasattr(type(value), "dtype") and callable(getattr(value, "tolist", None))


def _without_subclass(value: str | int | float) -> str | int | float:
    """The plain value of a subclass, whatever that calls its text."""
    if isinstance(value, str):
        return str.__str__(value)
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)


def _datetime_text(value: datetime) -> str:
    """As the SDK: a naive time is one of this machine, and UTC is "Z"."""
    aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.now().astimezone().tzinfo)
    text = aware.isoformat()
    assert aware.tzinfo is not None
    return text.replace("+00:00", "Z") if aware.tzinfo.tzname(None) == "UTC" else text


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NoJson(
            "bytes that are no UTF-8", remedy="return base64.b64encode(x).decode() or their path"
        ) from None


def _checked_text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NoJson("text with half of a surrogate pair") from None
    return text


def _checked_integer(value: int) -> int:
    if value.bit_length() > _MAX_INTEGER_BITS:
        raise NoJson("an integer with too many digits")
    return value


def _checked_number(value: float) -> float:
    if not math.isfinite(value):
        raise NoJson(repr(value))
    return value


def _too_deep() -> NoJson:
    return NoJson(f"more than {_MAX_DEPTH} levels")
