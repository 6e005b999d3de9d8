"""Verdicts as a gate gives them, each field at a plain value unless a test says otherwise."""

from dataclasses import fields, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from scoregate.catalog import Contract
from scoregate.records import JSON, DatasetItem, Flip, FreshItem, RoundResult, RuleResult, Verdict
from scoregate.reports.report import Report

RULE = RuleResult(
    score="answer_correctness",
    slice=None,
    outcome="pass",
    reason="a drop of 5.0 points or more is ruled out (bound −2.1 points)",
    direction="higher",
    baseline_value=0.81,
    candidate_value=0.81,
    difference=0.0,
    ci_low=-0.02,
    ci_high=0.02,
    p_value=0.5,
    adjusted_p_value=1.0,
    n_items=200,
    n_clusters=200,
    n_scored=200,
    n_expected=200,
    missing=0,
    baseline_missing=0,
    minimum_detectable_drop=0.031,
    lost=3,
    won=3,
)

VERDICT = Verdict(
    outcome="pass",
    reason="nothing got worse; a drop of 2.1 points or more is ruled out",
    rules=(RULE,),
    flips=(),
    missing_items=(),
    notes=(),
    baseline_run="run-a",
    candidate_run="run-b",
    baseline_candidate="v1",
    candidate="v2",
    dataset="support-agent",
    partial=False,
    on_inconclusive="warn",
    alpha=0.01,
    seed=0,
    gate="support-agent",
)


def rule(**changes: Any) -> RuleResult:
    return replace(RULE, **changes)


def verdict(*rules: RuleResult, **changes: Any) -> Verdict:
    return replace(VERDICT, **{"rules": rules or (RULE,), **changes})


def broken(**changes: Any) -> Verdict:
    """A verdict in which the rule of `answer_correctness` is broken."""
    return verdict(rule(outcome="regression"), **{"outcome": "regression", **changes})


def lost(item: str, **changes: Any) -> Flip:
    flip = Flip(item, "answer_correctness", baseline_value=1.0, candidate_value=0.0, worse=True)
    return replace(flip, **changes)


def won(item: str, **changes: Any) -> Flip:
    return lost(item, **{"baseline_value": 0.0, "candidate_value": 1.0, "worse": False, **changes})


def part(name: str, **changes: Any) -> RuleResult:
    """The result of `answer_correctness` on a slice."""
    return rule(slice=name, reason="no drop is proved", **changes)


def fresh(item: str, **changes: Any) -> FreshItem:
    """An item that passed five times before, and never now."""
    again = FreshItem(item, "answer_correctness", (1.0,) * 5, (0.0,) * 5, worse=True)
    return replace(again, **changes)


def unconfirmed(item: str) -> FreshItem:
    return fresh(item, candidate_values=(1.0,) * 5, worse=False)


ROUNDS = (
    RoundResult("A", 200, 1, None, "answer_correctness looks worse (p = 0.031)"),
    RoundResult("B", 6, 5, "regression", "answer_correctness: confirmed by fresh trials"),
)
CONFIRMED = verdict(
    rule(outcome="regression", reason="confirmed by fresh trials"),
    outcome="regression",
    reason="answer_correctness: confirmed by fresh trials",
    rounds=ROUNDS,
    confirmed=(fresh("refund-017"), fresh("refund-018"), unconfirmed("refund-019")),
    flips=(lost("refund-019"), lost("refund-017"), lost("refund-018")),
)

REGRESSION = verdict(
    rule(
        outcome="regression",
        reason="fell from 81.0 % to 76.7 % (−4.3 points)",
        candidate_value=0.767,
        difference=-0.043,
        ci_low=-0.071,
        ci_high=-0.015,
        adjusted_p_value=0.0016,
        lost=2,
        won=1,
    ),
    outcome="regression",
    reason="answer_correctness: fell from 81.0 % to 76.7 % (−4.3 points)",
    flips=(lost("refund-017", critical=True), lost("refund-018"), won("invoice-003")),
)

ITEMS = {
    "refund-017": DatasetItem(
        "refund-017", {"question": "May I return an opened kettle?"}, "no, not once opened"
    ),
    "refund-018": DatasetItem("refund-018", "Where is my order?", "on its way"),
    "invoice-003": DatasetItem("invoice-003", "Send me the invoice", None),
}
REPORT = Report(
    verdict=REGRESSION,
    items=ITEMS,
    baseline_outputs={"refund-017": "No, opened kettles stay with you.", "refund-018": "It is on its way."},
    candidate_outputs={"refund-017": "Yes, within 30 days.", "invoice-003": None},
    contracts={"answer_correctness": Contract("answer_correctness", "boolean")},
    hints=("scoregate run gates/support-agent.toml --only-failed",),
)

_TEXT = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(), max_size=30),
    st.text("`|\\<>&*_[]()~#@$-+=:/!. \n\r\t\x1b\u202ewa1客é́\ud800", max_size=60),
)
_JSON = st.one_of(
    _TEXT, st.none(), st.floats(), st.lists(_TEXT, max_size=2), st.dictionaries(_TEXT, _TEXT, max_size=2)
)
_NUMBERS = st.none() | st.floats()
_COUNTS = st.integers(0, 5000)
_OUTCOMES = st.sampled_from(("pass", "regression", "inconclusive", "invalid"))

_FEW_NUMBERS = st.lists(_NUMBERS, min_size=3, max_size=3)
_FEW_COUNTS = st.lists(_COUNTS, min_size=2, max_size=2)
_SEEDS = st.integers(0, 9999)
_WORDS = st.fixed_dictionaries(
    {"score": _TEXT, "slice": st.none() | _TEXT, "reason": _TEXT, "outcome": _OUTCOMES}
    | {"direction": st.sampled_from(("higher", "lower"))}
    | {"role": st.sampled_from(("gate", "primary", "secondary", "advisory"))}
    | {"statistic": st.sampled_from(("mean", "p95")) | _TEXT, "q_value": st.none() | st.floats(0, 1)}
    | {"against": st.sampled_from(("baseline", "anchor")), "fails_on": _TEXT}
)


@st.composite
def _rules(draw: st.DrawFn) -> RuleResult:
    """A rule whose every figure is any of a few: to draw each would take longer than all that is done with it."""
    numbers, counts = draw(_FEW_NUMBERS), draw(_FEW_COUNTS)
    dealt = Random(draw(_SEEDS))
    figures: dict[str, Any] = {
        field.name: dealt.choice(numbers if "float" in field.type else counts) for field in fields(RuleResult)
    }
    return RuleResult(**{**figures, **draw(_WORDS)})


_FRESH_VALUES = st.lists(st.none() | st.sampled_from((0.0, 1.0)) | st.floats(), max_size=3).map(tuple)
_FRESH = st.builds(
    FreshItem,
    item=_TEXT,
    score=_TEXT,
    baseline_values=_FRESH_VALUES,
    candidate_values=_FRESH_VALUES,
    worse=st.booleans(),
)
_ROUNDS = st.builds(
    RoundResult,
    round=st.sampled_from(("A", "B", "C", "D")),
    items=_COUNTS,
    trials=_COUNTS,
    outcome=st.none() | _OUTCOMES,
    reason=_TEXT,
)
_FLIP_VALUES = st.one_of(st.none(), st.floats(), _TEXT)
_FLIPS = st.builds(
    Flip,
    item=_TEXT,
    score=_TEXT,
    baseline_value=_FLIP_VALUES,
    candidate_value=_FLIP_VALUES,
    worse=st.booleans(),
    critical=st.booleans(),
    comment=st.none() | _TEXT,
)
_TEXTS = st.lists(_TEXT, max_size=2).map(tuple)
_SOME_RULES = st.lists(_rules(), max_size=3).map(tuple)
_SOME_FLIPS = st.lists(_FLIPS, max_size=4).map(tuple)
_SOME_CONFIRMED = st.lists(_FRESH, max_size=3).map(tuple)
_SOME_ROUNDS = st.lists(_ROUNDS, max_size=3).map(tuple)
_TEXT_OR_NONE = st.none() | _TEXT


@st.composite
def any_reports(draw: st.DrawFn) -> Report:
    """Reports whose every text, number and output is whatever hypothesis comes up with."""
    flips, confirmed = draw(_SOME_FLIPS), draw(_SOME_CONFIRMED)
    ids = [*(flip.item for flip in flips), *(again.item for again in confirmed)]
    has = Random(draw(_SEEDS))

    def outputs() -> dict[str, JSON]:
        return {item: draw(_JSON) for item in ids if has.random() < 0.5}

    return Report(
        verdict=verdict(
            outcome=draw(_OUTCOMES),
            reason=draw(_TEXT),
            rules=draw(_SOME_RULES),
            flips=flips,
            confirmed=confirmed,
            rounds=draw(_SOME_ROUNDS),
            missing_items=draw(_TEXTS),
            notes=draw(_TEXTS),
            candidate=draw(_TEXT_OR_NONE),
            baseline_run=draw(_TEXT_OR_NONE),
            dataset=draw(_TEXT_OR_NONE),
            partial=draw(st.booleans()),
        ),
        items={item: DatasetItem(item, draw(_JSON), draw(_JSON)) for item in ids},
        baseline_outputs=outputs(),
        candidate_outputs=outputs(),
        contracts={flip.score: Contract(flip.score, "numeric", unit=draw(_TEXT)) for flip in flips},
        links={draw(_TEXT): draw(_TEXT)},
        hints=draw(_TEXTS),
        anchor=draw(_TEXT_OR_NONE),
    )
