"""The score catalog: what a contract may say, and which values it lets through."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.catalog import Catalog, Contract, built_in_contract, read_catalog
from scoregate.errors import ConfigError, ContractError
from scoregate.records import ScoreValue

SUPPORT_CATALOG = """\
[states_the_fact]
type = "boolean"
direction = "higher"
parent = "run_item"
rubric = "states-the-fact-v3"
owner = "help-desk"
description = "The reply states what the customer asked for."

[follows_policy]
type = "categorical"
categories = ["yes", "no", "does_not_apply"]
pass = ["yes"]
ignore = ["does_not_apply"]
parent = "trace"

["backed by sources"]
type = "numeric"
min = 0
max = 1.0
direction = "higher"
parent = "observation"

[latency_seconds]
type = "numeric"

[reviewer_note]
type = "text"
content_policy = "no-personal-data-v1"
"""


def catalog_of(folder: Path, text: str) -> Catalog:
    path = folder / "scores.toml"
    path.write_text(text)
    return read_catalog(path)


def contract_of(folder: Path, keys: str) -> Contract:
    contract = catalog_of(folder, f"[x]\n{keys}\n").get("x")
    assert contract is not None
    return contract


def refusal(folder: Path, text: str) -> str:
    """The message about a catalog, its place shortened to the file's own name."""
    with pytest.raises(ConfigError) as caught:
        catalog_of(folder, text)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{folder}/", "")


def test_a_catalog_gives_every_score_its_contract(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, SUPPORT_CATALOG)
    path = tmp_path / "scores.toml"
    assert catalog.where == str(path)
    assert catalog.contracts == {
        "states_the_fact": Contract(
            name="states_the_fact",
            type="boolean",
            direction="higher",
            parent="run_item",
            owner="help-desk",
            rubric="states-the-fact-v3",
            description="The reply states what the customer asked for.",
            where=f"{path}:1",
        ),
        "follows_policy": Contract(
            name="follows_policy",
            type="categorical",
            parent="trace",
            categories=("yes", "no", "does_not_apply"),
            passing=("yes",),
            ignore=("does_not_apply",),
            where=f"{path}:9",
        ),
        "backed by sources": Contract(
            name="backed by sources",
            type="numeric",
            parent="observation",
            min=0.0,
            max=1.0,
            where=f"{path}:16",
        ),
        "latency_seconds": Contract(
            name="latency_seconds", type="numeric", direction="lower", unit="s", where=f"{path}:23"
        ),
        "reviewer_note": Contract(
            name="reviewer_note",
            type="text",
            direction="none",
            content_policy="no-personal-data-v1",
            where=f"{path}:26",
        ),
    }
    assert catalog.get("unheard_of") is None


def test_a_numeric_score_without_a_direction_has_none_and_is_not_guessed(tmp_path: Path) -> None:
    assert contract_of(tmp_path, 'type = "numeric"').direction == "none"
    assert contract_of(tmp_path, 'type = "numeric"\ndirection = "lower"').direction == "lower"
    assert contract_of(tmp_path, 'type = "boolean"').direction == "higher"


def test_a_name_keeps_to_35_of_the_characters_that_langfuse_takes(tmp_path: Path) -> None:
    longest = "a_B 9.(x)-" + "y" * 25
    assert catalog_of(tmp_path, f'["{longest}"]\ntype = "boolean"').get(longest) is not None
    assert refusal(tmp_path, f'\n["{longest}z"]\ntype = "boolean"') == (
        f"scores.toml:2: [{longest}z] is 36 characters long; a score name has at most 35"
    )
    for name in ("a/b", "grün", "a\\tb", " "):
        assert "is no score name (use the letters" in refusal(tmp_path, f'["{name}"]\ntype = "boolean"')


@pytest.mark.parametrize("name", ["quality", "Score", "overall", "overall_quality", "Overall Score", "total"])
def test_a_name_that_says_nothing_is_refused_with_advice(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, f'["{name}"]\ntype = "boolean"') == (
        f"scores.toml:1: [{name}] is too generic to say what a value means "
        "(name the criterion, such as answer_correctness or groundedness)"
    )


def test_a_name_of_one_criterion_may_hold_a_generic_word(tmp_path: Path) -> None:
    assert catalog_of(tmp_path, '[audio_quality]\ntype = "boolean"').get("audio_quality") is not None


def test_the_name_of_the_comparison_s_own_score_is_reserved(tmp_path: Path) -> None:
    assert "[scored] is a reserved name" in refusal(tmp_path, '[scored]\ntype = "boolean"')


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", "1: [x] has no type (add type = one of numeric, boolean, categorical, text)"),
        ('type = "bool"', '2: \'type\' of [x] is "bool" but must be one of "numeric", "boolean", '),
        ("type = 3", "2: 'type' of [x] must be text in quotes, not 3"),
        ('type = "boolean"\nowners = "me"', "3: 'owners' of [x] is not a known key (did you mean 'owner'?)"),
        (
            'type = "boolean"\nzzz = 1',
            "3: 'zzz' of [x] is not a known key (known: categories, content_policy, ",
        ),
        ('type = "boolean"\nowner = ["me"]', "3: 'owner' of [x] must be text in quotes, not a list"),
        ('type = "boolean"\nowner = " "', "3: 'owner' of [x] is empty"),
        ('type = "boolean"\nmin = 0', "3: 'min' of [x] is only for numeric scores; this one is boolean"),
        ('type = "numeric"\nmin = "0"', "3: 'min' of [x] must be a number, not \"0\""),
        ('type = "numeric"\nmin = true', "3: 'min' of [x] must be a number, not true"),
        ('type = "numeric"\nmax = inf', "3: 'max' of [x] is inf but must be a finite number"),
        ('type = "numeric"\nmin = nan', "3: 'min' of [x] is nan but must be a finite number"),
        (
            f'type = "numeric"\nmax = 1{"0" * 400}',
            "3: 'max' of [x] is a number of more than 20 digits but must",
        ),
        ('type = "numeric"\nmin = 2\nmax = 1', "3: 'min' of [x] is 2.0, above its max 1.0"),
        (
            'type = "numeric"\npass = ["a"]',
            "3: 'pass' of [x] is only for categorical scores; this one is numeric",
        ),
        ('type = "text"', "1: [x] is a text score without a content_policy: free text may carry"),
        (
            'type = "text"\ncontent_policy = "p"\ndirection = "higher"',
            "4: 'direction' of [x] is \"higher\", but texts",
        ),
        ('type = "boolean"\ncontent_policy = "p"', "3: 'content_policy' of [x] is only for text scores"),
        ('type = "boolean"\ndirection = "up"', "3: 'direction' of [x] is \"up\" but must be one of"),
        ('type = "boolean"\nparent = "traces"', "did you mean 'trace'?"),
        (
            'type = "categorical"',
            '1: [x] is categorical but has no categories (add categories = ["pass", "fail"])',
        ),
        (
            'type = "categorical"\ncategories = "a"',
            "3: 'categories' of [x] must be a list of texts, not \"a\"",
        ),
        ('type = "categorical"\ncategories = []', "3: 'categories' of [x] is an empty list"),
        (
            'type = "categorical"\ncategories = ["a", 1]',
            "3: 'categories' of [x] holds 1 but must be a list of texts",
        ),
        ('type = "categorical"\ncategories = ["a", "a"]', "3: 'categories' of [x] names a category twice"),
        (
            'type = "categorical"\ncategories = ["a", "b"]\npass = ["c"]',
            "4: 'pass' of [x] names \"c\", which is not one of the categories: a, b",
        ),
        (
            'type = "categorical"\ncategories = ["a", "b"]\nignore = ["c"]',
            "4: 'ignore' of [x] names \"c\", which is not one of the categories: a, b",
        ),
        (
            'type = "categorical"\ncategories = ["a", "b"]\npass = ["a"]\nignore = ["a"]',
            "4: 'pass' of [x] names \"a\" as a category that passes and as one that does not count",
        ),
        (
            'type = "categorical"\ncategories = ["a", "b"]\npass = ["a"]\ndirection = "lower"',
            "5: 'direction' of [x] is \"lower\"; a categorical score says with `pass` what is good",
        ),
    ],
)
def test_a_contract_that_breaks_a_rule_names_line_key_and_rule(
    tmp_path: Path, keys: str, message: str
) -> None:
    assert message in refusal(tmp_path, f"[x]\n{keys}\n")


def test_a_measured_score_cannot_be_declared_as_anything_but_a_number(tmp_path: Path) -> None:
    assert "cost_usd is measured and therefore numeric" in refusal(tmp_path, '[cost_usd]\ntype = "boolean"')


def test_a_key_outside_of_any_table_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "version = 1\n") == "scores.toml:1: 'version' must be a table, [version], not 1"


def test_a_missing_or_empty_catalog_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such score catalog"):
        read_catalog(tmp_path / "scores.toml")
    assert "the score catalog is empty" in refusal(tmp_path, "\n")


def test_measured_scores_have_a_contract_of_their_own() -> None:
    latency, cost, tokens = (built_in_contract(n) for n in ("latency_seconds", "cost_usd", "tokens_total"))
    assert latency is not None
    assert cost is not None
    assert tokens is not None
    assert (latency.type, latency.direction, latency.min) == ("numeric", "lower", 0.0)
    assert (latency.unit, cost.unit, tokens.unit) == ("s", "USD", "tokens")
    assert built_in_contract("scored") == Contract(name="scored", type="boolean", direction="higher")
    assert built_in_contract("latency_second") is None


BOOLEAN = Contract(name="helpful", type="boolean")
NUMERIC = Contract(name="groundedness", type="numeric", min=0.0, max=1.0)
CATEGORICAL = Contract(name="policy", type="categorical", categories=("pass", "fail"), passing=("pass",))
TEXT = Contract(name="note", type="text", content_policy="p")


@pytest.mark.parametrize(
    ("contract", "value"),
    [
        (BOOLEAN, True),
        (BOOLEAN, False),
        (BOOLEAN, 1),
        (BOOLEAN, 0),
        (NUMERIC, 0),
        (NUMERIC, 1.0),
        (BOOLEAN, 1.0),
        (NUMERIC, 0.3),
        (CATEGORICAL, "fail"),
        (TEXT, ""),
    ],
)
def test_a_value_within_its_contract_comes_back_unchanged(contract: Contract, value: ScoreValue) -> None:
    assert contract.check(value, item="i") is value


@pytest.mark.parametrize(
    ("contract", "value", "message"),
    [
        (NUMERIC, 1.2, "groundedness: value 1.2 of item 'x' is above its maximum 1.0"),
        (NUMERIC, -1, "groundedness: value -1 of item 'x' is below its minimum 0.0"),
        (NUMERIC, True, "groundedness: value true of item 'x' is not a number"),
        (NUMERIC, "0.5", "groundedness: value \"0.5\" of item 'x' is not a number"),
        (NUMERIC, None, "groundedness: value null of item 'x' is not a number"),
        (NUMERIC, math.nan, "groundedness: value nan of item 'x' is not a finite number"),
        (NUMERIC, -math.inf, "groundedness: value -inf of item 'x' is not a finite number"),
        (
            NUMERIC,
            10**400,
            "groundedness: value a number of more than 20 digits of item 'x' is not a finite number",
        ),
        (BOOLEAN, 2, "helpful: value 2 of item 'x' is not a boolean (true, false, 1 or 0)"),
        (BOOLEAN, 0.5, "helpful: value 0.5 of item 'x' is not a boolean (true, false, 1 or 0)"),
        (BOOLEAN, "true", "helpful: value \"true\" of item 'x' is not a boolean (true, false, 1 or 0)"),
        (BOOLEAN, None, "helpful: value null of item 'x' is not a boolean (true, false, 1 or 0)"),
        (CATEGORICAL, "Pass", "policy: value \"Pass\" of item 'x' is not one of its categories: pass, fail"),
        (CATEGORICAL, True, "policy: value true of item 'x' is not the name of a category"),
        (TEXT, 1, "note: value 1 of item 'x' is not a text"),
    ],
)
def test_a_value_that_breaks_its_contract_names_score_item_and_rule(
    contract: Contract, value: ScoreValue, message: str
) -> None:
    with pytest.raises(ContractError) as caught:
        contract.check(value, item="x")
    assert str(caught.value) == message


def test_a_broken_value_points_to_its_contract_and_is_shown_short() -> None:
    contract = Contract(name="policy", type="categorical", categories=("pass",), where="gates/scores.toml:9")
    with pytest.raises(ContractError) as caught:
        contract.check("so " * 100, item="x")
    assert str(caught.value).endswith(
        "... of item 'x' is not one of its categories: pass (its contract is at gates/scores.toml:9)"
    )
    assert len(str(caught.value)) < 200


def test_a_contract_inferred_from_a_gate_takes_booleans_as_well_as_numbers_and_any_category() -> None:
    numbers = Contract(name="x", type="numeric", inferred=True)
    assert numbers.check(True, item="i") is True
    assert numbers.check(0.5, item="i") == 0.5
    with pytest.raises(ContractError, match="is not a number"):
        numbers.check("yes", item="i")
    assert (
        Contract(name="x", type="categorical", passing=("yes",), inferred=True).check("never", item="i")
        == "never"
    )


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)))
def test_no_value_is_ever_changed_on_its_way_through_a_contract(value: ScoreValue) -> None:
    for contract in (BOOLEAN, NUMERIC, CATEGORICAL, TEXT):
        with suppress(ContractError):
            assert contract.check(value, item="i") is value
