"""Scorers built from the tables of a gate file."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import ScorerSpec
from scoregate.records import JSON, DatasetItem, RunItem
from scoregate.scorers import build, score_item
from scoregate.scorers.library import LIBRARY
from scoregate.scorers.scorer import OFFERED_ARGUMENTS

EXAMPLES: dict[str, dict[str, JSON]] = {
    "regex_match": {"pattern": "a"},
    "json_schema": {"schema": {}},
    "forbidden_content": {"phrases": ["a"]},
    "contains": {"any": ["a"]},
    "json_path": {"path": "a"},
    "length_limit": {"max": 5},
    "budget": {"cost_usd": 1.0},
    "measured": {"quantity": "cost_usd"},
}
"""Arguments of the scorers that need some."""


def spec(use: str, **arguments: JSON) -> ScorerSpec:
    return ScorerSpec(name="checked", use=use, arguments=arguments, where="gates/x.toml:7")


@pytest.mark.parametrize("use", LIBRARY)
def test_every_scorer_of_the_library_makes_one_cell_of_any_output(use: str) -> None:
    scorer = build(spec(use, **EXAMPLES.get(use, {})))
    assert (scorer.name, scorer.scores, scorer.is_async) == ("checked", ("checked",), False)
    assert scorer.accepts is not None
    assert scorer.accepts <= set(OFFERED_ARGUMENTS)
    outputs: list[JSON] = [
        None,
        True,
        0,
        -1.5,
        "",
        "x" * 1_000_000,
        "\ud800",
        [],
        {},
        [None],
        {"documents": None},
    ]
    for output in outputs:
        for expected in outputs:
            (cell,) = score_item(
                scorer, DatasetItem("a", "?", expected), RunItem("a", 0, "ok", output=output)
            )
            assert cell.score == "checked"
            assert (cell.value is None) == (cell.status != "ok")
            (cell.comment or "").encode()


@pytest.mark.parametrize("use", LIBRARY)
def test_every_scorer_of_the_library_is_documented(use: str) -> None:
    factory = LIBRARY[use].factory
    assert inspect.getdoc(factory) or use in ("latency_seconds", "cost_usd") or use.startswith("tokens_")


def test_the_version_names_the_scorer_and_its_arguments() -> None:
    assert build(spec("exact_match")).version == "exact_match/1"
    near, far = (build(spec("numeric_match", absolute=limit)).version for limit in (0.1, 0.2))
    assert near.startswith("numeric_match/2+")
    assert len(near) == len("numeric_match/2+") + 8
    assert near != far


def test_an_argument_that_is_its_default_leaves_the_version() -> None:
    assert (
        build(spec("regex_match", pattern="a", full=False)).version
        == build(spec("regex_match", pattern="a")).version
    )


def test_the_order_of_the_arguments_leaves_the_version() -> None:
    one = build(spec("regex_match", pattern="a", full=True))
    two = build(spec("regex_match", full=True, pattern="a"))
    assert one.version == two.version


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (spec("exact_mach"), "unknown scorer 'exact_mach' (did you mean 'exact_match'?)"),
        (spec("regex_match", patern="a"), "regex_match: unknown argument 'patern' (did you mean 'pattern'?)"),
        (
            spec("exact_match", zzz=1),
            "exact_match: unknown argument 'zzz' (known: expected_path, optional, output_path)",
        ),
        (spec("regex_match"), "regex_match: 'pattern' is missing: it must be a text"),
        (spec("regex_match", pattern=5), "regex_match: 'pattern' must be a text, not 5"),
        (
            spec("regex_match", pattern="a", full="yes"),
            "regex_match: 'full' must be true or false, not 'yes'",
        ),
        (spec("numeric_match", absolute=True), "numeric_match: 'absolute' must be a number, not a boolean"),
        (spec("numeric_match", absolute=float("inf")), "numeric_match: 'absolute' must be a number, not inf"),
        (spec("length_limit", max=5.5), "length_limit: 'max' must be a whole number, not 5.5"),
        (
            spec("length_limit", max=5, unit="lines"),
            "length_limit: 'unit' must be one of 'characters', 'words', not 'lines'",
        ),
        (
            spec("forbidden_content", phrases="a"),
            "forbidden_content: 'phrases' must be a list of texts, not 'a'",
        ),
        (
            spec("forbidden_content", phrases=[1]),
            "forbidden_content: 'phrases' must be a list of texts, not a list",
        ),
        (spec("json_schema", schema=[]), "json_schema: 'schema' must be a table, not a list"),
        (
            spec("tool_calls", mode="exactly"),
            "tool_calls: 'mode' must be one of 'exact', 'subset', 'any_order'",
        ),
        (spec("latency_seconds", max=5), "latency_seconds: unknown argument 'max'"),
        (spec("regex_match", pattern="("), "regex_match: pattern '(' is no regular expression"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_place(wrong: ScorerSpec, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(wrong)
    assert str(caught.value).startswith(f"gates/x.toml:7: {message}")


def test_importing_the_scorers_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "scipy", "httpx", "jsonschema", "rapidfuzz", "langfuse", "asyncio")
    code = f"import sys, scoregate.scorers; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
