"""Scorers: users' own evaluators and the library of deterministic ones.

An evaluator has the call shape of Langfuse, and may return less:

    def polite(*, output, **kwargs):
        return "please" in output.lower()

`from_function` makes a scorer of it, `build` makes one of a gate's `[scorers.NAME]` table, `measured` one of what
the runner measured, and `score_item` calls any of them.
"""

from scoregate.scorers.evaluators import from_function, scorer
from scoregate.scorers.library import build, measured
from scoregate.scorers.outcome import Scored, normalise, not_applicable
from scoregate.scorers.scorer import Scorer, score_item, score_item_async

__all__ = [
    "Scored",
    "Scorer",
    "build",
    "from_function",
    "measured",
    "normalise",
    "not_applicable",
    "score_item",
    "score_item_async",
    "scorer",
]
