"""What people read of a score that does not apply to every cell: paired figures of the items where it does.

The test needs a value in every cell, a neutral one where the score does not apply: in a mean it would count as a pass,
or make a change look smaller than it is. So the decision rests on those cells, and what is told of it leaves them out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scoregate.gate_file import Reducer
from scoregate.gates.coding import CodedScore, code_for_reading
from scoregate.gates.evidence import Evidence
from scoregate.gates.figures import over
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.gates.quantile_evidence import gather_quantile
from scoregate.statistics.reliability import pass_at_k, pass_hat_k


def with_told(evidence: Evidence, everything: Universe) -> Evidence:
    """The evidence with what is told of it, where that differs from what is tested."""
    pair, rule = evidence.pair, evidence.rule
    if not (pair.baseline.not_applicable.any() or pair.candidate.not_applicable.any()):
        return evidence
    if rule.quantile is not None:
        return replace(evidence, told=_quantile(evidence, rule.quantile, everything))
    coded = code_for_reading(pair)
    if rule.reduced is not None:
        coded = _reduced(coded, pair, rule.reduced)
    return replace(evidence, told=over(evidence, coded, everything.clusters))


def _reduced(cells: CodedScore, pair: PairedScore, reducer: Reducer) -> CodedScore:
    """Each item's pass@k or pass^k from the trials that apply; items with fewer than k of them say nothing of k."""
    arms, enough = [], cells.counted
    for arm, values in ((pair.baseline, cells.baseline), (pair.candidate, cells.candidate)):
        applies = ~arm.not_applicable
        trials = applies.sum(axis=1)
        enough = enough & (trials >= reducer.k)
        passes = np.rint(np.where(applies, values - pair.low, 0.0)).sum(axis=1).astype(np.int64)
        of = pass_at_k if reducer.kind == "any" else pass_hat_k
        arms.append(of(passes, np.maximum(trials, reducer.k), reducer.k)[:, None] + pair.low)
    return CodedScore(enough, arms[0], arms[1])


def _quantile(evidence: Evidence, q: float, everything: Universe) -> Evidence | None:
    """A quantile is of single calls, so it is told of the items all of whose calls the score applies to."""
    pair, coded = evidence.pair, evidence.coded
    skipped = np.concatenate([pair.baseline.not_applicable, pair.candidate.not_applicable], axis=1)
    kept = np.asarray(~skipped.any(axis=1))
    if not kept.any():
        return None
    arms = [Arm(arm.values[kept], arm.not_applicable[kept]) for arm in (pair.baseline, pair.candidate)]
    part = gather_quantile(
        evidence.name,
        replace(pair, baseline=arms[0], candidate=arms[1]),
        evidence.contract,
        evidence.rule,
        q,
        replace(everything, clusters=everything.clusters[kept]),
        margin=evidence.margin,
        level=_LEVEL,
    )
    return replace(
        evidence,
        coded=CodedScore(kept, coded.baseline, coded.candidate),
        estimate=part.estimate,
        open_ended_gaps=part.open_ended_gaps,
        clusters=part.clusters,
        before=part.before,
        now=part.now,
    )


_LEVEL = 0.05
"""Of one-sided bounds, which nobody is told here."""
