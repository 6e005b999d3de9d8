"""A dataset that cannot be used: file, line and reason, and nothing is run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.project import Project, items

Small = Callable[..., Project]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "datasets/agent.jsonl: holds no items"),
        (b'{"id": "a", "input": "\xff"}\n', "datasets/agent.jsonl:1: not UTF-8: byte 0xff at offset 22"),
        ('{"id": "a", "input": NaN}\n', "datasets/agent.jsonl:1: NaN is no JSON number"),
        ('{"id": "a", "input": [1, -Infinity]}\n', "datasets/agent.jsonl:1: -Infinity is no JSON number"),
        ('{"id": "a", "input": 1}\n{"id": "b", "in', "datasets/agent.jsonl:2: broken JSON at column 13"),
        ('{"id": "a", "input": 1}\n{"id": "a", "input": 2}\n', "datasets/agent.jsonl:2: duplicate id 'a'"),
        ('{"id": "a"}\n', "datasets/agent.jsonl:1: item 'a' has no input"),
        (
            '{"id": "a", "input": 1, "expected": 2}\n',
            "unknown column 'expected' (did you mean 'expected_output'?)",
        ),
    ],
    ids=["zero items", "not UTF-8", "NaN", "infinity", "cut off", "id twice", "no input", "unknown column"],
)
def test_a_dataset_that_cannot_be_used(small: Small, content: str | bytes, told: str) -> None:
    project = small()
    project.write("datasets/agent.jsonl", content)
    assert told in project.run().error(2)
    assert not project.path(".scoregate").exists()


def test_an_item_of_50_mb_is_refused_by_its_line(small: Small) -> None:
    project = small()
    rows = items(3)
    rows[1]["input"]["text"] = "x" * 50_000_000
    project.write_lines("datasets/agent.jsonl", rows)
    told = project.run().error(2)
    assert told.startswith(
        "datasets/agent.jsonl:2: an item of 50.0 MB; the limit is 20 MB (keep large content"
    )


def test_validate_says_what_is_in_a_dataset(small: Small) -> None:
    project = small(number=9)
    told = project.scoregate("dataset", "validate", "gates/agent.toml")
    assert told.code == 0
    assert told.out.startswith(
        "agent: 9 items, 9 with an expected output\nintent: hours 4, refund 5\nfingerprint: "
    )
    words = ("--slice", "metadata.intent", "--cluster", "metadata.intent", "--json")
    summary = project.scoregate("dataset", "validate", "datasets/agent.jsonl", *words).json()
    assert summary["items"] == 9
    assert summary["slices"] == {"intent": {"refund": 5, "hours": 4}}
    assert (summary["clusters"], summary["largest_cluster"]) == (2, 5)


def test_validate_names_the_first_error(small: Small) -> None:
    project = small()
    project.write_lines("datasets/agent.jsonl", [*items(2), {"id": "q000", "input": 1}])
    told = project.scoregate("dataset", "validate", "datasets/agent.jsonl").error(2)
    assert told.startswith("datasets/agent.jsonl:3: duplicate id 'q000'")
