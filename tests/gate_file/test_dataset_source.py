"""`langfuse:NAME@TIME`: which dataset of which moment is meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoregate.gate_file import read_gate
from scoregate.gate_file.source import LangfuseDataset, SourceProblem, read_langfuse_dataset

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("langfuse:agent", LangfuseDataset("agent")),
        ("agent", LangfuseDataset("agent")),
        ("langfuse:team/agent v2|x", LangfuseDataset("team/agent v2|x")),
        ("langfuse:agent@2026-01-31T12:00:00Z", LangfuseDataset("agent", NOON)),
        ("langfuse:agent@2026-01-31T14:00:00+02:00", LangfuseDataset("agent", NOON)),
        ("langfuse:agent@2026-01-31T12:00:00.000999Z", LangfuseDataset("agent", NOON)),
        ("langfuse:agent@2026-01-31", LangfuseDataset("agent", NOON.replace(hour=0))),
        ("langfuse:me@home@2026-01-31T12:00:00Z", LangfuseDataset("me@home", NOON)),
        ("langfuse:me@home@", LangfuseDataset("me@home")),
    ],
)
def test_what_a_text_means(text: str, meant: LangfuseDataset) -> None:
    assert read_langfuse_dataset(text) == meant


@pytest.mark.parametrize(
    "text", ["langfuse:a", "langfuse:a/b@2026-01-31T12:00:00.000Z", "langfuse:me@home@", "langfuse:a: b"]
)
def test_the_text_of_a_source_is_read_as_the_same(text: str) -> None:
    assert str(read_langfuse_dataset(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("langfuse:", "names no dataset"),
        ("langfuse:@2026-01-31T12:00:00Z", "names no dataset"),
        ("langfuse: agent", "white space around it"),
        ("langfuse:a\nb", "a control character"),
        ("langfuse:..", "names the dataset '..', which means a folder in an address"),
        ("langfuse:/agent", "no name begins or ends with a slash"),
        ("langfuse:agent/", "no name begins or ends with a slash"),
        ("langfuse:agent@v1", "pins the dataset to 'v1', which is no time"),
        ("langfuse:agent@2026-01-31T12:00:00", "does not say in which time zone"),
        ("langfuse:agent@0001-01-01T00:00:00+10:00", "too far away"),
    ],
)
def test_a_text_that_names_no_dataset(text: str, told: str) -> None:
    with pytest.raises(SourceProblem, match=told):
        read_langfuse_dataset(text)


def test_a_gate_names_a_dataset_in_langfuse(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(
        'dataset = "langfuse:team/agent@2026-01-31T12:00:00Z"\n[scores.correct]\n', encoding="utf-8"
    )
    assert read_gate(path).dataset == "langfuse:team/agent@2026-01-31T12:00:00.000Z"
