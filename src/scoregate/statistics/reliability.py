"""What repeated trials say of an item: pass@k and pass^k, without bias and only from at least k trials.

pass@k (Chen et al. 2021) is the chance that at least one of k trials passes, pass^k (Yao et al. 2024) that all k pass.
Both are averages over all subsets of k of the item's n trials. A pass rate raised to the power k would be biased, and
fewer than k trials say nothing about k, so they are refused.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoregate.statistics.relabelling import label_patterns

_ReducerName = Literal["pass@", "pass^"]


def pass_at_k(passes: ArrayLike, trials: ArrayLike, k: int) -> NDArray[np.float64]:
    """Chance that at least one of `k` trials passes, an item each: 1 − C(n − c, k) / C(n, k).

    `passes` and `trials` (whole numbers, broadcast together) are c and n. Raises ValueError where n < k, where k < 1
    and where c is not one of 0..n.
    """
    c, n = _counts(passes, trials, k)
    result: NDArray[np.float64] = 1.0 - _share_of_subsets(n - c, n, k)
    return result


def pass_hat_k(passes: ArrayLike, trials: ArrayLike, k: int) -> NDArray[np.float64]:
    """Chance that all of `k` trials pass, an item each: C(c, k) / C(n, k). Arguments and errors as `pass_at_k`."""
    c, n = _counts(passes, trials, k)
    return _share_of_subsets(c, n, k)


def reducer_table(
    passes: NDArray[np.bool_],
    clusters: NDArray[np.intp],
    baseline_trials: int,
    *,
    reducer: _ReducerName,
    k: int,
    members: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """What each cluster adds to the difference of pass@k or pass^k under each relabelling of its runs: (G, P, S).

    `passes` (N, k_b + k_c) booleans, the baseline's trials first; `clusters` (N,) cluster numbers 0..G−1; `members`
    (S, N) says which items count for each of S hypotheses (all items for one, by default). The P patterns are those
    of `label_patterns`; the result is made for `permutation_test_family(tables=...)`. Divided by the number of
    items, the sum over clusters of the last pattern is the observed difference. Raises ValueError as `pass_at_k`.
    """
    candidate = label_patterns(baseline_trials, passes.shape[1] - baseline_trials).T
    values = pass_at_k if reducer == "pass@" else pass_hat_k
    pooled = np.asarray(passes, dtype=bool)
    now = (pooled.astype(np.int32) @ candidate.astype(np.int32)).astype(np.int64)
    before = pooled.sum(axis=1, keepdims=True) - now
    of_candidate = values(
        np.arange(len(candidate) - baseline_trials + 1), len(candidate) - baseline_trials, k
    )
    of_baseline = values(np.arange(baseline_trials + 1), baseline_trials, k)
    differences = of_candidate[now] - of_baseline[before]
    if members is None:
        members = np.ones((1, len(pooled)), dtype=bool)
    table = np.zeros((int(clusters.max(initial=-1)) + 1, candidate.shape[1], len(members)))
    for hypothesis, counted in enumerate(members):
        np.add.at(table[:, :, hypothesis], clusters[counted], differences[counted])
    return table


def _counts(passes: ArrayLike, trials: ArrayLike, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    c, n = np.broadcast_arrays(np.asarray(passes), np.asarray(trials))
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if (n < k).any():
        raise ValueError(f"pass@{k} and pass^{k} need at least {k} trials of every item; one has {n.min()}")
    if ((c < 0) | (c > n) | (c != np.floor(c))).any():
        raise ValueError("passes must be whole numbers between 0 and the number of trials")
    return c.astype(np.int64), n.astype(np.int64)


def _share_of_subsets(size: NDArray[np.int64], n: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """C(size, k) / C(n, k) as a product, which neither overflows nor needs scipy."""
    result = np.ones(size.shape)
    for taken in range(k):
        result *= np.maximum(size - taken, 0) / (n - taken)
    return result
