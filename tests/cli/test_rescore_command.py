"""`runs rescore`: a scorer changed, and both sides are judged by one scorer again without a call of the candidate."""

from __future__ import annotations

import re
import shlex
import signal
import time
from collections.abc import Callable

from tests.cli.project import AGENT, GATE, NOTE_CALL, Ended, Project, agent
from tests.model_server.answers import judged
from tests.model_server.server import ModelServer

LOCK = "gates/agent.baseline.jsonl"
Small = Callable[..., Project]
OLD, NEW = "return output == expected_output", "return str(output) == str(expected_output)"
SOMETIMES_FAILS = agent(f"{NOTE_CALL}\nif n == 3:\n    raise ValueError('no answer')\nreturn n")


def printed_command(text: str) -> list[str]:
    """The words of the command that a refusal prints, wherever its lines are broken."""
    found = re.search(r"scoregate (runs rescore \S+ --gate \S+\.toml)", " ".join(text.split()))
    assert found, text
    return shlex.split(found[1])


def with_changed_scorer(project: Project) -> str:
    """One line of the evaluator is edited and the gate is run: the run's id."""
    project.edit("experiments/agent.py", OLD, NEW)
    run = project.run()
    assert run.outcome(4) == "INVALID"
    return run.started


def check(project: Project, run: str, *words: str) -> Ended:
    return project.scoregate("check", "gates/agent.toml", "--candidate", run, *words)


def test_a_changed_scorer_is_refused_with_the_command_that_mends_it(accepted: Project) -> None:
    before, run = accepted.baseline_run, with_changed_scorer(accepted)
    refused = check(accepted, run)
    assert refused.outcome(4) == "INVALID"
    assert "the scorer of correct changed since the baseline" in refused.out
    assert f"scoregate runs rescore {before} --gate gates/agent.toml" in refused.out
    assert printed_command(refused.out) == ["runs", "rescore", before, "--gate", "gates/agent.toml"]

    assert accepted.scoregate(*printed_command(refused.out)).code == 0
    assert check(accepted, run).outcome(0) == "PASS"


def test_no_candidate_is_called(small: Small) -> None:
    project = small(experiment=agent(f"{NOTE_CALL}\nreturn n")).with_baseline()
    project.edit("experiments/agent.py", OLD, NEW)
    rescored = project.scoregate("runs", "rescore", project.baseline_run, "--gate", "gates/agent.toml")
    assert rescored.code == 0
    assert "8 stored outputs of agent-" in rescored.err
    assert "by 1 scorer: 8 scorings; no candidate is called" in rescored.err
    assert sorted(project.calls()) == list(range(8))


def test_the_lock_file_is_written_anew_and_keeps_who_accepted_it(accepted: Project) -> None:
    old_header, *old_lines = accepted.read_lines(LOCK)
    accepted.edit("experiments/agent.py", OLD, "return len(str(output)) == 1")
    rescored = accepted.scoregate("runs", "rescore", old_header["run"], "--gate", "gates/agent.toml")
    assert f"wrote the new scores to {LOCK}: commit this file" in rescored.err

    header, *lines = accepted.read_lines(LOCK)
    assert re.fullmatch(re.escape(old_header["run"]) + "-rescored-[0-9a-f]{4}", header["run"])
    assert header["metadata"]["rescored_from"] == old_header["run"]
    assert header["metadata"]["rescored"].keys() == {"who", "when"}
    assert header["metadata"]["accepted"] == old_header["metadata"]["accepted"]
    assert header["started_at"] == old_header["started_at"]
    assert header["scorers"] != old_header["scorers"]
    assert [line["output"] for line in lines] == [line["output"] for line in old_lines]
    assert [line["scores"]["correct"] for line in lines] == [n < 10 for n in range(64)]


def test_the_lock_file_has_the_outputs_where_the_store_is_gone(accepted: Project) -> None:
    accepted.path(".scoregate/store.sqlite3").unlink()
    run = with_changed_scorer(accepted)
    assert accepted.scoregate(*printed_command(check(accepted, run).out)).code == 0
    assert check(accepted, run).outcome(0) == "PASS"


def test_a_lock_file_may_be_scored_again_and_again(accepted: Project) -> None:
    origin = accepted.baseline_run
    run = with_changed_scorer(accepted)
    assert accepted.scoregate(*printed_command(check(accepted, run).out)).code == 0
    accepted.edit("experiments/agent.py", NEW, "return repr(output) == repr(expected_output)")
    run = accepted.run().started
    command = printed_command(check(accepted, run).out)
    assert command[2] == origin
    assert accepted.scoregate(*command).code == 0
    assert accepted.read_lines(LOCK)[0]["metadata"]["rescored_from"] == origin
    assert check(accepted, run).outcome(0) == "PASS"


def test_a_stored_baseline_means_the_newest_run_scored_by_the_present_scorers(accepted: Project) -> None:
    before = accepted.baseline_run
    accepted.edit("gates/agent.toml", f'"{LOCK}"', f'"run:{before}"')
    run = with_changed_scorer(accepted)
    command = printed_command(check(accepted, run).out)
    assert command[2] == before
    assert accepted.scoregate(*command).code == 0
    checked = check(accepted, run)
    assert checked.outcome(0) == "PASS"
    assert f"the baseline's outputs are those of run {before}, which were scored again on" in checked.out

    kept = accepted.scoregate("runs", "prune", "--keep", "0", "--yes")
    assert kept.code == 0
    shown = accepted.scoregate("runs", "list").out
    assert before in shown
    assert "scored again" in shown


def test_a_run_named_on_the_command_line_is_found_scored_again_too(accepted: Project) -> None:
    run = with_changed_scorer(accepted)
    refused = check(accepted, run, "--baseline", accepted.baseline_run)
    assert refused.outcome(4) == "INVALID"
    named = accepted.baseline_run
    accepted.path(LOCK).unlink()
    assert accepted.scoregate(*printed_command(refused.out)).code == 0
    assert check(accepted, run, "--baseline", named).outcome(0) == "PASS"


def test_where_the_candidate_was_scored_first_its_own_command_is_printed(accepted: Project) -> None:
    candidate = accepted.run().started
    accepted.edit("experiments/agent.py", OLD, NEW)
    before = accepted.baseline_run
    assert accepted.scoregate("runs", "rescore", before, "--gate", "gates/agent.toml").code == 0
    refused = check(accepted, candidate)
    assert "the candidate was scored first" in refused.out
    assert printed_command(refused.out)[2] == candidate
    rescored = accepted.scoregate(*printed_command(refused.out))
    found = re.search(r"run (\S+-rescored-\w{4}): ", rescored.err)
    assert found
    assert check(accepted, found[1]).outcome(0) == "PASS"


def test_a_run_scored_again_is_no_other_candidate(accepted: Project) -> None:
    before = accepted.baseline_run
    assert accepted.scoregate("runs", "rescore", before, "--gate", "gates/agent.toml").code == 0
    assert "the candidate is its own baseline" in check(accepted, before).out


def test_failed_items_stay_failed_with_their_reason(small: Small) -> None:
    project = small(experiment=SOMETIMES_FAILS)
    run = project.run().started
    words = ("--why", "x", "--force", "--yes")
    assert project.scoregate("baseline", "accept", "gates/agent.toml", run, *words).code == 0
    project.edit("experiments/agent.py", OLD, NEW)
    assert project.scoregate("runs", "rescore", run, "--gate", "gates/agent.toml").code == 0
    failed = project.read_lines(LOCK)[4]
    assert failed["status"] == "error"
    assert failed["error"] == "ValueError: no answer"
    comment = "the candidate failed: ValueError: no answer"
    assert failed["scores"]["correct"] == {"status": "error", "comment": comment}
    assert sorted(project.calls()) == list(range(8))


def test_without_outputs_one_line_says_what_to_do(accepted: Project) -> None:
    exported = accepted.path("exported.jsonl")
    before = accepted.baseline_run
    assert accepted.scoregate("runs", "export", before, "-o", exported).code == 0
    header, *lines = accepted.read_lines(LOCK)
    del header["digest"]  # as an earlier version wrote it
    bare = [{key: value for key, value in line.items() if key != "output"} for line in lines]
    accepted.write_lines(LOCK, [header, *bare])
    accepted.path(".scoregate/store.sqlite3").unlink()
    accepted.edit("experiments/agent.py", OLD, NEW)

    rescore = ("runs", "rescore", before, "--gate", "gates/agent.toml")
    line = accepted.scoregate(*rescore).error(2)
    assert line.startswith(f"the outputs of run {before} are neither in the store nor the baseline's file")
    assert "--outputs FILE" in line
    assert accepted.scoregate(*rescore, "--outputs", "exported.jsonl").code == 0
    assert accepted.read_lines(LOCK)[1]["output"] == 0


def test_outputs_of_another_run_are_refused(accepted: Project) -> None:
    other = accepted.run().started
    assert accepted.scoregate("runs", "export", other, "-o", "other.jsonl").code == 0
    rescore = ("runs", "rescore", accepted.baseline_run, "--gate", "gates/agent.toml")
    line = accepted.scoregate(*rescore, "--outputs", "other.jsonl").error(2)
    assert line == (
        f"--outputs other.jsonl: holds run {other}, and the outputs of run {accepted.baseline_run} are wanted"
    )


def test_a_run_does_it_in_one_go_where_a_scorer_changed(accepted: Project) -> None:
    before = accepted.read(LOCK)
    unchanged = accepted.run("--rescore-baseline")
    assert unchanged.outcome(0) == "PASS"
    assert "scorings" not in unchanged.err

    accepted.edit("experiments/agent.py", OLD, NEW)
    run = accepted.run("--rescore-baseline")
    assert run.outcome(0) == "PASS"
    assert "the scorer of correct changed: run agent-" in run.err
    assert "by 1 scorer: 64 scorings; no candidate is called" in run.err
    assert "the baseline itself stays as it is" in run.err
    assert accepted.read(LOCK) == before

    again = accepted.run("--rescore-baseline")
    assert again.outcome(0) == "PASS"
    assert "scorings" not in again.err


def test_what_runs_beside_the_candidate_needs_no_rescoring(accepted: Project) -> None:
    line = accepted.run("--rescore-baseline", "--against", "experiments/agent.py").error(2)
    assert line.startswith("--rescore-baseline is for stored runs")


def test_the_anchor_is_scored_again_as_well(accepted: Project) -> None:
    release = accepted.run().started
    accepted.write("gates/agent.toml", f'anchor = "run:{release}"\n' + GATE)
    run = with_changed_scorer(accepted)
    assert accepted.scoregate(*printed_command(check(accepted, run).out)).code == 0
    refused = check(accepted, run)
    assert refused.outcome(4) == "INVALID"
    assert printed_command(refused.out)[2] == release
    assert accepted.scoregate(*printed_command(refused.out)).code == 0
    assert check(accepted, run).outcome(0) == "PASS"


def test_an_interrupted_rescoring_is_gone_on_with(small: Small) -> None:
    slow = "import time; open('scored', 'a').write('x'); time.sleep(0.3); " + OLD
    project = small(number=12).with_baseline()
    project.edit("gates/agent.toml", "[slices]", "[limits]\nconcurrency = 1\n\n[slices]")
    project.edit("experiments/agent.py", OLD, slow)
    rescore = ("runs", "rescore", project.baseline_run, "--gate", "gates/agent.toml")
    process = project.start(*rescore)
    deadline = time.monotonic() + 60
    while not project.path("scored").exists() or len(project.read("scored")) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 5, told
    assert "stored outputs, whose scores are kept (go on with: scoregate runs rescore " in told
    done = project.scoregate(*rescore)
    assert done.code == 0
    assert "are there already)" in done.err
    assert len(project.scoregate("runs", "list", "--json").json()) == 2


def test_a_gate_without_a_candidate_rescores_with_the_scorers_of_its_own(accepted: Project) -> None:
    before = accepted.baseline_run
    accepted.write("experiments/agent.py", AGENT.replace("evaluators = [correct]", "evaluators = []"))
    accepted.edit("gates/agent.toml", 'experiment = "experiments/agent.py"\n', "")
    accepted.write(
        "gates/agent.toml", accepted.read("gates/agent.toml") + '\n[scorers.correct]\nuse = "exact_match"\n'
    )
    assert accepted.scoregate("runs", "rescore", before, "--gate", "gates/agent.toml").code == 0
    assert accepted.read_lines(LOCK)[0]["scorers"]["correct"].startswith("exact_match/")
    assert {line["scores"]["correct"] for line in accepted.read_lines(LOCK)[1:]} == {True}


def test_a_judge_prompt_edited_by_one_word_is_mended_by_the_printed_command(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    judge_server.begin_again(script=lambda request: judged(8 if "fine" in request.prompt else 9))
    judged_accepted.edit("prompts/relevance.md", "good", "fine")
    run = judged_accepted.run()
    refused = check(judged_accepted, run.started)
    assert refused.outcome(4) == "INVALID"
    assert "the scorer of relevance changed since the baseline" in refused.out
    asked = len(judge_server.requests)

    rescored = judged_accepted.scoregate(*printed_command(refused.out))
    assert rescored.code == 0, rescored.err
    assert "by 1 scorer: 8 scorings, no new judge reply; no candidate is called" in rescored.err
    # The candidate's answers were the baseline's, so that their replies are in the cache.
    assert "judge relevance: 8 replies, 8 from the cache, 0 calls" in rescored.err
    assert len(judge_server.requests) == asked == 8
    assert check(judged_accepted, run.started).outcome(0) == "PASS"
    lock = judged_accepted.read_lines(LOCK)
    assert lock[1]["scores"]["relevance"] == {"value": 8, "source": "judge"}


def test_where_the_dataset_changed_as_well_scoring_again_is_not_advised(judged_accepted: Project) -> None:
    judged_accepted.edit("prompts/relevance.md", "good", "fine")
    judged_accepted.write(
        "datasets/agent.jsonl", judged_accepted.read("datasets/agent.jsonl").replace('"n": 3', '"n": 33')
    )
    run = judged_accepted.run()
    assert run.outcome(4) == "INVALID"
    assert "the dataset 'agent' changed since the baseline was made" in run.out
    assert "runs rescore" not in run.out


def test_a_run_rescores_the_baseline_by_the_changed_judge(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    judge_server.begin_again(script=lambda request: judged(8 if "fine" in request.prompt else 9))
    judged_accepted.edit("prompts/relevance.md", "good", "fine")
    run = judged_accepted.run("--rescore-baseline")
    assert run.outcome(0) == "PASS"
    assert "8 scorings, up to 8 new judge replies, up to about $0.0012; no candidate is called" in run.err
    assert len(judge_server.requests) == 8


def test_a_cap_on_cost_holds_for_judges_that_score_again(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    limits = "[limits]\nconcurrency = 1\nmax_cost_usd = 0.000001"
    judged_accepted.edit("gates/agent.toml", "[limits]", limits)
    judged_accepted.edit("prompts/relevance.md", "good", "fine")
    words = ("runs", "rescore", judged_accepted.baseline_run, "--gate", "gates/agent.toml")
    stopped = judged_accepted.scoregate(*words)
    assert stopped.code == 5
    assert "reached max_cost_usd = 1e-06 after " in stopped.err
    assert len(judge_server.requests) < 8
    judged_accepted.edit("gates/agent.toml", "max_cost_usd = 0.000001", "")
    assert judged_accepted.scoregate(*words).code == 0
    assert len(judge_server.requests) == 8
