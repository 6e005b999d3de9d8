"""Signs as people and models set them, made plain: quotes, dashes, and what takes no room."""

from __future__ import annotations

import re
import unicodedata
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
_BLANK = re.compile("[\u115f\u1160\u180e\u200b\u2060\u2800\u3164\ufeff\uffa0]")
"""What is set between words, or within one, and shows nothing."""


def plain_signs(text: str) -> str:
    """The text with plain quotes, dashes and slashes, without what has no width."""
    return text if text.isascii() and "`" not in text else text.translate(_table())


def plain_letters(text: str) -> str:
    """The text with plain signs, spaces and letters in their plain form (`ﬁ`, full width), for a pattern to search.

    Digits stay as they are: a raised one is a footnote or a power, and no part of the number before it.
    """
    if text.isascii():
        return plain_signs(text)
    made = "".join(unicodedata.normalize("NFKC", one) if _has_plain_form(one) else one for one in text)
    return plain_signs(unicodedata.normalize("NFC", made))


def _has_plain_form(sign: str) -> bool:
    return not sign.isascii() and (sign.isalpha() or sign.isspace() or "\uff01" <= sign <= "\uffee")


def with_blanks(text: str) -> str:
    """The text with a space where a sign without width or ink may have been set for one."""
    return text if text.isascii() else _BLANK.sub(" ", text)


@cache
def _table() -> dict[int, str]:
    table = {ord(sign): plain for plain, signs in PLAIN.items() for sign in signs}
    tags = range(0xE0000, 0xE0080)  # invisible letters, with which a word can be broken or a text be hidden
    return table | dict.fromkeys((*map(ord, WITHOUT_WIDTH), *tags), "")
