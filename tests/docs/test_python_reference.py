"""docs/reference/python.md names what is public, all of it, and nothing else."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from docs.generate import python

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"


def test_the_page_is_what_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == python.page(), "`make docs` brings it up to date"


@pytest.mark.parametrize("module", python.MODULES)
def test_every_public_name_is_documented_once_and_every_documented_name_is_public(module: str) -> None:
    documented = [name for section in python.SECTIONS if section.module == module for name in section.names]
    assert sorted(documented) == sorted(import_module(module).__all__), "docs/generate/python.py lists them"


@pytest.mark.parametrize("module", python.MODULES)
def test_every_public_name_has_an_entry_with_a_docstring_of_its_own(module: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in import_module(module).__all__:
        value = getattr(import_module(module), name)
        assert f"\n### {module}.{name}\n" in text
        if inspect.isclass(value) or inspect.isfunction(value):
            docstring = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
            assert docstring, name
            assert not docstring.startswith(f"{name}("), f"{name}: dataclasses write this one themselves"


def test_every_public_method_says_what_it_does() -> None:
    members = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("- `.")]
    assert members
    assert [line for line in members if line.rstrip().endswith("`:")] == []


def test_what_is_not_in_the_list_is_no_attribute_of_the_package() -> None:
    import scoregate

    with pytest.raises(AttributeError, match="module 'scoregate' has no attribute 'comparison'"):
        scoregate.comparison  # noqa: B018
