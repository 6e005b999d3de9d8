"""The judge's key taken out of whatever an endpoint sends: it may repeat the key, in a reply or in what is wrong."""

from __future__ import annotations

import re

_SHORTEST = 8
"""Characters. What is shorter stands for a key where none is needed, and may be a word of any reply."""
_IN_ITS_PLACE = "***"


class HiddenKey:
    """A key of printable ASCII that is never shown: as it is, or as JSON may spell it, also in a JSON text in JSON."""

    def __init__(self, key: str) -> None:
        # No more than a few backslashes before it, or a long row of them would be gone through again from each of them.
        spelled = r"\\{0,7}" + r"\\*".join(rf"(?:{re.escape(char)}|\\u(?i:{ord(char):04x}))" for char in key)
        self._spelled = re.compile(spelled) if len(key) >= _SHORTEST else None

    def out_of(self, text: str) -> str:
        return text if self._spelled is None else self._spelled.sub(_IN_ITS_PLACE, text)

    def out_of_body(self, body: bytes) -> bytes:
        # The key is ASCII, so the other characters may be taken for any.
        return body if self._spelled is None else self.out_of(body.decode("latin-1")).encode("latin-1")
