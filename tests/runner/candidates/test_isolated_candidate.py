from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec
from scoregate.records import DatasetItem, Tokens
from scoregate.runner.candidates import Answer, Candidate, CandidateError, TransientError, build_candidate
from tests.runner.candidates.actions import ASYNC


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    (tmp_path / "experiment.py").write_text(f"{ASYNC}\nevaluators = [len]\n")
    return build_candidate(CandidateSpec(python="experiment.py", isolate=True), root=tmp_path, timeout=None)


def ask(candidate: Candidate, what: str) -> Answer:
    item = DatasetItem("order-1", what, "on its way", {"intent": "shipping"})
    answer = asyncio.run(candidate.call(item, 0))
    assert isinstance(answer, Answer)
    return answer


def failure(candidate: Candidate, what: str) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        ask(candidate, what)
    return caught.value


def test_the_task_gets_the_whole_item_as_in_process(candidate: Candidate) -> None:
    assert ask(candidate, "shape").output == ["order-1", "shape", "on its way", {"intent": "shipping"}]


def test_version_and_evaluators_are_those_of_the_file(candidate: Candidate) -> None:
    assert (candidate.kind, candidate.version, candidate.evaluators) == ("python", "agent-3", (len,))


def test_whatever_is_printed_does_not_break_the_answer(candidate: Candidate) -> None:
    assert ask(candidate, "noise") == Answer("quiet", 0.5, Tokens(1, 2), "t-1")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("fails", "ValueError: no such order"),
        ("exits", "the candidate called exit(3)"),
        ("ends", "task ended its process before it answered (exit code 0)"),
        ("dies", "killed by SIGKILL"),
        ("returns_no_json", "returned something that is no JSON: object at output.rows"),
    ],
)
def test_every_end_costs_one_item_and_has_its_reason(candidate: Candidate, what: str, reason: str) -> None:
    error = failure(candidate, what)
    assert str(error) == reason
    assert not isinstance(error, TransientError)


def test_a_transient_error_stays_one(candidate: Candidate) -> None:
    error = failure(candidate, "busy")
    assert isinstance(error, TransientError)
    assert (str(error), error.retry_after, error.rate_limited) == ("too many", 3, True)


def test_stdin_is_used_up(candidate: Candidate) -> None:
    assert ask(candidate, "stdin").output == ""


def test_sync_tasks_and_modules_beside_the_file_work(tmp_path: Path, item: DatasetItem) -> None:
    (tmp_path / "beside_isolated.py").write_text("ANSWER = 'beside'")
    (tmp_path / "e.py").write_text("import beside_isolated\ndef task(*, item): return beside_isolated.ANSWER")
    made = build_candidate(CandidateSpec(python="e.py", isolate=True), root=tmp_path, timeout=None)
    assert asyncio.run(made.call(item, 0)) == Answer("beside")


def test_it_runs_in_the_working_folder_as_in_process(tmp_path: Path, item: DatasetItem) -> None:
    (tmp_path / "e.py").write_text("import os\ndef task(*, item): return os.getcwd()")
    made = build_candidate(CandidateSpec(python="e.py", isolate=True), root=tmp_path, timeout=None)
    assert asyncio.run(made.call(item, 0)) == Answer(str(Path.cwd()))


def test_a_file_that_cannot_be_imported_is_found_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "e.py").write_text("1 / 0")
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        build_candidate(CandidateSpec(python="e.py", isolate=True), root=tmp_path, timeout=None)


def test_only_python_can_be_isolated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only a Python candidate"):
        build_candidate(CandidateSpec(command=("cat",), isolate=True), root=tmp_path, timeout=None)
