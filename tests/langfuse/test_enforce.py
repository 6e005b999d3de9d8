"""A gate inside of a script: results of the SDK's own `run_experiment`, and the SDK's own `RegressionError`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langfuse import Evaluation, Langfuse, RegressionError, RunnerContext
from langfuse.api import DatasetItem as LangfuseItem
from langfuse.api import DatasetStatus
from langfuse.experiment import ExperimentResult

from scoregate.baselines.load import lock_path
from scoregate.errors import BaselineError, ConfigError, ResultsError
from scoregate.gate_file import read_gate
from scoregate.gate_run.enforce import NotComparable, NotDecided
from scoregate.gates.acceptance import locked
from scoregate.langfuse import enforce
from scoregate.records import JSON, Run
from scoregate.records.run_facts import Acceptance
from scoregate.results_file import write_lock
from scoregate.sources import open_store
from tests.cli.project import Project, items

GATE = """\
dataset = "datasets/agent.jsonl"
baseline = "gates/agent.baseline.jsonl"

[slices]
intent = "metadata.intent"

[scores.correct]
max_drop = 0.05
direction = "higher"
"""
Answer = Callable[[int], int]


def right(n: int) -> int:
    return n


def correct(
    *, input: object, output: object, expected_output: object, metadata: object, **_: object
) -> Evaluation:
    return Evaluation(name="correct", value=float(output == expected_output))


@pytest.fixture(scope="module")
def client() -> Iterator[Langfuse]:
    """The real SDK, which traces nothing and needs no network."""
    made = Langfuse(public_key="pk-lf-enforce", secret_key="sk-lf-enforce", tracing_enabled=False)
    yield made
    made.shutdown()


@pytest.fixture
def agent(tmp_path: Path) -> Project:
    """A gate on 128 items, without an experiment of its own."""
    made = Project(tmp_path)
    made.write_lines("datasets/agent.jsonl", items(128))
    made.write("gates/agent.toml", GATE)
    return made


def experiment(
    client: Langfuse, project: Project, answer: Answer = right, data: list[Any] | None = None
) -> ExperimentResult:
    """What a script's `context.run_experiment` returns, by default on the dataset's items as local ones."""

    def task(*, item: Any, **_: object) -> int:
        return answer(item["input"]["n"])

    lines = project.read_lines("datasets/agent.jsonl") if data is None else data
    context = RunnerContext(client=client, data=lines)
    return context.run_experiment(name="numbers", task=task, evaluators=[correct])


def gate(project: Project) -> Path:
    return project.path("gates/agent.toml")


def newest(project: Project) -> Run:
    with open_store(project.folder) as store:
        return store.load_run(store.list_runs()[0].run)


def accept(project: Project, result: ExperimentResult) -> None:
    """Make the run that `enforce` leaves behind the baseline."""
    with pytest.raises(BaselineError, match="there is no baseline yet"):
        enforce(gate(project), result)
    acceptance = Acceptance(who="a", when="2026-01-01T00:00:00.000+00:00", why="b")
    write_lock(locked(newest(project), acceptance), lock_path(read_gate(gate(project))))


@pytest.fixture
def accepted(agent: Project, client: Langfuse) -> Project:
    accept(agent, experiment(client, agent))
    return agent


def test_without_a_regression_the_verdict_is_returned(accepted: Project, client: Langfuse) -> None:
    verdict = enforce(gate(accepted), experiment(client, accepted))
    assert verdict.outcome == "pass"
    assert verdict.rules[0].n_expected == 128


def test_a_regression_raises_the_sdks_own_error_with_the_result(accepted: Project, client: Langfuse) -> None:
    result = experiment(client, accepted, lambda n: n if n >= 40 else -1)
    with pytest.raises(RegressionError) as raised:
        enforce(gate(accepted), result)
    assert type(raised.value) is RegressionError
    assert raised.value.result is result
    assert "correct: fell from 100.0 % to 68.8 %" in str(raised.value)
    assert "worse: q000, q001, q002" in str(raised.value)


def test_items_that_the_result_lacks_count_against_the_candidate(accepted: Project, client: Langfuse) -> None:
    def fails(n: int) -> int:
        if n < 6:
            raise ValueError(n)
        return n

    result = experiment(client, accepted, fails)
    assert len(result.item_results) == 122
    rule = enforce(gate(accepted), result).rules[0]
    assert (rule.n_scored, rule.n_expected, rule.lost) == (122, 128, 6)
    failed = [item for item in newest(accepted).items if item.status == "error"]
    assert [item.item for item in failed][:2] == ["q000", "q001"]
    assert failed[0].error is not None
    assert "does not hold it" in failed[0].error


def test_too_many_missing_items_fail_the_build_as_no_valid_comparison(
    accepted: Project, client: Langfuse
) -> None:
    lines = accepted.read_lines("datasets/agent.jsonl")[:80]
    with pytest.raises(NotComparable, match=r"37\.5 % of the candidate's values") as raised:
        enforce(gate(accepted), experiment(client, accepted, data=lines))
    assert raised.value.exit_code == 4
    assert raised.value.verdict.outcome == "invalid"


def test_inconclusive_fails_the_build_only_where_the_gate_says_so(agent: Project, client: Langfuse) -> None:
    agent.write_lines("datasets/agent.jsonl", items(20))
    accept(agent, experiment(client, agent))
    assert enforce(gate(agent), experiment(client, agent)).outcome == "inconclusive"
    agent.write("gates/agent.toml", 'on_inconclusive = "fail"\n' + GATE)
    with pytest.raises(NotDecided) as raised:
        enforce(gate(agent), experiment(client, agent))
    assert raised.value.exit_code == 3


def test_without_a_baseline_the_run_is_kept_to_be_accepted(agent: Project, client: Langfuse) -> None:
    with pytest.raises(
        BaselineError, match=r"scoregate baseline accept .*agent.toml agent-\S+ --why"
    ) as raised:
        enforce(gate(agent), experiment(client, agent))
    assert raised.value.exit_code == 4
    assert newest(agent).id in str(raised.value)
    accepted = agent.scoregate(
        "baseline", "accept", "gates/agent.toml", newest(agent).id, "--why", "first", "--yes"
    )
    assert accepted.code == 0, accepted.err
    assert enforce(gate(agent), experiment(client, agent)).outcome == "pass"


def test_the_run_tells_experiment_items_outputs_and_slices(accepted: Project, client: Langfuse) -> None:
    result = experiment(client, accepted)
    enforce(gate(accepted), result, version="v9")
    run = newest(accepted)
    assert run.header.candidate == "v9"
    assert run.header.metadata["sdk_experiment"] == {"id": result.experiment_id, "name": "numbers"}
    assert (run.items[3].item, run.items[3].output, run.items[3].slices) == ("q003", 3, {"intent": "hours"})


def test_items_without_ids_are_known_by_what_they_ask(accepted: Project, client: Langfuse) -> None:
    lines = [{"input": {"n": n}, "expected_output": n} for n in reversed(range(128))]
    assert enforce(gate(accepted), experiment(client, accepted, data=lines)).outcome == "pass"
    assert newest(accepted).items[5].output == 5


def test_an_id_in_the_metadata_counts_too(agent: Project, client: Langfuse) -> None:
    same: list[JSON] = [{"id": f"q{n}", "input": {"n": 1}, "expected_output": 1} for n in range(128)]
    agent.write_lines("datasets/agent.jsonl", same)
    agent.write("gates/agent.toml", GATE.replace('[slices]\nintent = "metadata.intent"\n', ""))
    accept(agent, experiment(client, agent))
    lines = [{"input": {"n": 1}, "expected_output": 1, "metadata": {"id": f"q{n}"}} for n in range(128)]
    assert enforce(gate(agent), experiment(client, agent, data=lines)).outcome == "pass"


def test_items_of_a_langfuse_dataset_are_known_by_their_ids(accepted: Project, client: Langfuse) -> None:
    now = datetime.now(UTC)
    hosted = [
        LangfuseItem(
            id=f"q{n:03}",
            status=DatasetStatus("ACTIVE"),
            input={"n": n},
            expected_output=n,
            metadata={"intent": "any"},
            dataset_id="d",
            dataset_name="agent",
            created_at=now,
            updated_at=now,
            media_references=[],
        )
        for n in range(128)
    ]

    def task(*, item: Any, **_: object) -> object:
        return item.input["n"]

    context = RunnerContext(client=client, data=hosted)
    result = context.run_experiment(name="hosted", task=task, evaluators=[correct])
    assert enforce(gate(accepted), result).outcome == "pass"


def test_an_item_that_is_not_in_the_dataset_is_refused(accepted: Project, client: Langfuse) -> None:
    lines = [*accepted.read_lines("datasets/agent.jsonl")[:2], {"input": {"n": 999}}]
    with pytest.raises(
        ResultsError, match="item 3 of the experiment's data is not in the gate's dataset 'agent'"
    ):
        enforce(gate(accepted), experiment(client, accepted, data=lines))


def test_an_item_that_could_be_several_is_refused(agent: Project, client: Langfuse) -> None:
    same: list[JSON] = [
        {"id": f"q{n}", "input": {"n": 1}, "expected_output": n, "metadata": {"intent": "x"}}
        for n in range(4)
    ]
    agent.write_lines("datasets/agent.jsonl", same)
    with pytest.raises(
        ResultsError, match=r"asks the same as 4 items .* \(give the items of the data the dataset's ids"
    ):
        enforce(gate(agent), experiment(client, agent, data=[{"input": {"n": 1}}]))


def test_items_that_ask_the_same_are_told_apart_by_what_they_expect(agent: Project, client: Langfuse) -> None:
    same: list[JSON] = [
        {"id": f"q{n}", "input": {"n": 1}, "expected_output": n, "metadata": {"intent": "x"}}
        for n in range(4)
    ]
    agent.write_lines("datasets/agent.jsonl", same)
    lines = [{key: line[key] for key in line if key != "id"} for line in reversed(same)]
    with pytest.raises(BaselineError):
        enforce(gate(agent), experiment(client, agent, data=lines))
    assert [score.value for score in newest(agent).scores] == [0.0, 1.0, 0.0, 0.0]


def test_an_id_with_another_content_is_refused(accepted: Project, client: Langfuse) -> None:
    with pytest.raises(ResultsError, match="item 'q000' is not what the gate's dataset 'agent' says it is"):
        enforce(gate(accepted), experiment(client, accepted, data=[{"id": "q000", "input": {"n": 5}}]))


def test_an_item_that_alone_is_there_twice_is_refused(accepted: Project, client: Langfuse) -> None:
    lines = accepted.read_lines("datasets/agent.jsonl")
    told = "item 'q003' is there 2 times in the experiment's result, and most items 1 .take the duplicate out"
    with pytest.raises(ResultsError, match=told):
        enforce(gate(accepted), experiment(client, accepted, data=[*lines, lines[3]]))


def test_trials_that_the_gate_asks_for_are_missing_where_they_failed(
    accepted: Project, client: Langfuse
) -> None:
    accepted.edit("gates/agent.toml", "[slices]", "trials = 2\n\n[slices]")
    lines = accepted.read_lines("datasets/agent.jsonl")
    with pytest.raises(NotComparable, match="127 items of 128"):
        enforce(gate(accepted), experiment(client, accepted, data=[*lines, lines[3]]))
    assert newest(accepted).header.trials == 2


def test_a_dataset_that_is_there_twice_has_two_trials(accepted: Project, client: Langfuse) -> None:
    lines = accepted.read_lines("datasets/agent.jsonl")
    enforce(gate(accepted), experiment(client, accepted, data=[*lines, *lines]))
    assert (newest(accepted).header.trials, len(newest(accepted).items)) == (2, 256)


def test_a_gate_without_a_dataset_knows_the_items_by_their_ids(agent: Project, client: Langfuse) -> None:
    agent.write("gates/agent.toml", GATE.replace('dataset = "datasets/agent.jsonl"\n', ""))
    accept(agent, experiment(client, agent))
    assert enforce(gate(agent), experiment(client, agent)).outcome == "pass"
    with pytest.raises(ResultsError, match="item 1 of the experiment's data has no id"):
        enforce(gate(agent), experiment(client, agent, data=[{"input": {"n": 1}}]))


def test_a_score_that_an_evaluator_did_not_make_is_an_error_with_its_reason(
    accepted: Project, client: Langfuse
) -> None:
    result = experiment(client, accepted)
    result.item_results[7].evaluations.clear()
    enforce(gate(accepted), result)
    empty = next(score for score in newest(accepted).scores if score.item == "q007")
    assert (empty.status, empty.comment) == ("error", "no scorer gave this score for this item")


def test_a_value_that_breaks_its_contract_is_an_error(accepted: Project, client: Langfuse) -> None:
    accepted.write(
        "gates/scores.toml", '[correct]\ntype = "numeric"\nmin = 0\nmax = 1\ndirection = "higher"\n'
    )
    result = experiment(client, accepted)
    result.item_results[7].evaluations[0].value = 7.0
    enforce(gate(accepted), result)
    broken = next(score for score in newest(accepted).scores if score.item == "q007")
    assert broken.status == "error"


def test_an_output_that_is_no_json_is_kept_as_text(accepted: Project, client: Langfuse) -> None:
    result = experiment(client, accepted)
    result.item_results[0].output = 1 + 2j
    enforce(gate(accepted), result)
    assert newest(accepted).items[0].output == "(1+2j)"


def test_a_baseline_that_would_have_to_be_run_is_refused(agent: Project, client: Langfuse) -> None:
    agent.write("gates/agent.toml", GATE.replace("gates/agent.baseline.jsonl", "git:main"))
    with pytest.raises(ConfigError, match="would have to be run beside the candidate"):
        enforce(gate(agent), experiment(client, agent))


def test_the_result_of_a_script_on_the_gates_own_engine_can_be_enforced(accepted: Project) -> None:
    accepted.write(
        "experiments/agent.py",
        "from scoregate.langfuse import enforce\n\n\n"
        "def task(*, item, **_): return item.input['n'] if item.input['n'] >= 40 else -1\n\n\n"
        "def correct(*, output, expected_output, **_):\n"
        "    return {'name': 'correct', 'value': float(output == expected_output)}\n\n\n"
        "def experiment(context):\n"
        "    enforce('gates/agent.toml', context.run_experiment(name='x', task=task, evaluators=[correct]))\n",
    )
    ran = accepted.scoregate("run", "gates/agent.toml", "--experiment", "experiments/agent.py", "--json")
    assert ran.code == 1, ran.err
    assert "the script says: correct: fell from 100.0 % to 68.8 %" in ran.json()["reason"]
