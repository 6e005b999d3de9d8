"""Critical items: those of which a single one that is lost breaks the gate."""

from __future__ import annotations

from collections import Counter

import numpy as np

from scoregate.errors import ConfigError
from scoregate.gates.coding import CodedScore, code_as_not_failing
from scoregate.gates.pairing import PairedScore
from scoregate.statistics.exact import within_item_p


def critical_of(
    pair: PairedScore, coded: CodedScore, alpha: float
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of the items that passed and fail now, and of those of which it cannot be told.

    With one trial of the candidate any item that passed before and fails now counts. With more, an item has to fail
    beyond chance among its own trials, at `alpha` over all items of the score; one that was lost in every trial without
    that is a suspicion. Raises ConfigError for a score that neither passes nor fails.
    """
    if pair.scale != "rate":
        raise ConfigError(
            f"score '{pair.name}' cannot be critical: no value of it passes or fails",
            hint="critical takes boolean and categorical scores; give a numeric one a floor with min or max",
        )
    passes = [np.rint(arm - pair.low).astype(int) for arm in (coded.baseline, coded.candidate)]
    trials = passes[0].shape[1], passes[1].shape[1]
    before, now = (arm.sum(axis=1) for arm in passes)
    lost = coded.counted & (before == trials[0]) & (now == 0)
    if trials[1] == 1:
        return tuple(np.flatnonzero(lost).tolist()), ()
    proved = _beyond_chance(
        {i: (int(before[i]), int(now[i])) for i in np.flatnonzero(coded.counted).tolist()}, trials, alpha
    )
    return tuple(sorted(proved)), tuple(i for i in np.flatnonzero(lost).tolist() if i not in proved)


def critical_in_all_trials(
    pair: PairedScore, broken: tuple[int, ...], alpha: float
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same where one run has more trials than the other: `pair` has all of them, `broken` is of the equal ones.

    An item is proved by all trials together, and at equal positions too unless every trial of both runs says the same:
    else later trials of one run that fail in both would count as a difference. One that all trials speak against and
    the equal ones do not prove is a suspicion.
    """
    coded = code_as_not_failing(pair)
    proved, suspect = critical_of(pair, coded, alpha)
    passes = [np.rint(arm - pair.low) for arm in (coded.baseline, coded.candidate)]
    lost = set(np.flatnonzero(passes[0].all(axis=1) & ~passes[1].any(axis=1)).tolist())
    sure = set(proved) & (set(broken) | lost)
    return tuple(sorted(sure)), tuple(sorted({*proved, *suspect} - sure))


def _beyond_chance(items: dict[int, tuple[int, int]], trials: tuple[int, int], alpha: float) -> set[int]:
    """Items whose loss is proved: Holm's method, where each item costs only what it could have reached.

    `items`: position -> passes before and now. What an item can reach depends on its passes in both runs together.
    """
    reachable = {
        total: sorted(
            within_item_p(total - passed, trials[0], passed, trials[1])
            for passed in range(max(0, total - trials[0]), min(total, trials[1]) + 1)
        )
        for total in {sum(passes) for passes in items.values()}
    }
    worse = sorted(
        (within_item_p(before, trials[0], now, trials[1]), i)
        for i, (before, now) in items.items()
        if now * trials[0] < before * trials[1]
    )
    left = Counter(sum(passes) for passes in items.values())
    proved: set[int] = set()
    for p, i in worse:
        if sum(number * _largest_up_to(p, reachable[total]) for total, number in left.items()) > alpha:
            break
        proved.add(i)
        left[sum(items[i])] -= 1
    return proved


def _largest_up_to(p: float, attainable: list[float]) -> float:
    """P(p-value ≤ p) for an item with these attainable p-values."""
    return max((value for value in attainable if value <= p * (1 + 1e-9)), default=0.0)
