"""A cap on cost holds for judges too: before each call, vote and repair, in runs and in the commands of judges."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.cli.judged import judged_project
from tests.cli.project import Project, ended
from tests.model_server.answers import Answer, failed, judged, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

A_DOLLAR = {"prompt_tokens": 0, "completion_tokens": 100_000}


def dear(_: ModelRequest) -> Answer:
    return judged(5, usage=A_DOLLAR)


def counting(project: Project) -> None:
    """Let the candidate note each of its calls in a file, and ask for no money itself."""
    project.edit("experiments/agent.py", "    return", "    open('calls.txt', 'a').write('x')\n    return")


def calls(project: Project) -> int:
    return len(project.read("calls.txt"))


def test_many_votes_stay_within_the_cap(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=30, more='votes = 9\nrule = "median"')
        stopped = project.run("--max-cost", "20", "--concurrency", "8")
        assert stopped.code == 5
        assert "reached max_cost_usd = 20 after 2 of 30 run items, which are kept" in stopped.err
        assert len(server.requests) == 20


def test_repairs_stay_within_the_cap_and_what_they_cost_is_known_afterwards(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: Answer(content="I would say 8.", usage=A_DOLLAR)) as server:
        project = judged_project(tmp_path / "p", server, number=30)
        stopped = project.run("--max-cost", "7", "--concurrency", "4")
        assert stopped.code == 5
        assert len(server.requests) == 7
        again = project.run("--resume", "--max-cost", "7", "--concurrency", "4")
        assert again.code == 5
        assert len(server.requests) == 7


def test_a_cap_below_the_first_call_is_reached_by_that_call_alone(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=30, more='votes = 9\nrule = "median"')
        stopped = project.run("--max-cost", "0.0008", "--concurrency", "8")
        assert stopped.code == 5
        assert len(server.requests) == 1


def test_answers_that_no_judge_was_paid_for_are_kept_and_not_called_again(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=10)
        counting(project)
        stopped = project.run("--max-cost", "3", "--concurrency", "4")
        assert stopped.code == 5
        assert "after 3 of 10 run items, which are kept, as are " in stopped.err
        done = project.run("--resume", "--max-cost", "100", "--concurrency", "4")
        assert done.code == 4  # no baseline
        assert "(3 are there already): " in done.err
        assert " answers to score that are there already, up to 7 judge replies" in done.err
        assert calls(project) == 10
        assert len(server.requests) == 10


def test_answers_that_wait_count_towards_the_cap_on_calls(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=20)
        counting(project)
        assert project.run("--max-cost", "3", "--concurrency", "4").code == 5
        made = calls(project)
        assert 3 < made < 20
        again = project.run("--resume", "--max-cost", "100", "--max-calls", str(made), "--concurrency", "4")
        assert f"reached max_calls = {made} after {made} of 20 run items" in again.err
        assert calls(project) == made


def test_a_run_without_the_cache_goes_on_with_the_replies_that_it_paid_for(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=6, more='votes = 3\nrule = "median"')
        stopped = project.run("--no-cache", "--max-cost", "4", "--concurrency", "2")
        assert stopped.code == 5
        assert len(server.requests) == 4
        project.run("--no-cache", "--resume", "--max-cost", "100")
        assert len(server.requests) == 18
        project.run("--no-cache", "--max-cost", "100")
        assert len(server.requests) == 36


@pytest.mark.parametrize("concurrency", ["1", "2", "8"])
def test_a_cap_that_is_enough_stops_nothing(tmp_path: Path, concurrency: str) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=8, more='votes = 3\nrule = "median"')
        whole = project.run("--max-cost", "24.5", "--concurrency", concurrency)
        assert whole.code == 4, "there is no baseline"
        assert len(server.requests) == 24


def test_answers_that_were_not_judged_when_the_run_was_interrupted_are_kept(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return slow(600, judged(3)) if request.number in (4, 5) else judged(3)

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=6)
        counting(project)
        process = project.start("run", "gates/agent.toml", "--concurrency", "2")
        deadline = time.monotonic() + 60
        while len(server.requests) < 6:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert ended(process).code == 5
        assert calls(project) == 6
        assert project.run("--resume").code == 4  # no baseline
        assert len(server.requests) == 8
    assert calls(project) == 6


def test_two_versions_side_by_side_share_the_cap(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=10)
        counting(project)
        old = project.read("experiments/agent.py").replace('"v1"', '"v0"').replace("answer", "reply")
        project.write("experiments/old.py", old)
        stopped = project.run("--against", "experiments/old.py", "--concurrency", "2", "--max-cost", "7")
        assert stopped.code == 5
        assert "reached max_cost_usd = 7 in round A after 7 of 20 run items" in stopped.err
        assert len(server.requests) == 7
        done = project.run(
            "--against", "experiments/old.py", "--concurrency", "2", "--resume", "--max-cost", "100"
        )
        assert done.code == 0, done.err
        assert "13 calls, up to 13 judge replies, about $13.00, of it $13.00 for judges" in done.err
        assert len(server.requests) == 20
        assert calls(project) == 20


def test_the_cost_is_announced_from_what_replies_cost_so_far(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=10)
        first = project.run()
        assert "10 calls, up to 10 judge replies" in first.err
        project.edit("prompts/relevance.md", "good answer", "fine answer")
        again = project.run("--max-cost", "5")
        assert "up to 10 judge replies, about $10.00, of it $10.00 for judges" in again.err
        assert "; max_cost_usd will probably be reached" in again.err


def test_what_is_kept_in_the_cache_needs_no_money(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=10)
        project.run("--max-cost", "100")
        again = project.run("--max-cost", "0.5")
        assert again.code == 4  # no baseline
        assert len(server.requests) == 10


def test_calibrating_stops_at_the_cap_and_goes_on_with_what_it_has(tmp_path: Path) -> None:
    with ModelServer(script=dear) as server:
        project = judged_project(tmp_path / "p", server, number=10)
        project.write_lines(
            "labels.jsonl", [{"item": f"q{n:03}", "label": 5, "output": f"answer {n}"} for n in range(10)]
        )
        project.edit("gates/agent.toml", "[limits]", "[limits]\nmax_cost_usd = 4")
        calibrate = ("judge", "calibrate", "gates/agent.toml", "--labels", "labels.jsonl")
        stopped = project.scoregate(*calibrate)
        assert stopped.code == 5
        assert "max_cost_usd = 4 is reached after 4 of 10 answers were judged" in stopped.err
        assert not project.path("gates/calibrations/relevance.json").exists()
        project.edit("gates/agent.toml", "max_cost_usd = 4", "max_cost_usd = 6")
        assert project.scoregate(*calibrate).code == 0
        assert len(server.requests) == 10


def test_comparing_pairs_stops_at_the_cap(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: judged("first", usage=A_DOLLAR)) as server:
        project = judged_project(tmp_path / "p", server, number=6, more='pairwise = "prompts/pairs.md"')
        project.write("prompts/pairs.md", "Which is better?\n1: {{first}}\n2: {{second}}\n")
        project.edit("gates/agent.toml", "[limits]", "[limits]\nmax_cost_usd = 5")
        results = []
        for name in ("a", "b"):
            header = {"kind": "run", "schema": 1, "run": name, "dataset": "agent", "candidate": name}
            about = {"kind": "item", "trial": 0, "status": "ok"}
            rows = [{**about, "item": f"q{n:03}", "output": f"{name}{n}"} for n in range(6)]
            project.write_lines(f"{name}.jsonl", [{**header, "trials": 1, "expected_items": 6}, *rows])
            results.append(f"{name}.jsonl")
        stopped = project.scoregate("judge", "compare", "gates/agent.toml", *results)
        assert stopped.code == 5, stopped.err
        assert "max_cost_usd = 5 is reached after 2 of 6 answers" in stopped.err
        assert len(server.requests) == 5


def test_a_trial_of_a_judge_whose_endpoint_is_down_fails(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: failed(503, "down for a while")) as server:
        project = judged_project(tmp_path / "p", server)
        project.edit("gates/agent.toml", "[limits]", "[limits]\nretries = 0")
        tried = project.scoregate("judge", "test", "gates/agent.toml", "--output", "an answer")
    assert tried.code == 5
    assert "status 503: down for a while" in tried.out
    assert "was left without 1 of 1 replies" in tried.err
