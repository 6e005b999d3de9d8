"""What a calibration is bound to: all that can change a judge's answer, as its hash and a digest of each part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from scoregate.records import JSON

_PART_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """A judge as it is now, or as it was when it was calibrated. Holds digests only, never a prompt."""

    hash: str
    """Hexadecimal digits over all parts: the judge's own, by which runs know it too."""
    parts: Mapping[str, str]
    """Name of a part, such as "prompt" or "model" -> 16 hexadecimal digits over its content."""

    def changed_parts(self, earlier: Identity) -> tuple[str, ...]:
        """Names of the parts that are not what they were, sorted; those that only one of both has among them."""
        names = self.parts.keys() | earlier.parts.keys()
        return tuple(sorted(name for name in names if self.parts.get(name) != earlier.parts.get(name)))


def identity_of(judge: str, parts: Mapping[str, JSON]) -> Identity:
    """The identity of a judge from its hash and its parts: prompt, model, parameters, rubric, each a JSON value.

    The order of the keys of an object is no difference, at any level. Raises ValueError for NaN or infinity and
    TypeError for what is no JSON.
    """
    return Identity(judge, {name: _digest(value) for name, value in sorted(parts.items())})


def _digest(value: JSON) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_PART_DIGITS]
