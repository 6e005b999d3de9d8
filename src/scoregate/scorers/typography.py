"""Signs as people and models set them, made plain: quotes, dashes, and what takes no room."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u2039\u203a\u00b4\u0060\uff07",
        '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u02ba\u301d\u301e\u301f\uff02",
        "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d\u02d7",
        "/": "\u2044\u2215\uff0f",
    }
)
"""Plain sign -> the ones that are written for it."""

WITHOUT_WIDTH = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d"
    "\u206e\u206f\u3164\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e"
    "\ufe0f\ufeff\uffa0"
)
"""Soft hyphens, zero-width spaces and joiners, marks of direction, fillers, and what only chooses a glyph."""


def plain_signs(text: str) -> str:
    """The text with plain quotes, dashes and slashes, without what has no width."""
    return text if text.isascii() and "`" not in text else text.translate(_table())


@cache
def _table() -> dict[int, str]:
    table = {ord(sign): plain for plain, signs in PLAIN.items() for sign in signs}
    tags = range(0xE0000, 0xE0080)  # invisible letters, with which a word can be broken or a text be hidden
    return table | dict.fromkeys((*map(ord, WITHOUT_WIDTH), *tags), "")
