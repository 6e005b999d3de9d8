"""What is asked of the candidate alone, where its dataset holds items that the baseline never had.

A comparison needs both runs, so it is made on the items that are the same in both. A floor, a critical item and a
missing score need no baseline: there every item of the candidate counts, or a new one could fail unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from scoregate.gates.evidence import Evidence
from scoregate.gates.intersection import Intersection
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import PairedScore, Universe, paired_score
from scoregate.gates.table import RunTable


@dataclass(frozen=True, slots=True)
class Own:
    """One score of the candidate on all of its items."""

    evidence: Evidence
    undecidable: tuple[str, ...] = ()
    """Critical items, new or changed, that fail in every trial: nothing says whether they failed before."""


@dataclass(frozen=True, slots=True)
class CandidatesOwn:
    """Every score of the candidate on all of its items."""

    everything: Universe
    scores: Mapping[str, Own]

    def of(self, measured: Collection[Evidence]) -> list[Evidence]:
        """The same scores, on all of the candidate's items."""
        return [self.scores[evidence.name].evidence for evidence in measured]


def candidates_own(
    measured: Collection[Evidence],
    common: Intersection,
    baseline: RunTable,
    candidate: RunTable,
    *,
    alpha: float,
    level: float,
) -> CandidatesOwn:
    """Measure these scores again on all of the candidate's items; levels as of `gather`, which this may raise as."""
    everything = common.candidates_own(baseline, candidate)
    scores = {}
    for seen in measured:
        pair = paired_score(seen.name, seen.contract, everything, baseline, candidate, seen.rule.statistic)
        alone = _without_baseline(pair, everything, common.differ)
        evidence = gather(seen.name, alone, seen.contract, seen.rule, everything, alpha=alpha, level=level)
        scores[seen.name] = Own(evidence, _undecidable(evidence, everything, common.differ))
    return CandidatesOwn(everything, scores)


def _without_baseline(pair: PairedScore, everything: Universe, strangers: Collection[str]) -> PairedScore:
    """The pair with nothing in the baseline for these items: the score did not apply to them there."""
    rows = np.array([item in strangers for item in everything.ids], dtype=bool)
    blank = np.concatenate([rows, np.ones(everything.anonymous, dtype=bool)])[:, None]
    before = pair.baseline
    values = np.where(blank, np.nan, before.values)
    return replace(
        pair, baseline=replace(before, values=values, not_applicable=before.not_applicable | blank)
    )


def _undecidable(evidence: Evidence, everything: Universe, strangers: Collection[str]) -> tuple[str, ...]:
    if not evidence.rule.critical:
        return ()
    passes = np.rint(evidence.cells[1] - evidence.pair.low)
    fails = ((passes == 0).all(axis=1) & evidence.coded.counted).tolist()
    return tuple(
        item for item, failing in zip(everything.ids, fails, strict=False) if failing and item in strangers
    )
