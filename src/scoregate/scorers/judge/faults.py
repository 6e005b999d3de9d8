"""What can be wrong with a judge's reply: each fault has a name, and the result of reading carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from scoregate.scorers.outcome import shortened

_LONGEST_ERROR = 500


class Fault(StrEnum):
    """The names of the faults, for counts and for deciding what a repair can help."""

    EMPTY_REPLY = "empty_reply"
    REFUSAL = "refusal"
    CUT_OFF = "cut_off"
    """The model met its limit of tokens, or the JSON ends before it is complete."""
    CONTENT_FILTER = "content_filter"
    TOOL_CALL = "tool_call"
    NOT_A_COMPLETION = "not_a_completion"
    """What came back is no chat completion: an HTML page, an error body, other JSON."""
    NO_CHOICES = "no_choices"
    NOT_JSON = "not_json"
    EXTRA_TEXT = "extra_text"
    FENCED = "fenced"
    """Of a valid reply: one object in a code fence and nothing else, which the judge allows. EXTRA_TEXT elsewhere."""
    DUPLICATE_KEY = "duplicate_key"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_KEY = "unknown_key"
    MISSING_REASONING = "missing_reasoning"
    EMPTY_REASONING = "empty_reasoning"
    REASONING_NOT_TEXT = "reasoning_not_text"
    REASONING_NOT_STORABLE = "reasoning_not_storable"
    """The reasoning holds half a surrogate pair, which no file and no service takes."""
    MISSING_SCORE = "missing_score"
    TEXT_FOR_NUMBER = "text_for_number"
    BOOLEAN_FOR_NUMBER = "boolean_for_number"
    SCORE_NOT_FINITE = "score_not_finite"
    """NaN, Infinity, or a number too large for a float."""
    SCORE_TOO_LARGE = "score_too_large"
    """A number beyond what can be averaged and stored, where the score's range does not exclude it."""
    SCORE_OUT_OF_RANGE = "score_out_of_range"
    SCORE_WRONG_TYPE = "score_wrong_type"
    UNKNOWN_CATEGORY = "unknown_category"
    UNUSABLE_SCHEMA = "unusable_schema"
    """The mistake is the caller's: what was given as schema is none of a score."""
    UNREADABLE = "unreadable"
    """An object whose own methods failed while it was looked at."""


@dataclass(frozen=True, slots=True)
class ReplyData:
    """What a valid reply says. The score is a number, a boolean or a category, as the schema has it."""

    score: int | float | bool | str
    reasoning: str


@dataclass(frozen=True, slots=True)
class ValidReply:
    """A reply that keeps its schema."""

    data: ReplyData
    success: Literal[True] = True
    error: None = None
    faults: tuple[Fault, ...] = ()
    """FENCED, where that was allowed."""


@dataclass(frozen=True, slots=True)
class InvalidReply:
    """A reply that does not. `error` says everything that is wrong, in words that can be sent back to the model."""

    error: str
    faults: tuple[Fault, ...]
    success: Literal[False] = False
    data: None = None

    @classmethod
    def of(cls, *problems: ReplyProblem) -> Self:
        """All problems in one; the error is one line of at most 500 characters that can be stored."""
        text = " ".join("; ".join(problem.message for problem in problems).split())
        faults = tuple(dict.fromkeys(problem.fault for problem in problems))
        return cls(error=shortened(text, _LONGEST_ERROR), faults=faults)


class ReplyProblem(ValueError):
    """One fault of a reply and the sentence about it. Raised and caught inside this package."""

    def __init__(self, fault: Fault, message: str) -> None:
        self.fault = fault
        self.message = message
        super().__init__(message)
