"""What planning takes from stored runs of a judged gate: its noise, its costs, and the margin that will decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.file import calibration_path, write_calibration
from scoregate.gate_file import Gate
from scoregate.judge_trust.calibrations import bound_to
from scoregate.judge_trust.judges import read_judges
from scoregate.planning.basis import Assumption, basis_of
from scoregate.planning.gate_plan import plan_gate
from scoregate.planning.outlook import warning_of
from scoregate.planning.self_test import Wanted, self_test
from scoregate.planning.stored_trials import named_trials, stored_trials
from scoregate.records import Run
from scoregate.sources import open_store
from scoregate.store import Store
from tests.calibration.judged import CORRECT, MADE, boolean
from tests.gates.runs import RunMaker
from tests.judge_trust.judged_gate import LOWEST, TRUTH, judged_gate

Write = Callable[..., Gate]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`judged_gate` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return judged_gate


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def calibrated(gate: Gate) -> Gate:
    """The gate, with a calibration of its judge beside it."""
    bound = bound_to(read_judges(gate)["correct"].identity)
    found = calibrate(boolean(92, 7, 8, 93), CORRECT, judge="correct", identity=bound, made_at=MADE)
    write_calibration(found, calibration_path(Path(), "correct"))
    return gate


def judged(store: Store, run: str, *, trials: int = 1, from_cache: int = 0) -> Run:
    """A stored run of 40 items whose judge was asked for all replies but those from the cache."""
    cells = {f"q{n:03}": [(n + trial) % 4 > 0 for trial in range(trials)] for n in range(40)}
    about = {"candidate": "v1", "started_at": f"2026-01-01T00:00:{run[-2:]}Z", "finished_at": "2026-01-02"}
    made = RunMaker()(run, correct=cells, header={**about, "metadata": {"gate": "agent"}})
    store.import_run(made)
    for trial in range(trials):
        store.judge_usage.add(run, trial, "correct", replies=40, from_cache=from_cache if trial == 0 else 0)
    return made


def origin(gate: Gate, store: Store) -> str | None:
    found = stored_trials(gate, store)
    return None if found is None else found.origin


def test_runs_that_share_replies_of_a_judge_do_not_tell_its_noise(gate: Write, store: Store) -> None:
    read = gate()
    judged(store, "run-01")
    judged(store, "run-02", from_cache=1)
    assert origin(read, store) is None
    basis = basis_of(read, store, items=40)
    assert basis.assumed
    assert basis.notes[0] == (
        "the noise of correct is assumed: runs that share replies of a judge do not tell it, the trials of one run do: "
        "scoregate run gates/agent.toml --trials 5"
    )


def test_runs_whose_replies_are_all_their_own_are_repetitions(gate: Write, store: Store) -> None:
    judged(store, "run-01")
    judged(store, "run-02")
    judged(store, "run-03", from_cache=3)
    assert origin(gate(), store) == (
        "2 runs (run-02, run-01): 2 trials of v1 (left out: 1 other run that may share replies of correct)"
    )


def test_the_trials_of_one_run_share_no_reply(gate: Write, store: Store) -> None:
    read = gate()
    judged(store, "run-01")
    judged(store, "run-02", trials=3, from_cache=40)
    told = origin(read, store)
    assert told is not None
    assert told.startswith("run run-02: 3 trials of v1 (left out: 1 other run")
    notes = basis_of(read, store, items=40).notes
    assert notes[0].startswith("correct: planned with a new reply of the judge on every answer")


def test_runs_of_which_nothing_tells_the_replies_are_not_taken_together(gate: Write, store: Store) -> None:
    made = judged(store, "run-01")
    store.import_run(replace(made, header=replace(made.header, run="from-a-file")))
    assert origin(gate(), store) is None


def test_named_runs_that_may_share_replies_are_taken_and_it_is_said(gate: Write, store: Store) -> None:
    read = gate()
    judged(store, "run-01")
    judged(store, "run-02", from_cache=40)
    told = named_trials(read, ["run:run-01", "run:run-02"], store).origin
    assert told.endswith("which may share replies of correct, so that the noise may be larger than it looks")


def test_without_a_judge_all_runs_of_a_version_are_repetitions(gate: Write, store: Store) -> None:
    judged(store, "run-01")
    judged(store, "run-02", from_cache=40)
    plain = replace(gate(), scorers=())
    assert origin(plain, store) == "2 runs (run-02, run-01): 2 trials of v1"


def test_a_margin_of_the_truth_is_planned_as_it_will_decide(gate: Write) -> None:
    read = calibrated(gate(TRUTH))
    basis = basis_of(read, None, items=400)
    assert basis.noises[0].margin == pytest.approx(0.05 * LOWEST)
    plan = plan_gate(read, basis)
    assert plan.scores[0].margin == pytest.approx(0.05 * LOWEST)
    assert plan.notes[0] == (
        f"the judge 'correct' shows 0.85 of a true drop, at least {LOWEST:.2f}: its margin of 5.0 points of the truth "
        f"is {5 * LOWEST:.1f} points of its own scores"
    )
    as_judged = gate()
    assert plan.inconclusive > plan_gate(as_judged, basis_of(as_judged, None, items=400)).inconclusive


def test_a_wider_margin_of_the_truth_is_told_as_it_is_written(gate: Write) -> None:
    read = calibrated(gate(TRUTH))
    planned = plan_gate(read, basis_of(read, None, items=400))
    wider = next(edit for edit in planned.edits if edit.edit.startswith("max_drop"))
    edited = gate(TRUTH)
    value = float(wider.edit.removeprefix("max_drop = ").partition(" ")[0])
    edited = replace(edited, rules={"correct": replace(edited.rules["correct"], max_drop=value)})
    then = plan_gate(edited, basis_of(edited, None, items=400))
    assert then.inconclusive == pytest.approx(wider.inconclusive)


def test_without_a_calibration_the_margin_stays_and_the_plan_says_so(gate: Write) -> None:
    basis = basis_of(gate(TRUTH), None, items=400)
    assert basis.noises[0].margin == 0.05
    assert basis.notes[0].startswith("the judge 'correct' has no calibration")
    assert basis.notes[0].endswith(
        "until then every build is invalid, and its margin is taken here as it stands"
    )


def test_the_warning_before_a_run_knows_the_margin_of_the_judges_scores(gate: Write) -> None:
    read = calibrated(gate(TRUTH))
    basis = basis_of(read, None, items=100)
    warning = warning_of(read, basis.noises, basis.size, assumed=basis.assumed)
    assert warning is not None
    assert f"its margin is {5 * LOWEST:.1f} points in the judge's scores" in warning


def passes(gate: Gate, store: Store) -> tuple[int, Sequence[str]]:
    tested = self_test(gate, stored_trials(gate, store), Wanted(builds=10, drops=()))
    return tested.outcomes.get("pass", 0), tested.notes


def test_a_selftest_decides_by_the_margin_of_the_judges_scores(gate: Write, store: Store) -> None:
    """No trial differs, so that builds pass or not by their margin alone."""
    cells = {f"q{n:03}": [n % 9 > 0] * 2 for n in range(200)}
    header = {"candidate": "v1", "finished_at": "2026-01-02", "metadata": {"gate": "agent"}}
    store.import_run(RunMaker()("run-01", correct=cells, header=header))
    assert passes(replace_margin(gate(), 0.014), store) == (10, ())
    number, notes = passes(replace_margin(calibrated(gate(TRUTH)), 0.014), store)
    assert number == 0
    assert notes[0].startswith("the judge 'correct' shows 0.85 of a true drop")


def replace_margin(gate: Gate, margin: float) -> Gate:
    return replace(gate, rules={"correct": replace(gate.rules["correct"], max_drop=margin)})


def test_assumed_rates_that_are_asked_for_need_no_note(gate: Write) -> None:
    basis = basis_of(gate(), None, items=40, assumption=Assumption(rate=0.9))
    assert not any("is assumed" in note for note in basis.notes)


def test_a_judge_without_a_price_is_named(gate: Write) -> None:
    prices = basis_of(gate(), None, items=40).prices
    assert prices.unpriced == (
        "no figure here holds what the judge 'correct' costs: add price = { input = …, output = … }, in dollars per "
        "million tokens",
    )
