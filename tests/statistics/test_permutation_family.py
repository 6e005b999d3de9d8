"""Scores × slices in one relabelling: equal to enumeration, to the dense test, and blind to order and names."""

import itertools
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from scoregate.statistics.exact import exact_permutation_test
from scoregate.statistics.permutation import (
    FamilyRuns,
    PermutationTest,
    permutation_test,
    permutation_test_family,
)
from scoregate.statistics.relabelling import label_patterns
from scoregate.statistics.reliability import reducer_table


def make_family(
    seed: int, items: int = 60, trials: int = 2, scores: int = 3, slices: int = 4, turns: int = 1
) -> FamilyRuns:
    """Scores in tenths; `turns` items a conversation, whose slices differ from turn to turn."""
    rng = np.random.default_rng(seed)
    runs = np.round(rng.random((items, 2 * trials, scores)), 1)
    runs[:, trials:, 0] -= 0.2
    topic = rng.integers(slices, size=items)
    return FamilyRuns(
        runs=runs,
        clusters=np.arange(items) // turns,
        members=np.vstack([np.ones(items, dtype=bool), *(topic == t for t in range(slices))]),
        hypotheses=tuple(itertools.product(range(scores), range(slices + 1))),
    )


def decide(family: FamilyRuns, trials: int = 2, alpha: float = 0.01, **options: object) -> PermutationTest:
    return permutation_test_family(family, trials, seed=0, alpha=alpha, **options)  # type: ignore[arg-type]


def dense(family: FamilyRuns) -> np.ndarray:
    """The totals of each cluster run, per hypothesis."""
    totals = np.zeros((family.clusters.max() + 1, family.runs.shape[1], len(family.hypotheses)))
    for column, (score, part) in enumerate(family.hypotheses):
        np.add.at(
            totals[:, :, column], family.clusters, family.runs[:, :, score] * family.members[part][:, None]
        )
    return totals


@pytest.mark.parametrize("turns", [1, 3])
def test_equals_the_dense_test_within_monte_carlo_error(turns: int) -> None:
    family = make_family(1, turns=turns)
    joint = decide(family, relabellings=(9_999,))
    plain = permutation_test(dense(family), 2, seed=7, alpha=1e-9)
    error = 5 * np.sqrt(0.25 / 999)
    assert joint.variances == pytest.approx(plain.variances)
    assert joint.p_values == pytest.approx(plain.p_values, abs=error)
    assert joint.adjusted == pytest.approx(plain.adjusted, abs=error)


@pytest.mark.parametrize("turns", [1, 2])
def test_equals_enumeration_of_all_relabellings(turns: int) -> None:
    family = make_family(3, items=6, trials=1, scores=2, slices=2, turns=turns)
    totals = dense(family)
    differences = totals[:, 1] - totals[:, 0]
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    expected = (signs @ differences <= differences.sum(axis=0) + 1e-9).mean(axis=0)
    drawn = decide(family, trials=1, relabellings=(20_000,))
    assert drawn.p_values == pytest.approx(expected, abs=5 * np.sqrt(0.25 / 20_000))


def test_agrees_with_the_exact_test_in_every_slice() -> None:
    rng = np.random.default_rng(5)
    family = make_family(5, items=120, trials=3, scores=1)
    family = replace(family, runs=(rng.random(family.runs.shape) < 0.8).astype(float))
    drawn = decide(family, trials=3, relabellings=(9_999,))
    for column, (_, part) in enumerate(family.hypotheses):
        counted = family.runs[family.members[part], :, 0].astype(np.int64)
        exact = exact_permutation_test(counted[:, :3], counted[:, 3:]).p_value
        assert drawn.p_values[column] == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 9_999))


@pytest.mark.parametrize("turns", [1, 3])
@pytest.mark.parametrize("binary", [False, True])
def test_order_of_items_scores_slices_and_names_of_clusters_do_not_matter(turns: int, binary: bool) -> None:
    family = make_family(2, turns=turns)
    if binary:
        family = replace(family, runs=(family.runs > 0.3).astype(float))
    rng = np.random.default_rng(11)
    items, scores, slices = rng.permutation(60), rng.permutation(3), rng.permutation(5)
    names = rng.permutation(family.clusters.max() + 1)
    hypotheses = [
        (int(np.flatnonzero(scores == m)[0]), int(np.flatnonzero(slices == s)[0]))
        for m, s in family.hypotheses
    ]
    shuffled = FamilyRuns(
        runs=family.runs[items][:, :, scores],
        clusters=names[family.clusters[items]],
        members=family.members[slices][:, items],
        hypotheses=tuple(reversed(hypotheses)),
    )
    there, here = decide(family), decide(shuffled)
    assert here.variances[::-1].tolist() == there.variances.tolist()
    assert here.p_values[::-1].tolist() == there.p_values.tolist()
    assert here.adjusted[::-1].tolist() == there.adjusted.tolist()


def test_many_crossing_slices_give_what_few_give() -> None:
    few = make_family(12, items=400, slices=3)
    rng = np.random.default_rng(12)
    others = rng.random((30, 400)) < 0.3
    many = replace(
        few,
        members=np.vstack([few.members, others]),
        hypotheses=few.hypotheses + tuple((m, 4 + s) for m in range(3) for s in range(30)),
    )
    there, here = decide(few, relabellings=(4_999,)), decide(many, relabellings=(4_999,))
    plain = permutation_test(dense(many), 2, seed=1, alpha=0.01)  # 9,999 relabellings decide
    assert here.variances == pytest.approx(plain.variances)
    assert here.p_values == pytest.approx(plain.p_values, abs=5 * np.sqrt(0.3 / 999))
    assert here.p_values[: len(few.hypotheses)] == pytest.approx(there.p_values, abs=5 * np.sqrt(0.5 / 4_999))


def test_an_empty_family_has_no_p_values() -> None:
    assert len(decide(replace(make_family(0), hypotheses=())).p_values) == 0


def test_a_drop_in_one_slice_is_found_there() -> None:
    family = make_family(4, items=300, scores=4, slices=6)
    runs = np.random.default_rng(4).random(family.runs.shape)
    runs[family.members[3], 2:, 1] -= 0.4
    test = decide(replace(family, runs=runs))
    found = [family.hypotheses[i] for i in np.flatnonzero(test.adjusted < 0.01)]
    assert (1, 3) in found
    assert {score for score, _ in found} == {1}


def test_clusters_without_variation_change_nothing() -> None:
    family = make_family(6)
    constant = np.repeat(np.random.default_rng(0).random((40, 1, 3)), 4, axis=1)
    more = FamilyRuns(
        runs=np.concatenate([family.runs, constant]),
        clusters=np.arange(100),
        members=np.pad(family.members, ((0, 0), (0, 40)), constant_values=True),
        hypotheses=family.hypotheses,
    )
    there, here = decide(family, relabellings=(1_999,)), decide(more, relabellings=(1_999,))
    assert here.p_values == pytest.approx(there.p_values, abs=5 * np.sqrt(0.5 / 1_999))
    assert here.variances == pytest.approx(there.variances)


@pytest.mark.parametrize("items", [0, 5])
def test_no_variation_is_no_evidence(items: int) -> None:
    family = FamilyRuns(
        np.ones((items, 2, 1)), np.arange(items), np.ones((1, items), dtype=bool), hypotheses=((0, 0),)
    )
    test = decide(family, trials=1)
    assert (test.p_values.tolist(), test.adjusted.tolist()) == ([1.0], [1.0])


def test_rounding_of_sums_is_not_variation() -> None:
    rng = np.random.default_rng(0)
    tenths = (
        rng.integers(0, 11, size=(20, 12)) / 10
    )  # every run of a cluster holds the same values, in other places
    runs = np.stack([tenths, rng.permuted(tenths, axis=1)], axis=2).reshape(240, 2, 1)
    family = FamilyRuns(runs, np.arange(240) // 12, np.ones((1, 240), dtype=bool), hypotheses=((0, 0),))
    test = decide(family, trials=1)
    assert test.variances.tolist() == [0.0]
    assert test.p_values.tolist() == [1.0]


@pytest.mark.parametrize("alpha", [0.0005 * 0.9, 0.0001])
def test_a_small_alpha_is_never_missed_for_lack_of_relabellings(alpha: float) -> None:
    family = make_family(8, items=100, scores=20, slices=10)
    runs = family.runs.copy()
    runs[:, 2:, 0] -= 1.0
    test = decide(replace(family, runs=runs), alpha=alpha)
    assert test.relabellings == 99_999
    assert test.adjusted[0] < alpha


def test_more_ways_to_label_than_can_be_listed_are_drawn_run_by_run() -> None:
    rng = np.random.default_rng(0)
    family = make_family(0, items=30, trials=10, scores=1, slices=1)
    runs = (rng.random((30, 20, 1)) < 0.5).astype(float)
    drawn = decide(replace(family, runs=runs), trials=10, relabellings=(9_999,))
    counted = runs[:, :, 0].astype(np.int64)
    exact = exact_permutation_test(counted[:, :10], counted[:, 10:]).p_value
    assert drawn.p_values[0] == pytest.approx(exact, abs=5 * np.sqrt(0.25 / 9_999))


def test_a_table_of_sums_is_the_linear_hypothesis() -> None:
    family = make_family(9, turns=2)
    patterns = label_patterns(2, 2)
    weights = np.where(patterns, 0.5, -0.5)
    tables = np.einsum("gkh,pk->gph", dense(family), weights)
    test = decide(family, tables=tables)
    half = len(family.hypotheses)
    assert len(test.p_values) == 2 * half
    assert test.variances[half:] == pytest.approx(test.variances[:half])
    assert test.p_values[half:].tolist() == test.p_values[:half].tolist()
    assert test.adjusted[half:].tolist() == test.adjusted[:half].tolist()


def test_pass_hat_k_by_table_equals_enumeration() -> None:
    rng = np.random.default_rng(2)
    passes = rng.random((5, 4)) < 0.6
    table = reducer_table(passes, np.arange(5), 2, reducer="pass^", k=2)
    family = FamilyRuns(np.zeros((5, 4, 0)), np.arange(5), np.ones((1, 5), dtype=bool), hypotheses=())
    sums = [sum(table[g, p, 0] for g, p in enumerate(deal)) for deal in itertools.product(range(6), repeat=5)]
    expected = np.mean(np.array(sums) <= table[:, -1, 0].sum() + 1e-9)
    test = decide(family, relabellings=(19_999,), tables=table)
    assert test.p_values[0] == pytest.approx(expected, abs=5 * np.sqrt(0.25 / 19_999))
    assert test.variances[0] == pytest.approx(np.var(sums))


def test_tables_do_not_depend_on_the_order_of_clusters_or_columns() -> None:
    family = make_family(10)
    tables = np.random.default_rng(1).integers(0, 2, size=(60, 6, 2)).astype(float)
    items = np.random.default_rng(2).permutation(60)
    moved = replace(family, runs=family.runs[items], members=family.members[:, items])
    there = decide(family, tables=tables)
    here = decide(moved, tables=tables[items][:, :, ::-1])
    assert here.p_values[:15].tolist() == there.p_values[:15].tolist()
    assert here.adjusted[15:].tolist() == there.adjusted[:14:-1].tolist()


def test_a_table_for_too_many_labellings_or_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="12870 ways"):
        decide(make_family(0, trials=8), trials=8, tables=np.zeros((60, 12870, 1)))
    with pytest.raises(ValueError, match="shape"):
        decide(make_family(0), tables=np.zeros((60, 5, 1)))


def test_values_that_are_not_finite_are_refused() -> None:
    family = make_family(0)
    family.runs[3, 1, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        decide(family)


def test_false_alarms_of_scores_and_slices_stay_at_their_level() -> None:
    alarms = 0
    for seed in range(200):
        family = make_family(seed, items=40, trials=1, turns=4)
        runs = np.random.default_rng(seed).normal(size=family.runs.shape) ** 3
        test = decide(replace(family, runs=runs), trials=1, relabellings=(199,))
        alarms += bool((test.adjusted <= 0.1).any())
    assert alarms <= 34  # 10 % of 200 is 20; more than 34 has a chance of about 0.1 %


def test_memory_is_at_most_ten_times_the_input() -> None:
    family = make_family(0, items=2_000, trials=5, scores=20, slices=10)
    tracemalloc.start()
    decide(family, trials=5, relabellings=(300,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * family.runs.nbytes
