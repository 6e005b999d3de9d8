"""Ids in Langfuse that follow from what they stand for, so that whatever is sent twice is there once."""

from __future__ import annotations

import hashlib

_TRACE, _SPAN, _EXPERIMENT, _SCORE = 32, 16, 16, 32
"""Hexadecimal digits of each kind."""


def trace_id(run: str, item: str, trial: int) -> str:
    """The trace of a run item: 32 hexadecimal digits."""
    return _digits(_TRACE, "trace", run, item, trial)


def root_span_id(run: str, item: str, trial: int) -> str:
    """The root observation of a run item's trace, which its scores belong to: 16 hexadecimal digits."""
    return _digits(_SPAN, "root", run, item, trial)


def experiment_id(run: str, trial: int) -> str:
    """The experiment of one trial of a run: 16 hexadecimal digits."""
    return _digits(_EXPERIMENT, "experiment", run, trial)


def experiment_name(run: str, trial: int) -> str:
    """The run's id; of its second trial and later ones with their number, counted from 1."""
    return run if trial == 0 else f"{run} #{trial + 1}"


def score_id(run: str, item: str, trial: int, score: str) -> str:
    """One cell of a run: 32 hexadecimal digits."""
    return _digits(_SCORE, "score", run, item, trial, score)


def run_score_id(run: str, trial: int, name: str) -> str:
    """A score of a whole experiment: 32 hexadecimal digits."""
    return _digits(_SCORE, "run score", run, trial, name)


def judge_span_id(
    run: str, item: str, trial: int, score: str, vote: int, repair: int, started_at: float
) -> str:
    """One call of a judge's model: 16 hexadecimal digits."""
    return _digits(_SPAN, "judge", run, item, trial, score, vote, repair, started_at)


def _digits(length: int, *parts: object) -> str:
    # The separator cannot be in a part's text by accident only: it is no printable character.
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:length]
