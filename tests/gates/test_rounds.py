"""Screen, confirm, repeat: what is asked for next, and what it decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from scoregate import Gate, Rule
from scoregate.gate_file import Rounds
from scoregate.gates.levels import round_shares, rounds_of
from scoregate.gates.rounds import RoundRequest, decide_in_rounds
from scoregate.gates.table import RunTable, table_from_run
from scoregate.records import Run, RunHeader, RunItem, Score, ScoreValue

Answer = Callable[[str, int], ScoreValue]
"""`(item, trial)` to a value; trials are counted over the whole session."""


@dataclass
class Versions:
    """Two versions of an agent that can be run as often as the gate asks."""

    items: Sequence[str]
    baseline: Answer
    candidate: Answer
    most_requests: int = 99
    asked: list[RoundRequest] = field(default_factory=list)
    clusters: dict[str, str] = field(default_factory=dict)
    intents: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: RoundRequest) -> tuple[RunTable, RunTable] | None:
        if len(self.asked) == self.most_requests:
            return None
        first = sum(earlier.trials for earlier in self.asked)
        self.asked.append(request)
        items = self.items if request.items is None else request.items
        return (
            self._run("before", self.baseline, items, first, request.trials),
            self._run("after", self.candidate, items, first, request.trials),
        )

    def _run(self, name: str, answer: Answer, items: Sequence[str], first: int, trials: int) -> RunTable:
        cells = [(item, trial) for item in items for trial in range(trials)]
        run = Run(
            RunHeader(run=name, dataset="cases", candidate=name, expected_items=len(items), trials=trials),
            tuple(
                RunItem(
                    item,
                    trial,
                    "ok",
                    cluster=self.clusters.get(item),
                    slices={"intent": self.intents[item]} if self.intents else {},
                )
                for item, trial in cells
            ),
            tuple(Score(item, trial, "correct", answer(item, first + trial)) for item, trial in cells),
        )
        return table_from_run(run)

    @property
    def rounds(self) -> str:
        return "".join(request.round for request in self.asked)


def items(count: int) -> list[str]:
    return [f"q{i:03d}" for i in range(count)]


def always(_item: str, _trial: int) -> bool:
    return True


def all_but(*broken: str) -> Answer:
    return lambda item, _trial: item not in broken


BROKEN = ("q017", "q018", "q019", "q020", "q021")
GATE = Gate(name="agent", rules={"correct": Rule(max_drop=0.05)})


def test_the_manual() -> None:
    versions = Versions(items(200), always, all_but(*BROKEN))

    verdict = decide_in_rounds(GATE, versions)

    assert verdict.outcome == "regression"
    assert versions.rounds == "AB"
    assert versions.asked[1] == RoundRequest("B", BROKEN, 5)
    assert verdict.reason.startswith(
        "correct: confirmed by fresh trials of 5 items (100.0 % before, 0.0 % now"
    )
    first = verdict.confirmed[0]
    assert (first.item, first.baseline_values, first.candidate_values) == ("q017", (1.0,) * 5, (0.0,) * 5)
    assert [(r.round, r.items, r.trials, r.outcome) for r in verdict.rounds] == [
        ("A", 200, 1, None),
        ("B", 5, 5, "regression"),
    ]


def test_the_same_version_passes_in_one_round() -> None:
    versions = Versions(items(200), always, always)
    verdict = decide_in_rounds(GATE, versions)
    assert (verdict.outcome, versions.rounds) == ("pass", "A")


def test_what_fails_once_by_chance_is_not_confirmed() -> None:
    versions = Versions(
        items(400),
        always,
        lambda item, trial: trial > 0 or item not in items(5),
    )
    verdict = decide_in_rounds(GATE, versions)
    assert (verdict.outcome, versions.rounds) == ("pass", "AB")
    assert verdict.rounds[1].reason == "what looked worse in correct: not confirmed"
    assert not any(item.worse for item in verdict.confirmed)


def test_a_total_loss_needs_no_confirmation() -> None:
    versions = Versions(items(100), always, lambda _item, _trial: False)
    assert (decide_in_rounds(GATE, versions).outcome, versions.rounds) == ("regression", "A")


def test_what_stays_open_is_repeated_up_to_five_trials_and_then_inconclusive() -> None:
    versions = Versions(items(30), always, always)
    verdict = decide_in_rounds(GATE, versions)
    assert (verdict.outcome, versions.rounds) == ("inconclusive", "ACD")
    assert [request.trials for request in versions.asked] == [1, 2, 2]
    assert verdict.rounds[-1].outcome == "inconclusive"


@pytest.mark.parametrize(("lost", "rounds"), [(0, "ACD"), (4, "A"), (8, "ABCD")])
def test_no_round_is_run_that_could_neither_pass_nor_prove_a_drop(lost: int, rounds: str) -> None:
    """Half of all calls fail in both versions, so a drop of a few items is neither ruled out nor seen."""

    def every_other(shift: int) -> Answer:
        return lambda item, trial: (int(item[1:]) + trial + shift) % 2 > 0

    noisy = every_other(1)
    broken = items(lost)
    versions = Versions(
        items(30), every_other(0), lambda item, trial: item not in broken and noisy(item, trial)
    )
    verdict = decide_in_rounds(GATE, versions)
    assert (verdict.outcome, versions.rounds) == ("inconclusive", rounds)
    futile = "no further round: with 5 trials correct could neither pass nor be proved worse"
    assert (futile in verdict.notes) == (rounds == "A")


def test_the_estimate_rests_on_whole_set_trials_alone() -> None:
    """In the fresh trials of the four suspects everything passes, and so do the later rounds."""
    versions = Versions(items(60), always, lambda item, trial: item not in items(4) or trial > 0)
    verdict = decide_in_rounds(GATE, versions)
    assert versions.rounds == "ABCD"
    assert verdict.rules[0].candidate_value == pytest.approx(1 - 4 / (5 * 60))


def test_a_cap_ends_the_session_with_what_the_data_say() -> None:
    versions = Versions(items(30), always, always, most_requests=1)
    verdict = decide_in_rounds(GATE, versions)
    assert verdict.outcome == "inconclusive"
    assert "a cap on calls, cost or time ruled out round C" in verdict.notes[-1]


def test_a_suspicion_that_may_not_be_confirmed_is_no_pass() -> None:
    versions = Versions(items(400), always, all_but(*items(5)), most_requests=1)
    verdict = decide_in_rounds(GATE, versions)
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "correct looks worse (p = 0.031)"


def test_a_cluster_is_run_again_as_a_whole() -> None:
    talks = {item: f"talk-{i // 4}" for i, item in enumerate(items(400))}
    versions = Versions(items(400), always, all_but("q001", "q005", "q009", "q013", "q017"), clusters=talks)
    verdict = decide_in_rounds(GATE, versions)
    assert versions.asked[1].items == tuple(items(20))
    assert verdict.outcome == "regression"


def test_one_lost_trial_of_a_critical_item_is_a_suspicion_where_it_can_be_run_again() -> None:
    gate = replace(GATE, rules={"correct": Rule(max_drop=0.05, critical=True)})
    flaky = Versions(items(200), always, lambda item, trial: not (item == "q007" and trial == 0))
    assert (decide_in_rounds(gate, flaky).outcome, flaky.rounds) == ("pass", "AB")
    broken = Versions(items(200), always, all_but("q007"))
    verdict = decide_in_rounds(gate, broken)
    assert (verdict.outcome, broken.rounds) == ("regression", "AB")
    assert verdict.reason == "correct: 1 critical item fails in fresh trials: q007"


def test_a_critical_item_that_may_not_be_run_again_breaks_the_gate_by_one_trial() -> None:
    gate = replace(GATE, rules={"correct": Rule(max_drop=0.05, critical=True)})
    capped = Versions(items(200), always, all_but("q007"), most_requests=1)
    verdict = decide_in_rounds(gate, capped)
    assert verdict.outcome == "regression"
    assert verdict.reason == "correct: 1 critical item failed, and no fresh trials could be run: q007"


def test_lost_answers_of_the_candidate_are_confirmed_as_failures() -> None:
    versions = Versions(items(200), always, lambda item, _trial: None if item in items(6) else True)
    assert decide_in_rounds(GATE, versions).outcome == "regression"


class TestSlices:
    """A suspicion in one intent is confirmed by the fresh trials of its own items."""

    GATE = replace(GATE, slices={"intent": "metadata.intent"})
    INTENTS: ClassVar = {item: "refund" if i < 40 else f"intent-{i % 5}" for i, item in enumerate(items(400))}

    def test_a_slice_that_is_broken_is_named(self) -> None:
        versions = Versions(
            items(400), all_but(*items(400)[100:110]), all_but(*items(6)), intents=self.INTENTS
        )
        verdict = decide_in_rounds(self.GATE, versions)
        assert verdict.outcome == "regression"
        assert "correct on intent=refund: confirmed by fresh trials of 6 items" in verdict.reason

    def test_a_slice_that_only_looked_worse_passes(self) -> None:
        once = Versions(
            items(400), always, lambda item, trial: trial > 0 or item not in items(7), intents=self.INTENTS
        )
        verdict = decide_in_rounds(self.GATE, once)
        assert (verdict.outcome, once.rounds) == ("pass", "AB")


class TestCriticalItems:
    """Any number of them, among however many flaky ones."""

    GATE = replace(GATE, rules={"correct": Rule(max_drop=0.05, critical=True)})

    @pytest.mark.parametrize("lost", [1, 2, 3, 8, 30])
    def test_more_broken_items_never_break_the_gate_less(self, lost: int) -> None:
        """As many others are mended, so that the mean does not move."""
        broken, mended = items(lost), items(60)[30:]
        versions = Versions(items(1000), all_but(*mended), all_but(*broken))
        verdict = decide_in_rounds(self.GATE, versions)
        assert verdict.outcome == "regression"
        assert "fail" in verdict.reason

    def test_so_many_fresh_trials_are_run_that_each_lost_item_can_be_proved(self) -> None:
        one, many = (Versions(items(1000), always, all_but(*items(lost))) for lost in (1, 6))
        gate = replace(self.GATE, alpha=0.001)
        decide_in_rounds(self.GATE, one)
        decide_in_rounds(gate, many)
        assert one.asked[1].trials == 5
        assert many.asked[1].trials == 8

    def test_where_no_item_is_run_again_the_items_decide_in_every_look(self) -> None:
        gate = replace(self.GATE, rounds=Rounds(suspects=0))
        assert decide_in_rounds(gate, Versions(items(200), always, all_but("q007"))).outcome == "regression"


class TestWhatRoundBDoesNotClear:
    def test_an_outage_clears_nothing(self) -> None:
        def down(item: str, trial: int) -> ScoreValue:
            return None if 1 <= trial <= 5 else item not in items(5)

        versions = Versions(
            items(400), lambda item, trial: None if 1 <= trial <= 5 else True, down, most_requests=2
        )
        verdict = decide_in_rounds(GATE, versions)
        assert verdict.outcome == "inconclusive"
        assert "100 % of the fresh values are missing, so nothing was cleared" in verdict.reason

    def test_a_suspicion_beyond_those_that_are_run_again_is_no_pass(self) -> None:
        gate = replace(GATE, rounds=Rounds(screen=0.02))
        versions = Versions(items(400), always, all_but(*items(5)), most_requests=1)
        verdict = decide_in_rounds(gate, versions)
        assert verdict.outcome == "inconclusive"
        assert verdict.reason == "correct looks worse (p = 0.031) and was not run again"

    def test_trials_that_were_not_asked_for_are_refused(self) -> None:
        class Sloppy(Versions):
            def __call__(self, request: RoundRequest) -> tuple[RunTable, RunTable] | None:
                return super().__call__(replace(request, trials=1))

        with pytest.raises(ValueError, match="was served with 1 trials"):
            decide_in_rounds(GATE, Sloppy(items(400), always, all_but(*items(6))))


def test_for_the_population_nothing_is_confirmed_on_the_same_items() -> None:
    gate = replace(GATE, inference="population")
    assert rounds_of(gate) == ("A", "C", "D")


def test_asked_again_the_same_session_gives_the_same_bytes() -> None:
    texts = {
        decide_in_rounds(
            GATE, Versions(items(200), always, all_but("q017", "q018", "q019", "q020"))
        ).to_json()
        for _ in range(2)
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("rounds", "allowed", "fail"),
    [
        (Rounds(), ("A", "B", "C", "D"), {"A": 0.05, "B": 0.55, "C": 0.1, "D": 0.3}),
        (Rounds(suspects=0), ("A", "C", "D"), {"A": 0.05, "C": 0.1, "D": 0.85}),
        (Rounds(max_trials=1), ("A", "B"), {"A": 0.05, "B": 0.95}),
        (Rounds(max_trials=3), ("A", "B", "C"), {"A": 0.05, "B": 0.55, "C": 0.4}),
        (Rounds(suspects=0, max_trials=1), ("A",), {"A": 1.0}),
    ],
)
def test_every_round_has_its_share_of_alpha_and_they_add_up_to_one(
    rounds: Rounds, allowed: tuple[str, ...], fail: dict[str, float]
) -> None:
    gate = replace(GATE, rounds=rounds)
    assert rounds_of(gate) == allowed
    found, bound = round_shares(gate)
    assert found == pytest.approx(fail)
    assert sum(bound.values()) == pytest.approx(1.0)
