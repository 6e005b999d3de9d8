"""Scripts written for Langfuse's experiment action, run unchanged as a gate's experiment by the real command."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_items import items_of
from scoregate.langfuse.experiments import experiment_of_id
from scoregate.langfuse.settings import Settings
from tests.cli.project import GATE, Project, ended, items
from tests.langfuse_server.process import server_process

SCRIPT = """\
from langfuse import Evaluation, RegressionError, RunnerContext
from langfuse.experiment import ExperimentResult


def answer(*, item, **kwargs):
    n = item.input["n"]
    {body}
    return n


def correct(*, input, output, expected_output, metadata, **kwargs):
    return Evaluation(name="correct", value=1.0 if output == expected_output else 0.0, comment=f"said {{output}}")


def accuracy(*, item_results, **kwargs):
    values = [e.value for r in item_results for e in r.evaluations if e.name == "correct"]
    return Evaluation(name="accuracy", value=sum(values) / len(values))


def experiment(context: RunnerContext) -> ExperimentResult:
    result = context.run_experiment(
        name="numbers", task=answer, evaluators=[correct], run_evaluators=[accuracy], {arguments}
    )
    {after}
    return result
"""
THRESHOLD = """\
value = result.run_evaluations[0].value
    if value < 0.9:
        raise RegressionError(result=result, metric="accuracy", value=value, threshold=0.9)"""
CATALOG = """\
[correct]
type = "numeric"
min = 0
max = 1
direction = "higher"
"""
NO_KEYS: Mapping[str, str] = {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""}


def script(body: str = "", *, arguments: str = "", after: str = "") -> str:
    return SCRIPT.format(body=body, arguments=arguments, after=after)


def project(
    folder: Path, experiment: str, *, number: int = 8, environment: Mapping[str, str] = NO_KEYS
) -> Project:
    made = Project(folder / "project", environment)
    made.write_lines("datasets/agent.jsonl", items(number))
    made.write("experiments/agent.py", experiment)
    made.write("gates/agent.toml", GATE)
    made.write("gates/scores.toml", CATALOG)
    return made


def scores(project: Project, run: str) -> Mapping[tuple[str, str], object]:
    """(item, score) -> value, or the status where it has none."""
    project.scoregate("runs", "export", run, "-o", "run.jsonl")
    return {
        (line["item"], line["score"]): line["value"] if line.get("status", "ok") == "ok" else line["status"]
        for line in project.read_lines("run.jsonl")
        if "score" in line
    }


@pytest.fixture(scope="module")
def _accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripted")
    return project(folder, script(after=THRESHOLD), number=128).with_baseline().folder


@pytest.fixture
def accepted(_accepted: Path, tmp_path: Path) -> Project:
    """128 items, all answered as expected by the script that made the accepted baseline."""
    shutil.copytree(_accepted, tmp_path / "project")
    return Project(tmp_path / "project", NO_KEYS)


def test_a_script_runs_unchanged_on_the_gates_dataset_and_passes(accepted: Project) -> None:
    run = replace(accepted, cold=True).run()
    assert run.outcome(0) == "PASS"
    assert "the script's run evaluation accuracy: 1" in run.out
    assert scores(accepted, run.started)["q007", "correct"] == 1.0


def test_a_scripts_regression_error_is_a_regression_though_the_gate_sees_none(accepted: Project) -> None:
    accepted.write(
        "experiments/agent.py", script(after='raise RegressionError(result=result, message="too slow")')
    )
    run = accepted.run("--json")
    verdict = run.json()
    assert (run.code, verdict["outcome"]) == (1, "regression")
    assert verdict["reason"].startswith("the script says: too slow; the gate's own comparison is pass: ")


def test_a_scripts_regression_stays_one_when_its_run_is_decided_again(accepted: Project) -> None:
    accepted.write(
        "experiments/agent.py", script(after='raise RegressionError(result=result, message="too slow")')
    )
    run = accepted.run("--local")
    again = accepted.scoregate("check", "gates/agent.toml", "--candidate", run.started, "--json")
    verdict = again.json()
    assert (again.code, verdict["outcome"]) == (1, "regression")
    assert verdict["reason"].startswith("the script says: too slow; the gate's own comparison is pass: ")
    file = accepted.path("exported.jsonl")
    accepted.scoregate("runs", "export", run.started, "-o", file)
    assert accepted.scoregate("check", "gates/agent.toml", "--candidate", file).code == 1


def test_a_scripts_threshold_is_said_as_the_sdk_says_it(accepted: Project) -> None:
    accepted.write("experiments/agent.py", script("if n < 64: return -1", after=THRESHOLD))
    verdict = accepted.run("--json").json()
    assert verdict["outcome"] == "regression"
    assert "the script says: Regression on `accuracy`: 0.5 (threshold 0.9)" in verdict["reason"]
    assert "the gate's own comparison is regression" in verdict["reason"]


def test_a_class_of_that_name_is_a_regression_whoever_defines_it(accepted: Project) -> None:
    own = (
        script(after='raise Own("worse")')
        + "\n\nclass Own(Exception): pass\nOwn.__name__ = 'RegressionError'\n"
    )
    accepted.write("experiments/agent.py", own)
    assert "the script says: worse" in accepted.run().out


def test_a_script_that_fails_after_the_run_makes_no_valid_comparison(accepted: Project) -> None:
    accepted.write("experiments/agent.py", script(after="result.nonsense()"))
    verdict = accepted.run("--json").json()
    assert (verdict["outcome"], verdict["exit_code"]) == ("invalid", 4)
    assert "the script failed after the run: AttributeError: " in verdict["reason"]
    assert "(agent.py:24)" in verdict["reason"]


def test_an_async_script_runs_too(accepted: Project) -> None:
    accepted.write("experiments/agent.py", script().replace("def experiment", "async def experiment"))
    assert accepted.run().outcome(0) == "PASS"


def test_items_that_failed_are_absent_for_the_script_and_count_for_the_gate(accepted: Project) -> None:
    after = "print('given', len(result.item_results), result.run_evaluations[0].value)"
    accepted.write("experiments/agent.py", script("if n < 6: raise ValueError(n)", after=after))
    run = accepted.run("--json")
    assert "given 122 1.0" in run.err
    rule = run.json()["rules"][0]
    assert (rule["n_scored"], rule["n_expected"], rule["lost"]) == (122, 128, 6)


def test_the_script_is_given_the_sdks_own_result(tmp_path: Path) -> None:
    after = (
        "from langfuse.experiment import ExperimentItemResult, ExperimentResult\n"
        "    one = result.item_results[3]\n"
        "    assert type(result) is ExperimentResult and type(one) is ExperimentItemResult\n"
        "    print('given', one.item.id, one.item.expected_output, one.output, one.evaluations[0].comment)\n"
        "    print(result.format())"
    )
    run = project(tmp_path, script(after=after)).run()
    assert "given q003 3 3 said 3" in run.err
    assert "Average Scores:\n  • correct: 1.000" in run.err


def test_every_trial_of_an_item_is_a_result(tmp_path: Path) -> None:
    made = project(tmp_path, script(after="print('given', len(result.item_results))"))
    assert "given 24" in made.run("--trials", "3").err


def test_the_context_has_the_datasets_items_and_says_which_gate_asks(tmp_path: Path) -> None:
    text = script().replace(
        "    result = context",
        "    one = context.data[2]\n    print('given', one.id, one.input, one.expected_output, one.metadata)\n"
        "    print('of', context.metadata, context.dataset_version, isinstance(context, RunnerContext))\n"
        "    result = context",
    )
    run = project(tmp_path, text).run()
    assert "given q002 {'n': 2} 2 {'intent': 'refund'}" in run.err
    assert "of {'gate': 'agent'} None True" in run.err


def test_the_ids_of_the_result_are_those_in_langfuse(tmp_path: Path) -> None:
    after = "print('ids', result.experiment_id, result.item_results[0].trace_id)"
    with server_process() as server:
        run = project(tmp_path, script(after=after), environment=server.environment).run()
        assert "delivered 8 of 8 items, 8 of 8 scores" in run.err
        given = next(line.split() for line in run.err.splitlines() if line.startswith("ids "))
        settings = Settings(server.public_key, server.secret_key, server.url)
        with Connection(settings) as connection:
            experiment = experiment_of_id(connection, given[1])
            assert experiment is not None
            rows = items_of(connection, experiment, scores=False)
            of_run = list(connection.cursor("/v3/scores", {"experimentId": given[1]}))
    assert {score["name"]: score["value"] for score in of_run}["accuracy"] == 1.0
    assert given[2] in [row.trace_id for row in rows]


def test_without_credentials_the_client_traces_nothing(tmp_path: Path) -> None:
    after = "context.client.flush(); print('flushed', context.client is context.client)"
    assert "flushed True" in project(tmp_path, script(after=after)).run().err


def test_data_that_is_the_gates_dataset_may_be_given(tmp_path: Path) -> None:
    given = "data=[{'input': {'n': n}, 'expected_output': n} for n in range(8)]"
    made = project(tmp_path, script(arguments=given))
    assert "can become the next baseline" not in made.run().err
    made.write("experiments/agent.py", script(arguments="data=context.data"))
    assert scores(made, made.run().started)["q000", "correct"] == 1.0


def test_data_of_its_own_is_refused_with_what_to_do(tmp_path: Path) -> None:
    made = project(tmp_path, script(arguments="data=[{'input': 'What?'}]"))
    error = made.run().error(2)
    assert "gives run_experiment data of its own, and item 1 of the experiment's data is not in" in error
    assert "put the data into the gate's dataset file" in error


def test_a_part_of_the_dataset_is_refused_with_what_to_do(tmp_path: Path) -> None:
    error = project(tmp_path, script(arguments="data=context.data[:3]")).run().error(2)
    assert "gives run_experiment 3 of the 8 items" in error
    assert "--limit" in error


def test_a_selection_of_items_is_the_commands_to_make(accepted: Project) -> None:
    after = "print('given', len(result.item_results))"
    accepted.write("experiments/agent.py", script(after=after))
    assert "given 5" in accepted.run("--limit", "5").err


def test_a_script_that_never_calls_run_experiment_is_refused(tmp_path: Path) -> None:
    error = project(tmp_path, "def experiment(context):\n    return None\n").run().error(2)
    assert "ended without a call of context.run_experiment" in error


def test_a_script_that_fails_before_the_run_is_told_with_its_line(tmp_path: Path) -> None:
    error = project(tmp_path, "def experiment(context):\n    return context.data[99]\n").run().error(2)
    assert error.startswith("experiments/agent.py:2: its `experiment` failed before")
    assert "IndexError" in error


def test_a_second_experiment_makes_no_valid_comparison_even_if_the_script_hides_it(tmp_path: Path) -> None:
    after = "try: context.run_experiment(name='b', task=answer)\n    except Exception: pass"
    run = project(tmp_path, script(after=after)).run()
    assert run.outcome(4) == "INVALID"
    assert "called context.run_experiment twice" in run.out


def test_an_experiment_without_a_context_is_no_script(tmp_path: Path) -> None:
    error = project(tmp_path, "def experiment():\n    pass\n").run().error(2)
    assert "`experiment` cannot be called as experiment(context=...)" in error


def test_a_script_wins_over_a_task_of_the_same_file(accepted: Project) -> None:
    both = script(after='raise RegressionError(result=result, message="no")').replace("answer", "task")
    accepted.write("experiments/agent.py", both)
    assert accepted.run().outcome(1) == "REGRESSION"


def test_a_composite_evaluator_makes_a_score_that_can_be_gated(tmp_path: Path) -> None:
    composite = (
        "def both(*, input, output, expected_output, metadata, evaluations, **kwargs):\n"
        "    return Evaluation(name='both', value=sum(e.value for e in evaluations) / len(evaluations))\n\n\n"
        "async def even(*, output, **kwargs):\n    return {'name': 'even', 'value': float(output % 2 == 0)}\n\n\n"
    )
    text = script(arguments="composite_evaluator=both").replace("[correct]", "[correct, even]")
    made = project(tmp_path, text.replace("def accuracy", composite + "def accuracy"))
    made.write("gates/agent.toml", GATE + "\n[scores.both]\nmax_drop = 0.05\ndirection = 'higher'\n")
    found = scores(made, made.run().started)
    assert [found["q004", name] for name in ("correct", "even", "both")] == [1.0, 1.0, 1.0]
    assert [found["q005", name] for name in ("correct", "even", "both")] == [1.0, 0.0, 0.5]


def test_the_version_of_an_evaluator_is_the_same_beside_a_composite_one(accepted: Project) -> None:
    text = script(arguments="composite_evaluator=lambda *, evaluations, **kwargs: evaluations[0].value")
    accepted.write("experiments/agent.py", text)
    assert "changed since the baseline" not in accepted.run().err


def test_a_run_evaluator_that_fails_is_noted(tmp_path: Path) -> None:
    made = project(tmp_path, script().replace("len(values)", "0"))
    assert "run evaluator 'accuracy' failed: ZeroDivisionError" in made.run("--json").json()["notes"][-1]


BUSY = """\
import asyncio

from langfuse import Evaluation

busy = most = 0


def experiment(context):
    async def task(*, item, **kwargs):
        global busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.05)
        busy -= 1
        return most

    def correct(*, output, **kwargs):
        return Evaluation(name="correct", value=1.0)

    result = context.run_experiment(name="busy", task=task, evaluators=[correct], max_concurrency={at_once})
    print("most", max(one.output for one in result.item_results))
"""


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (2, 2), (50, 3)])
def test_no_more_calls_are_made_at_once_than_the_script_and_the_gate_allow(
    tmp_path: Path, at_once: int, most: int
) -> None:
    ran = project(tmp_path, BUSY.replace("{at_once}", str(at_once))).run("--concurrency", "3")
    assert f"most {most}\n" in ran.err + ran.out


ALONE = """\
import asyncio
import signal
import time
import sqlite3
import time

from langfuse import Evaluation

answers = sqlite3.connect(":memory:")
answers.execute("create table answers (n integer)")


class Agent:
    def __init__(self):
        self.turns = []

    def __call__(self, *, item, **kwargs):
        self.turns = [item.input["n"]]
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        asyncio.run(asyncio.sleep(0))
        time.sleep(0.02)
        answers.execute("insert into answers values (?)", self.turns)
        return self.turns[0]


class Judge:
    __name__ = "correct"

    def __call__(self, *, input, output, **kwargs):
        self.seen = input["n"]
        time.sleep(0.01)
        answers.execute("select * from answers")
        return Evaluation(name="correct", value=float(self.seen == input["n"] == output))


def mean(*, evaluations, **kwargs):
    answers.execute("select * from answers")
    return Evaluation(name="mean", value=evaluations[0].value)


def experiment(context):
    context.run_experiment(name="alone", task=Agent(), evaluators=[Judge()], composite_evaluator=mean)
"""


def test_a_scripts_blocking_code_runs_alone_in_the_thread_that_imported_it(tmp_path: Path) -> None:
    made = project(tmp_path, ALONE, number=12)
    made.write("gates/agent.toml", GATE + "\n[scores.mean]\ndirection = 'higher'\n")
    found = scores(made, made.run().started)
    assert found == {(f"q{n:03}", name): 1.0 for n in range(12) for name in ("correct", "mean")}


WHOLE = """\
import asyncio
import signal
import time
import sqlite3

from langfuse import Evaluation

outer = sqlite3.connect(":memory:")


def experiment(context):
    inner = sqlite3.connect(":memory:")

    def use():
        outer.execute("select 1")
        inner.execute("select 1")
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)

    {kind} task(*, item, **kwargs):
        use()
        return item.input["n"]

    def correct(*, output, expected_output, **kwargs):
        use()
        return Evaluation(name="correct", value=float(output == expected_output))

    def mean(*, evaluations, **kwargs):
        use()
        return Evaluation(name="mean", value=evaluations[0].value)

    def accuracy(*, item_results, **kwargs):
        use()
        return Evaluation(name="accuracy", value=len(item_results) / 6)

    use()
    result = context.run_experiment(
        name="whole", task=task, evaluators=[correct], composite_evaluator=mean, run_evaluators=[accuracy]
    )
    use()
    assert result.run_evaluations[0].value == 1.0
"""


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_all_code_of_a_script_runs_in_one_thread(tmp_path: Path, kind: str) -> None:
    made = project(tmp_path, WHOLE.replace("{kind}", kind), number=6)
    made.write("gates/agent.toml", GATE + "\n[scores.mean]\ndirection = 'higher'\n")
    ran = made.run("--json")
    assert "failed" not in ran.out, ran.out
    assert scores(made, ran.started) == {
        (f"q{n:03}", name): 1.0 for n in range(6) for name in ("correct", "mean")
    }


def test_a_script_whose_run_ends_early_is_left_where_it_waits(tmp_path: Path) -> None:
    text = script("open('calls', 'a').write('.')", after="open('after', 'w').close()")
    made = project(tmp_path, text)
    stopped = made.run("--max-calls", "3")
    assert "reached max_calls = 3 after 3 of 8 run items" in stopped.error(5)
    assert not made.path("after").exists()


@pytest.mark.parametrize("held", ["call", "experiment"])
def test_ctrl_c_ends_a_script_wherever_it_is(tmp_path: Path, held: str) -> None:
    # A file that is closed when its last name goes would swallow an interrupt that comes in that moment (CPython 3.11).
    wait = "with open('calls', 'a') as file: file.write('.')\n    while os.path.exists('hold'): pass"
    text = script(wait if held == "call" else "", after="")
    if held == "experiment":
        text = text.replace("    result = context", f"    {wait}\n    result = context")
    made = project(tmp_path, f"import os\n{text}")
    made.write("hold", "")
    process = made.start("run", "gates/agent.toml")
    while not made.path("calls").exists():
        assert process.poll() is None
        time.sleep(0.01)  # between two looks: the file that the script makes is all that is heard of it
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 5
    assert ("--resume" if held == "call" else "stopped") in stopped.err


def test_a_script_that_bears_it_runs_in_threads(tmp_path: Path) -> None:
    task = "import threading\n    together.wait(20)"
    text = script(task).replace(
        "def answer", "import threading\n\ntogether = threading.Barrier(4)\n\n\ndef answer"
    )
    made = project(tmp_path, text)
    made.write("gates/agent.toml", GATE + '\n[candidate]\nthreads = "pool"\n')
    ran = made.run("--concurrency", "4")
    assert set(scores(made, ran.started).values()) == {1.0}


def test_an_interrupted_run_of_a_script_is_resumed(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        script("open('calls', 'a').write(f'{n}\\n')", after="print('given', len(result.item_results))"),
    )
    stopped = made.run("--max-calls", "3")
    assert stopped.code == 5
    ended = made.run("--resume", stopped.started)
    assert "given 8" in ended.err
    assert sorted(made.calls()) == list(range(8))


def test_modules_beside_a_script_are_found_when_it_imports_them_late(tmp_path: Path) -> None:
    made = project(tmp_path, script(after="import beside; print(beside.WORD)"))
    made.write("experiments/beside.py", "WORD = 'found'\n")
    assert "found" in made.run().err


def test_the_label_of_the_version_is_that_of_the_file(tmp_path: Path) -> None:
    assert "v7 on 8 items" in project(tmp_path, "version = 'v7'\n" + script()).run().err


def test_a_script_is_not_isolated(tmp_path: Path) -> None:
    made = project(tmp_path, script())
    made.edit("gates/agent.toml", 'experiment = "experiments/agent.py"\n', "")
    made.write(
        "gates/agent.toml",
        made.read("gates/agent.toml") + '[candidate]\npython = "experiments/agent.py"\nisolate = true\n',
    )
    assert "is a script, which runs once and in one process" in made.run().error(2)


def test_a_script_is_not_run_beside_another_version(tmp_path: Path) -> None:
    made = project(tmp_path, script())
    made.write("experiments/old.py", script())
    error = made.run("--against", "experiments/old.py").error(2)
    assert "is a script, which runs once and in one process" in error


def test_evaluators_in_the_shape_of_autoevals_make_scores_of_their_own_names(tmp_path: Path) -> None:
    text = script().replace("[correct]", "[correct, wrapped(Near()), wrapped(Length(), limit=5)]")
    text = text.replace(
        "def answer",
        "from types import SimpleNamespace\n"
        "from langfuse.experiment import create_evaluator_from_autoevals as wrapped\n\n\n"
        "class Near:\n"
        "    def _name(self): return 'Near'\n"
        "    def __call__(self, output, expected=None, **kwargs):\n"
        "        if output == 2: raise ValueError('no')\n"
        "        return SimpleNamespace(name='Near', score=1.0, metadata={'comment': 'close'})\n\n\n"
        "class Length(Near):\n"
        "    def _name(self): return 'Length'\n"
        "    def __call__(self, output, expected=None, *, limit, **kwargs):\n"
        "        return SimpleNamespace(name='Length', score=float(output < limit), metadata=None)\n\n\n"
        "def answer",
        1,
    )
    made = project(tmp_path, text)
    made.write("gates/agent.toml", GATE + "\n[scores.Near]\nmax_drop = 0.05\ndirection = 'higher'\n")
    found = scores(made, made.run().started)
    assert [found["q001", "Near"], found["q002", "Near"]] == [1.0, "error"]
    assert [found["q004", "Length"], found["q005", "Length"]] == [1.0, 0.0]


def test_evaluators_of_autoevals_make_their_scores(tmp_path: Path) -> None:
    pytest.importorskip("autoevals", reason="autoevals is not installed, so only its call shape is tested")
    text = script("return f'number {n}' if n else 'none'").replace(
        "[correct]", "[wrapped(Levenshtein()), wrapped(ExactMatch())]"
    )
    text = text.replace(
        "def answer",
        "from autoevals import ExactMatch, Levenshtein\n"
        "from langfuse.experiment import create_evaluator_from_autoevals as wrapped\n\n\n"
        "def answer",
        1,
    )
    made = project(tmp_path, text)
    made.write_lines(
        "datasets/agent.jsonl",
        [{**item, "expected_output": f"number {item['input']['n']}"} for item in items(8)],
    )
    made.write(
        "gates/agent.toml", GATE.replace("scores.correct", "scores.Levenshtein") + "direction = 'higher'\n"
    )
    found = scores(made, made.run().started)
    assert [found["q001", name] for name in ("Levenshtein", "ExactMatch")] == [1.0, 1.0]
    assert found["q000", "ExactMatch"] == 0.0
    assert 0.0 < float(str(found["q000", "Levenshtein"])) < 1.0
