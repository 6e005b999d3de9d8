"""`wait_for` and `wait_seconds` of a gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate

SCORES = "\n[scores.helpful]\nmax_drop = 0.1\n"


def gate(folder: Path, top: str) -> Gate:
    path = folder / "x.toml"
    path.write_text(top + SCORES, encoding="utf-8")
    return read_gate(path)


def test_scores_are_waited_for_by_name_two_minutes_unless_told(tmp_path: Path) -> None:
    read = gate(tmp_path, 'wait_for = ["helpful", "safe", "helpful"]\n')
    assert (read.wait_for, read.wait_seconds) == (("helpful", "safe"), 120)
    assert gate(tmp_path, 'wait_for = ["helpful"]\nwait_seconds = 5\n').wait_seconds == 5
    assert gate(tmp_path, "").wait_for == ()


@pytest.mark.parametrize("top", ['wait_for = "helpful"\n', "wait_for = []\n", "wait_seconds = 0\n"])
def test_what_is_no_list_of_names_or_no_time_is_refused(tmp_path: Path, top: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.toml:1"):
        gate(tmp_path, top)
