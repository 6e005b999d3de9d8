"""What the readers refuse for its shape, the schemas refuse as well; and they refuse nothing that a reader takes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator

from scoregate.catalog import CONTRACT_KEYS, SCORE_TYPES, Contract, read_catalog
from scoregate.config.table import Integer, Key, Number, Table
from scoregate.config_schema import catalog_schema, gate_schema
from scoregate.errors import ConfigError
from scoregate.gate_file import ScorerSpec, read_gate
from scoregate.gate_file.gate import GATE
from scoregate.judging.spec import JUDGE as JUDGE_TABLE
from scoregate.judging.spec import read_judge
from scoregate.records import JSON
from scoregate.scorers import build
from scoregate.scorers.library import LIBRARY

GATE_VALID = Draft202012Validator(gate_schema()).is_valid
CATALOG_VALID = Draft202012Validator(catalog_schema()).is_valid

Path_ = tuple[str, ...]

VALUES: tuple[JSON, ...] = (
    *(True, False, 0, 1, -1, 2, 100, 0.25, 0.75, 1.5, -0.5),
    *("", "  ", "x", "1", "true", "https://a.example/x"),
    *([], ["x"], ["x", "y"], [""], [1], [True]),
    *({}, {"x": "y"}, {"x": 1}),
)
"""Of every kind, and on either side of every bound. No 1.0: JSON Schema takes it for a whole number."""

SHAPE = re.compile(
    r"is not a known key|unknown argument|cannot be set|"
    r"must be (?!the )|must lie between|must be 0 or more|needs 0 <= min.* -|is 0, and no finite|"
    r"(?<!phrase )is empty|is an empty list|'http' of .* is no URL|'reducer' of .* is \"|"
    r"is missing|has no type|has no scores|does not say which scorer|is a judge without a|needs both prices|"
    r"is only for (numeric|categorical|text) scores|is categorical but has no|is a text score without|"
    r"is no score name|characters long|is no name of an environment variable"
)
"""What a reader says of a key, a type, a word or a range. The rest is said of parts that do not fit together."""

BASE: JSON = {
    "slices": {"intent": "metadata.intent"},
    "candidate": {"http": "https://a.example"},
    "limits": {},
    "rounds": {},
    "scorers": {"tone": {"use": "judge", "prompt": "p.md", "model": "m"}},
    "scores": {"tone": {"direction": "higher", "require_calibration": {}}},
}
"""A gate that holds every table."""


def toml(value: JSON) -> str:
    """A value as TOML writes it inline, which is nearly how JSON does."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def with_value(document: JSON, path: Path_, value: JSON) -> JSON:
    changed = copy.deepcopy(document)
    place = changed
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    return changed


def refusal(read: Callable[[Path], object], path: Path, document: JSON) -> str | None:
    path.write_text("\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in document.items()))
    try:
        read(path)
    except ConfigError as error:
        return error.message
    return None


def compared(valid: bool, said: str | None, case: object) -> bool:
    """Hold the schema to the reader; whether it refuses."""
    if said is None:
        assert valid, f"the reader takes {case}, and the schema refuses it"
    elif SHAPE.search(said):
        assert not valid, f"the reader refuses {case} ({said}), and the schema takes it"
    return not valid


def keys_of(table: Table, path: Path_ = ()) -> Iterator[tuple[Path_, Key]]:
    """Every key that is declared below a table, with where it stands in the gate above."""
    for name, key in table.keys.items():
        yield (*path, name), key
        if isinstance(key, Table):
            inner = key.others if isinstance(key.others, Table) else key
            yield from keys_of(inner, (*path, name, "tone") if inner is not key else (*path, name))


def values_for(key: Key) -> tuple[JSON, ...]:
    """Also the bounds themselves, and what lies just outside."""
    bounds: list[float] = []
    if isinstance(key, Number):
        bounds = [bound for bound in (key.at_least, key.above, key.at_most, key.below) if bound is not None]
    if isinstance(key, Integer):
        bounds = [key.at_least]
    near = [value for bound in bounds for value in (bound, bound - 1, bound + 1, bound - 0.01, bound + 0.01)]
    return (*VALUES, *near)


def test_the_gate_that_is_changed_is_taken_as_it_is(tmp_path: Path) -> None:
    assert refusal(read_gate, tmp_path / "gate.toml", BASE) is None
    assert GATE_VALID(BASE)


@pytest.mark.parametrize(
    ("path", "key"), keys_of(GATE), ids=lambda part: ".".join(part) if isinstance(part, tuple) else ""
)
def test_every_value_of_every_key_of_a_gate(path: Path_, key: Key, tmp_path: Path) -> None:
    refused = 0
    for value in values_for(key):
        document = with_value(BASE, path, value)
        said = refusal(read_gate, tmp_path / "gate.toml", document)
        refused += compared(GATE_VALID(document), said, (path, value))
    assert refused >= 5


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("candidate",),
        ("limits",),
        ("rounds",),
        ("scores", "tone"),
        ("scores", "tone", "require_calibration"),
    ],
    ids=".".join,
)
def test_an_unknown_key_of_a_gate_is_refused_by_both(path: Path_, tmp_path: Path) -> None:
    document = with_value(BASE, (*path, "no_such_key"), 1)

    assert "is not a known key" in str(refusal(read_gate, tmp_path / "gate.toml", document))
    assert not GATE_VALID(document)


def test_a_gate_without_scores_is_refused_by_both(tmp_path: Path) -> None:
    for document in ({"trials": 1}, {"scores": {}, "trials": 1}):
        assert "no scores" in str(refusal(read_gate, tmp_path / "gate.toml", document))
        assert not GATE_VALID(document)


@pytest.mark.parametrize("kind", SCORE_TYPES)
def test_every_value_of_every_key_of_a_catalog(kind: str, tmp_path: Path) -> None:
    base: JSON = {"type": kind}
    base |= {"categorical": {"categories": ["x", "y"]}, "text": {"content_policy": "x"}}.get(kind, {})
    refused = 0
    for name in (*CONTRACT_KEYS, "no_such_key"):
        for value in VALUES:
            document = {"tone": {**base, name: value}}
            said = refusal(read_catalog, tmp_path / "scores.toml", document)
            refused += compared(CATALOG_VALID(document), said, document)
    assert refused >= 100


@pytest.mark.parametrize(
    "lacking", [{"type": "categorical"}, {"type": "text"}, {"owner": "x"}, {"type": "other"}]
)
def test_a_contract_that_lacks_what_its_type_needs_is_refused_by_both(
    lacking: dict[str, JSON], tmp_path: Path
) -> None:
    document = {"tone": lacking}

    assert refusal(read_catalog, tmp_path / "scores.toml", document) is not None
    assert not CATALOG_VALID(document)


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("tone", True),
        ("a.b (c)-1", True),
        ("x" * 35, True),
        ("x" * 36, False),
        ("töne", False),
        ("a/b", False),
        ("scored", False),
    ],
)
def test_the_name_of_a_score(name: str, taken: bool, tmp_path: Path) -> None:
    document = {name: {"type": "boolean"}}

    assert (refusal(read_catalog, tmp_path / "scores.toml", document) is None) == taken
    assert CATALOG_VALID(document) == taken


ARGUMENTS: dict[str, dict[str, JSON]] = {
    "contains": {"any": ["x"]},
    "json_path": {"path": "x"},
    "regex_match": {"pattern": "x"},
    "json_schema": {"schema": {}},
    "forbidden_content": {"phrases": ["x"]},
    "length_limit": {"max": 5},
    "budget": {"tokens": 5},
    "measured": {"quantity": "cost_usd"},
}
"""What a scorer cannot do without."""
WORDS = ("token_set_ratio", "subset", "any_order", "ignore", "words", "tokens_total")


def gate_of(scorer: dict[str, JSON]) -> JSON:
    return with_value(BASE, ("scorers", "tone"), scorer)


def refused_by_library(arguments: dict[str, JSON], use: str, root: Path) -> str | None:
    try:
        build(ScorerSpec(name="tone", use=use, arguments=arguments), root=root)
    except ConfigError as error:
        return error.message
    return None


@pytest.mark.parametrize("use", LIBRARY)
def test_every_value_of_every_argument_of_a_scorer(use: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    needed = ARGUMENTS.get(use, {})
    known = {
        condition["if"]["properties"]["use"]["const"]: condition["then"]["properties"]
        for condition in gate_schema()["properties"]["scorers"]["additionalProperties"]["allOf"]
    }[use]
    assert refused_by_library(needed, use, tmp_path) is None
    assert GATE_VALID(gate_of({"use": use, **needed}))
    for name in (*known, "no_such_argument"):
        for value in (*VALUES, *WORDS):
            arguments = {**needed, name: value}
            if name == "use":
                continue
            if name == "schema_file":
                del arguments["schema"]
            said = refused_by_library(arguments, use, tmp_path)
            compared(GATE_VALID(gate_of({"use": use, **arguments})), said, (use, arguments))
    for name in needed:
        rest = {key: value for key, value in needed.items() if key != name}
        compared(
            GATE_VALID(gate_of({"use": use, **rest})), refused_by_library(rest, use, tmp_path), (use, rest)
        )
    assert not GATE_VALID(gate_of({"use": use, **needed, "no_such_argument": 1}))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, False),
        ({"schema": {}}, True),
        ({"schema_file": "x"}, True),
        ({"schema": {}, "schema_file": "x"}, False),
    ],
)
def test_a_schema_stands_in_the_gate_or_in_a_file(
    given: dict[str, JSON], taken: bool, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("{}")

    assert (refused_by_library(given, "json_schema", tmp_path) is None) == taken
    assert GATE_VALID(gate_of({"use": "json_schema", **given})) == taken


def test_a_scorer_that_is_not_named_or_not_known_is_refused(tmp_path: Path) -> None:
    for scorer in ({}, {"pattern": "x"}, {"use": "no_such_scorer"}, {"use": 1}):
        assert not GATE_VALID(gate_of(scorer))
    assert refused_by_library({}, "no_such_scorer", tmp_path) is not None


def test_every_value_of_every_key_of_a_judge(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("{{output}}")
    contract = Contract("tone", "numeric", min=0, max=10)
    needed: dict[str, JSON] = {"prompt": "p.md", "model": "m"}

    def said(arguments: dict[str, JSON]) -> str | None:
        try:
            read_judge(ScorerSpec(name="tone", use="judge", arguments=arguments), contract, root=tmp_path)
        except ConfigError as error:
            return error.message
        return None

    cases = [{**needed, name: value} for name, key in JUDGE_TABLE.keys.items() for value in values_for(key)]
    cases += [
        {**needed, "price": price}
        for price in ({"input": 1}, {"input": 1, "output": -1}, {"input": 0, "output": 0.5})
    ]
    cases += [{**needed, "parameters": {"model": "x"}}, {**needed, "parameters": {"temperature": 0}}]
    cases += [
        {**needed, "rule": "median", "votes": 3},
        {**needed, "no_such_key": 1},
        {"prompt": "p.md"},
        {"model": "m"},
    ]
    refused = [compared(GATE_VALID(gate_of({"use": "judge", **case})), said(case), case) for case in cases]
    assert sum(refused) >= 100
    assert not all(refused)
