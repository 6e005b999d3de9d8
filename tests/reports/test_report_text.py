"""Other people's text, made short and safe to print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.reports.display_width import display_width, pad, shorten, wrap
from scoregate.reports.excerpt import as_text, from_first_difference, one_line, plain


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    assert display_width("abc") == 3
    assert display_width("退款") == 4
    assert display_width("e\u0301") == 1


def test_shortening_counts_columns() -> None:
    assert shorten("退款政策", 8) == "退款政策"
    assert shorten("退款政策", 7) == "退款政…"
    assert shorten("refund policy", 7) == "refund…"


def test_padding_counts_columns() -> None:
    assert pad("退款", 6) + "|" == "退款  |"


def test_wrapping_breaks_at_spaces_and_cuts_what_has_none() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 10) == []


@given(st.text(), st.integers(2, 40))
def test_no_wrapped_line_is_too_wide_and_no_word_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert all(display_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_line_breaks_become_a_sign() -> None:
    assert one_line("first\r\n  second\n\n\tthird ") == "first ⏎ second ⏎ third"


def test_escape_sequences_and_lone_surrogates_are_written_out() -> None:
    assert plain("\x1b[31mred") == r"\x1b[31mred"
    assert plain("a\u202eb") == r"a\u202eb"
    assert plain("\ud800") == r"\ud800"


def test_a_string_is_told_from_the_value_that_it_spells() -> None:
    assert as_text("on its way") == "on its way"
    assert as_text(42) == "42"
    assert as_text("42") == '"42"'
    assert as_text("") == '""'
    assert as_text(None) == "null"
    assert as_text({"ort": "Köln"}) == '{"ort": "Köln"}'


def test_excerpts_of_long_outputs_begin_where_they_differ() -> None:
    shared = "the same words " * 40

    before, after = from_first_difference(shared + "and 18 eggs", shared + "and 17 eggs", 80)

    assert before.startswith("…")
    assert before.endswith("and 18 eggs")
    assert after.endswith("and 17 eggs")
    assert len(before) < 80


@pytest.mark.parametrize(
    ("before", "after"), [("short", "text"), ("x" * 500, "x" * 500), ("a" * 500, "b" * 500)]
)
def test_excerpts_begin_at_the_beginning_where_that_shows_enough(before: str, after: str) -> None:
    assert from_first_difference(before, after, 80) == (before, after)
