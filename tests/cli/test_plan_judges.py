"""`plan` of a gate with a judge: how many replies a build asks for, and what they cost."""

from __future__ import annotations

from pathlib import Path

from scoregate.records import JSON
from tests.cli.judged import judged_project
from tests.cli.project import Ended
from tests.model_server.answers import judged
from tests.model_server.server import ModelServer

PLAN = ("plan", "gates/agent.toml")
VOTES = 'votes = 3\nrule = "median"'
USAGE = {"prompt_tokens": 0, "completion_tokens": 1000}  # one cent
PAID_AGENT = """\
from scoregate import Answer

version = "v1"


def task(*, item, **kwargs):
    return Answer(f"answer {item.input['n']}", cost_usd=0.5)
"""


def test_a_plan_tells_the_replies_of_judges_and_what_they_cost(tmp_path: Path) -> None:
    with ModelServer(script=lambda request: judged(6 + request.number % 3, usage=USAGE)) as server:
        project = judged_project(tmp_path / "p", server, number=20, more=VOTES)
        before = project.scoregate(*PLAN)
        assert before.code == 0, before.err
        assert "A build costs 20 calls and up to 60 judge replies." in before.out
        assert "What that is in dollars and minutes is known after a first run." in flowing(before)
        assert server.requests == []
        run = project.run("--trials", "3").started
        asked = len(server.requests)
        after = project.scoregate(*PLAN, "--trials", "2")
        assert f"noise from: run {run}: 3 trials of v1" in after.out
        assert "costs 40 calls and up to 120 judge replies ($1.20, of it $1.20 for judges," in flowing(after)
        assert len(server.requests) == asked
        announced = project.run("--trials", "2").err
        assert "up to 120 judge replies, about $1.20, of it $1.20 for judges" in announced


def flowing(ended: Ended) -> str:
    return " ".join(ended.out.split())


def test_what_a_first_run_paid_for_judges_is_not_counted_twice(tmp_path: Path) -> None:
    """The second run took all replies from the cache; the plan tells the most that a build may cost."""
    with ModelServer(script=lambda _: judged(8, usage=USAGE)) as server:
        project = judged_project(tmp_path / "p", server, number=20)
        project.write("experiments/agent.py", PAID_AGENT)
        project.run()
        assert "20 from the cache" in project.run().err
        assert spent(project.scoregate(*PLAN, "--trials", "5", "--json").json()["expected"]) == (
            100,
            100,
            51,
            1,
        )


def spent(spending: JSON) -> tuple[JSON, ...]:
    """Calls, replies, dollars, and those of judges."""
    return tuple(round(spending[key], 6) for key in ("calls", "replies", "usd", "judges_usd"))


def test_the_edits_that_help_cost_what_their_judges_do(tmp_path: Path) -> None:
    with ModelServer(script=lambda request: judged(6 + request.number % 3, usage=USAGE)) as server:
        project = judged_project(tmp_path / "p", server, number=20)
        project.edit("gates/agent.toml", "max_drop = 6", "max_drop = 1.2")
        project.run("--trials", "3")
        edits = project.scoregate(*PLAN, "--json").json()["edits"]
        assert edits
        for edit in edits:
            _, replies, usd, judges = spent(edit["expected"])
            assert usd == judges == round(0.01 * replies, 6) > 0
