"""What a calibration is bound to: everything that can change a judge's answer, as one hash and one for each part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from scoregate.records import JSON

_DIGITS = 32
_PART_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """A judge as it is now, or as it was when it was calibrated. Holds digests only, never a prompt."""

    hash: str
    """32 hexadecimal digits over all parts."""
    parts: Mapping[str, str]
    """Name of a part, such as "prompt" or "model" -> 16 hexadecimal digits over its content."""

    def changed_parts(self, earlier: Identity) -> tuple[str, ...]:
        """Names of the parts that are not what they were, sorted; those that only one of both has among them."""
        names = self.parts.keys() | earlier.parts.keys()
        return tuple(sorted(name for name in names if self.parts.get(name) != earlier.parts.get(name)))


def identity_of(parts: Mapping[str, JSON]) -> Identity:
    """The identity of a judge from its parts: prompt, model, parameters, rubric, schema, each a JSON value.

    The order of the keys of an object is no difference, at any level. Raises ValueError for NaN or infinity and
    TypeError for what is no JSON.
    """
    digests = {name: _digest(value, _PART_DIGITS) for name, value in sorted(parts.items())}
    return Identity(_digest(digests, _DIGITS), digests)


def _digest(value: JSON, digits: int) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:digits]
