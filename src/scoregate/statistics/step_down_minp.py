"""Step-down minP: the smallest of several p-values, against the smallest in each relabelling.

Each relabelling of each hypothesis needs a p-value: its rank among all relabellings of that hypothesis, the observed
labels being one of them, with ties (Westfall and Young 1993, algorithm 2.8). So whatever the statistics are, each
hypothesis costs the others at level p just what it can reach. No rank is below 1 / (B + 1), where a hundred hypotheses
could not be told apart; ranks are therefore taken as normal scores, and of the few most extreme relabellings continued
in a straight line. Observed labels and relabellings are treated alike, which is all that an exact test asks for.

Only the tail that could matter is kept: a few in a hundred relabellings of each hypothesis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.special import special_function

_COUNTED = 10
"""Relabellings that are at least as extreme, for a rank to be taken as it is."""
_LINE = 4
"""The line beyond goes through the relabelling that so many times as many are as extreme as."""


def tail_starts(seen: NDArray[np.float64], share: float, tie: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H,) statistics up to which about `share` of relabellings like `seen` (B, H) lie, and no value shared by more."""
    place = min(len(seen), max(1, int(share * len(seen)))) - 1
    starts = np.partition(seen, place, axis=0)[place]
    crowded = (seen <= starts + tie).sum(axis=0) > 2 * share * len(seen)
    result: NDArray[np.float64] = np.where(crowded, starts - 3 * tie, starts)
    return result


@dataclass(slots=True)
class Tail:
    """The relabellings of each of H hypotheses up to `starts`; smaller is more extreme."""

    starts: NDArray[np.float64]
    """(H,); infinite: all are kept."""
    tie: NDArray[np.float64]
    """(H,) statistics that differ by no more are the same number, but for rounding."""
    drawn: int = 0
    _rows: list[NDArray[np.intp]] = field(default_factory=list)
    _hypotheses: list[NDArray[np.intp]] = field(default_factory=list)
    _values: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, drawn: NDArray[np.float64]) -> None:
        """Keep what belongs to the tails of these relabellings, (count, H)."""
        hypotheses, rows = np.nonzero((drawn <= self.starts + self.tie).T)
        self._rows.append(rows + self.drawn)
        self._hypotheses.append(hypotheses)
        self._values.append(drawn[rows, hypotheses])
        self.drawn += len(drawn)

    def adjusted(
        self, observed: NDArray[np.float64], deviations: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Adjusted p-values (H,), NaN where the observed statistic lies outside of its tail.

        Hypotheses are compared by their p-values over their `weights` (H,).
        """
        log_ndtr = special_function("log_ndtr")
        rows, hypotheses, values = (
            np.concatenate(kept) for kept in (self._rows, self._hypotheses, self._values)
        )
        order = np.argsort(hypotheses, kind="stable")
        rows, values = rows[order], values[order]
        ends = np.searchsorted(hypotheses[order], np.arange(len(observed) + 1))
        scores = []
        for h, value in enumerate(observed):
            all_values = np.append(values[ends[h] : ends[h + 1]], value)
            of_one = _normal_scores(all_values, self.drawn + 1, self.tie[h], deviations[h])
            scores.append(log_ndtr(of_one) - math.log(weights[h]))
        own = np.array([of_one[-1] for of_one in scores])
        inside = observed <= self.starts + self.tie
        result = np.full(len(observed), np.nan)
        # From the least extreme to the most: the reference of each is the worst of itself and all before it.
        worst = np.full(self.drawn, np.inf)
        by_score = np.lexsort((own, ~inside))
        for h in by_score[::-1]:
            part = rows[ends[h] : ends[h + 1]]
            worst[part] = np.minimum(worst[part], scores[h][:-1])
            if inside[h]:
                result[h] = (1 + int((worst <= own[h] + _SAME).sum())) / (self.drawn + 1)
        kept = by_score[: int(inside.sum())]
        result[kept] = np.maximum.accumulate(result[kept])
        return result


_SAME = 1e-9


def _normal_scores(
    values: NDArray[np.float64], total: int, tie: float, deviation: float
) -> NDArray[np.float64]:
    """Normal scores of the ranks of the `values` of one hypothesis, which are the smallest of `total`."""
    ndtri = special_function("ndtri")
    ordered = np.sort(values)
    reaching = np.searchsorted(ordered, values + tie, side="right")
    scores: NDArray[np.float64] = ndtri(np.minimum(reaching / total, 1.0 - 0.5 / total))
    last, other = ordered[min(_COUNTED, len(ordered)) - 1], ordered[min(_COUNTED * _LINE, len(ordered)) - 1]
    beyond = values < last - tie
    if beyond.any():
        places = np.searchsorted(ordered, np.array([last, other]) + tie, side="right") / total
        low, high = ndtri(np.minimum(places, 1.0 - 0.5 / total))
        slope = (high - low) / (other - last) if other - last > tie else 1.0 / deviation
        scores[beyond] = low - slope * (last - values[beyond])
    return scores
