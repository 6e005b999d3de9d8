"""The rule of one score: what it may ask, and the contract that it is held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.catalog import Contract
from scoregate.errors import ConfigError
from scoregate.gate_file import Rule, rule_from_mapping
from tests.gate_file.written import gate_of, refusal

CATALOG = """\
[states_the_fact]
type = "boolean"

[follows_policy]
type = "categorical"
categories = ["yes", "no", "does_not_apply"]
pass = ["yes"]
ignore = ["does_not_apply"]

[grounded]
type = "numeric"
min = 0.0
max = 1.0
direction = "higher"

[steps]
type = "numeric"
direction = "lower"

[mood]
type = "categorical"
categories = ["glad", "sad"]

[word_count]
type = "numeric"

[note]
type = "text"
content_policy = "p"
"""


@pytest.fixture
def project(project: Path) -> Path:
    """With a catalog."""
    (project / "gates" / "scores.toml").write_text(CATALOG)
    return project


def rule_refusal(keys: str, score: str = "grounded") -> str:
    return refusal(f"[scores.{score}]\n{keys}\n")


def test_a_top_level_key_that_slid_under_a_table_is_told_where_it_belongs(project: Path) -> None:
    assert rule_refusal("min = 0.5\ntrials = 3") == (
        "3: 'trials' of [scores.grounded] is not a known key "
        "('trials' belongs at the top of the file, above the first [table])"
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "max_dorp = 0.1",
            "2: 'max_dorp' of [scores.grounded] is not a known key (did you mean 'max_drop'?)",
        ),
        ('min = "0.8"', "2: 'min' of [scores.grounded] must be a number, not \"0.8\""),
        ("min = nan", "2: 'min' of [scores.grounded] is nan but must be a finite number"),
        ("min = 0.9\nmax = 0.8", "2: 'min' of [scores.grounded] is 0.9, above its max 0.8"),
        ("max_drop = -0.1", "2: 'max_drop' of [scores.grounded] is -0.1 but must be at least 0"),
        (
            "max_drop = 0",
            "2: 'max_drop' of [scores.grounded] is 0, and no finite number of items can rule out",
        ),
        ("max_drop = 0.1\nmax_increase = 0.1", "3: 'max_increase' of [scores.grounded] cannot stand beside"),
        ("min_effect = -1", "2: 'min_effect' of [scores.grounded] is -1 but must be at least 0"),
        ("strict = 'yes'", "2: 'strict' of [scores.grounded] must be true or false, not \"yes\""),
        (
            "primary = true\nadvisory = true",
            "3: 'advisory' of [scores.grounded] cannot stand beside 'primary'",
        ),
        (
            "critical = true\nadvisory = true",
            "3: 'advisory' of [scores.grounded] cannot stand beside 'critical'",
        ),
        ("reducer = 'pass3'", '2: \'reducer\' of [scores.grounded] is "pass3" (write "pass@3"'),
        ("reducer = 'pass^3'", "2: 'reducer' of [scores.grounded] needs a score that passes or fails"),
        (
            "statistic = 'median'",
            '2: \'statistic\' of [scores.grounded] is "median" but must be one of "mean"',
        ),
        (
            "direction = 'none'",
            "2: 'direction' of [scores.grounded] is \"none\", and a score without a better side",
        ),
        ("critical = true", "2: 'critical' of [scores.grounded] needs a score that passes or fails"),
        (
            "max_increase = 0.1",
            "2: 'max_increase' of [scores.grounded] is on a higher-is-better score (use max_drop)",
        ),
        (
            "pass = ['yes']",
            "2: 'pass' of [scores.grounded] is only for categorical scores; this one is numeric",
        ),
        (
            "min = 80",
            "2: 'min' of [scores.grounded] is 80.0, outside the values of the score (its values run from 0.0",
        ),
        ("max = -1", "2: 'max' of [scores.grounded] is -1.0, outside the values of the score"),
        ("max_drop = 2", "2: 'max_drop' of [scores.grounded] is 2.0, wider than all values of the score"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(project: Path, keys: str, message: str) -> None:
    assert rule_refusal(keys).startswith(message)


@pytest.mark.parametrize(
    ("score", "keys", "message"),
    [
        ("states_the_fact", "min = 80", "2: 'min' of [scores.states_the_fact] is 80.0, outside the values"),
        (
            "states_the_fact",
            "max_drop = 2",
            "2: 'max_drop' of [scores.states_the_fact] is 2.0, wider than all",
        ),
        (
            "steps",
            "max_drop = 1",
            "2: 'max_drop' of [scores.steps] is on a lower-is-better score (use max_increase)",
        ),
        (
            "latency_seconds",
            "max_drop = 1",
            "2: 'max_drop' of [scores.latency_seconds] is on a lower-is-better",
        ),
        (
            "cost_usd",
            "critical = true",
            "2: 'critical' of [scores.cost_usd] needs a score that passes or fails",
        ),
        (
            "cost_usd",
            "max = -1",
            "2: 'max' of [scores.cost_usd] is -1.0, outside the values of the score (its ",
        ),
        ("note", "", "1: [scores.note] names a text score, which cannot be gated"),
        ("mood", "", "1: [scores.mood] names a categorical score without passing categories"),
        (
            "mood",
            "pass = ['happy']",
            "2: 'pass' of [scores.mood] names \"happy\", which is not one of the categories",
        ),
        (
            "mood",
            "pass = ['glad']\nignore = ['glad']",
            "2: 'pass' of [scores.mood] names \"glad\" as a category that",
        ),
        (
            "follows_policy",
            "ignore = ['yes']",
            "2: 'ignore' of [scores.follows_policy] names \"yes\" as a category",
        ),
        (
            "follows_policy",
            "direction = 'lower'",
            "2: 'direction' of [scores.follows_policy] is \"lower\"; a categ",
        ),
        (
            "word_count",
            "",
            "1: [scores.word_count] names a score that says no direction, and a score without a",
        ),
        (
            "scored",
            "direction = 'lower'",
            "2: 'direction' of [scores.scored] is \"lower\", but a scored cell is",
        ),
        ("scored", "pass = ['yes']", "2: 'pass' of [scores.scored] is only for categorical scores"),
        (
            "unheard",
            "ignore = ['na']",
            "1: [scores.unheard] names a score that gates/scores.toml does not know",
        ),
        (
            "unheard",
            "pass = ['y']\ndirection = 'lower'",
            "3: 'direction' of [scores.unheard] is \"lower\"; a categ",
        ),
        (
            "unheard",
            "direction = 'higher'\nmax_increase = 1",
            "3: 'max_increase' of [scores.unheard] is on a higher",
        ),
    ],
)
def test_a_rule_is_held_against_the_contract_of_its_score(
    project: Path, score: str, keys: str, message: str
) -> None:
    assert rule_refusal(keys, score).startswith(message)


def test_a_score_that_the_catalog_does_not_know_is_refused_with_the_nearest(project: Path) -> None:
    assert rule_refusal("min = 0.5", "groundd") == (
        "1: [scores.groundd] names a score that gates/scores.toml does not know "
        "(did you mean 'grounded'? else add it there, or give its `direction` or `pass` here)"
    )
    assert "known: cost_usd, follows_policy, " in rule_refusal("", "zzz")


def test_what_a_boolean_cannot_show_is_still_allowed_as_no_limit_on_the_drop(project: Path) -> None:
    assert gate_of("[scores.states_the_fact]\nmax_drop = 1.0").rules["states_the_fact"].max_drop == 1.0


def test_a_margin_of_a_measured_score_is_relative_and_may_exceed_one(project: Path) -> None:
    assert gate_of("[scores.cost_usd]\nmax_increase = 3").rules["cost_usd"].max_increase == 3.0


def contract(text: str, score: str) -> Contract | None:
    return gate_of(text).contract(score)


def test_the_catalog_gives_the_contract_and_the_rule_overrides_its_parts(project: Path) -> None:
    plain = contract("[scores.follows_policy]", "follows_policy")
    assert plain is not None
    assert (plain.passing, plain.ignore, plain.direction) == (("yes",), ("does_not_apply",), "higher")
    changed = contract("[scores.follows_policy]\npass = ['no']\nignore = ['yes']", "follows_policy")
    assert changed is not None
    assert (changed.passing, changed.ignore) == (("no",), ("yes",))
    assert changed.categories == plain.categories
    counted = contract("[scores.word_count]\ndirection = 'lower'\nmax_increase = 9", "word_count")
    assert counted is not None
    assert (counted.type, counted.direction, counted.inferred) == ("numeric", "lower", False)


def test_a_catalog_score_without_a_rule_keeps_its_contract(project: Path) -> None:
    steps = contract("[scores.states_the_fact]", "steps")
    assert steps is not None
    assert steps.direction == "lower"


def test_measured_scores_and_scored_need_no_catalog_entry(project: Path) -> None:
    gate = gate_of("[scores.tokens_total]\nmax_increase = 0.2\n[scores.scored]\nmin = 0.99")
    tokens, scored = gate.contract("tokens_total"), gate.contract("scored")
    assert tokens is not None
    assert scored is not None
    assert (tokens.type, tokens.direction, tokens.unit) == ("numeric", "lower", "tokens")
    assert scored.type == "boolean"


def test_without_an_entry_pass_makes_a_categorical_contract_in_which_any_other_category_fails(
    project: Path,
) -> None:
    found = contract("[scores.tone]\npass = ['kind']\nignore = ['silent']", "tone")
    assert found == Contract(
        name="tone",
        type="categorical",
        passing=("kind",),
        ignore=("silent",),
        where="gates/help-desk.toml:1",
        inferred=True,
    )
    assert found.check("rude", item="i") == "rude"


def test_without_an_entry_direction_makes_a_numeric_contract_that_also_takes_booleans(project: Path) -> None:
    found = contract("[scores.toxic]\ndirection = 'lower'\nmax_drop = 0.1", "toxic")
    assert found == Contract(
        name="toxic", type="numeric", direction="lower", where="gates/help-desk.toml:1", inferred=True
    )


def test_without_a_catalog_any_score_is_allowed_and_its_values_decide(project: Path) -> None:
    (project / "gates/scores.toml").unlink()
    gate = gate_of("[scores.anything]\nmin = 0.8\ncritical = true")
    assert gate.contract("anything") is None
    assert gate.catalog.contracts == {}
    assert rule_refusal("max_increase = 1", "anything") == (
        "2: 'max_increase' of [scores.anything] is only for a score that says that lower is better "
        '(add direction = "lower", or use max_drop)'
    )
    assert rule_refusal("ignore = ['na']", "anything").startswith(
        "2: 'ignore' of [scores.anything] needs 'pass' beside it"
    )


def test_a_rule_can_be_made_from_the_keys_of_its_table() -> None:
    made = rule_from_mapping({"max_drop": 0.05, "min": None, "critical": True, "pass": ("ok",)}, "tone")
    assert made == Rule(max_drop=0.05, critical=True, passing=("ok",))
    assert rule_from_mapping({"min": 1}, "x", where="cell 3") == Rule(min=1.0, where="cell 3")


def test_a_rule_from_python_is_checked_as_one_from_a_file() -> None:
    with pytest.raises(ConfigError, match=r"^cell 3: 'max_dorp' of \[scores\.x\] is not a known key"):
        rule_from_mapping({"max_dorp": 0.05}, "x", where="cell 3")
    with pytest.raises(
        ConfigError, match=r"^'max_drop' of \[scores\.latency_seconds\] is on a lower-is-better"
    ):
        rule_from_mapping({"max_drop": 0.05}, "latency_seconds")
    with pytest.raises(
        ConfigError, match=r"the rule of 'x' must be a Rule or a mapping of its keys, not 0\.05"
    ):
        rule_from_mapping(0.05, "x")  # type: ignore[arg-type]


def test_a_rule_object_is_checked_in_the_same_way() -> None:
    rule = Rule(max_drop=0.05, direction="lower", passing=(), where="here")
    assert rule_from_mapping(rule, "toxicity") == rule
    tone = Rule(passing=("kind",), ignore=("silent",), strict=True)
    assert rule_from_mapping(tone, "tone") == tone
    with pytest.raises(ConfigError, match=r"'min' of \[scores\.x\] is 0\.9, above its max 0\.8"):
        rule_from_mapping(Rule(min=0.9, max=0.8), "x")
    with pytest.raises(ConfigError, match=r"'max_drop' .* must be a finite number"):
        rule_from_mapping(Rule(max_drop=float("nan")), "x")
