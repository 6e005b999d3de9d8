"""Secrets kept out of what is shown and stored: keys are replaced in any text that came from elsewhere."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

_SHORTEST = 8
"""Characters. What is shorter stands for a key where none is needed, and may be a word of any text."""
_IN_ITS_PLACE = "***"
_SECRET = re.compile(
    r"(?i)(\A|[_-])(api[_-]?key|secret([_-]?(access[_-]?)?key)?|access[_-]?key|auth(orization)?|token|password|passwd|pat|"
    r"credentials?|cookie|signature)\Z"
)

_NAMES_IN_HTML = {'"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt"}


class HiddenKeys:
    """Keys of printable ASCII that are never shown: as they are, or as others may spell them.

    JSON, also in JSON; addresses (`%2F`), HTML (`&#47;`), base64, also within a longer text, and hexadecimal digits.
    """

    def __init__(self, *keys: str) -> None:
        # The longest first, as one may begin with another.
        longest_first = sorted(set(keys), key=len, reverse=True)
        spelled = [one for key in longest_first if len(key) >= _SHORTEST for one in _spellings(key)]
        self._spelled = re.compile("|".join(spelled)) if spelled else None

    def out_of(self, text: str) -> str:
        return text if self._spelled is None else self._spelled.sub(_IN_ITS_PLACE, text)

    def out_of_body(self, body: bytes) -> bytes:
        # Keys are ASCII, so the other characters may be taken for any.
        return body if self._spelled is None else self.out_of(body.decode("latin-1")).encode("latin-1")


def _spellings(key: str) -> Iterator[str]:
    # No more than a few backslashes before it, or a long row of them would be gone through again from each of them.
    yield r"\\{0,7}" + r"\\*".join(map(_spelled, key))
    yield f"(?i:{key.encode().hex()})"
    # Three characters are four in base64: what stands before the key decides which, and those that hold a part of a
    # neighbour may be any.
    for before in range(3):
        text = base64.b64encode(bytes(before) + key.encode()).decode().rstrip("=")
        whole = text[before + 1 if before else 0 : (before + len(key)) * 8 // 6]
        yield "".join({"+": "(?:[+-]|%2B)", "/": r"(?:\\?/|_|%2F)"}.get(char, char) for char in whole)


def _spelled(char: str) -> str:
    code, name = ord(char), _NAMES_IN_HTML.get(char, "")
    in_html = rf"&(?:#0*{code}|#[xX]0*(?i:{code:x}){name and f'|{name}'});"
    return rf"(?:\\u(?i:{code:04x})|%(?:25)*(?i:{code:02x})|{in_html}|{re.escape(char)})"


def names_a_secret(name: str) -> bool:
    """Whether a variable or a header of this name holds one: `OPENAI_API_KEY`, `X-Auth-Token`, `Authorization`."""
    return _SECRET.search(name) is not None


def without_known_keys(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text without the values of environment variables that by their names hold a secret."""
    values = frozenset(
        value
        for name, value in environ.items()
        if len(value) >= _SHORTEST and value.isascii() and names_a_secret(name)
    )
    return _hidden(values).out_of(text) if values else text


@lru_cache(maxsize=16)
def _hidden(values: Iterable[str]) -> HiddenKeys:
    return HiddenKeys(*values)
