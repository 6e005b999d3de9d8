"""The judge's table in a gate: what it says, and what is refused when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import ScorerSpec
from scoregate.judging.cache import Draw, reply_key
from scoregate.judging.spec import DEFAULT_BASE_URL, JudgeSpec, Price, read_judge
from scoregate.records import JSON
from scoregate.scorers.judge import ChatMessage
from tests.judging.judges import GRADE, YES_NO

TABLE: dict[str, JSON] = {"prompt": "p.md", "model": "m"}


def read(tmp_path: Path, table: dict[str, JSON], contract: object = GRADE) -> JudgeSpec:
    (tmp_path / "p.md").write_text("{{output}}")
    spec = ScorerSpec(name="relevance", use="judge", arguments=table, where="gates/agent.toml:7")
    return read_judge(spec, contract, root=tmp_path)  # type: ignore[arg-type]  # a contract or None


def test_what_a_table_leaves_out_has_its_default(tmp_path: Path) -> None:
    spec = read(tmp_path, TABLE)
    assert (spec.base_url, spec.api_key, spec.votes, spec.rule) == (
        DEFAULT_BASE_URL,
        "OPENAI_API_KEY",
        1,
        None,
    )
    assert (spec.parameters, spec.after, spec.price) == ({}, (), None)


def test_a_whole_table(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        {
            **TABLE,
            "base_url": "https://models.example/v1/",
            "api_key": "MODELS_KEY",
            "parameters": {"temperature": 0},
            "votes": 3,
            "rule": "median",
            "after": ["json_valid"],
            "price": {"input": 0.25, "output": 2},
        },
    )
    assert (spec.base_url, spec.api_key) == ("https://models.example/v1", "MODELS_KEY")
    assert (spec.votes, spec.rule, spec.after) == (3, "median", ("json_valid",))
    assert spec.price == Price(0.25, 2.0)
    assert spec.price.of(1_000_000, 500_000) == 1.25


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"promt": "x"}, "'promt' of [scorers.relevance] is not a known key (did you mean 'prompt'?)"),
        ({"votes": 2, "rule": "mean"}, "'votes' of [scorers.relevance] is 2, with which votes can tie"),
        ({"votes": 3}, "'votes' of [scorers.relevance] is 3 without a rule that makes them one score"),
        ({"rule": "best"}, "'rule' of [scorers.relevance] is \"best\" but must be one of"),
        ({"parameters": {"n": 2}}, "'n' of [scorers.relevance.parameters] cannot be set"),
        (
            {"base_url": "models.example"},
            "'base_url' of [scorers.relevance] is \"models.example\", which is no URL",
        ),
        ({"price": {"input": 1}}, "[scorers.relevance.price] needs both prices"),
        ({"after": ["relevance"]}, "'after' of [scorers.relevance] names the judge's own score"),
        ({"model": ""}, "'model' of [scorers.relevance] is empty"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, more: dict[str, JSON], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {**TABLE, **more})
    assert str(caught.value).startswith(f"gates/agent.toml:7: {message}")


@pytest.mark.parametrize(
    "more",
    [
        {"api_key": "sk-live-1234567890"},
        {"base_url": "https://sk-live-1234567890@models.example/v1"},
        {"base_url": "https://models.example/v1?key=sk-live-1234567890"},
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_shown(tmp_path: Path, more: dict[str, JSON]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {**TABLE, **more})
    assert "1234567890" not in str(caught.value)


def test_a_judge_needs_its_score_in_the_catalog(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the score catalog has no entry 'relevance'"):
        read(tmp_path, TABLE, None)


def test_only_a_majority_makes_a_boolean(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='is "mean", and the score is boolean'):
        read(tmp_path, {**TABLE, "votes": 3, "rule": "mean"}, YES_NO)


def test_the_scores_before_a_judge_are_part_of_its_version(tmp_path: Path) -> None:
    plain, after = read(tmp_path, TABLE), read(tmp_path, {**TABLE, "after": ["a", "b"]})
    turned = read(tmp_path, {**TABLE, "after": ["b", "a"]})
    assert after.identity.version != plain.identity.version
    assert after.identity.version == turned.identity.version


def test_the_scores_before_a_judge_are_no_part_of_its_replies(tmp_path: Path) -> None:
    plain, after = read(tmp_path, TABLE), read(tmp_path, {**TABLE, "after": ["json_valid"]})
    asked: list[ChatMessage] = [{"role": "user", "content": "x"}]
    assert reply_key(plain.identity, asked, Draw()) == reply_key(after.identity, asked, Draw())


@pytest.mark.parametrize(
    "url",
    [
        "http://[bad",
        "http://host:abc/v1",
        "http://host:99999/v1",
        "http://host x/v1",
        "http://host\u0007/v1",
        "http://:80/v1",
        "http://ex\u2603..com/v1",
    ],
)
def test_a_url_that_nothing_can_call_is_told_with_its_place(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {**TABLE, "base_url": url})
    assert str(caught.value).startswith("gates/agent.toml:7: 'base_url' of [scorers.relevance] is ")


@pytest.mark.parametrize("url", ["http://[::1]:8000/v1", "http://127.0.0.1:8000", "https://a-b_c.example/v1"])
def test_names_and_addresses_with_and_without_a_port_are_urls(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, {**TABLE, "base_url": url}).base_url == url


@pytest.mark.parametrize("key", ["prompt", "pairwise"])
def test_a_path_with_a_nul_is_told_with_its_place(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {**TABLE, key: "prompts/\0.md"})
    assert str(caught.value) == r"gates/agent.toml:7: the prompt 'prompts/\x00.md' is no path of a file"


def test_two_ways_to_write_a_number_make_one_judge(tmp_path: Path) -> None:
    zeros: list[JSON] = [{"temperature": 0, "top": [1]}, {"temperature": 0.0, "top": [1.0]}]
    hashes = {read(tmp_path, {**TABLE, "parameters": one}).identity.hash for one in zeros}
    assert len(hashes) == 1
    assert read(tmp_path, {**TABLE, "parameters": {"temperature": False}}).identity.hash not in hashes


def test_the_identity_covers_all_that_changes_a_score_and_no_key(tmp_path: Path) -> None:
    spec = read(tmp_path, {**TABLE, "votes": 3, "rule": "mean"})
    assert spec.identity.version == read(tmp_path, {**TABLE, "votes": 3, "rule": "mean"}).identity.version
    others = [
        {**TABLE},
        {**TABLE, "votes": 3, "rule": "median"},
        {**TABLE, "votes": 5, "rule": "mean"},
        {**TABLE, "votes": 3, "rule": "mean", "parameters": {"top_p": 0.5}},
    ]
    assert spec.identity.hash not in {read(tmp_path, table).identity.hash for table in others}
    same = [{"api_key": "OTHER"}, {"price": {"input": 1, "output": 1}}]
    for more in same:
        table: dict[str, JSON] = {**TABLE, "votes": 3, "rule": "mean", **more}  # type: ignore[dict-item]  # JSON
        assert read(tmp_path, table).identity.hash == spec.identity.hash
