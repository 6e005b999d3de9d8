"""What may stand in a table of configuration: each key with its kind and its range.

One declaration serves the reader (`ConfigTable`) and the JSON Schema that editors check a file with, so that a key
is known to both or to none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
