"""What holds for all data: a missing cell never helps, pairing is by item, names and order do not matter."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate import Rule, compare
from scoregate.gates.coding import code_for_pass, code_for_regression
from scoregate.gates.pairing import paired_score, universe
from scoregate.gates.table import table_from_run
from scoregate.records import Run, Verdict
from tests.gates.runs import RunMaker

make = RunMaker()
RULES = {"s": Rule(max_drop=0.1)}
RANK = {"invalid": 0, "regression": 1, "inconclusive": 2, "pass": 3}

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=12, max_size=60)


def runs(pairs: list[tuple[bool, bool]]) -> tuple[Run, Run]:
    baseline = {f"q{i:03d}": before for i, (before, _) in enumerate(pairs)}
    candidate = {f"q{i:03d}": now for i, (_, now) in enumerate(pairs)}
    return make("a", s=baseline), make("b", s=candidate)


def without(run: Run, items: set[str]) -> Run:
    return replace(
        run,
        items=tuple(i for i in run.items if i.item not in items),
        scores=tuple(s for s in run.scores if s.item not in items),
    )


def value(verdict: Verdict) -> float:
    rule = verdict.rules[0]
    assert rule.candidate_value is not None
    return rule.candidate_value


@given(outcomes, st.data())
@settings(max_examples=60, deadline=None)
def test_a_missing_cell_never_helps_the_candidate(
    pairs: list[tuple[bool, bool]], data: st.DataObject
) -> None:
    baseline, candidate = runs(pairs)
    lost = data.draw(st.sets(st.sampled_from([i.item for i in candidate.items]), min_size=1, max_size=8))
    whole = compare(baseline, candidate, RULES)
    gone = compare(baseline, without(candidate, lost), RULES)
    assert value(gone) <= value(whole) + 1e-12
    assert gone.rules[0].missing == len(lost)
    assert RANK[gone.outcome] <= RANK[whole.outcome]


@given(outcomes, st.data())
@settings(max_examples=60, deadline=None)
def test_a_cell_lost_by_the_baseline_never_helps_to_pass(
    pairs: list[tuple[bool, bool]], data: st.DataObject
) -> None:
    baseline, candidate = runs(pairs)
    lost = data.draw(st.sets(st.sampled_from([i.item for i in baseline.items]), min_size=1, max_size=8))
    whole = compare(baseline, candidate, RULES)
    gone = compare(without(baseline, lost), candidate, RULES)
    assert not (gone.outcome == "pass" and whole.outcome != "pass")


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=8, max_size=40),
    st.integers(0, 7),
)
@settings(max_examples=40, deadline=None)
def test_a_missing_number_never_helps_either(pairs: list[tuple[float, float]], position: int) -> None:
    rule = {"s": Rule(max_drop=0.1, direction="higher")}
    baseline = make("a", s={f"q{i:03d}": before for i, (before, _) in enumerate(pairs)})
    candidate = make("b", s={f"q{i:03d}": now for i, (_, now) in enumerate(pairs)})
    whole = compare(baseline, candidate, rule)
    gone = compare(baseline, without(candidate, {f"q{position:03d}"}), rule)
    assert not (gone.outcome == "pass" and whole.outcome != "pass")
    assert gone.rules[0].candidate_value is None or value(gone) <= value(whole) + 1e-12


@given(outcomes, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_pairing_is_by_item_and_not_by_place(pairs: list[tuple[bool, bool]], chance: random.Random) -> None:
    baseline, candidate = runs(pairs)
    mixed = replace(
        candidate,
        items=tuple(chance.sample(candidate.items, len(candidate.items))),
        scores=tuple(chance.sample(candidate.scores, len(candidate.scores))),
    )
    assert compare(baseline, mixed, RULES).to_json() == compare(baseline, candidate, RULES).to_json()


@given(outcomes)
@settings(max_examples=40, deadline=None)
def test_swapping_the_runs_mirrors_the_difference(pairs: list[tuple[bool, bool]]) -> None:
    baseline, candidate = runs(pairs)
    there, back = compare(baseline, candidate, RULES), compare(candidate, baseline, RULES)
    assert there.rules[0].difference == pytest.approx(-(back.rules[0].difference or 0.0))
    assert (there.rules[0].lost, there.rules[0].won) == (back.rules[0].won, back.rules[0].lost)


@given(st.lists(st.tuples(*[st.sampled_from([True, False, None, "n/a"])] * 4), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_every_expected_cell_is_counted_once_and_the_worst_case_is_the_worst(
    rows: list[tuple[bool | str | None, ...]],
) -> None:
    baseline = make("a", s={f"q{i:03d}": list(row[:2]) for i, row in enumerate(rows)})
    candidate = make("b", s={f"q{i:03d}": list(row[2:]) for i, row in enumerate(rows)})
    tables = table_from_run(baseline), table_from_run(candidate)
    pair = paired_score("s", None, universe(*tables), *tables)
    for arm, cells in ((pair.baseline, [r[:2] for r in rows]), (pair.candidate, [r[2:] for r in rows])):
        flat = [cell for row in cells for cell in row]
        assert int(arm.missing.sum()) == sum(cell is None for cell in flat)
        assert int(arm.not_applicable.sum()) == sum(cell == "n/a" for cell in flat)
    seen, feared = code_for_regression(pair), code_for_pass(pair)
    assert np.isfinite(seen.baseline).all()
    assert np.isfinite(seen.candidate).all()
    # What the worst case leaves out never applied before: it could only hide a loss.
    left_out = seen.counted & ~feared.counted
    assert not (feared.counted & ~seen.counted).any()
    assert pair.baseline.not_applicable[left_out].all()
    both = feared.counted
    assert (feared.candidate[both] <= seen.candidate[both]).all()
    assert (feared.baseline[both] >= seen.baseline[both]).all()
