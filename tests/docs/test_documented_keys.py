"""Every key of gate and catalog, and every scorer of the library with its arguments, stands in the reference."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from scoregate.catalog import Contract
from scoregate.gate_file import Gate, Rule
from scoregate.gate_file.candidate import CandidateSpec, Limits, Rounds
from scoregate.judging.spec import JudgeSpec
from scoregate.scorers.library import LIBRARY
from tests.docs.pages import REPOSITORY, Page

REFERENCE = REPOSITORY / "docs" / "reference"
MADE_BY_THE_READER = {
    "name",
    "where",
    "path",
    "root",
    "inferred",
    "catalog",
    "rules",
    "contract",
    "policy_changes",
}
"""Fields that no key of the file has as its own."""
KEYS = {
    "passing": "pass",
    "template": "prompt",
    "slices": "[slices]",
    "scorers": "[scorers.NAME]",
    "candidate": "[candidate]",
    "limits": "[limits]",
    "rounds": "[rounds]",
}
"""Field -> its key, where it is called otherwise or is a table."""


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("gate-file.md", Gate),
        ("gate-file.md", Limits),
        ("gate-file.md", Rounds),
        ("gate-file.md", Rule),
        ("candidates.md", CandidateSpec),
        ("score-catalog.md", Contract),
        ("judges.md", JudgeSpec),
    ],
)
def test_every_key_of_a_table_is_documented(page: str, kind: type) -> None:
    text = Page(REFERENCE / page).text
    fields = [field.name for field in dataclasses.fields(kind) if field.name not in MADE_BY_THE_READER]
    keys = [
        name if kind in (Rule, Contract) and name == "slices" else KEYS.get(name, name) for name in fields
    ]
    assert [key for key in keys if f"`{key}`" not in text and f"\n{key} " not in text] == []


def test_every_scorer_of_the_library_is_documented_with_its_arguments() -> None:
    text = Page(REFERENCE / "scorers.md").text
    lacking = [
        (name, argument)
        for name, scorer in LIBRARY.items()
        for argument in (name, *inspect.signature(scorer.factory).parameters)
        if f"`{argument}`" not in text and f"`{argument} = " not in text
    ]
    assert lacking == []
