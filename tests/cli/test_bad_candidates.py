"""Candidates and scorers that misbehave cost the items they fail, never the run or the output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from scoregate.records import JSON
from tests.cli.project import AGENT, GATE, Project, agent, items

Small = Callable[..., Project]

FAULTS = """\
if n == 1: raise ValueError("no luck\\nsecond line")
if n == 2: time.sleep(60)
if n == 60: return {"rows": object()}
if n == 4: return float("nan")
if n == 5: sys.exit(3)
if n == 6: print("noise"), os.system("echo more"), os.write(1, b"raw")
if n == 7: raise KeyboardInterrupt
return n"""
IMPORTS = "import os, sys, time"
REASONS = {
    "q001": ("error", "ValueError: no luck"),
    "q002": ("timeout", "timed out after 1 s"),
    "q060": ("error", "returned something that is no JSON: object at output.rows"),
    "q004": ("error", "returned something that is no JSON: nan at output"),
    "q005": ("error", "the candidate called exit(3)"),
    "q007": ("error", "KeyboardInterrupt"),
}


def run_items(project: Project, run: str) -> dict[str, JSON]:
    """Item id -> its line in the results file."""
    lines = (json.loads(line) for line in project.scoregate("runs", "export", run).out.splitlines())
    return {line["item"]: line for line in lines if line["kind"] == "item"}


def reasons(project: Project, run: str) -> dict[str, tuple[str, str]]:
    """Item id -> status and error of the items that failed."""
    found = run_items(project, run)
    return {name: (item["status"], item["error"]) for name, item in found.items() if item["status"] != "ok"}


@pytest.mark.parametrize("kind", ["def task", "async def task"])
def test_every_fault_of_a_function_is_one_failed_item_with_its_reason(small: Small, kind: str) -> None:
    body = FAULTS.replace("time.sleep(60)", "await asyncio.sleep(60)") if "async" in kind else FAULTS
    # The one that cannot be written comes last: as the first answer it would end the run.
    project = small(number=64, experiment=agent(body, before=f"{IMPORTS}, asyncio").replace("def task", kind))
    ran = project.run("--timeout", "1", "--json")
    assert ran.code == 4
    assert ran.json()["outcome"] == "invalid"  # alone on stdout, although the candidate printed
    assert all(word in ran.err for word in ("noise\n", "more\n", "raw"))
    assert reasons(project, ran.started) == REASONS


def test_a_failing_item_counts_against_the_candidate_and_is_named(accepted: Project) -> None:
    accepted.write(
        "experiments/agent.py", agent("if n < 3: raise ValueError('no luck')\nreturn n", version="v2")
    )
    ran = accepted.run()
    assert ran.outcome(0) == "INCONCLUSIVE"
    assert "61/64" in ran.out
    assert (
        "- q000 and 2 more alike: correct true → missing (the candidate failed: ValueError: no luck)"
        in ran.out
    )


def test_a_candidate_that_always_fails_is_invalid_and_not_a_pass(accepted: Project) -> None:
    accepted.write("experiments/agent.py", agent("raise ValueError('no luck')", version="v2"))
    ran = accepted.run("--keep-going")
    assert ran.outcome(4) == "INVALID"
    assert "100.0 % of the candidate's values of 'correct' are missing or failed (64 items of 64" in ran.out


def test_a_thread_that_hangs_and_prints_for_ever_does_not_reach_stdout(small: Small) -> None:
    project = small(experiment=agent("while n == 3: print('noise', flush=True)\nreturn n"))
    ran = project.run("--timeout", "0.2", "--json")
    assert ran.json()["outcome"] == "invalid"
    assert "noise\n" in ran.err


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("os._exit(0)", "ended with exit code 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
    ],
)
def test_a_candidate_that_kills_its_own_process(small: Small, end: str, how: str) -> None:
    body = f"while n == 30 and not os.path.exists('mended'): {end}\nreturn n"
    project = small(number=40, experiment=agent(body, before="import os, signal"))
    ran = project.run("--concurrency", "1")
    told = ran.error(5)
    resume = f"scoregate run gates/agent.toml --resume {ran.started} --concurrency 1"
    assert told.startswith(
        f"the run's process {how}; the candidate or a scorer ended it (go on with: {resume}; isolate"
    )
    project.write("mended", "")
    resumed = project.scoregate(*resume.split()[1:])
    assert resumed.outcome(4) == "INVALID"  # no baseline
    assert "40 ok of 40 expected" in resumed.out


def test_a_file_that_ends_the_process_when_it_is_imported(small: Small) -> None:
    project = small(experiment=f"import os\nos._exit(0)\n{AGENT}")
    told = project.run().error(5)
    assert (
        told
        == "the run's process ended with exit code 0; the candidate or a scorer ended it (no run had begun)"
    )


def test_an_isolated_candidate_that_kills_its_process_costs_that_item(small: Small) -> None:
    body = "if n == 1: os._exit(0)\nif n == 2: os.kill(os.getpid(), signal.SIGSEGV)\nreturn n"
    gate = GATE.replace("[slices]", "[candidate]\nisolate = true\n\n[slices]")
    project = small(number=4, experiment=agent(body, before="import os, signal"), gate=gate)
    ran = project.run()
    assert ran.code == 4
    assert reasons(project, ran.started) == {
        "q001": ("error", "task ended its process before it answered (exit code 0)"),
        "q002": ("error", "killed by SIGSEGV"),
    }


COMMAND = f"""\
{IMPORTS}, json, signal
n = json.load(sys.stdin)["input"]["n"]
if n == 1: sys.exit("no luck")
if n == 2: time.sleep(60)
if n == 3: print("no", "JSON")
if n == 4: print("NaN")
if n == 5: os._exit(3)
if n == 6: print("logged", file=sys.stderr)
if n == 7: os.kill(os.getpid(), signal.SIGKILL)
if n != 3 and n != 4: print(n)
"""


def test_every_fault_of_a_command_is_one_failed_item_with_its_reason(small: Small) -> None:
    command = f'[candidate]\ncommand = ["{sys.executable}", "-S", "agent.py"]\n\n[slices]'
    gate = GATE.replace('experiment = "experiments/agent.py"\n', "").replace("[slices]", command)
    project = small(gate=gate + '\n[scorers.correct]\nuse = "exact_match"\n')
    project.write("agent.py", COMMAND)
    ran = project.run("--timeout", "2", "--json")
    assert ran.code == 4
    assert ran.json()["outcome"] == "invalid"
    found = reasons(project, ran.started)
    assert found.pop("q003")[1].startswith("printed ")
    assert found.pop("q004")[1].startswith("printed ")
    assert found == {
        "q001": ("error", "exit code 1: no luck"),
        "q002": ("timeout", "timed out after 2 s"),
        "q005": ("error", "exit code 3"),
        "q007": ("error", "killed by SIGKILL"),
    }


def test_an_answer_of_50_mb_is_kept(small: Small) -> None:
    project = small(number=3, experiment=agent("return 'x' * 50_000_000 if n == 1 else n"))
    ran = project.run()
    assert ran.outcome(4) == "INVALID"
    assert "3 ok of 3 expected" in ran.out


SCORER = AGENT.replace(
    "    return output == expected_output",
    """\
    if output == "raise": raise KeyError("gone")
    if output == "hang": time.sleep(60)
    if output == "object": return object()
    if output == "nothing": return None
    if output == "nan": return float("nan")
    if output == "text": return "yes"
    if output == "exit": sys.exit(3)
    print("noise")
    return output == expected_output""",
).replace('version = "v1"', f'{IMPORTS}\nversion = "v1"')


def test_every_fault_of_a_scorer_is_an_error_cell_with_its_reason(small: Small) -> None:
    faults = ["raise", "hang", "object", "nothing", "nan", "text", "exit"]
    project = small(experiment=SCORER)
    rows = items(8)
    for row, fault in zip(rows, faults, strict=False):
        row["input"]["n"] = fault
    project.write_lines("datasets/agent.jsonl", rows)
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\ndirection = "higher"\n')
    ran = project.run("--timeout", "1", "--json")
    assert ran.json()["outcome"] == "invalid"
    lines = (json.loads(line) for line in project.scoregate("runs", "export", ran.started).out.splitlines())
    cells = {line["item"]: line for line in lines if line["kind"] == "score"}
    assert {name: cell["status"] for name, cell in cells.items()} == {
        **dict.fromkeys([f"q{n:03}" for n in range(7)], "error"),
        "q007": "ok",
    }
    told = [cells[f"q{n:03}"]["comment"] for n in range(7)]
    for reason, word in zip(
        told, ["'gone'", "timed out", "object", "nothing", "nan", "yes", "SystemExit"], strict=True
    ):
        assert word in reason, told
