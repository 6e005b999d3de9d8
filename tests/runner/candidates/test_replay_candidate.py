from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec
from scoregate.records import DatasetItem, Run, RunHeader, RunItem, Tokens
from scoregate.results_file import write_results
from scoregate.runner.candidates import Answer, Candidate, CandidateError, build_candidate


def replay(path: Path, *, version: str | None = None) -> Candidate:
    return build_candidate(CandidateSpec(replay=path.name, version=version), root=path.parent, timeout=None)


def recorded(path: Path, *records: dict[str, object]) -> Candidate:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return replay(path)


def ask(candidate: Candidate, item: str, trial: int = 0) -> Answer:
    answer = asyncio.run(candidate.call(DatasetItem(item, "question"), trial))
    assert isinstance(answer, Answer)
    return answer


def reason(candidate: Candidate, item: str, trial: int = 0) -> str:
    with pytest.raises(CandidateError) as caught:
        ask(candidate, item, trial)
    return str(caught.value)


def config_error(path: Path, content: str | bytes) -> ConfigError:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        replay(path)
    return caught.value


def test_recorded_outputs_are_given_again(tmp_path: Path) -> None:
    candidate = recorded(
        tmp_path / "outputs.jsonl",
        {"id": "a", "output": "A: 4", "is_correct": False},
        {
            "id": 7,
            "output": None,
            "latency_seconds": 9.0,
            "cost_usd": 0.1,
            "tokens": {"input": 1, "output": 2},
        },
    )
    assert candidate.kind == "replay"
    assert ask(candidate, "a") == Answer("A: 4")
    assert ask(candidate, "7") == Answer(None, 0.1, Tokens(1, 2))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("outputs.175b_verification.jsonl", "175b_verification"),
        ("agent-v2.jsonl", "agent-v2"),
        ("outputs.v1.2.jsonl.gz", "v1.2"),
    ],
)
def test_the_label_is_the_name_of_the_file(tmp_path: Path, name: str, label: str) -> None:
    line = b'{"id": "a", "output": 1}\n'
    (tmp_path / name).write_bytes(gzip.compress(line) if name.endswith(".gz") else line)
    assert replay(tmp_path / name).version == label
    assert replay(tmp_path / name, version="mine").version == "mine"
    assert ask(replay(tmp_path / name), "a") == Answer(1)


def test_a_record_without_trial_serves_every_trial_that_has_none_of_its_own(tmp_path: Path) -> None:
    candidate = recorded(
        tmp_path / "o.jsonl",
        {"id": "a", "output": "any"},
        {"id": "a", "trial": 1, "output": "second"},
        {"id": "b", "trial": 0, "output": "first"},
    )
    assert [ask(candidate, "a", trial).output for trial in range(3)] == ["any", "second", "any"]
    assert ask(candidate, "b", 0).output == "first"
    assert reason(candidate, "b", 1) == "no recorded output for trial 1"


def test_an_item_that_is_not_recorded_is_an_error(tmp_path: Path) -> None:
    assert reason(recorded(tmp_path / "o.jsonl", {"id": "a", "output": 1}), "b") == "no recorded output"


def test_a_second_record_names_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    error = config_error(path, '{"id": "a", "output": 1}\n\n{"id": "a", "output": 1}\n')
    assert str(error) == f"{path}:3: item 'a' was already recorded in line 1"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "broken JSON"),
        ("[1]", "a line is a JSON object"),
        ('{"output": 1}', "a record has no id"),
        ('{"id": "", "output": 1}', "a record has no id"),
        ('{"id": "a"}', "a record has no output"),
        ('{"id": "a", "output": NaN}', "NaN is no JSON number"),
        ('{"id": "a", "output": 1, "trial": -1}', "the trial of item 'a' is -1"),
        ('{"id": "a", "output": 1, "cost_usd": -1}', "cost_usd is no amount"),
        ('{"id": "a", "output": 1, "tokens": 5}', "tokens are"),
        (b"\xff\n", "not UTF-8: byte 0xff at offset 0"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str | bytes, said: str) -> None:
    path = tmp_path / "o.jsonl"
    before = '{"id": "z", "output": 1}\n'
    error = config_error(path, before.encode() + line if isinstance(line, bytes) else before + line)
    assert error.where == f"{path}:2"
    assert said in str(error)


def test_an_empty_a_damaged_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    assert "holds no recorded outputs" in str(config_error(tmp_path / "empty.jsonl", "\n"))
    assert "gzip" in str(config_error(tmp_path / "plain.jsonl.gz", '{"id": "a", "output": 1}\n'))
    cut = gzip.compress(b'{"id": "a", "output": 1}\n')[:-9]
    assert "cut off" in str(config_error(tmp_path / "cut.jsonl.gz", cut))
    with pytest.raises(ConfigError, match="no such file"):
        replay(tmp_path / "absent.jsonl")


HEADER = RunHeader(
    run="r1",
    dataset="d",
    candidate="agent-v1",
    expected_items=3,
    trials=2,
    commit="c0ffee",
    metadata={"dirty": True},
)


def test_the_results_of_a_run_are_given_again(tmp_path: Path) -> None:
    items = (
        RunItem("a", 0, "ok", output="first", cost_usd=0.1, latency_seconds=5.0),
        RunItem("a", 1, "ok", output="second"),
        RunItem("b", 0, "timeout", error="no answer within 5 s"),
        RunItem("c", 0, "ok", output=None),
    )
    path = tmp_path / "run.jsonl"
    write_results(Run(HEADER, items), path)
    candidate = replay(path)
    assert (candidate.version, candidate.commit, candidate.dirty) == ("agent-v1", "c0ffee", True)
    assert ask(candidate, "a", 0) == Answer("first", 0.1)
    assert ask(candidate, "a", 1) == Answer("second")
    assert ask(candidate, "c", 0) == Answer(None)
    assert reason(candidate, "b", 0) == "recorded as timeout: no answer within 5 s"
    assert reason(candidate, "b", 1) == "no recorded output for trial 1"


def test_results_without_outputs_cannot_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write_results(Run(HEADER, (RunItem("a", 0, "ok", output_left_out=True),)), path)
    with pytest.raises(ConfigError, match="holds no outputs"):
        replay(path)


def test_a_broken_results_file_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write_results(Run(HEADER, (RunItem("a", 0, "ok", output=1),)), path)
    error = config_error(path, path.read_text() + '{"kind": "item", "item": "b", "trial": 0}\n')
    assert error.where == f"{path}:3"
