"""What makes a judge this judge: change any of it, and it is another scorer with another version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoregate.own import json_codec
from scoregate.records import JSON

_PROTOCOL = 1
"""Goes up when the same judge would be asked in other words by another release of this program."""
_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeIdentity:
    """Everything that a judge's scores depend on, besides what is judged. Nothing in it is secret."""

    prompt: str
    """Text of the template, its variables not filled in."""
    model: str
    parameters: Mapping[str, JSON]
    base_url: str
    """Without credentials, query or a slash at the end."""
    schema: Mapping[str, Any]
    """JSON Schema of a reply."""
    rubric: str | None = None
    votes: int = 1
    rule: str | None = None
    """How votes become one score; None for a single vote."""
    after: tuple[str, ...] = ()
    """Scores that must have passed: they choose the answers that are judged."""

    fence: str = "refuse"
    """allow: replies in a code fence are read, which are invalid elsewhere."""

    def as_dict(self) -> dict[str, JSON]:
        """The identity as JSON, with what the hash covers and nothing else."""
        parts: dict[str, JSON] = {
            "protocol": _PROTOCOL,
            "prompt": self.prompt,
            "model": self.model,
            "parameters": _as_numbers(dict(self.parameters)),
            "base_url": self.base_url,
            "schema": dict(self.schema),
            "rubric": self.rubric,
            "votes": self.votes,
            "rule": self.rule,
        }
        # Only where they are given: the judges of runs that were made before keep their version.
        if self.after:
            parts["after"] = sorted(self.after)
        return {**parts, "fence": self.fence} if self.fence != "refuse" else parts

    @property
    def hash(self) -> str:
        """64 hex digits."""
        return digest(self.as_dict())

    @property
    def version(self) -> str:
        """The scorer's version, as runs and lock files keep it: `judge 0123456789ab`."""
        return f"judge {self.hash[:_VERSION_DIGITS]}"


def _as_numbers(value: JSON) -> JSON:
    """The same value with 0 for 0.0: two ways to write one number make no other judge."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _as_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_numbers(inner) for inner in value]
    return value


def digest(value: JSON) -> str:
    """SHA-256 of a JSON value, the same for any order of its keys: 64 hex digits."""
    text = json_codec.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
