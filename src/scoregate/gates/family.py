"""The family of hypotheses "the candidate is worse", tested together at one familywise level.

A hypothesis is one score on the whole dataset or on one slice of it. Every relabelling of the runs is the same for all
of them, so that their dependence is kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoregate.errors import ConfigError
from scoregate.gate_file import Inference
from scoregate.gates.evidence import Evidence
from scoregate.gates.slices import Slice
from scoregate.statistics.exact import ExactTest, exact_permutation_test, label_variance, step_down
from scoregate.statistics.permutation import (
    MOST_TABLE_PATTERNS,
    FamilyRuns,
    PermutationTest,
    permutation_test_family,
)
from scoregate.statistics.reliability import reducer_table


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One score, on one slice or on everything."""

    evidence: Evidence
    slice: Slice | None = None

    @property
    def members(self) -> NDArray[np.bool_]:
        """(N,): the items that count."""
        counted = self.evidence.coded.counted
        return counted if self.slice is None else counted & self.slice.members


@dataclass(frozen=True, slots=True)
class TestedHypothesis:
    """What the test said."""

    p_value: float
    adjusted_p_value: float
    standard_error: float
    """Of the difference of means under relabelling: the noise of trials and judges, in the score's unit."""
    informative: bool
    """Some cluster's runs differ, so that a regression could show."""
    runs: tuple[int, int]
    """Runs of a cluster in baseline and candidate that were relabelled: the trials, or one an arm for `population`."""


def examine_family(
    family: Sequence[Hypothesis],
    clusters: NDArray[np.intp],
    *,
    alpha: float,
    seed: int,
    inference: Inference = "dataset",
) -> list[TestedHypothesis]:
    """Joint test of all hypotheses, in the order given. `clusters` (N,) numbers each item's cluster.

    Rates on the whole dataset alone, and a single one of some items, are tested exactly and adjusted by the discrete
    step-down. A family with numbers, reducers or slices is relabelled jointly with step-down minP, which gains from
    what they have in common; its rates on the whole dataset still report their exact unadjusted p-value. No adjusted
    p-value is larger than Holm's of the same p-values.

    `inference`: dataset relabels the trials within each item; population flips the sign of each cluster's difference,
    so that a true effect which varies between items counts as noise. With arms of different numbers of trials the two
    means of a cluster are not equally noisy, so that a flip is not exact: there both tests are made, and each p-value,
    adjusted ones too, is the larger of the two.

    Raises ConfigError where a reducer's trials can be labelled in too many ways.
    """
    if not family:
        return []
    result = _examine(family, clusters, alpha=alpha, seed=seed, inference=inference)
    if inference == "dataset" or all(_equal_trials(h.evidence) for h in family):
        return result
    within_items = _examine(family, clusters, alpha=alpha, seed=seed, inference="dataset")
    return [
        replace(
            flipped,
            p_value=max(flipped.p_value, relabelled.p_value),
            adjusted_p_value=max(flipped.adjusted_p_value, relabelled.adjusted_p_value),
        )
        for flipped, relabelled in zip(result, within_items, strict=True)
    ]


def _examine(
    family: Sequence[Hypothesis],
    clusters: NDArray[np.intp],
    *,
    alpha: float,
    seed: int,
    inference: Inference,
) -> list[TestedHypothesis]:
    runs = {
        i: _cluster_runs(h, clusters, inference)
        for i, h in enumerate(family)
        if _whole_numbers(h, inference) and (h.slice is None or len(family) == 1)
    }
    exact = {i: _exact(totals, _baseline_runs(family[i], inference)) for i, totals in runs.items()}
    if len(exact) == len(family):
        p_values = np.array([exact[i].p_value for i in range(len(family))])
        adjusted = step_down(p_values.tolist(), [exact[i].probability_at_most for i in range(len(family))])
        first = _baseline_runs(family[0], inference)
        variances = np.array([label_variance(runs[i][:, :, None], first)[0] for i in range(len(family))])
    else:
        joint = _relabelled(family, clusters, alpha=alpha, seed=seed, inference=inference)
        variances = joint.variances
        p_values = np.array(
            [exact[i].p_value if i in exact else joint.p_values[i] for i in range(len(family))]
        )
        # Both hold the same familywise level, and minP could only lose by the luck of its draws or by their number.
        reach = [_reach(exact.get(i), variances[i]) for i in range(len(family))]
        bound = step_down(p_values.tolist(), reach, weights=_weights(family))
        adjusted = np.maximum(np.minimum(joint.adjusted, bound), p_values)
    return [
        TestedHypothesis(
            float(p_values[i]),
            float(adjusted[i]),
            float(np.sqrt(variances[i])) / max(1, int(h.members.sum()) * _trials_summed(h, inference)),
            bool(variances[i] > 0),
            (1, 1) if inference == "population" else h.evidence.trials,
        )
        for i, h in enumerate(family)
    ]


def _weights(family: Sequence[Hypothesis]) -> NDArray[np.float64]:
    """(H,): a score on the whole dataset has as much of the level as all of its slices together.

    What is worse everywhere shows there first, and a hundred slices must not take the level from it.
    """
    slices = Counter(id(h.evidence) for h in family if h.slice is not None)
    return np.array([max(1, slices[id(h.evidence)]) if h.slice is None else 1 for h in family], dtype=float)


def _reach(exact: ExactTest | None, variance: float) -> Callable[[float], float]:
    """The chance of a p-value up to p: none where nothing varies, and p itself where it is not known exactly."""
    if exact is not None:
        return exact.probability_at_most
    return float if variance > 0 else lambda _: 0.0


def _whole_numbers(hypothesis: Hypothesis, inference: Inference) -> bool:
    """Whether the exact test applies: to rates that are sums over trials."""
    evidence = hypothesis.evidence
    if not evidence.passes_or_fails or evidence.reducer is not None:
        return False
    return inference == "dataset" or _equal_trials(evidence)


def _equal_trials(evidence: Evidence) -> bool:
    return evidence.trials[0] == evidence.trials[1]


def _baseline_runs(hypothesis: Hypothesis, inference: Inference) -> int:
    return 1 if inference == "population" else hypothesis.evidence.trials[0]


def _trials_summed(hypothesis: Hypothesis, inference: Inference) -> int:
    """Trials of an arm that make one run of a cluster."""
    evidence = hypothesis.evidence
    summed = inference == "population" and _equal_trials(evidence) and evidence.reducer is None
    return evidence.trials[0] if summed else 1


def _item_runs(evidence: Evidence, inference: Inference) -> NDArray[np.float64]:
    """Values of each item run, (N, k_b + k_c), the baseline's first; one an arm for `population`."""
    arms = list(evidence.relabelled)
    if inference == "population" and evidence.reducer is not None:
        arms = [evidence.coded.baseline, evidence.coded.candidate]  # already one value an item
    elif inference == "population":
        # Sums stay whole numbers, for which the exact test applies.
        equal = _equal_trials(evidence)
        arms = [(arm.sum if equal else arm.mean)(axis=1, keepdims=True) for arm in arms]
    return np.where(evidence.coded.counted[:, None], np.concatenate(arms, axis=1), 0.0)


def _cluster_runs(
    hypothesis: Hypothesis, clusters: NDArray[np.intp], inference: Inference
) -> NDArray[np.float64]:
    """Totals of each cluster run, (G, k_b + k_c)."""
    pooled = np.where(hypothesis.members[:, None], _item_runs(hypothesis.evidence, inference), 0.0)
    groups = int(clusters.max(initial=-1)) + 1
    if groups == len(clusters) and (clusters == np.arange(groups)).all():
        return pooled
    columns = [np.bincount(clusters, weights=column, minlength=groups) for column in pooled.T]
    return np.asarray(np.stack(columns, axis=1), dtype=float)


def _exact(cluster_runs: NDArray[np.float64], baseline_runs: int) -> ExactTest:
    whole = np.rint(cluster_runs).astype(np.int64)
    return exact_permutation_test(whole[:, :baseline_runs], whole[:, baseline_runs:])


def _relabelled(
    family: Sequence[Hypothesis],
    clusters: NDArray[np.intp],
    *,
    alpha: float,
    seed: int,
    inference: Inference,
) -> PermutationTest:
    """Step-down minP over the family, in its order."""
    linear = [i for i, h in enumerate(family) if h.evidence.reducer is None or inference == "population"]
    reduced = [i for i in range(len(family)) if i not in set(linear)]
    scores: dict[int, tuple[int, Evidence]] = {}
    # By name and value: the labels of two slices can read the same.
    slices: dict[tuple[str, str] | None, tuple[int, NDArray[np.bool_]]] = {
        None: (0, np.ones(len(clusters), dtype=bool))
    }
    pairs = []
    for i in linear:
        hypothesis = family[i]
        score, _ = scores.setdefault(id(hypothesis.evidence), (len(scores), hypothesis.evidence))
        part = hypothesis.slice
        if part is None:
            pairs.append((score, 0))
            continue
        number, _ = slices.setdefault((part.name, part.value), (len(slices), part.members))
        pairs.append((score, number))
    first = _baseline_runs(family[0], inference)
    shape = (len(clusters), 2 if inference == "population" else sum(family[0].evidence.trials))
    runs = [_item_runs(evidence, inference) for _, evidence in scores.values()]
    test = permutation_test_family(
        FamilyRuns(
            runs=np.stack(runs, axis=2) if runs else np.zeros((*shape, 0)),
            clusters=clusters,
            members=np.stack([members for _, members in slices.values()]),
            hypotheses=tuple(pairs),
        ),
        first,
        seed=seed,
        alpha=alpha,
        tables=_tables([family[i] for i in reduced], clusters) if reduced else None,
        weights=_weights(family)[[*linear, *reduced]],
    )
    order = np.argsort([*linear, *reduced])
    return PermutationTest(
        test.p_values[order], test.adjusted[order], test.variances[order], test.relabellings
    )


_MOST_REDUCED = max(k for k in range(1, 20) if math.comb(2 * k, k) <= MOST_TABLE_PATTERNS)
"""Trials of an arm up to which a reducer can be tested, where both arms have as many."""


def too_many_ways(name: str, reducer: str, trials: tuple[int, int]) -> str | None:
    """Why a reducer cannot be tested on so many trials of baseline and candidate, or None."""
    if math.comb(sum(trials), trials[1]) <= MOST_TABLE_PATTERNS:
        return None
    return (
        f"{reducer} of '{name}' can be tested on up to {_MOST_REDUCED} trials in both runs; the baseline has "
        f"{trials[0]}, the candidate {trials[1]}"
    )


def _tables(reduced: Sequence[Hypothesis], clusters: NDArray[np.intp]) -> NDArray[np.float64]:
    """What each cluster adds under each relabelling to hypotheses that are no sums of trials, (G, P, H)."""
    tables = []
    for hypothesis in reduced:
        reducer = hypothesis.evidence.reducer
        assert reducer is not None
        refusal = too_many_ways(hypothesis.evidence.name, str(reducer), hypothesis.evidence.trials)
        if refusal is not None:
            raise ConfigError(
                refusal,
                where=f"[scores.{hypothesis.evidence.name}]",
                hint=f"run at most {_MOST_REDUCED} trials",
            )
        tables.append(
            reducer_table(
                np.rint(np.concatenate(hypothesis.evidence.cells, axis=1) - hypothesis.evidence.pair.low)
                == 1,
                clusters,
                hypothesis.evidence.trials[0],
                reducer="pass@" if reducer.kind == "any" else "pass^",
                k=reducer.k,
                members=hypothesis.members[None, :],
            )
        )
    return np.concatenate(tables, axis=2)
