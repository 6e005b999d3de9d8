"""The example project, loaded as the gate loads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.datasets import cluster_of, read_dataset, slices_of
from scoregate.gate_file import Gate, read_gate
from scoregate.records import Dataset, Run, RunHeader, RunItem
from scoregate.runner.candidates.python_file import ExperimentFile, load_experiment
from scoregate.scorers.evaluators import from_function
from scoregate.scorers.library import build
from scoregate.scorers.scorer import score_item

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def gate() -> Gate:
    return read_gate(PROJECT / "gates" / "support-agent.toml")


@pytest.fixture(scope="session")
def dataset(gate: Gate) -> Dataset:
    assert gate.dataset is not None
    assert gate.input_schema is not None
    assert gate.expected_output_schema is not None
    return read_dataset(
        Path(gate.dataset),
        input_schema=Path(gate.input_schema),
        expected_output_schema=Path(gate.expected_output_schema),
    )


@pytest.fixture(scope="session")
def agent() -> ExperimentFile:
    return load_experiment(PROJECT / "experiments" / "support_agent.py")


@pytest.fixture(scope="session")
def agent_v2() -> ExperimentFile:
    return load_experiment(PROJECT / "experiments" / "support_agent_v2.py")


@pytest.fixture(scope="session")
def run_v1(gate: Gate, dataset: Dataset, agent: ExperimentFile) -> Run:
    return run_of(agent, gate, dataset)


@pytest.fixture(scope="session")
def run_v2(gate: Gate, dataset: Dataset, agent_v2: ExperimentFile) -> Run:
    return run_of(agent_v2, gate, dataset)


def run_of(experiment: ExperimentFile, gate: Gate, dataset: Dataset) -> Run:
    """The run that the engine would make, one item after the other and without a store."""
    assert experiment.version is not None
    assert gate.cluster is not None
    scorers = [from_function(function, known=gate.rules) for function in experiment.evaluators]
    scorers += [build(spec, root=gate.root) for spec in gate.scorers]
    items, scores = [], []
    for item in dataset.items:
        run_item = RunItem(
            item=item.id,
            trial=0,
            status="ok",
            output=experiment.task(item=item),
            cluster=cluster_of(item, gate.cluster),
            slices=slices_of(item, gate.slices),
        )
        items.append(run_item)
        for scorer in scorers:
            scores += score_item(scorer, item, run_item, catalog=gate.catalog)
    header = RunHeader(
        run=experiment.version,
        dataset=dataset.name,
        candidate=experiment.version,
        expected_items=len(dataset),
        dataset_fingerprint=dataset.fingerprint,
        scorers={scorer.name: scorer.version for scorer in scorers},
    )
    return Run(header, tuple(items), tuple(scores))
