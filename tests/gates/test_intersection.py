"""Two states of a dataset: what is compared, what is said of the rest, and that nothing leaves by failing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate import Gate, Rule, compare
from scoregate.catalog import LATENCY
from scoregate.gate_file import Inference
from scoregate.gates.compare import compare_with_both
from scoregate.gates.table import RunTable, table_from_run
from scoregate.records import Run, Score, ScoreValue, Verdict
from tests.gates.runs import Cells, RunMaker, passing

BASELINE = "the dataset changed since the baseline was made: compared on the "
WHOLE = (
    "floors, critical items and missing scores count all {} items of the candidate's dataset, new and changed ones "
    "included; every other number is of the items that were compared"
)


def gate(**rule: object) -> Gate:
    values = {"max_drop": 0.1, **rule}
    return Gate(name="g", rules={"correct": Rule(**values)}, on_dataset_change="intersection")  # type: ignore[arg-type]


def run_of(
    make: RunMaker,
    name: str,
    correct: Cells,
    state: str,
    *,
    contents: Mapping[str, str | None] | None = None,
    **header: object,
) -> Run:
    """A run on a state of the dataset; the content of an item is its id, unless `contents` says otherwise."""
    about = {"dataset_fingerprint": state, **header}
    expected = about.pop("expected", None)
    made = make(name, correct=correct, header=about, expected=expected)  # type: ignore[arg-type]
    known = contents or {}
    return replace(
        made, items=tuple(replace(item, content=known.get(item.item, item.item)) for item in made.items)
    )


def without_digests(run: Run) -> Run:
    return replace(run, items=tuple(replace(item, content=None) for item in run.items))


def rule(verdict: Verdict, score: str = "correct") -> object:
    return next(found for found in verdict.rules if found.score == score and found.slice is None)


def test_the_items_that_are_the_same_are_compared_and_the_difference_is_listed(make: RunMaker) -> None:
    before = run_of(make, "a", passing(240), "1")
    now = {**passing(238), **dict.fromkeys(("new-1", "new-2", "new-3"), True)}
    after = run_of(make, "b", now, "2", contents={"q000": "other", "q007": "another"})
    verdict = compare(before, after, gate())
    assert verdict.outcome == "pass"
    assert verdict.notes[:2] == (
        f"{BASELINE}236 items that are the same in both; "
        "3 new (new-1, new-2, new-3), 2 gone (q238, q239), 2 changed (q000, q007)",
        WHOLE.format(241),
    )
    assert verdict.rules[0].n_items == 236


def test_the_same_runs_give_the_same_bytes_whatever_their_order(make: RunMaker) -> None:
    before = run_of(make, "a", passing(100), "1")
    after = run_of(make, "b", {**passing(99), "new": True}, "2", contents={"q001": "x"})
    turned = replace(after, items=after.items[::-1], scores=after.scores[::-1])
    assert compare(before, after, gate()).to_json() == compare(before, turned, gate()).to_json()


def test_a_drop_on_the_common_items_is_proved_in_spite_of_new_ones_that_pass(make: RunMaker) -> None:
    new = {f"new-{n}": True for n in range(100)}
    after = run_of(make, "b", {**passing(100, failing=30), **new}, "2")
    verdict = compare(run_of(make, "a", passing(100), "1"), after, gate())
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("correct: fell from 100.0 % to 70.0 %")
    assert len(verdict.regressed_items) == 30


def test_a_changed_item_is_not_held_against_the_candidate(make: RunMaker) -> None:
    before = run_of(make, "a", passing(100), "1")
    changed = {f"q{n:03d}": "harder now" for n in range(30)}
    verdict = compare(before, run_of(make, "b", passing(100, failing=30), "2", contents=changed), gate())
    assert verdict.outcome == "pass"
    assert verdict.flips == ()
    assert "30 changed (q000, q001, q002, q003, q004 and 25 more)" in verdict.notes[0]


def test_a_dataset_that_only_grew_is_compared_on_what_was_there(make: RunMaker) -> None:
    before, after = run_of(make, "a", passing(100), "1"), run_of(make, "b", passing(102), "2")
    verdict = compare(before, after, {"correct": Rule(max_drop=0.1)})
    assert verdict.outcome == "pass"
    assert verdict.notes[0] == f"{BASELINE}100 items that are the same in both; 2 new (q100, q101)"
    strict = Gate(name="g", rules={"correct": Rule(max_drop=0.1)}, on_dataset_change="invalid")
    assert compare(before, after, strict).outcome == "invalid"


def test_new_items_do_not_hide_a_drop_on_the_others(make: RunMaker) -> None:
    before = run_of(make, "a", passing(100), "1")
    after = run_of(make, "b", {**passing(200), **dict.fromkeys([f"q{n:03}" for n in range(20)], False)}, "2")
    assert compare(before, after, {"correct": Rule(max_drop=0.1)}).outcome == "regression"


def test_whether_it_only_grew_must_be_known(make: RunMaker) -> None:
    before, after = run_of(make, "a", passing(100), "1"), run_of(make, "b", passing(102), "2")
    assert compare(without_digests(before), after, {"correct": Rule()}).outcome == "invalid"


def test_a_gate_that_does_not_say_so_refuses_and_names_the_key(make: RunMaker) -> None:
    before = run_of(make, "a", passing(100), "1")
    after = run_of(make, "b", passing(100), "2", contents={"q001": "x"})
    verdict = compare(before, after, {"correct": Rule()})
    assert verdict.outcome == "invalid"
    assert verdict.reason == (
        "the dataset 'cases' changed since the baseline was made (1 changed (q001)); run the baseline's version on the "
        'present dataset and accept it, or set on_dataset_change = "intersection" in the gate to compare the 99 items '
        "that did not change"
    )


def test_one_state_of_a_dataset_is_compared_as_ever(make: RunMaker) -> None:
    before, after = run_of(make, "a", passing(100), "1"), run_of(make, "b", passing(99), "1")
    verdict = compare(before, after, gate())
    assert verdict.notes == ()
    assert verdict.rules[0].n_items == 100
    assert verdict.missing_items == ("q099",)


class TestItemsOfTheCandidateAlone:
    """New and changed items have no baseline, and yet nothing of them is lost."""

    def test_a_floor_counts_new_items(self, make: RunMaker) -> None:
        new = {f"new-{n}": False for n in range(40)}
        after = run_of(make, "b", {**passing(100), **new}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate(min=0.9))
        assert verdict.outcome == "regression"
        assert verdict.reason == "correct: 71.4 % is below its minimum of 90.0 %"

    def test_a_floor_is_not_kept_by_items_that_are_gone(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(100, failing=40), "1")
        passed = {item: value for item, value in passing(100, failing=40).items() if value}
        verdict = compare(before, run_of(make, "b", passed, "2"), gate(min=0.9))
        assert verdict.outcome == "pass"
        assert "40 gone (q000, q001, q002, q003, q004 and 35 more)" in verdict.notes[0]

    def test_a_new_item_to_which_the_score_does_not_apply_breaks_no_floor(self, make: RunMaker) -> None:
        after = run_of(make, "b", {**passing(100), "new-1": "n/a", "new-2": "n/a"}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate(min=1.0))
        assert verdict.outcome == "pass"

    def test_a_critical_item_that_is_new_and_fails_leaves_the_rule_open(self, make: RunMaker) -> None:
        after = run_of(make, "b", {**passing(100), "new": False}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate(critical=True))
        assert verdict.outcome == "inconclusive"
        assert verdict.reason == (
            "correct: critical: 1 new or changed item fails, and nothing says whether the baseline's version did: new"
        )

    def test_a_critical_item_that_is_the_same_and_fails_breaks_it(self, make: RunMaker) -> None:
        after = run_of(make, "b", {**passing(100, failing=1), "new": True}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate(critical=True))
        assert verdict.outcome == "regression"

    def test_a_new_item_without_a_score_is_missing(self, make: RunMaker) -> None:
        after = run_of(make, "b", {**passing(100), "new-1": None, "new-2": True}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate())
        assert verdict.missing_items == ("new-1",)
        scored = rule(verdict, "scored")
        assert (scored.n_expected, scored.n_scored, scored.missing) == (102, 101, 1)  # type: ignore[attr-defined]

    def test_too_many_new_items_without_a_score_are_invalid(self, make: RunMaker) -> None:
        new: dict[str, ScoreValue] = {f"new-{n}": None for n in range(20)}
        after = run_of(make, "b", {**passing(100), **new}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate())
        assert verdict.outcome == "invalid"
        assert verdict.reason.startswith(
            "16.7 % of the candidate's values of 'correct' are missing or failed (20"
        )

    def test_missing_items_of_the_intersection_are_not_thinned_out_by_new_ones(self, make: RunMaker) -> None:
        lost: dict[str, ScoreValue] = {f"q{n:03d}": None for n in range(8)}
        after = run_of(make, "b", {**passing(100), **lost, **{f"new-{n}": True for n in range(100)}}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate())
        assert verdict.outcome == "invalid"
        assert verdict.reason.startswith(
            "8.0 % of the candidate's values of 'correct' are missing or failed (8 "
        )

    def test_a_rule_on_scored_counts_new_items(self, make: RunMaker) -> None:
        strict = replace(gate(), rules={**gate().rules, "scored": Rule(min=1.0)})
        after = run_of(make, "b", {**passing(100), "new": None}, "2")
        verdict = compare(run_of(make, "a", passing(100), "1"), after, strict)
        assert verdict.outcome == "regression"
        assert verdict.reason.startswith("scored: 99.0 % is below its minimum of 100.0 %")

    @pytest.mark.parametrize("reducer", [None, "pass@2", "pass^2"])
    def test_reducers_and_trials_are_measured_alike(self, make: RunMaker, reducer: str | None) -> None:
        trials: Cells = {f"q{n:03d}": [True, True] for n in range(60)}
        new: Cells = {f"new-{n}": [False, False] for n in range(20)}
        after = run_of(make, "b", {**trials, **new}, "2")
        verdict = compare(run_of(make, "a", trials, "1"), after, gate(min=0.9, reducer=reducer))
        assert verdict.outcome == "regression"
        assert verdict.reason == "correct: 75.0 % is below its minimum of 90.0 %"


class TestItemsThatAreMissing:
    """Whether an item left the dataset or was lost in the run is for the dataset to say."""

    def table(self, make: RunMaker, lost: int) -> RunTable:
        """A candidate whose run lacks the first items of a dataset of 100, and one that is new."""
        held = dict(list(passing(100).items())[lost:])
        after = run_of(make, "b", held, "2", expected=101)
        dataset = {item: item for item in (*passing(100), "new")}
        return replace(table_from_run(after), dataset=dataset)

    def test_an_item_of_the_dataset_that_the_run_lacks_counts_against_the_candidate(
        self, make: RunMaker
    ) -> None:
        verdict = compare(run_of(make, "a", passing(100), "1"), self.table(make, 3), gate())
        assert f"{BASELINE}100 items that are the same in both; 1 new (new)" in verdict.notes
        assert verdict.missing_items == ("new", "q000", "q001", "q002")
        assert verdict.rules[0].missing == 3
        assert {flip.item for flip in verdict.flips if flip.worse} == {"q000", "q001", "q002"}

    def test_many_of_them_make_the_verdict_invalid(self, make: RunMaker) -> None:
        verdict = compare(run_of(make, "a", passing(100), "1"), self.table(make, 40), gate())
        assert verdict.outcome == "invalid"
        assert "values of 'correct' are missing or failed (41 items of 101" in verdict.reason

    def test_without_the_dataset_gone_and_lost_cannot_be_told_apart(self, make: RunMaker) -> None:
        after = run_of(make, "b", passing(97), "2", expected=99)
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate())
        assert verdict.outcome == "invalid"
        assert (
            "it cannot be told which of q097, q098, q099 left the dataset and which were lost"
            in verdict.reason
        )

    def test_where_none_is_gone_the_missing_ones_are_new_and_count(self, make: RunMaker) -> None:
        after = run_of(make, "b", passing(100), "2", expected=104)
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate(min=0.99))
        assert "4 items without a name that the candidate's run lacks" in verdict.notes[0]
        assert "96.2 %" in verdict.reason
        assert rule(verdict, "scored").missing == 4  # type: ignore[attr-defined]

    def test_an_item_that_crashed_stays_in_the_intersection(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(100), "1")
        whole = run_of(make, "b", {**passing(100), "new": True}, "2")
        crashed = replace(
            whole,
            items=tuple(
                replace(item, status="error", error="boom") if item.item == "q000" else item
                for item in whole.items
            ),
            scores=tuple(score for score in whole.scores if score.item != "q000"),
        )
        verdict = compare(before, crashed, gate())
        assert verdict.missing_items == ("q000",)
        assert verdict.rules[0].n_items == 100


class TestTooLittleInCommon:
    def test_less_than_half_of_the_baseline_is_invalid(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(100), "1")
        changed = {f"q{n:03d}": "x" for n in range(51)}
        verdict = compare(before, run_of(make, "b", passing(100), "2", contents=changed), gate())
        assert verdict.outcome == "invalid"
        assert verdict.reason == (
            "the dataset changed since the baseline was made, and only 49 of the baseline's items (100) are the same "
            "in both, less than half (51 changed (q000, q001, q002, q003, q004 and 46 more)); run the baseline's "
            "version on the present dataset and accept it"
        )
        half = {f"q{n:03d}": "x" for n in range(50)}
        verdict = compare(before, run_of(make, "b", passing(100), "2", contents=half), gate())
        assert verdict.outcome == "pass"

    def test_nothing_in_common_is_invalid(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(100), "1")
        changed = {f"q{n:03d}": "x" for n in range(100)}
        verdict = compare(before, run_of(make, "b", passing(100), "2", contents=changed), gate())
        assert verdict.outcome == "invalid"
        assert "and only 0 of the baseline's items (100) are the same in both" in verdict.reason
        refused = compare(before, run_of(make, "b", passing(100), "2", contents=changed), {"correct": Rule()})
        assert "on_dataset_change" not in refused.reason

    def test_a_baseline_that_lacks_many_of_its_items_is_invalid(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(90), "1", expected=100)
        verdict = compare(before, run_of(make, "b", passing(100), "2"), gate())
        assert verdict.outcome == "invalid"
        assert (
            "the baseline's run lacks 10 items of 100 (max_failed_items = 0.05 allows fewer)"
            in verdict.reason
        )

    def test_one_that_lacks_a_few_is_compared_and_said_to(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(98), "1", expected=100)
        verdict = compare(before, run_of(make, "b", passing(100), "2"), gate())
        assert verdict.outcome == "pass"
        assert verdict.notes[0].endswith(
            "2 new (q098, q099); the baseline's run lacks 2 items of its dataset"
        )


class TestContentThatIsNotKnown:
    def test_a_baseline_without_digests_is_compared_by_id(self, make: RunMaker) -> None:
        before = without_digests(run_of(make, "a", passing(100), "1"))
        verdict = compare(before, run_of(make, "b", {**passing(99), "new": True}, "2"), gate())
        assert verdict.outcome == "pass"
        assert verdict.notes[0] == (
            f"{BASELINE}99 items that are the same in both (by id, as the baseline does not say what its items held); "
            "1 new (new), 1 gone (q099)"
        )

    def test_so_is_a_candidate_without_them(self, make: RunMaker) -> None:
        after = without_digests(run_of(make, "b", passing(99), "2"))
        verdict = compare(run_of(make, "a", passing(100), "1"), after, gate())
        assert "(by id, as the candidate does not say what its items held)" in verdict.notes[0]

    def test_where_some_are_known_those_are_told_apart(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(100), "1", contents=dict.fromkeys(list(passing(40))))
        after = run_of(make, "b", passing(100), "2", contents={"q099": "x"})
        verdict = compare(before, after, gate())
        assert verdict.notes[0] == (
            f"{BASELINE}99 items that are the same in both (40 of them by id, as the baseline does not say what its "
            "items held); 1 changed (q099)"
        )

    def test_nothing_but_another_fingerprint_is_said_to_be_all_that_is_known(self, make: RunMaker) -> None:
        before = without_digests(run_of(make, "a", passing(100), "1"))
        verdict = compare(before, run_of(make, "b", passing(100), "2"), gate())
        assert verdict.notes[0].endswith("; the same ids, and nothing says which of them hold something else")

    def test_another_name_of_the_dataset_is_said(self, make: RunMaker) -> None:
        before = run_of(make, "a", passing(100), "1", dataset="old")
        after = run_of(make, "b", {**passing(100), "new": True}, "2", dataset="young")
        verdict = compare(before, after, gate())
        assert (
            "since the baseline was made ('old' then, 'young' now): compared on the 100" in verdict.notes[0]
        )


def test_a_selection_is_compared_where_it_did_not_change_and_never_passes(make: RunMaker) -> None:
    before = run_of(make, "a", passing(100), "1")
    few = {**dict(list(passing(100).items())[:20]), "new": True}
    about = {"metadata": {"selection": "the first 20"}}
    verdict = compare(before, run_of(make, "b", few, "2", **about), gate())
    assert verdict.outcome == "inconclusive"
    assert verdict.notes[0] == f"{BASELINE}20 items that are the same in both; 1 new (new)"


def test_an_anchor_of_an_earlier_state_is_compared_on_what_it_has_in_common(make: RunMaker) -> None:
    anchored = replace(gate(), anchor="release.jsonl")
    now = {**passing(99, failing=30), "q099": True}
    before, after = run_of(make, "a", now, "2"), run_of(make, "b", now, "2")
    release = run_of(make, "r", {**passing(99), "old": True}, "1")
    verdict = compare_with_both(anchored, before, after, release, seed=0)
    assert verdict.outcome == "regression"
    assert verdict.rules[-1].against == "anchor"
    assert verdict.notes[0] == (
        "the dataset changed since the anchor was made: compared on the 99 items that are the same in both; "
        "1 new (q099), 1 gone (old)"
    )


def test_a_slice_that_only_new_items_have_is_no_mistake_of_the_gate(make: RunMaker) -> None:
    sliced = replace(gate(slices=("tier",)), slices={"tier": "metadata.tier"})
    after = run_of(make, "b", {**passing(100), "new": True}, "2")
    after = replace(
        after,
        items=tuple(replace(i, slices={"tier": "gold"}) if i.item == "new" else i for i in after.items),
    )
    assert compare(run_of(make, "a", passing(100), "1"), after, sliced).outcome == "pass"


def test_measured_quantities_without_ends_are_compared_and_their_ceilings_count_new_items(
    make: RunMaker,
) -> None:
    slow = Gate(
        name="g",
        rules={LATENCY: Rule(max=2.0, max_increase=0.5)},
        on_dataset_change="intersection",
    )

    def timed(name: str, state: str, seconds: Mapping[str, float]) -> Run:
        made = run_of(make, name, dict.fromkeys(seconds, True), state)
        return replace(made, scores=tuple(Score(item, 0, LATENCY, value) for item, value in seconds.items()))

    before = {f"q{n:03d}": 1.0 + n / 1000 for n in range(100)}
    now = {**before, **{f"new-{n:02d}": 30.0 for n in range(30)}}
    verdict = compare(timed("a", "1", before), timed("b", "2", now), slow)
    assert verdict.outcome == "regression"
    assert "is above its maximum of 2" in verdict.reason


outcomes = st.lists(st.sampled_from([True, False, None]), min_size=40, max_size=40)


@settings(max_examples=15, deadline=None)
@given(outcomes, outcomes, st.integers(0, 19), st.integers(0, 30), st.sampled_from(["dataset", "population"]))
def test_the_comparison_is_the_one_of_the_common_items_alone(
    then: list[ScoreValue], now: list[ScoreValue], gone: int, new: int, inference: Inference
) -> None:
    make = RunMaker()
    ids = [f"q{n:03d}" for n in range(40)]
    before, after = dict(zip(ids, then, strict=True)), dict(zip(ids, now, strict=True))
    lenient = replace(gate(), max_failed_items=1.0, inference=inference)
    common = ids[gone:]
    alone = compare(
        run_of(make, "a", {item: before[item] for item in common}, "1"),
        run_of(make, "b", {item: after[item] for item in common}, "1"),
        lenient,
    )
    strangers = dict.fromkeys((f"new-{n}" for n in range(new)), True)
    kept = {item: after[item] for item in common}
    whole = compare(run_of(make, "a", before, "1"), run_of(make, "b", {**kept, **strangers}, "2"), lenient)
    assert rule(whole) == rule(alone)
    assert (whole.outcome, whole.flips, whole.missing_items) == (
        alone.outcome,
        alone.flips,
        alone.missing_items,
    )
