"""Shards joined: any run, taken apart in any way that shares it out, is decided as it was in one piece."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.gate_run.joining import Part, joined, judge_usage, why_not_one
from scoregate.gate_run.shares import shares
from scoregate.gates.compare import compare
from scoregate.records import JSON, Run, RunHeader, RunItem, Score
from scoregate.records.run_facts import RunFacts, Shard
from scoregate.store.judging import RunUsage

RULES = {"correct": {"direction": "higher", "max_drop": 0.05}}


def whole_run(run: str, values: list[tuple[bool | None, ...]], trials: int) -> Run:
    """`q00`, `q01`, …: a value a trial, None for a call that failed."""
    header = RunHeader(
        run, "agent", "v1", len(values), trials, "f" * 64, commit="c" * 40, scorers={"correct": "src-1"},
        started_at="2026-11-01T00:00:00.000+00:00", finished_at="2026-11-01T00:01:00.000+00:00",
    )  # fmt: skip
    cells = [(f"q{n:02}", trial, row[trial]) for n, row in enumerate(values) for trial in range(trials)]
    return Run(
        header.with_facts(RunFacts(gate="agent")),
        tuple(
            RunItem(id, trial, "error" if value is None else "ok", output=value) for id, trial, value in cells
        ),
        tuple(Score(id, trial, "correct", value) for id, trial, value in cells if value is not None),
    )


def parts_of(run: Run, of: int) -> list[Part]:
    """The shards that jobs would have made of it."""
    ids = sorted({item.item for item in run.items})
    numbers = shares(dict.fromkeys(ids), {}, of)
    found = []
    for number in range(1, of + 1):
        own = tuple(id for id in ids if numbers[id] == number)
        shard = Shard(number, of, len(ids))
        facts = replace(run.header.facts, shard=shard, selection=f"{shard}", selected_items=own)
        header = replace(run.header, run=f"agent-{number}", expected_items=len(own)).with_facts(facts)
        items = tuple(item for item in run.items if item.item in own)
        scores = tuple(score for score in run.scores if score.item in own)
        found.append(Part(f"{number}.jsonl", Run(header, items, scores), shard))
    return found


ROWS = st.integers(1, 3).flatmap(
    lambda trials: st.tuples(
        st.just(trials),
        st.lists(
            st.tuples(*[st.sampled_from((True, True, True, False, None))] * trials), min_size=1, max_size=20
        ),
    )
)


@given(rows=ROWS, of=st.integers(1, 9), data=st.data())
def test_a_run_in_shards_has_the_verdict_of_the_whole(
    rows: tuple[int, list[tuple[bool | None, ...]]], of: int, data: st.DataObject
) -> None:
    trials, values = rows
    baseline = whole_run("baseline", [(True,) * trials] * len(values), trials)
    whole = whole_run("whole", values, trials)
    parts = data.draw(st.permutations(parts_of(whole, of)))
    assert why_not_one(parts, "agent") == []
    run = joined(parts)
    assert (run.items, run.scores) == (whole.items, whole.scores)
    assert run.header.facts == replace(
        whole.header.facts, merged_from=tuple(f"agent-{n}" for n in range(1, of + 1))
    )
    verdict = compare(baseline, run, RULES)
    assert verdict.to_json().replace(run.id, "whole") == compare(baseline, whole, RULES).to_json()


@given(of=st.integers(2, 9), data=st.data())
def test_any_shard_that_is_missing_or_there_twice_is_named(of: int, data: st.DataObject) -> None:
    parts = parts_of(whole_run("whole", [(True,)] * 12, 1), of)
    gone, twice = data.draw(st.sampled_from(parts)), data.draw(st.sampled_from(parts))
    told = why_not_one([part for part in [*parts, twice] if part is not gone], "agent")
    missing = f"{gone.shard} is missing"
    again = f"{twice.shard} is there twice ({twice.source}, {twice.source})"
    assert told == ([missing] if gone is twice else [again, missing])


def test_many_missing_shards_are_counted() -> None:
    first, *_ = parts_of(whole_run("whole", [(True,)] * 12, 1), 9)
    assert why_not_one([first], "agent") == ["shards 2/9, 3/9, 4/9, 5/9, 6/9 and 3 more are missing"]


def test_the_shard_of_another_commit_is_the_one_that_differs_from_most() -> None:
    first, *others = parts_of(whole_run("whole", [(True,)] * 12, 1), 3)
    other = replace(first, run=replace(first.run, header=replace(first.run.header, commit="d" * 40)))
    told = ["shard 1/3 (1.jsonl): commit dddddddddddd, of the others cccccccccccc"]
    assert why_not_one([other, *others], "agent") == told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"dirty": True}, "uncommitted changes yes, of the others unknown"),
        ({"timeout_seconds": 30.0}, "time limit 30.0, of the others unknown"),
        ({"program": "agent.py 0123456789ab"}, "program agent.py 0123456789ab, of the others unknown"),
        ({"wait_for": ("helpful", "kind")}, "scores from Langfuse helpful, kind, of the others unknown"),
        ({"shard": Shard(1, 3, 13)}, "number of items 13, of the others 12"),
    ],
)
def test_a_shard_that_was_run_otherwise_is_named(changed: dict[str, Any], told: str) -> None:
    first, *others = parts_of(whole_run("whole", [(True,)] * 12, 1), 3)
    header = first.run.header.with_facts(replace(first.run.header.facts, **changed))
    other = replace(first, run=replace(first.run, header=header))
    assert why_not_one([other, *others], "agent") == [f"shard 1/3 (1.jsonl): {told}"]


def test_the_run_says_where_it_comes_from_as_far_as_all_shards_agree() -> None:
    parts = parts_of(whole_run("whole", [(True,)] * 12, 1), 2)
    for number, part in enumerate(parts):
        facts = replace(
            part.run.header.facts, origin={"branch": "main", "ci_job": f"https://ci.example/{number}"}
        )
        header = replace(part.run.header, started_at=f"2026-11-01T00:0{9 - number}:00.000+00:00")
        parts[number] = replace(part, run=replace(part.run, header=header.with_facts(facts)))
    header = joined(parts).header
    assert header.facts.origin == {"branch": "main"}
    assert header.started_at == "2026-11-01T00:08:00.000+00:00"
    assert header.run.startswith("agent-20261101-000800-")


def test_what_judges_took_is_added_up_whatever_a_file_says() -> None:
    said: list[dict[str, JSON]] = [
        {"tone": {"replies": 3, "from_cache": 1, "calls": 2, "cost_usd": 0.25}, "price": {"replies": 1}},
        {"tone": {"replies": 2, "from_cache": "no", "calls": 2, "cost_usd": 0.5}},
        {"tone": "none"},
    ]
    parts = parts_of(whole_run("whole", [(True,)] * 12, 1), 3)
    for number, used in enumerate(said):
        header = parts[number].run.header
        header = header.with_facts(replace(header.facts, judge_usage=used))
        parts[number] = replace(parts[number], run=replace(parts[number].run, header=header))
    assert judge_usage(parts) == [
        RunUsage(score="price", replies=1),
        RunUsage(score="tone", replies=5, from_cache=1, calls=4, cost_usd=0.75),
    ]
