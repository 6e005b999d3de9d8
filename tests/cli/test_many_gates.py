"""`run` and `check` of several gates: each as if it were alone, then one table, one document, the worst exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from scoregate.reports import FORMATS
from tests.cli.project import NOTE_CALL, Project, agent, ended
from tests.cli.three_gates import WORSE, document, table

Gates = Callable[..., Project]


def test_a_folder_of_gates_is_run_by_one_command_with_one_table_and_one_exit_code(three: Project) -> None:
    three.write("experiments/billing.py", WORSE)

    found = three.scoregate("run", "gates/", "-o", "json=build.json", cold=True)

    assert found.code == 1, found.err
    assert table(found) == {"billing": "regression", "agent": "pass", "refunds": "pass"}
    assert "REGRESSION: 3 gates: 1 regression, 2 pass" in found.out
    assert found.out.endswith("\nexit code 1\n\n")
    assert found.out.count("PASS: ") == 2, "each gate's own verdict stands above"
    assert "gate 2 of 3: gates/billing.toml" in found.err
    built = document(three)
    assert (built["schema"], built["exit_code"], built["left_out"], built["refused"]) == (2, 1, [], [])
    assert [one["gate"] for one in built["gates"]] == ["agent", "billing", "refunds"]
    assert len(built["gates"][1]["regressed_items"]) == 10


def test_the_gates_of_a_shells_pattern_leave_out_what_is_none(three: Project) -> None:
    three.write("gates/project.toml", "[project]\n")
    three.write("gates/waivers.toml", "")
    named = sorted(path.relative_to(three.folder) for path in three.path("gates").glob("*.toml"))
    assert Path("gates/scores.toml") in named

    found = three.scoregate("run", *named, "gates/", "--json")

    assert found.code == 0, found.err
    built = found.json()
    assert [one["gate"] for one in built["gates"]] == ["agent", "billing", "refunds"]


def test_a_gate_alone_decides_as_it_does_among_others(three: Project) -> None:
    three.write("experiments/agent.py", WORSE)
    alone = three.run("--json").json()

    among = three.scoregate("run", "gates/", "--json").json()["gates"][0]

    differing = {key for key in alone if alone[key] != among.get(key)}
    assert differing <= {"candidate_run", "provenance", "diff_command", "hints"}
    assert alone.keys() == among.keys()


def test_every_format_is_one_file_of_all_gates_and_is_made_again_from_the_document(three: Project) -> None:
    three.write("experiments/refunds.py", WORSE)
    outputs = [word for fmt in FORMATS for word in ("-o", f"{fmt}=once/{fmt}.json")]

    found = three.scoregate("run", "gates", *outputs)

    assert found.code == 1, found.err
    again = [word.replace("once/", "again/") for word in outputs]
    shown = three.scoregate("report", "once/json.json", *again)
    assert (shown.code, shown.err) == (0, "")
    for fmt in FORMATS:
        assert three.read(f"again/{fmt}.json") == three.read(f"once/{fmt}.json"), fmt
    assert three.read("once/markdown.json").startswith("> [!CAUTION]\n> **REGRESSION**: 3 gates: ")
    assert three.read("once/junit.json").count("<testsuite ") == 3
    printed = three.scoregate("report", "once/json.json")
    assert printed.out == found.out


def test_a_gate_that_cannot_be_run_stops_no_other_one(three: Project) -> None:
    three.write("gates/billing.toml", "dataset = ")
    three.write("experiments/refunds.py", agent("import os; os._exit(0)"))

    found = three.scoregate("run", "gates", "-o", "json=build.json")

    assert found.code == 5, found.err
    assert table(found) == {"billing": "error", "refunds": "error", "agent": "pass"}
    toml, ended_early = document(three)["refused"]
    assert (toml["gate"], toml["exit_code"], toml["where"]) == ("billing", 2, "gates/billing.toml:1")
    assert (ended_early["gate"], ended_early["exit_code"]) == ("refunds", 5)
    assert "the candidate or a scorer ended it" in ended_early["message"]
    assert ended_early["hint"].startswith("go on with: scoregate run gates/refunds.toml --resume refunds-")
    assert "build.json" not in ended_early["hint"]


def test_an_invalid_gate_is_worse_than_one_that_regressed(three: Project) -> None:
    three.write("experiments/agent.py", WORSE)
    three.write("experiments/billing.py", agent("if n % 2: raise RuntimeError(n)\nreturn n"))

    found = three.scoregate("run", "gates")

    assert found.code == 4, found.err
    assert table(found) == {"billing": "invalid", "agent": "regression", "refunds": "pass"}


def test_a_folder_with_one_gate_has_the_document_of_several(three: Project) -> None:
    for name in ("billing", "refunds"):
        three.path(f"gates/{name}.toml").unlink()

    assert three.scoregate("run", "gates", "--json").json()["schema"] == 2
    assert three.scoregate("run", "gates/agent.toml", "--json").json()["schema"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--resume",), "--resume means one gate, and several are named"),
        (("--item", "q001"), "--item means one gate"),
        (("--only-failed",), "--only-failed means one gate"),
        (("--slice", "intent=refund"), "--slice means one gate"),
        (("--shard", "1/2"), "--shard means one gate"),
        (("--experiment", "experiments/agent.py"), "--experiment means one gate"),
        (("--replay", "x.jsonl"), "--replay means one gate"),
        (("--candidate", "experiments/agent.py"), "--candidate experiments/agent.py means one gate"),
        (("--against", "experiments/agent.py"), "--against experiments/agent.py means one gate"),
        (
            ("--baseline", "gates/agent.baseline.jsonl"),
            "--baseline gates/agent.baseline.jsonl means one gate",
        ),
        (("-o", "results=run.jsonl"), "-o: 'run.jsonl' holds one run, and each of several gates has its own"),
    ],
)
def test_what_means_one_gate_is_refused_before_anything_is_run(
    three: Project, words: tuple[str, ...], said: str
) -> None:
    line = three.scoregate("run", "gates/agent.toml", "gates/billing.toml", *words).error(2)

    assert line.startswith(said)


def test_a_folder_without_gates_is_one_line(three: Project) -> None:
    assert (
        three.scoregate("run", ".").error(2) == ".: there is no gate in this folder (did you mean 'gates'?)"
    )
    assert (
        three.scoregate("run", "gates/scores.toml", "gates/project.toml")
        .error(2)
        .endswith("none of these files is a gate")
    )


def test_the_caps_are_those_of_the_whole_command(three: Project) -> None:
    """150 calls: the first gate makes its 100, the second stops after 50, the third is not begun."""
    for name in ("agent", "billing", "refunds"):
        three.write(f"experiments/{name}.py", agent(f"{NOTE_CALL}\nreturn n"))

    found = three.scoregate("run", "gates", "--max-calls", "150", "-o", "json=build.json")

    assert found.code == 5, found.err
    assert len(three.calls()) == 150
    assert table(found) == {"billing": "error", "refunds": "error", "agent": "pass"}
    stopped, not_begun = document(three)["refused"]
    assert stopped["message"].startswith("reached max_calls = 50 after 50 of 100 run items")
    assert not_begun["message"] == "was not begun: --max-calls 150 is used up"


def test_a_gates_own_lower_cap_still_holds(three: Project) -> None:
    three.write("gates/agent.toml", three.read("gates/agent.toml") + "\n[limits]\nmax_calls = 10\n")

    found = three.scoregate("run", "gates/agent.toml", "gates/billing.toml", "--max-calls", "500")

    assert "reached max_calls = 10 after 10 of 100 run items" in found.err
    assert table(found) == {"agent": "error", "billing": "pass"}


def test_cost_is_shared_too(three: Project) -> None:
    priced = agent("return Answer(n, cost_usd=0.01)", before="from scoregate import Answer")
    for name in ("agent", "billing"):
        three.write(f"experiments/{name}.py", priced)

    found = three.scoregate("run", "gates/agent.toml", "gates/billing.toml", "--max-cost", "1.5")

    assert found.code == 5, found.err
    assert "reached max_cost_usd = 0.5 after 50 of 100 run items" in found.err


def test_ctrl_c_ends_the_gate_at_work_and_begins_no_other(three: Project) -> None:
    three.write("experiments/agent.py", agent(f"{NOTE_CALL}\nimport time; time.sleep(0.05)\nreturn n"))
    process = three.start("run", "gates", "--concurrency", "1", "-o", "json=build.json")
    three.wait_for_calls(3)

    os.kill(process.pid, signal.SIGINT)
    found = ended(process)

    assert found.code == 5, found.err
    assert len(three.calls()) < 100
    assert table(found) == {"agent": "error", "billing": "error", "refunds": "error"}
    stopped, *others = document(three)["refused"]
    assert "--resume agent-" in stopped["hint"]
    assert {other["message"] for other in others} == {"was not begun: the command was stopped"}


def test_the_gates_of_a_project_share_its_alpha_together_and_alone(three: Project) -> None:
    three.write("gates/project.toml", "[project]\nalpha = 0.03\n")

    together = three.scoregate("run", "gates", "--json").json()
    two = three.scoregate("check", "gates/agent.toml", "gates/billing.toml", "--candidate", "newest")
    alone = three.scoregate("check", "gates/agent.toml", "--candidate", "newest", "--json").json()

    assert together["alpha"] == 0.03
    assert [one["alpha"] for one in together["gates"]] == pytest.approx([0.01] * 3)
    assert two.out.endswith("\nexit code 0, alpha 0.03 shared by the project's gates\n\n")
    assert alone["alpha"] == together["gates"][0]["alpha"]


def test_check_decides_each_gate_on_its_newest_whole_run(three: Project) -> None:
    three.write("experiments/billing.py", WORSE)
    assert three.scoregate("run", "gates").code == 1
    assert three.scoregate("run", "gates/agent.toml", "--limit", "5").code == 3

    found = three.scoregate("check", "gates", "--candidate", "newest", "-o", "markdown=build.md")

    assert found.code == 1, found.err
    assert table(found) == {"billing": "regression", "agent": "pass", "refunds": "pass"}
    assert three.read("build.md").startswith("> [!CAUTION]\n> **REGRESSION**: 3 gates")
    alone = three.scoregate("check", "gates/agent.toml", "--candidate", "newest")
    assert alone.outcome(0) == "PASS"


def test_check_takes_a_folder_with_the_results_file_of_each_gate(three: Project) -> None:
    for name in ("agent", "billing"):
        three.write(f"results/{name}.jsonl", three.read("gates/agent.baseline.jsonl"))

    found = three.scoregate("check", "gates", "--candidate", "results", "--json")

    assert found.code == 2, found.err
    built = found.json()
    assert [one["gate"] for one in built["gates"]] == ["agent", "billing"]
    assert built["refused"][0]["message"] == "there is no refunds.jsonl or refunds.jsonl.gz"


def test_check_of_several_takes_no_single_result(three: Project) -> None:
    line = three.scoregate("check", "gates", "--candidate", "results.jsonl").error(2)

    assert line.startswith("--candidate results.jsonl means one gate's results, and several are named")


def test_gates_of_two_projects_are_told_apart(three: Project, tmp_path: Path) -> None:
    both = Project(tmp_path / "both")
    for name in ("a", "b"):
        three.copied_to(both.path(name))

    found = both.scoregate("run", "a/gates/agent.toml", "b/gates/agent.toml")

    assert found.code == 0, found.err
    assert table(found) == {"a/gates/agent.toml": "pass", "b/gates/agent.toml": "pass"}
