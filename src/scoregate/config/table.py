"""One table of configuration: each key declared with its kind and its range, then read, each error with its place.

One declaration serves the reader (`ConfigTable`) and the JSON Schema that editors check a file with, so that a key
is known to both or to none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from scoregate.config.toml_lines import KeyPath, TomlFile
from scoregate.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class Text:
    """A string that is not blank."""

    pattern: str | None = None
    """Regular expression of the whole text, where a reader refuses every other one in words of its own."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finite number within bounds."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    zero: bool = True
    """Whether 0 may stand, where a reader refuses it in words of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer:
    """A whole number, written without a decimal point."""

    at_least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A list of strings, none of them blank."""

    may_be_empty: bool = False
    or_text: bool = False
    """One string may stand for the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anything:
    """Any value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of these keys. No other is known, unless `others` says what the rest hold."""

    keys: Mapping[str, Key] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    others: Key | None = None
    """What stands under any other name."""
    names: str | None = None
    """Regular expression of such a name, from its beginning to its end."""
    longest_name: int | None = None
    never: frozenset[str] = frozenset()
    """Names that are refused though `others` are welcome."""
    fewest: int = 0
    """Keys at least."""


Key = Text | Choice | Flag | Number | Integer | Texts | Table | Anything
Keys = Mapping[str, Key]

_Word = TypeVar("_Word", bound=str)
_Kind = TypeVar("_Kind", bound=Key)


@dataclass(frozen=True, slots=True)
class ConfigTable:
    """The keys of one table. The getters return None for an absent key and raise ConfigError for a wrong one."""

    values: Mapping[str, object]
    path: KeyPath
    """Names from the top of the file; empty for the top itself."""
    place: Callable[[KeyPath], str | None]
    """`file:line` of a key, by its full path."""
    keys: Keys | None = None
    """What may stand here, once `declared` said so; the getters then take kinds and ranges from it alone."""

    @classmethod
    def top_of(cls, document: TomlFile) -> ConfigTable:
        return cls(document.data, (), document.place)

    def where(self, key: str | None = None) -> str | None:
        """`file:line` of a key, or of the table itself."""
        return self.place(self.path if key is None else (*self.path, key))

    def error(self, key: str | None, message: str, *, hint: str | None = None) -> ConfigError:
        """The error to raise about a key, or about the table; `message` reads on from its name."""
        table = f"[{'.'.join(self.path)}]" if self.path else ""
        subject = table if key is None else f"'{key}'{f' of {table}' if table else ''}"
        return ConfigError(f"{subject} {message}", where=self.where(key), hint=hint)

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def declared(self, keys: Keys, *, top_level: Collection[str] = ()) -> ConfigTable:
        """The table, to be read by these keys. Every other key is refused, as by `only`."""
        self.only(keys, top_level=top_level)
        return replace(self, keys=keys)

    def only(self, known: Collection[str], *, top_level: Collection[str] = ()) -> None:
        """Refuse every key that is not known. `top_level` are the keys that stand above the first table."""
        for key in self.values:
            if key in known:
                continue
            hint = did_you_mean(key, known)
            if key in top_level:
                hint = f"'{key}' belongs at the top of the file, above the first [table]"
            raise self.error(key, "is not a known key", hint=hint)

    def text(self, key: str) -> str | None:
        """A string that is not empty."""
        self._kind(key, Text, Choice, Texts)
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong_type(key, "text in quotes", value)
        if not value.strip():
            raise self.error(key, "is empty")
        return value

    def file(self, key: str, root: Path) -> str | None:
        """A path, relative to `root` or absolute, as an absolute one. Whether it exists is not checked."""
        value = self.text(key)
        return None if value is None else str(root / value)

    def choice(self, key: str, words: Sequence[_Word]) -> _Word | None:
        """One of `words`."""
        declared = self._kind(key, Choice)
        if declared is not None and declared.words != words:
            raise TypeError(f"'{key}' is read as one of {words} and declared as one of {declared.words}")
        value = self.text(key)
        if value is None:
            return None
        for word in words:
            if word == value:
                return word
        allowed = ", ".join(f'"{word}"' for word in words)
        raise self.error(key, f'is "{value}" but must be one of {allowed}', hint=_nearest(value, words))

    def flag(self, key: str) -> bool | None:
        self._kind(key, Flag)
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong_type(key, "true or false", value)

    def number(
        self,
        key: str,
        *,
        at_least: float | None = None,
        above: float | None = None,
        at_most: float | None = None,
        below: float | None = None,
    ) -> float | None:
        """A finite number within the bounds; true and false are no numbers."""
        bounds = self._kind(key, Number) or Number(
            at_least=at_least, above=above, at_most=at_most, below=below
        )
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong_type(key, "a number", value)
        number = finite_float(value)
        if number is None:
            raise self.error(key, f"is {shown(value)} but must be a finite number")
        held = (
            (bounds.at_least is None or number >= bounds.at_least, f"at least {bounds.at_least}"),
            (bounds.above is None or number > bounds.above, f"greater than {bounds.above}"),
            (bounds.at_most is None or number <= bounds.at_most, f"at most {bounds.at_most}"),
            (bounds.below is None or number < bounds.below, f"less than {bounds.below}"),
        )
        for holds, words in held:
            if not holds:
                raise self.error(key, f"is {shown(value)} but must be {words}")
        return number

    def integer(self, key: str, *, at_least: int | None = None) -> int | None:
        """A whole number, written without a decimal point."""
        declared = self._kind(key, Integer)
        least = at_least if declared is None else declared.at_least
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type(key, "a whole number", value)
        if least is not None and value < least:
            raise self.error(key, f"is {shown(value)} but must be at least {least}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of non-empty strings; empty if the key is absent, never if it is there."""
        self._kind(key, Texts)
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            raise self._wrong_type(key, "a list of texts", value)
        if not value:
            raise self.error(key, "is an empty list", hint="name at least one, or leave the key out")
        texts: list[str] = []
        for entry in value:
            if not isinstance(entry, str) or not entry.strip():
                raise self.error(key, f"holds {shown(entry)} but must be a list of texts, none of them empty")
            texts.append(entry)
        return tuple(texts)

    def table(self, key: str) -> ConfigTable | None:
        self._kind(key, Table)
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self._wrong_type(key, f"a table, [{'.'.join((*self.path, key))}]", value)
        return ConfigTable(value, (*self.path, key), self.place)

    def tables(self) -> dict[str, ConfigTable]:
        """All keys, each of which must be a table."""
        tables = {key: self.table(key) for key in self.values}
        return {key: table for key, table in tables.items() if table is not None}

    def text_values(self) -> dict[str, str]:
        """All keys, each of which must be a string."""
        texts = {key: self.text(key) for key in self.values}
        return {key: text for key, text in texts.items() if text is not None}

    def _kind(self, key: str, *kinds: type[_Kind]) -> _Kind | None:
        """What is declared of the key; None where nothing is. TypeError for what is read otherwise than declared."""
        if self.keys is None:
            return None
        declared = self.keys.get(key)
        if not isinstance(declared, kinds):
            raise TypeError(f"'{key}' is read as a {kinds[0].__name__} and declared as {declared}")
        return declared

    def _wrong_type(self, key: str, wanted: str, value: object) -> ConfigError:
        return self.error(key, f"must be {wanted}, not {shown(value)}")


def finite_float(value: float) -> float | None:
    """The number as a float, or None for NaN, infinity and integers beyond a float's range."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def shown(value: object) -> str:
    """A value as a message shows it: short, on one line, in the words of the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:56]}..."


def _nearest(word: str, known: Sequence[str]) -> str | None:
    hint = did_you_mean(word, known)
    return hint if hint and hint.startswith("did") else None
