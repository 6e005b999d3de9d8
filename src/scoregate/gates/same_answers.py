"""Equal answers with different scores under what is called the same scorer: proof that the scorer changed.

A scorer that is a function of the answer gives equal answers one score. So where it does not, a drop is no drop of the
agent's. Judges are left out, whose replies vary, and scorers that look at more than the answer, such as its latency.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from scoregate.gate_file import Gate
from scoregate.gates.provenance import how_to_score_alike
from scoregate.gates.sentences import named_ids
from scoregate.own import json_codec
from scoregate.records import JSON, RuleResult, Run, RunHeader, Score, ScoreValue, Verdict
from scoregate.wording import count

_CHANGED = 0.001
"""Share of builds in which a scorer that gives equal answers now this score and now that one may look changed."""
_ROUNDING = 1e-9
"""Of numbers, which another machine may add up in another order."""
_OF_PARTS = "its scorer changed"
_Cell = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Changed:
    """What one score says otherwise of answers that are the same."""

    instead: Mapping[_Cell, ScoreValue]
    """Cell of the candidate -> the score that the baseline's equal answer has."""
    items: tuple[str, ...]
    one_way: bool
    """So many of them in one direction that it is no scorer that varies."""


def with_same_answers(
    gate: Gate, verdict: Verdict, baseline: Run, candidate: Run, again: Callable[[Run], Verdict]
) -> Verdict:
    """The verdict without what a changed scorer says of answers that did not change.

    `again` decides another run in the candidate's place: a drop that is still there where equal answers have equal
    scores is the agent's, and stays a regression.
    """
    if verdict.outcome == "invalid":
        return verdict
    changed = scored_otherwise(gate, baseline, candidate)
    if not changed:
        return verdict
    stands: set[tuple[str, str | None]] = set()
    if any(rule.score in changed and rule.outcome == "regression" for rule in verdict.rules):
        stands = {_place(rule) for rule in again(_as_before(candidate, changed)).rules if _broken(rule)}
    reasons, notes = {}, []
    for score, found in changed.items():
        broken = [rule for rule in verdict.rules if rule.score == score and _broken(rule)]
        told = _told(gate, score, found, baseline.header, candidate.header)
        if any(_place(rule) in stands for rule in broken) or not (broken or found.one_way):
            notes.append(told)
        else:
            reasons[score] = told
    verdict = replace(verdict, notes=(*verdict.notes, *notes))
    if not reasons:
        return verdict
    from scoregate.gates.untrusted_judges import with_uncalibrated  # loads what only judges need

    return with_uncalibrated(verdict, reasons, of_parts=_OF_PARTS)


def scored_otherwise(gate: Gate, baseline: Run, candidate: Run) -> dict[str, _Changed]:
    """The gate's scores that say something else of equal answers, though both runs name the same scorer for them."""
    before, now = baseline.header, candidate.header
    more = {*before.facts.scored_by_more, *now.facts.scored_by_more}
    alike = {
        name
        for name in gate.rules
        if name not in more and name in now.scorers and before.scorers.get(name) == now.scorers[name]
    }
    if not alike:
        return {}
    moved = _moved(alike, baseline, candidate)
    if not moved:
        return {}
    cells: dict[tuple[str, str], list[Score]] = {}
    for score in baseline.scores:
        if (score.score, score.item) in moved and _counts(score):
            cells.setdefault((score.score, score.item), []).append(score)
    answers = _Answers(baseline), _Answers(candidate)
    instead: dict[str, dict[_Cell, ScoreValue]] = {}
    for score in candidate.scores:
        known = cells.get((score.score, score.item), ())
        if not known or not _counts(score):
            continue
        if all(_same(old.value, score.value) for old in known):
            continue
        here = score.item, score.trial
        values = [old.value for old in known if answers[0].equal((old.item, old.trial), answers[1], here)]
        # Where the baseline itself has two scores of one answer, its scorer varies.
        if values and all(_same(value, values[0]) for value in values) and not _same(values[0], score.value):
            instead.setdefault(score.score, {})[score.item, score.trial] = values[0]
    return {
        name: _Changed(found, tuple(sorted({item for item, _ in found})), _one_way(candidate, name, found))
        for name, found in instead.items()
    }


def _moved(alike: Collection[str], baseline: Run, candidate: Run) -> set[tuple[str, str]]:
    """Score and item of every cell that is not the same in both runs: of most runs a few, so that the rest is quick."""
    moved: set[tuple[str, str]] = set()
    for old, new in zip(baseline.scores, candidate.scores, strict=False):
        if old.item != new.item or old.score != new.score or old.trial != new.trial:
            break  # the runs do not hold the same cells
        if old.value != new.value and new.score in alike:
            moved.add((new.score, new.item))
    else:
        if len(baseline.scores) == len(candidate.scores):
            return moved
    before = {(s.score, s.item, s.trial): s.value for s in baseline.scores}
    return {
        (s.score, s.item)
        for s in candidate.scores
        if s.score in alike and before.get((s.score, s.item, s.trial)) != s.value
    }


def _same(one: ScoreValue, other: ScoreValue) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    return one == other


def _counts(score: Score) -> bool:
    return score.status == "ok" and score.source == "code"


class _Answers:
    """The answers of a run, compared as JSON where two scores of them differ."""

    def __init__(self, run: Run) -> None:
        self._items = {(item.item, item.trial): item for item in run.items if item.output is not None}
        self._texts: dict[_Cell, str] = {}

    def equal(self, cell: _Cell, other: _Answers, there: _Cell) -> bool:
        one, two = self._items.get(cell), other._items.get(there)
        if one is None or two is None:
            return False
        if one.content is not None and two.content is not None and one.content != two.content:
            return False  # the case is another one
        return self._text(cell) == other._text(there)

    def _text(self, cell: _Cell) -> str:
        if cell not in self._texts:
            output: JSON = self._items[cell].output
            self._texts[cell] = json_codec.dumps(output, sort_keys=True)
        return self._texts[cell]


def _one_way(candidate: Run, name: str, instead: Mapping[_Cell, ScoreValue]) -> bool:
    """Whether the scores of equal answers moved in one direction by more than chance does (sign test, two-sided)."""
    moved = list(_directions(candidate, name, instead))
    n, fewer = len(moved), min(sum(moved), len(moved) - sum(moved))
    tail = sum(math.comb(n, k) for k in range(fewer + 1)) / 2.0**n if n <= 1000 else 0.0
    return 2.0 * tail <= _CHANGED


def _directions(candidate: Run, name: str, instead: Mapping[_Cell, ScoreValue]) -> Iterator[bool]:
    """Of each cell whether its score is the larger one; texts by their order, which is as good as any."""
    for score in candidate.scores:
        if score.score != name or (score.item, score.trial) not in instead:
            continue
        old, new = instead[score.item, score.trial], score.value
        if isinstance(old, int | float) and isinstance(new, int | float):
            yield new > old
        else:
            yield str(new) > str(old)


def _as_before(candidate: Run, changed: Mapping[str, _Changed]) -> Run:
    """The candidate with equal scores for equal answers."""
    none: Mapping[_Cell, ScoreValue] = {}
    scores = []
    for score in candidate.scores:
        instead = changed[score.score].instead if score.score in changed else none
        cell = (score.item, score.trial)
        scores.append(replace(score, value=instead[cell]) if cell in instead else score)
    return replace(candidate, scores=tuple(scores))


def _broken(rule: RuleResult) -> bool:
    return rule.outcome == "regression"


def _place(rule: RuleResult) -> tuple[str, str | None]:
    return rule.score, rule.slice


def _told(gate: Gate, score: str, found: _Changed, before: RunHeader, now: RunHeader) -> str:
    items = count(len(found.items), "item has", "items have")
    return (
        f"the scorer of {score} is called the same ({now.scorers[score]}) and is not: {items} the same answer as in "
        f"the baseline and another score ({named_ids(found.items)}); give it a version of its own and "
        f"{how_to_score_alike(gate, before, now)}"
    )
