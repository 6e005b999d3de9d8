"""A cap on cost and an endpoint that does not say what its calls take: the judge is named, and keeps its pace."""

from __future__ import annotations

from pathlib import Path

from tests.cli.judged import judged_project
from tests.model_server.answers import judged, slow
from tests.model_server.server import ModelServer

BLAMED = (
    "max_cost_usd did not see what 12 of 12 calls of the judge 'relevance' cost: its endpoint does not say how many "
    "tokens they took"
)


def test_the_judge_is_named_once_and_the_candidate_is_not_blamed(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: slow(0.1, judged(8, usage=None))) as server:
        ran = judged_project(tmp_path / "p", server, number=12).run("--max-cost", "1", "--concurrency", "8")
        assert server.most_at_once > 1
    assert ran.err.count(BLAMED) == 1
    assert "limited nothing" not in ran.err


def test_two_versions_side_by_side_say_so_too(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: judged(8, usage=None)) as server:
        project = judged_project(tmp_path / "p", server, number=6)
        project.write(
            "experiments/old.py", project.read("experiments/agent.py").replace("answer {", "reply {")
        )
        ran = project.run("--against", "experiments/old.py", "--concurrency", "2", "--max-cost", "1")
    assert ran.err.count(BLAMED) == 1
    assert "limited nothing" not in ran.err


def test_without_a_cap_nothing_is_said(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: judged(8, usage=None)) as server:
        ran = judged_project(tmp_path / "p", server, number=4).run()
    assert "max_cost_usd" not in ran.err
