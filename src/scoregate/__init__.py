"""scoregate: a regression gate for LLM agents.

    import scoregate

    verdict = scoregate.compare("baseline.jsonl", "candidate.jsonl", {"correct": scoregate.Rule(max_drop=0.02)})
    verdict.outcome      # "pass", "regression", "inconclusive" or "invalid"

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from scoregate.version import __version__

if TYPE_CHECKING:
    from scoregate.catalog import Catalog, Contract, read_catalog
    from scoregate.datasets.files import read_dataset
    from scoregate.errors import BaselineError, ConfigError, RunInterrupted, ScoregateError
    from scoregate.gate_file import Gate, Rule, read_gate
    from scoregate.gate_run.check import check
    from scoregate.gate_run.listener import Announcement, Listener
    from scoregate.gate_run.outcome import RunOutcome
    from scoregate.gate_run.run import run, run_async
    from scoregate.gates.compare import compare
    from scoregate.records import Dataset, DatasetItem, Run, RunHeader, RunItem, Score, Tokens, Verdict
    from scoregate.results_file import read_results, write_results
    from scoregate.runner.candidates.candidate import Answer
    from scoregate.runner.candidates.failures import CandidateError, TransientError
    from scoregate.scorers.evaluators import scorer
    from scoregate.scorers.scorer import not_applicable

_HOMES = {
    "Announcement": "scoregate.gate_run.listener",
    "BaselineError": "scoregate.errors",
    "ConfigError": "scoregate.errors",
    "RunInterrupted": "scoregate.errors",
    "Answer": "scoregate.runner.candidates.candidate",
    "CandidateError": "scoregate.runner.candidates.failures",
    "Catalog": "scoregate.catalog",
    "Contract": "scoregate.catalog",
    "Dataset": "scoregate.records",
    "DatasetItem": "scoregate.records",
    "Gate": "scoregate.gate_file",
    "Listener": "scoregate.gate_run.listener",
    "Rule": "scoregate.gate_file",
    "Run": "scoregate.records",
    "RunHeader": "scoregate.records",
    "RunItem": "scoregate.records",
    "RunOutcome": "scoregate.gate_run.outcome",
    "Score": "scoregate.records",
    "ScoregateError": "scoregate.errors",
    "Tokens": "scoregate.records",
    "TransientError": "scoregate.runner.candidates.failures",
    "Verdict": "scoregate.records",
    "check": "scoregate.gate_run.check",
    "compare": "scoregate.gates.compare",
    "not_applicable": "scoregate.scorers.scorer",
    "read_catalog": "scoregate.catalog",
    "read_dataset": "scoregate.datasets.files",
    "read_gate": "scoregate.gate_file",
    "read_results": "scoregate.results_file",
    "run": "scoregate.gate_run.run",
    "run_async": "scoregate.gate_run.run",
    "scorer": "scoregate.scorers.evaluators",
    "write_results": "scoregate.results_file",
}

__all__ = [
    "Announcement",
    "Answer",
    "BaselineError",
    "CandidateError",
    "Catalog",
    "ConfigError",
    "Contract",
    "Dataset",
    "DatasetItem",
    "Gate",
    "Listener",
    "Rule",
    "Run",
    "RunHeader",
    "RunInterrupted",
    "RunItem",
    "RunOutcome",
    "Score",
    "ScoregateError",
    "Tokens",
    "TransientError",
    "Verdict",
    "__version__",
    "check",
    "compare",
    "not_applicable",
    "read_catalog",
    "read_dataset",
    "read_gate",
    "read_results",
    "run",
    "run_async",
    "scorer",
    "write_results",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'scoregate' has no attribute '{name}'")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
