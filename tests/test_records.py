"""The records read both ways, and the package's public names are what they say."""

import subprocess
import sys

import pytest

import scoregate
from scoregate.errors import ConfigError, did_you_mean
from scoregate.records import DatasetItem, Tokens


def test_a_dataset_item_is_an_object_and_a_mapping() -> None:
    item = DatasetItem("q1", {"question": "?"}, "42", {"intent": "maths"})
    assert item.input is item["input"]
    assert dict(**item) == {
        "id": "q1",
        "input": {"question": "?"},
        "expected_output": "42",
        "metadata": {"intent": "maths"},
    }
    assert "metadata" in item
    assert "score" not in item
    assert list(item) == ["id", "input", "expected_output", "metadata"]
    assert item.get("expected_output") == "42"
    assert item.get("nothing", 7) == 7
    with pytest.raises(KeyError):
        item["nothing"]


def test_tokens_add_up() -> None:
    assert Tokens(3, 4).total == 7


def test_an_error_is_one_line_with_place_and_hint() -> None:
    error = ConfigError("unknown key\n'max_dorp'", where="gates/x.toml:3", hint="did you mean 'max_drop'?")
    assert str(error) == "gates/x.toml:3: unknown key 'max_dorp' (did you mean 'max_drop'?)"


def test_the_nearest_known_word_is_suggested_else_all_are_listed() -> None:
    assert did_you_mean("max_dorp", ["max_drop", "min"]) == "did you mean 'max_drop'?"
    assert did_you_mean("zzz", ["max_drop", "min"]) == "known: max_drop, min"
    assert did_you_mean("zzz", []) is None
    many = [f"item-{number:02}" for number in range(1_012)]
    told = did_you_mean("zzz", many)
    assert told is not None
    assert told.startswith("known: item-00, item-01, ")
    assert told.endswith(", item-09 and 1,002 more")


def test_every_public_name_can_be_had() -> None:
    for name in scoregate.__all__:
        assert getattr(scoregate, name) is not None
    assert set(scoregate.__all__) <= set(dir(scoregate))
    with pytest.raises(AttributeError, match="no attribute 'compere'"):
        scoregate.compere  # noqa: B018  # the access is the test


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, scoregate, scoregate.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'langfuse', 'opentelemetry', 'httpx'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
