"""Two answers beside each other: asked in both orders, and a flip is a tie."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.judging.judge import Judge
from scoregate.judging.pairwise import Preference, counted_preferences, pair_judge, prefer
from scoregate.judging.spec import JudgeSpec
from scoregate.judging.template import PAIR, parse_template, read_template
from scoregate.records import JSON
from tests.judging.judges import item, spec_of
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer


def pair_spec(url: str, **parts: Any) -> JudgeSpec:
    prompt = parse_template("{{input}}\n1: {{first}}\n2: {{second}}", where="pair.md", answers=PAIR)
    return pair_judge(spec_of(url, pairwise=prompt, **parts))


def preferred(spec: JudgeSpec, pairs: Sequence[tuple[JSON, JSON]]) -> list[Preference]:
    async def session() -> list[Preference]:
        judge = Judge(spec, retries=0)
        judge.begin(concurrency=2)
        try:
            return [await prefer(judge, item(number), a, b) for number, (a, b) in enumerate(pairs)]
        finally:
            await judge.close()

    return asyncio.run(session())


def longest(request: ModelRequest) -> Answer:
    """Prefers the longer answer, wherever it stands."""
    first, second = (line.partition(": ")[2] for line in request.prompt.splitlines()[1:])
    if len(first) == len(second):
        return judged("tie")
    return judged("first" if len(first) > len(second) else "second")


def test_an_answer_that_is_better_in_both_orders_wins() -> None:
    with ModelServer(script=longest) as server:
        found = preferred(pair_spec(server.url), [("long answer", "short"), ("x", "xx"), ("ab", "cd")])
        assert len(server.requests) == 6
    assert [one.winner for one in found] == ["a", "b", "tie"]
    assert not any(one.flipped for one in found)


def test_a_judge_that_always_takes_the_first_gives_ties_and_flips() -> None:
    with ModelServer(script=lambda _: judged("first")) as server:
        found = preferred(pair_spec(server.url), [("a", "b"), ("c", "d")])
    assert [(one.winner, one.flipped) for one in found] == [("tie", True), ("tie", True)]
    counts = counted_preferences(found)
    assert (counts.flips, counts.answered, counts.ties) == (2, 2, 2)


def test_equal_answers_tie_without_a_call() -> None:
    with ModelServer() as server:
        found = preferred(pair_spec(server.url), [("same", "same")])
        assert server.requests == []
    counts = counted_preferences(found)
    assert (counts.ties, counts.equal, counts.answered) == (1, 1, 0)


def test_equal_answers_are_equal_as_json() -> None:
    with ModelServer(script=lambda _: judged("tie")) as server:
        found = preferred(pair_spec(server.url), [(True, 1), ({"a": 0, "b": []}, {"b": [], "a": 0})])
        assert len(server.requests) == 2
    assert [one.asked for one in found] == [True, False]


def test_votes_on_pairs_are_counted_whatever_the_rule_of_the_score() -> None:
    with ModelServer(script=longest) as server:
        (found,) = preferred(pair_spec(server.url, votes=3, rule="mean"), [("long answer", "short")])
        assert len(server.requests) == 6
    assert found.winner == "a"


def test_a_reply_that_is_missing_in_one_order_decides_nothing() -> None:
    def script(request: ModelRequest) -> Answer:
        return failed(500) if "1: b" in request.prompt else judged("first")

    with ModelServer(script=script) as server:
        (found,) = preferred(pair_spec(server.url), [("a", "b")])
    assert found.winner is None
    assert any(comment.startswith("no reply: ") for comment in found.comments)
    assert counted_preferences([found]).errors == 1


def test_a_pairs_prompt_needs_both_answers(tmp_path: Path) -> None:
    (tmp_path / "pair.md").write_text("{{first}}")
    with pytest.raises(ConfigError, match=r"does not use \{\{second\}\}"):
        read_template(tmp_path / "pair.md", answers=PAIR)


def test_a_judge_without_such_a_prompt_says_so() -> None:
    with pytest.raises(ConfigError, match="has no prompt that compares two answers"):
        pair_judge(spec_of("http://127.0.0.1:9/v1"))


def test_the_pairs_prompt_is_no_part_of_the_score() -> None:
    prompt = parse_template("{{first}}{{second}}", where="pair.md", answers=PAIR)
    url = "http://127.0.0.1:9/v1"
    assert spec_of(url, pairwise=prompt).identity == spec_of(url).identity
