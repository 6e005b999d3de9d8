"""benchmarks/simulate.py --resume FILE: the full figures made in pieces, none of them from other code."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def kept_tallies() -> Iterator[ModuleType]:
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield import_module("kept_tallies")
    finally:
        sys.path.remove(folder)


@pytest.fixture
def situation(kept_tallies: ModuleType) -> Any:
    world = import_module("worlds").World(30)
    return kept_tallies.Situation("unchanged, N=30", world, builds=100)


def test_what_is_done_is_found_again(kept_tallies: ModuleType, situation: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    done = kept_tallies.Tally(100, Counter({"pass": 98, "regression": 2}), cost=210.5, error=float("nan"))
    kept_tallies.KeptTallies(file, seed=0).keep(situation, done)
    found = kept_tallies.KeptTallies(file, seed=0).of(situation, builds=100)
    assert repr(found) == repr(done)


def test_nothing_else_is(kept_tallies: ModuleType, situation: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    kept_tallies.KeptTallies(file, seed=0).keep(situation, kept_tallies.Tally(100))
    kept = kept_tallies.KeptTallies(file, seed=0)
    assert kept.of(situation, builds=99) is None
    assert kept.of(replace(situation, margin=0.1), builds=100) is None
    assert kept_tallies.KeptTallies(file, seed=1).of(situation, builds=100) is None


def test_nor_what_other_code_has_left(
    kept_tallies: ModuleType, situation: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "figures.jsonl"
    kept_tallies.KeptTallies(file, seed=0).keep(situation, kept_tallies.Tally(100))
    monkeypatch.setattr(kept_tallies, "_digest_of_code", lambda: "of another day")
    assert kept_tallies.KeptTallies(file, seed=0).of(situation, builds=100) is None


def test_a_line_that_was_cut_off_takes_no_other_with_it(
    kept_tallies: ModuleType, situation: Any, tmp_path: Path
) -> None:
    file = tmp_path / "figures.jsonl"
    file.write_text('\n{"key": "5f1c", "what": "killed wh', encoding="utf-8")
    kept_tallies.KeptTallies(file, seed=0).keep(situation, kept_tallies.Tally(100))
    assert kept_tallies.KeptTallies(file, seed=0).of(situation, builds=100) is not None
