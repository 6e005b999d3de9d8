"""A plan in text: what a build takes, and how it fits a narrow terminal."""

from __future__ import annotations

from scoregate.planning.plan_result import Edit, Plan, ScorePlan, Spending
from scoregate.reports.plan_text import plan_text

SCORE = ScorePlan(
    score="relevance",
    scale="rate",
    unit=None,
    decides=True,
    margin=0.05,
    noise=0.279,
    bounded=True,
    visible_diffuse=0.087,
    visible_concentrated=0.105,
    passes=0.57,
    smallest_margin=0.15,
)


def plan(spent: Spending) -> Plan:
    return Plan(
        gate="gates/agent.toml",
        noise_from="2 runs (agent-20260101-000001-53a2, agent-20260101-000002-53a2): 2 trials of v1",
        assumed=False,
        items=200,
        clusters=200,
        trials=(1, 3, 5),
        side_by_side=True,
        baseline_trials=None,
        alpha=0.01,
        invalid=False,
        scores=(SCORE,),
        unknown=("depth",),
        passes=0.57,
        inconclusive=0.42,
        one_pass=spent,
        expected=spent,
        cap=spent,
        settings=((1, 200, 0.42), (1, 8000, 0.01)),
        margins=((0.02, 0.8), (0.05, 0.42)),
        edits=(Edit(edit="trials = 7", inconclusive=0.042, expected=spent),),
        notes=(
            "a margin of the truth is a smaller one of the judge's own scores, as far as it is calibrated",
        ),
    )


def text(spent: Spending, width: int = 120) -> str:
    return " ".join(plan_text(plan(spent), width=width).split())


def test_a_judges_replies_and_their_share_of_the_price_stand_beside_the_calls() -> None:
    judged = Spending(calls=400, replies=1200, usd=3.456, judges_usd=1.2, minutes=2.0)
    told = "400 calls and up to 1,200 judge replies ($3.46, of it $1.20 for judges, 2 min)"
    assert f"A build costs {told} for the first round, {told} on average" in text(judged)
    assert f"trials = 7: 4.2 % inconclusive, {told} a build" in text(judged)


def test_without_a_judge_nothing_is_said_of_replies() -> None:
    plain = text(Spending(calls=1, usd=0.5, minutes=2.0))
    assert "A build costs 1 call ($0.50, 2 min) for the first round" in plain
    assert "repl" not in plain


def test_judges_without_a_price_count_their_replies() -> None:
    unpriced = text(Spending(calls=1, replies=1, usd=None, minutes=None))
    assert "A build costs 1 call and up to 1 judge reply for the first round" in unpriced


def test_no_line_is_wider_than_the_terminal() -> None:
    judged = Spending(calls=400, replies=1200, usd=3.456, judges_usd=1.2, minutes=2.0)
    for width in (80, 100, 120):
        lines = plan_text(plan(judged), width=width).splitlines()
        assert max(map(len, lines)) <= width
    assert "sees a drop over all  or in a few items" in plan_text(plan(judged), width=120)
