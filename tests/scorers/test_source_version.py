"""The version of an evaluator without one: its source code, and no more than that."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from scoregate.scorers.source_version import source_version

SOURCE = '''
import json
import re
from math import floor

LIMIT = 10
UNUSED = 1
PATTERN = re.compile("[a-z]+")


def helper(text):
    """Says whether a text is short."""
    return inner(text) < LIMIT


def inner(text):
    return floor(len(PATTERN.sub("", text)))


def unrelated():
    return UNUSED


def short(*, output, **kwargs):
    return helper(output)
'''


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str], ModuleType]:
    """A module of a source text; each call is another file."""
    count = iter(range(1_000))

    def load(source: str) -> ModuleType:
        path = tmp_path / f"evaluators_{next(count)}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return loaded

    return load


Load = Callable[[str], ModuleType]


def test_the_version_is_a_short_hash(module: Load) -> None:
    version = source_version(module(SOURCE).short)
    assert version.startswith("src-")
    assert len(version) == 16
    assert version == source_version(module(SOURCE).short)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    return helper(output)", "    # why not\n    return helper( output )"),
        ('"""Says whether a text is short."""', '"""Another docstring."""'),
        ("LIMIT = 10", "LIMIT = 0xA"),
        ("return UNUSED", "return UNUSED + 1"),
        ("UNUSED = 1", "UNUSED = 2"),
        ("import json", "import csv"),
    ],
)
def test_what_does_not_change_the_evaluator_leaves_its_version(module: Load, before: str, after: str) -> None:
    assert before in SOURCE
    assert source_version(module(SOURCE.replace(before, after)).short) == source_version(module(SOURCE).short)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return helper(output)", "return not helper(output)"),
        ("inner(text) < LIMIT", "inner(text) <= LIMIT"),
        ("LIMIT = 10", "LIMIT = 11"),
        ("[a-z]+", "[a-z]*"),
        ("from math import floor", "from math import ceil as floor"),
        ("def short(*, output, **kwargs)", "def short(*, output, metadata=None, **kwargs)"),
    ],
)
def test_a_change_of_the_function_or_of_what_it_uses_is_a_change_of_version(
    module: Load, before: str, after: str
) -> None:
    assert before in SOURCE
    assert source_version(module(SOURCE.replace(before, after)).short) != source_version(module(SOURCE).short)


def test_the_arguments_of_a_partial_count(module: Load) -> None:
    loaded = module("def near(*, output, limit=1):\n    return output < limit\n")
    two, three = (functools.partial(loaded.near, limit=limit) for limit in (2, 3))
    assert source_version(two) != source_version(three)
    assert source_version(two) == source_version(functools.partial(loaded.near, limit=2))


def test_the_values_that_a_function_closes_over_count(module: Load) -> None:
    loaded = module(
        "def make(limit):\n    def near(*, output):\n        return output < limit\n    return near\n"
    )
    assert source_version(loaded.make(2)) != source_version(loaded.make(3))
    assert source_version(loaded.make(2)) == source_version(loaded.make(2))


def test_an_object_counts_with_its_class_and_its_plain_values(module: Load) -> None:
    source = """
class Near:
    def __init__(self, limit):
        self.limit, self.cache = limit, object()
    def __call__(self, *, output):
        return output < self.limit
"""
    near, other = module(source).Near, module(source.replace("output <", "output <=")).Near
    assert source_version(near(2)) == source_version(module(source).Near(2))
    assert source_version(near(2)) != source_version(near(3))
    assert source_version(near(2)) != source_version(other(2))
    assert source_version(near(2).__call__) != source_version(near(3).__call__)


def test_a_decorated_function_counts_with_its_decorator_and_itself(module: Load) -> None:
    source = """
import functools
def twice(function):
    @functools.wraps(function)
    def wrapper(**kwargs):
        return function(**kwargs) * 2
    return wrapper
@twice
def near(*, output):
    return output
"""
    version = source_version(module(source).near)
    assert version == source_version(module(source).near)
    assert version != source_version(module(source.replace("* 2", "* 3")).near)
    assert version != source_version(module(source.replace("return output", "return -output")).near)
    assert version.startswith("src-")


def test_a_decorator_of_another_module_counts_by_its_name_and_arguments(module: Load) -> None:
    source = "import contextlib\n@contextlib.contextmanager\ndef near(*, output):\n    yield output\n"
    version = source_version(module(source).near)
    assert version.startswith("src-")
    assert version == source_version(module(source).near)
    assert version != source_version(module(source.replace("yield output", "yield -output")).near)
    assert version != source_version(module(source.replace("contextmanager", "asynccontextmanager")).near)


def test_a_cached_function_counts_with_itself(module: Load) -> None:
    source = "import functools\n@functools.cache\ndef near(*, output):\n    return output\n"
    other = module(source.replace("return output", "return -output"))
    assert (
        source_version(module(source).near)
        == source_version(module(source).near)
        != source_version(other.near)
    )


def test_a_class_counts_with_its_body(module: Load) -> None:
    source = "class Near:\n    def __init__(self, *, output):\n        self.value = output\n"
    other = module(source.replace("output\n", "-output\n"))
    assert (
        source_version(module(source).Near)
        == source_version(module(source).Near)
        != source_version(other.Near)
    )


def test_a_class_that_cannot_be_told_from_another_counts_with_its_name(module: Load) -> None:
    source = "class Near:\n    pass\ndef make():\n    class Near:\n        pass\n    return Near\n"
    assert source_version(module(source).make()).startswith("code-")
    assert source_version(module(source).make()) == source_version(module(source).make())


def test_an_evaluator_that_holds_another_counts_with_it(module: Load) -> None:
    source = """
def make(judge, names=()):
    def near(*, output):
        return judge(output) in names
    return near
def short(text):
    return len(text) < 5
def make_recursive():
    def near(*, output):
        return not output or near(output=output[1:])
    return near
"""
    loaded, other = module(source), module(source.replace("< 5", "< 6"))
    near = source_version(loaded.make(loaded.short, ("a", frozenset("b"))))
    assert near == source_version(loaded.make(loaded.short, ("a", frozenset("b"))))
    assert near != source_version(loaded.make(other.short, ("a", frozenset("b"))))
    assert near != source_version(loaded.make(loaded.short, ("a", frozenset("c"))))
    assert source_version(loaded.make_recursive()) == source_version(loaded.make_recursive())
    looped: list[object] = []
    looped.append(looped)
    assert source_version(loaded.make(loaded.short, looped)).startswith("src-")


def test_lambdas_are_told_apart(module: Load) -> None:
    loaded = module(
        "one = lambda output: 1\ntwo = lambda output: 2\nboth = [lambda output: 1, lambda output: 2]\n"
    )
    assert source_version(loaded.one) != source_version(loaded.two)
    assert source_version(loaded.both[0]) != source_version(loaded.both[1])
    assert source_version(loaded.both[0]).startswith("code-")


def test_functions_that_use_each_other_have_a_version(module: Load) -> None:
    source = """
def even(*, output):
    return output == 0 or odd(output=output - 1)
def odd(*, output):
    return output > 0 and even(output=output - 1)
"""
    loaded = module(source)
    assert source_version(loaded.even) != source_version(loaded.odd)


def test_without_source_the_bytecode_counts() -> None:
    def made(body: str) -> Callable[..., object]:
        names: dict[str, Callable[..., object]] = {}
        exec(f"def near(*, output):\n    return {body}\n", names)
        return names["near"]

    assert source_version(made("output > 1")).startswith("code-")
    assert source_version(made("output > 1")) == source_version(made("output > 1"))
    assert source_version(made("output > 1")) != source_version(made("output > 2"))


def test_a_callable_written_in_c_has_a_version() -> None:
    assert source_version(len).startswith("code-")
    assert source_version(len) != source_version(max)
