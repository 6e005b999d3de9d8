"""What a user said of an answer, in the few bounded values that may become a score.

No free text: what people type into a form belongs where a content policy governs it, not into metadata.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from scoregate.errors import ContractError
from scoregate.records import JSON

FeedbackValue = Literal["positive", "negative"]
FEEDBACK_VALUES: tuple[FeedbackValue, ...] = get_args(FeedbackValue)
USER_FEEDBACK = "user_feedback"
_DEFAULT_TYPE = "user"
_UNKNOWN_VERSION = "unknown"
_INTERACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")
_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackEvent:
    """One press of a button below one answer. Raises ContractError for a value out of its bounds."""

    interaction_id: str
    """The answer, in the product's own ids: up to 128 letters, digits and _ . : / @ + -"""
    value: FeedbackValue
    feedback_type: str = _DEFAULT_TYPE
    """How it was given, such as thumbs or star_rating: up to 40 of a-z, 0-9, _ . -"""
    agent_version: str = _UNKNOWN_VERSION
    """The version of the agent that answered: up to 100 characters, as an interaction id's."""

    def __post_init__(self) -> None:
        if self.value not in FEEDBACK_VALUES:
            raise _out_of_bounds("value", self.value, "positive or negative")
        for name, text, pattern, bounds in (
            (
                "interaction_id",
                self.interaction_id,
                _INTERACTION,
                "up to 128 letters, digits and _ . : / @ + -",
            ),
            ("feedback_type", self.feedback_type, _TYPE, "up to 40 of a-z, 0-9, _ . -, such as thumbs"),
            ("agent_version", self.agent_version, _VERSION, "up to 100 letters, digits and _ . : / @ + -"),
        ):
            if not isinstance(text, str) or not pattern.fullmatch(text):
                raise _out_of_bounds(name, text, bounds)

    def metadata(self) -> dict[str, JSON]:
        """What goes with the score. Always the same keys, so that a second sending leaves nothing of the first."""
        return {
            "interaction_id": self.interaction_id,
            "feedback_type": self.feedback_type,
            "agent_version": self.agent_version,
        }


def _out_of_bounds(name: str, value: object, bounds: str) -> ContractError:
    text = repr(value)
    shown = text if len(text) <= 60 else text[:59] + "…"
    return ContractError(f"{name} {shown} is out of bounds", where=USER_FEEDBACK, hint=f"it takes {bounds}")
