"""Tables of runs, whose cells hold other people's text."""

from __future__ import annotations

import pytest
import wcwidth

from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.reports.run_text import changed_cells, diff_table, runs_table
from scoregate.store import RunSummary

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
SIGNS = (FAMILY, "❤\ufe0f", "👋🏽", "🇩🇪", "\u1112\u1161\u11ab", "退款", "plain")


def run_of(values: dict[str, bool], comment: str | None = None) -> Run:
    return Run(
        RunHeader(run="a", dataset="cases", candidate="v1", expected_items=len(values)),
        tuple(RunItem(item, 0, "ok") for item in values),
        tuple(Score(item, 0, "correct", value, comment=comment) for item, value in values.items()),
    )


def differing(*items: str, comment: str | None = None) -> list[str]:
    """The lines of the table of two runs in which these items differ."""
    before, after = run_of(dict.fromkeys(items, True)), run_of(dict.fromkeys(items, False), comment)
    return diff_table(changed_cells(before, after)).splitlines()


def column(lines: list[str], word: str) -> set[int]:
    """The columns in which a word begins, over the lines that hold it."""
    return {wcwidth.width(line[: line.index(word)]) for line in lines if word in line}


@pytest.mark.parametrize("word", ["true", "false", "why"])
def test_the_columns_of_a_diff_are_straight_behind_any_item_id(word: str) -> None:
    lines = differing(*(f"item-{sign}" for sign in SIGNS), comment="why ❤\ufe0f")

    assert sum(word in line for line in lines) == len(SIGNS)
    assert len(column(lines, word)) == 1


def test_a_comment_is_cut_between_what_is_read_as_characters() -> None:
    (line,) = (line for line in differing("q1", comment=FAMILY * 40) if "q1" in line)

    assert line.endswith("  " + FAMILY * 30)


def test_control_characters_of_ids_and_comments_are_written_out() -> None:
    lines = differing("a\x07b", "ab", comment="\x1b[31mred")

    assert len(column(lines, "true")) == 1
    assert r"a\x07b" in lines[2]
    assert r"\x1b[31mred" in lines[2]


def test_the_list_of_runs_is_straight_and_its_rule_as_wide_as_its_widest_line() -> None:
    runs = [
        RunSummary(f"g-{number}", "g", "cases", f"v{sign}", None, None, None, 1, 1, 0, None, None)
        for number, sign in enumerate(SIGNS)
    ]

    lines = runs_table(runs).splitlines()

    assert len(column(lines, "1 of 1")) == 1
    assert wcwidth.width(lines[1]) == max(map(wcwidth.width, lines))


def test_the_rule_of_a_list_of_runs_is_as_wide_as_wide_characters_make_it() -> None:
    run = RunSummary("g-1", "g", "cases", "退款" * 20, None, None, None, 1, 1, 0, None, None)

    _, rule, line = runs_table([run]).splitlines()
    assert wcwidth.width(rule) == wcwidth.width(line) > len(line)
