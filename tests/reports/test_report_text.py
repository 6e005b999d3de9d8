"""Other people's text, made short and safe to print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes
from wcwidth import width as shown_width

from scoregate.reports.text import (
    OWN_SIGNS,
    as_text,
    beginning,
    display_width,
    from_first_difference,
    one_line,
    pad,
    plain,
    shorten,
    wrap,
)


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    assert display_width("abc") == 3
    assert display_width("退款") == 4
    assert display_width("e\u0301") == 1


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        pytest.param("👨\u200d👩\u200d👧\u200d👦", 2, id="a family, joined of four"),
        pytest.param("❤\ufe0f", 2, id="a heart that is shown as an emoji"),
        pytest.param("❤\ufe0e", 1, id="a heart that is shown as text"),
        pytest.param("👋🏽", 2, id="a skin tone"),
        pytest.param("🇩🇪", 2, id="a flag, of two letters"),
        pytest.param("1\ufe0f\u20e3", 2, id="a key cap"),
        pytest.param("\u1112\u1161\u11ab", 2, id="a syllable of three conjoining letters"),
    ],
)
def test_what_is_read_as_one_character_is_measured_as_one(text: str, columns: int) -> None:
    assert display_width(text) == columns
    assert display_width(f"a{text}b{text}") == 2 + 2 * columns
    assert pad(text, 4) == text + " " * (4 - columns)


def test_what_is_read_as_one_character_is_never_cut_in_two() -> None:
    family = "👨\u200d👩\u200d👧\u200d👦"
    assert shorten(family * 3, 5) == family * 2 + "…"
    assert shorten(family * 3, 4) == family + "…"
    assert beginning(family * 3, 5) == family * 2
    assert wrap(family * 3, 4) == [family * 2, family]
    assert (
        display_width(shorten("\u0ccd👋👋", 1)) == 1
    )  # a stray mark, which takes a column of what comes after it
    assert wrap(family, 1) == [family]  # wider than the line, and not lost


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


_SIGNS = st.text(
    st.sampled_from("ab -é退👨👩🏽❤🇩🇪1\u200d\ufe0f\ufe0e\u20e3\u0301\u1112\u1161\u11abक्षिမင်္ဂสัก\u0e33")
)


@given(_SIGNS, st.integers(3, 20))
def test_signs_that_join_in_any_order_fit_and_none_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert all(display_width(line) <= width or len(list(iter_graphemes(line))) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert display_width(shorten(text, width)) <= width
    assert shorten(text, max(width, display_width(text))) == text


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


def test_only_of_a_text_that_is_shown_whole_is_asked_what_else_it_spells() -> None:
    longest = "[1]".rjust(20_000)
    assert as_text(longest) == f'"{longest}"'
    assert as_text(f" {longest}") == f" {longest}"


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


def test_signs_that_reports_write_themselves_are_as_wide_as_terminals_show_them() -> None:
    assert [shown_width(sign) for sign in OWN_SIGNS] == [1] * len(OWN_SIGNS)
    for text in (f"a{sign}b" for sign in OWN_SIGNS):
        assert display_width(text) == shown_width(text) == 3
    assert display_width("→\N{VARIATION SELECTOR-16}") == shown_width("→\N{VARIATION SELECTOR-16}")
