from __future__ import annotations

import importlib
import warnings
from pathlib import Path

import pytest

import scoregate
from scoregate.deprecation import moved, warn_deprecated

NEVER = "999.0"
MODULE = """\
from scoregate.deprecation import moved

__getattr__ = moved(__name__, {"OldRule": ("scoregate", "Rule")}, removed_in="999.0")
"""


def test_the_user_of_a_moved_name_is_told_where_it_is_and_until_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "with_moved_names.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("with_moved_names")
    with pytest.warns(FutureWarning) as told:
        rule = module.OldRule
    assert rule is scoregate.Rule
    assert str(told[0].message) == (
        "with_moved_names.OldRule is deprecated and will be removed in scoregate 999.0; use scoregate.Rule"
    )
    assert told[0].filename == __file__


def test_a_name_that_never_was_is_an_attribute_error() -> None:
    find = moved("scoregate.somewhere", {}, removed_in=NEVER)
    with pytest.raises(AttributeError, match=r"module 'scoregate\.somewhere' has no attribute 'Rule'"):
        find("Rule")


def test_a_name_whose_time_is_over_cannot_be_forgotten() -> None:
    with (
        warnings.catch_warnings(),
        pytest.raises(AssertionError, match=rf"`run` was to be removed in {scoregate.__version__}"),
    ):
        warn_deprecated("`run`", instead="nothing", removed_in=scoregate.__version__)
