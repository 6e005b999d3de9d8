"""Which runs may become a baseline, and what is written down when one does."""

from dataclasses import replace

from scoregate import Gate, Rule, compare
from scoregate.gates.acceptance import flattered, locked, lowered, objections, same_scores
from scoregate.gates.compare import compare_with_both
from scoregate.records import Run, RunItem, Score
from scoregate.records.absent import NOT_GIVEN
from scoregate.records.run_facts import Acceptance
from tests.gates.runs import RunMaker, passing

GATE = Gate(name="g", rules={"correct": Rule()})


def finished(make: RunMaker, **changes: object) -> Run:
    run = make("a", correct=passing(20))
    whole = {"finished_at": "2026-11-01T00:00:00Z", **changes}
    return replace(run, header=replace(run.header, **whole))  # type: ignore[arg-type]


def test_a_whole_clean_run_has_nothing_against_it(make: RunMaker) -> None:
    assert objections(finished(make), GATE) == ()


def test_a_partial_run_is_objected_to(make: RunMaker) -> None:
    (why,) = objections(finished(make, metadata={"selection": "the first 20"}), GATE)
    assert why == "it ran only a part of the dataset (the first 20)"


def test_so_is_an_incomplete_one(make: RunMaker) -> None:
    assert objections(finished(make, expected_items=25), GATE) == ("it is incomplete (20 of 25 run items)",)


def test_and_one_without_a_gated_score(make: RunMaker) -> None:
    gate = Gate(name="g", rules={"correct": Rule(), "polite": Rule(), "scored": Rule()})
    assert objections(finished(make), gate) == ("it has no score polite, which the gate decides on",)


def test_and_one_of_another_dataset(make: RunMaker) -> None:
    (why,) = objections(finished(make, dataset_fingerprint="1"), GATE, "2")
    assert why.startswith("it ran on another dataset")


def test_and_one_from_a_dirty_tree(make: RunMaker) -> None:
    (why,) = objections(finished(make, metadata={"dirty": True}), GATE)
    assert "uncommitted changes" in why


def test_and_one_with_failed_items(make: RunMaker) -> None:
    run = finished(make)
    failed = replace(run, items=(RunItem("q000", 0, "error", "boom"), *run.items[1:]))
    assert objections(failed, GATE) == ("1 of its run items failed (first: q000)",)


def test_and_one_that_lacks_a_gated_score(make: RunMaker) -> None:
    run = finished(make)
    lacking = replace(run, scores=(Score("q000", 0, "correct", None, "error", "boom"), *run.scores[1:]))
    assert objections(lacking, GATE) == ("1 of its items lack a gated score (first: q000)",)


def test_a_score_of_which_some_items_say_nothing_may_apply_to_some_only(make: RunMaker) -> None:
    silent = {f"q{n:03}" for n in range(12)}
    run = finished(make)
    partly = replace(
        run,
        scores=tuple(
            replace(score, value=None, status="error", comment=NOT_GIVEN) if score.item in silent else score
            for score in run.scores
        ),
    )
    (why,) = objections(partly, GATE)
    assert why.startswith(
        "12 of its items lack a gated score (first: q000); 'correct' has a value in 8 and none in 12"
    )
    assert 'absent = "not_applicable" in [scores.correct]' in why


def test_a_score_that_no_item_has_is_said_to_be_made_by_nobody(make: RunMaker) -> None:
    run = finished(make)
    scores = tuple(replace(s, value=None, status="error", comment=NOT_GIVEN) for s in run.scores)
    (why,) = objections(replace(run, scores=scores), GATE)
    assert why.endswith("; no scorer gave 'correct' for any item")


def test_the_lock_says_who_when_why_and_what_was_overruled(make: RunMaker) -> None:
    acceptance = Acceptance("Ada", "2026-11-02T00:00:00Z", "first version", ("it never finished",))
    header = locked(finished(make, metadata={"gate": "g"}), acceptance).header
    assert header.metadata == {
        "gate": "g",
        "accepted": {
            "who": "Ada",
            "when": "2026-11-02T00:00:00Z",
            "why": "first version",
            "forced": ["it never finished"],
        },
    }


def test_what_a_new_baseline_would_lower(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100), cost_usd=dict.fromkeys(passing(100), 1.0)),
        make("b", correct=passing(100, 3), cost_usd=dict.fromkeys(passing(100), 2.0)),
        {"correct": Rule(), "cost_usd": Rule()},
    )
    assert lowered(verdict) == ("correct", "cost_usd")
    assert lowered(compare(make("b", c=passing(100, 3)), make("a", c=passing(100)), {"c": Rule()})) == ()


def test_a_baseline_chosen_among_several_says_how_many(make: RunMaker) -> None:
    acceptance = Acceptance("Ada", "2026-11-02T00:00:00Z", "why", best_of=3)
    assert locked(finished(make), acceptance).header.metadata["accepted"]["best_of"] == 3


def test_a_run_flatters_where_it_is_better_than_an_earlier_equal_one(make: RunMaker) -> None:
    first, better = make("a", correct=passing(100, 2)), make("b", correct=passing(100))
    assert flattered(better, first, GATE) == ("correct (1 against 0.98)",)
    assert flattered(first, better, GATE) == ()
    assert flattered(make("c", correct=passing(100, 2)), first, GATE) == ()


def test_the_same_scores_decide_alike(make: RunMaker) -> None:
    run = finished(make)
    assert same_scores(run, locked(run, Acceptance("Ada", "2026-11-02T00:00:00Z", "why")))
    assert not same_scores(run, replace(run, scores=run.scores[1:]))


def test_what_fell_since_the_anchor_is_not_lowered_by_a_new_baseline(make: RunMaker) -> None:
    gate = replace(GATE, anchor="run:release")
    run, same, anchor = (make(n, correct=passing(200, bad)) for n, bad in (("a", 20), ("b", 20), ("c", 0)))
    verdict = compare_with_both(gate, run, same, anchor, seed=0)
    assert verdict.outcome == "regression"
    assert lowered(verdict) == ()
