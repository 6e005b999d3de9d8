"""Gates with a judge, from the command to the verdict: real processes, a stand-in model server, the real client."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.judged import KEY, KEY_NAME, judged_project
from tests.cli.project import Project, ended
from tests.documents import checked_document
from tests.model_server.answers import Answer, failed, judged, refused, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

STORE = ".scoregate/store.sqlite3"


def by_answer(request: ModelRequest) -> Answer:
    """A grade that depends on what is judged alone."""
    return judged(2 if "guess" in request.prompt else 9)


def cells(project: Project, score: str = "relevance") -> dict[str, tuple[str, str, str | None, str]]:
    """Item -> value, status, comment, source of the newest run's cells."""
    with sqlite3.connect(project.path(STORE)) as store:
        newest = store.execute("SELECT max(key) FROM runs").fetchone()[0]
        rows = store.execute(
            "SELECT item, value, status, comment, source FROM scores WHERE run = ? AND score = ?",
            (newest, score),
        )
        return {row[0]: row[1:] for row in rows}


def judge_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("scoregate: judge ")]
    assert len(lines) == 1, err
    return lines[0].removeprefix("scoregate: ")


def test_an_unchanged_judge_costs_nothing_the_second_time(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server)
        first = project.run()
        assert judge_line(first.err).startswith("judge relevance: 8 replies, 0 from the cache, 8 calls, $0.0")
        assert (
            project.scoregate("baseline", "accept", "gates/agent.toml", first.started, "--why", "x").code == 0
        )
        second = project.run()
        assert second.outcome(0) == "PASS"
        assert judge_line(second.err) == "judge relevance: 8 replies, 8 from the cache, 0 calls"
        assert len(server.requests) == 8
        assert set(cells(project).values()) == {("9", "ok", "It answers what was asked.", "judge")}
        third = project.run("--no-cache")
        assert third.outcome(0) == "PASS"
        assert len(server.requests) == 16


def test_the_reports_tell_how_many_replies_were_kept_already(judged_accepted: Project) -> None:
    run = judged_accepted.run("-o", "markdown=report.md", "-o", "json=report.json")
    checked = judged_accepted.scoregate("check", "gates/agent.toml", "--candidate", run.started, "--json")
    line = "judge relevance: 8 replies, 8 (100 %) from the cache, 0 calls"
    assert line in judged_accepted.read("report.md")
    judges = [{"score": "relevance", "replies": 8, "from_cache": 8, "calls": 0, "cost_usd": None}]
    written = checked_document(json.loads(judged_accepted.read("report.json")))
    assert written["judges"] == checked.json()["judges"] == judges
    assert written["provenance"]["candidate"]["scorers"]["relevance"].startswith("judge ")


def test_a_margin_that_so_few_items_cannot_prove_is_told_before_the_run(judged_accepted: Project) -> None:
    judged_accepted.edit("gates/agent.toml", "max_drop = 6", "max_drop = 0.5")
    run = judged_accepted.run()
    assert "with 8 items and 1 trial this gate cannot rule out a drop of 0.5 of relevance" in run.err


def test_a_worse_candidate_is_a_regression(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server, number=40)
        run = project.run().started
        assert project.scoregate("baseline", "accept", "gates/agent.toml", run, "--why", "x").code == 0
        project.edit("experiments/agent.py", "answer {item", "guess {item")
        worse = project.run()
        assert worse.outcome(1) == "REGRESSION"


def test_every_trial_asks_for_itself(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server, number=3)
        project.run("--trials", "2")
        assert len(server.requests) == 6


def test_bad_replies_are_errors_and_the_comparison_is_invalid(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    judge_server.begin_again(script=lambda _: "I would say 8 of 10.")
    bad = judged_accepted.run("--no-cache")
    assert bad.outcome(4) == "INVALID"
    assert judge_line(bad.err).startswith("judge relevance: 8 replies, 0 from the cache, 24 calls, 8 invalid")
    values = cells(judged_accepted)
    assert len(values) == 8
    assert {(value, status) for value, status, _, _ in values.values()} == {("null", "error")}
    assert all((comment or "").startswith("invalid reply: ") for _, _, comment, _ in values.values())


def test_without_a_key_nothing_is_called(tmp_path: Path) -> None:
    with ModelServer() as server:
        project = judged_project(tmp_path / "p", server, environment={KEY_NAME: ""})
        error = project.run().error(2)
        assert server.requests == []
    assert error.startswith(
        "gates/agent.toml:8: the judge 'relevance' needs a key, and the environment variable JUDGE_KEY is not set"
    )
    assert not project.path(STORE).exists()


def test_an_item_without_the_prompts_variable_is_told_before_any_call(tmp_path: Path) -> None:
    with ModelServer() as server:
        project = judged_project(tmp_path / "p", server)
        project.write("prompts/relevance.md", "{{output}}\n\n{{metadata.rules}}")
        error = project.run().error(2)
        assert server.requests == []
    assert error.startswith(
        "prompts/relevance.md:3: {{metadata.rules}} is missing in 8 of 8 items, the first is 'q000': "
    )


def test_an_endpoint_without_structured_outputs_is_told(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: failed(400, "json_schema is not supported")) as server:
        project = judged_project(tmp_path / "p", server)
        project.run("--concurrency", "1")
        assert len(server.requests) == 1
    assert {comment for _, _, comment, _ in cells(project).values()} == {
        "no reply: stand-in at this endpoint does not take structured outputs (status 400: json_schema is not "
        "supported); take a model that supports response_format = json_schema"
    }


def test_the_key_is_nowhere(tmp_path: Path) -> None:
    with ModelServer(script=lambda _: failed(401, f"Incorrect API key: {KEY}")) as server:
        project = judged_project(tmp_path / "p", server)
        done = project.run("-o", "json=report.json", "-o", "markdown=report.md")
        debug = project.run("--debug")
    assert KEY not in done.out + done.err + debug.out + debug.err
    for path in project.folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


AFTER = """
[scorers.json_valid]
use = "json_valid"

[scores.json_valid]
max_drop = 0.5
"""


def test_a_judge_runs_only_where_the_scores_before_it_passed(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(
            tmp_path / "p", server, number=10, more='after = ["json_valid"]', after_scores=AFTER
        )
        project.edit(
            "experiments/agent.py",
            "return f",
            "if item.input['n'] < 8:\n        return '\"answer\"'\n    return f",
        )
        first = project.run()
        assert len(server.requests) == 8
        skipped = {item: cell for item, cell in cells(project).items() if cell[1] == "not_applicable"}
        cell = ("null", "not_applicable", "json_valid did not pass", "judge")
        assert skipped == {"q008": cell, "q009": cell}
        assert (
            project.scoregate("baseline", "accept", "gates/agent.toml", first.started, "--why", "x").code == 0
        )
        # The same skips on both sides are no failure of the gate, and the denominator says what was judged.
        second = project.run()
    assert second.outcome(0) == "PASS"
    assert "note: relevance did not apply to 2 cells of each run" in second.out


def test_a_judge_may_come_after_an_evaluator_of_the_experiment(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server, number=6, more='after = ["polite"]')
        project.write(
            "experiments/agent.py",
            project.read("experiments/agent.py")
            + "\n\ndef polite(*, input, **kwargs):\n    return input['n'] > 1\n\n\nevaluators = [polite]\n",
        )
        project.run()
        assert len(server.requests) == 4
    assert cells(project)["q000"][:3] == ("null", "not_applicable", "polite did not pass")


def test_a_judge_may_come_after_another_judge(tmp_path: Path) -> None:
    tone = """
[scorers.tone]
use = "judge"
prompt = "prompts/relevance.md"
model = "tone"
base_url = "{url}"
api_key = "JUDGE_KEY"

[scores.tone]
max_drop = 0.5
"""

    def script(request: ModelRequest) -> Answer:
        if request.model != "tone":
            return judged(9)
        return judged("rude" if "answer 0" in request.prompt else "kind")

    with ModelServer(script=script) as server:
        project = judged_project(
            tmp_path / "p",
            server,
            number=4,
            more='after = ["tone"]',
            after_scores=tone.format(url=server.url),
        )
        project.run()
        assert sorted(str(request.model) for request in server.requests) == ["stand-in"] * 3 + ["tone"] * 4
    assert cells(project)["q000"][:3] == ("null", "not_applicable", "tone did not pass")
    assert cells(project)["q001"][:2] == ("9", "ok")


@pytest.mark.parametrize(
    ("more", "after", "message"),
    [
        ('after = ["json_valdi"]', AFTER, "comes after 'json_valdi', and nothing makes that score"),
        (
            'after = ["length"]',
            '[scorers.length]\nuse = "latency_seconds"\n',
            "which is numeric: nothing says",
        ),
    ],
)
def test_what_cannot_pass_is_refused(tmp_path: Path, more: str, after: str, message: str) -> None:
    with ModelServer() as server:
        project = judged_project(tmp_path / "p", server, more=more, after_scores=after)
        catalog = project.read("gates/scores.toml")
        project.write("gates/scores.toml", f'{catalog}\n[length]\ntype = "numeric"\n')
        assert message in project.run().error(2)
        assert server.requests == []


def test_what_judges_cost_counts_towards_the_cap(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 100_000}  # one dollar
    with ModelServer(script=lambda _: judged(5, usage=usage)) as server:
        project = judged_project(tmp_path / "p", server, number=30)
        stopped = project.run("--max-cost", "10", "--concurrency", "1")
        assert stopped.code == 5
        assert "reached max_cost_usd = 10" in stopped.err
        assert 8 <= len(server.requests) <= 12
        resumed = project.run("--resume", "--max-cost", "100", "--concurrency", "1")
        assert resumed.code == 4  # no baseline
        assert len(server.requests) == 30


def test_a_judge_without_a_price_says_that_the_cap_does_not_see_it(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server)
        project.edit("gates/agent.toml", "price = { input = 1.0, output = 10.0 }", "")
        done = project.run("--max-cost", "1")
    assert "max_cost_usd does not see what the judge 'relevance' costs: add price = " in done.err


def test_an_interrupted_run_ends_at_once_and_asks_only_what_is_missing(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return slow(600, judged(3)) if request.number in (6, 7) else judged(3)

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=12)
        process = project.start("run", "gates/agent.toml", "--concurrency", "2")
        deadline = time.monotonic() + 60
        while len(server.requests) < 8:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        done = ended(process)  # long before the replies that it waits for
        assert done.code == 5
        assert "go on with: scoregate run gates/agent.toml --resume" in done.err
        assert len(server.requests) == 8
        assert project.run("--resume").code == 4  # no baseline
        assert len(server.requests) == 12 + 2
    assert {value for value, *_ in cells(project).values()} == {"3"}
    assert len(cells(project)) == 12


def test_a_run_is_not_resumed_by_another_judge(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server)
        project.run("--max-calls", "3", "--concurrency", "1")
        project.edit("prompts/relevance.md", "good answer", "fine answer")
        assert "the scorers changed" in project.run("--resume").error(2)


def test_a_changed_prompt_is_a_changed_scorer(judged_accepted: Project, judge_server: ModelServer) -> None:
    judged_accepted.edit("prompts/relevance.md", "good answer", "fine answer")
    changed = judged_accepted.run()
    assert len(judge_server.requests) == 8
    assert changed.code == 4


def test_fresh_trials_of_a_session_get_fresh_replies(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server, number=20)
        agent = project.read("experiments/agent.py")
        project.write("experiments/old.py", agent.replace('"v1"', '"v0"'))
        project.edit(
            "experiments/agent.py",
            "    return",
            "    if item.input['n'] < 5:\n        return 'a guess'\n    return",
        )
        done = project.run("--against", "experiments/old.py", "--concurrency", "2")
        assert done.code in (0, 1)
        with sqlite3.connect(project.path(STORE)) as store:
            found = store.execute(
                "SELECT series, trial, count(*) FROM judge_replies GROUP BY 1, 2"
            ).fetchall()
        asked = sum(count for _, _, count in found)
    # The confirmation has a trial 0 of its own, and asks for it.
    assert {("", 0), ("round B", 0)} <= {(series, trial) for series, trial, _ in found}
    assert f"{len(server.requests)} calls" in judge_line(done.err)
    assert asked == len(server.requests)


def test_judge_test_shows_the_prompt_and_calls_nothing_when_dry(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server, environment={KEY_NAME: ""})
        shown = project.scoregate(
            "judge", "test", "gates/agent.toml", "--item", "q003", "--output", "an answer", "--dry-run"
        )
        assert server.requests == []
    assert shown.code == 0, shown.err
    assert "Question: 3" in shown.out
    assert "Answer: an answer" in shown.out


def test_judge_test_shows_the_reply_to_an_answer_of_the_newest_run(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server)
        project.run()
        shown = project.scoregate("judge", "test", "gates/agent.toml", "--limit", "2", "--json")
        assert len(server.requests) == 8
        told = shown.json()
        assert [one["judgement"]["value"] for one in told["items"]] == [9, 9]
        assert judge_line(shown.err) == "judge relevance: 2 replies, 2 from the cache, 0 calls"
        fresh = project.scoregate("judge", "test", "gates/agent.toml", "--output", "a guess")
        assert len(server.requests) == 9
    assert "score: 2" in fresh.out
    assert "It answers what was asked." in fresh.out


def test_judge_test_shows_the_reply_to_an_answer_of_the_run_that_is_named(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server)
        older = project.run().started
        project.edit("experiments/agent.py", 'f"answer', 'f"guess')
        newest = project.run().started
        judge_test = ("judge", "test", "gates/agent.toml", "--json")
        (shown,) = project.scoregate(*judge_test, "--run", older).json()["items"]
        (unnamed,) = project.scoregate(*judge_test).json()["items"]
    assert (shown["source"], shown["judgement"]["value"]) == (f"run {older}", 9)
    assert "Answer: answer 0" in shown["messages"][-1]["content"]
    assert (unnamed["source"], unnamed["judgement"]["value"]) == (f"run {newest}", 2)


def test_judge_test_of_an_unknown_run_is_an_error(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project = judged_project(tmp_path / "p", server, number=1)
        project.run()
        error = project.scoregate("judge", "test", "gates/agent.toml", "--run", "agent-1999").error(2)
    assert "agent-1999" in error


def test_judge_test_and_compare_write_out_what_a_terminal_would_obey(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        if "1: " in request.prompt:
            return refused("no \x1b[2J\x9b")
        return judged(8, "red \x1b[31m\x1b]0;title\x07 done")

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, more='pairwise = "prompts/pair.md"')
        project.write("prompts/pair.md", "{{input.n}}\n1: {{first}}\n2: {{second}}\n")
        before = project.run().started
        project.edit("experiments/agent.py", 'f"answer', 'f"other')
        after = project.run().started
        tried = project.scoregate("judge", "test", "gates/agent.toml", "--output", "\x1b[1mbold").out
        compared = project.scoregate("judge", "compare", "gates/agent.toml", before, after).out
    for shown in (tried, compared):
        assert not any(char in shown for char in ("\x1b", "\x07", "\x9b"))
    assert "red \\x1b[31m\\x1b]0;title\\x07 done" in tried
    assert "Answer: \\x1b[1mbold" in tried
    assert "no \\x1b[2J\\x9b" in compared


def test_judge_test_without_an_answer_says_what_to_do(tmp_path: Path) -> None:
    with ModelServer() as server:
        project = judged_project(tmp_path / "p", server)
        error = project.scoregate("judge", "test", "gates/agent.toml").error(2)
    assert (
        error == "no run of this gate has an answer yet (run the gate first, or give one with --output TEXT)"
    )


def test_replies_are_shared_between_stores_as_a_file(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project, other = (judged_project(tmp_path / name, server) for name in ("p", "q"))
        project.run()
        file = tmp_path / "replies.jsonl"
        assert project.scoregate("judge", "cache", "export", file).out == f"8 replies in {file}\n"
        assert other.scoregate("judge", "cache", "import", file).out == "8 of 8 replies are new\n"
        other.run()
        assert len(server.requests) == 8


def test_of_a_file_with_one_bad_line_no_reply_is_taken(tmp_path: Path) -> None:
    with ModelServer(script=by_answer) as server:
        project, other = (judged_project(tmp_path / name, server) for name in ("p", "q"))
        project.run()
        file = tmp_path / "replies.jsonl"
        project.scoregate("judge", "cache", "export", file)
        file.write_text(file.read_text() + '{"kind": "judge_reply", "key": "short"}\n')
        assert other.scoregate("judge", "cache", "import", file).error(2).startswith(f"{file}:9: ")
        whole = tmp_path / "whole.jsonl"
        whole.write_text("".join(file.read_text().splitlines(keepends=True)[:8]))
        assert other.scoregate("judge", "cache", "import", whole).out == "8 of 8 replies are new\n"


def test_two_runs_are_compared_pair_by_pair_in_both_orders(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        if "1: " not in request.prompt:
            return by_answer(request)
        first = request.prompt.partition("1: ")[2]
        return judged("first" if first.startswith("answer") else "second")

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, more='pairwise = "prompts/pair.md"')
        project.write("prompts/pair.md", "{{input.n}}\n1: {{first}}\n2: {{second}}\n")
        before = project.run().started
        project.edit(
            "experiments/agent.py",
            "    return",
            "    if item.input['n'] < 3:\n        return 'a guess'\n    return",
        )
        after = project.run().started
        asked = len(server.requests)
        shown = project.scoregate("judge", "compare", "gates/agent.toml", before, after)
        assert len(server.requests) == asked + 6  # three answers differ, each asked about in both orders
        told = project.scoregate("judge", "compare", "gates/agent.toml", before, after, "--json").json()
        assert len(server.requests) == asked + 6
    assert "scoregate: judge relevance on 8 pairs: up to 6 new replies, about $0.0" in shown.err
    assert "8 pairs: A better 3, B better 0, 5 ties (5 of equal answers, 0 flips), 0 errors" in shown.out
    assert "flip rate: 0.0 % [0.0, 70.8] (n = 3)" in shown.out
    assert (told["a"], told["flip_rate"]) == (3, 0.0)
