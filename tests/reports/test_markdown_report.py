"""What GitHub shows of a verdict."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from scoregate.records import DatasetItem, Outcome
from scoregate.reports.markdown import LIMIT, render_markdown
from scoregate.reports.markdown_text import code, fenced, inline, link
from scoregate.reports.report import Report
from scoregate.reports.shown_rules import shown_rules
from tests.reports.verdicts import CONFIRMED, REPORT, any_reports, fresh, lost, part, rule, verdict, won


def table_lines(markdown: str) -> list[str]:
    return [line for line in outside_fences(markdown) if line.startswith("|")]


def outside_fences(markdown: str) -> list[str]:
    """The lines that are no code, by the rules of fenced blocks: a fence ends at one at least as long."""
    lines: list[str] = []
    fence: str | None = None
    for line in markdown.split("\n"):
        ticks = re.match(r" {0,3}(`{3,})", line)
        if fence is None and ticks:
            fence = ticks[1]
        elif fence is not None and re.fullmatch(rf" {{0,3}}{fence}`*\s*", line):
            fence = None
        elif fence is None:
            lines.append(line)
    assert fence is None, "a fence is left open"
    return lines


@pytest.mark.parametrize(
    ("outcome", "alert"),
    [("pass", "TIP"), ("regression", "CAUTION"), ("inconclusive", "WARNING"), ("invalid", "WARNING")],
)
def test_it_begins_with_an_alert_of_the_outcome(outcome: Outcome, alert: str) -> None:
    lines = render_markdown(Report(verdict(outcome=outcome, reason="because"))).splitlines()

    assert lines[:2] == [f"> [!{alert}]", f"> **{outcome.upper()}**: because"]


def test_the_table_has_a_row_a_rule() -> None:
    header, alignment, row = table_lines(render_markdown(REPORT))

    assert header == (
        "|  | score | baseline | candidate | difference [95 %] | p (adjusted) | scored | lost / won "
        "| detectable drop | outcome |"
    )
    assert set(alignment) <= set("|-: ")
    assert row == (
        "| <code>-</code> | answer_correctness | 81.0 % | 76.7 % | −4.3 pt [−7.1, −1.5] | 0.0016 | 200/200 | 2 / 1 "
        "| 3.1 pt | **regression** |"
    )


def test_items_are_folded_with_what_went_in_and_came_out() -> None:
    text = render_markdown(REPORT)

    assert "#### Items that moved: 2 worse, 1 better" in text
    assert "<details open>\n<summary>2 of 2 that got worse</summary>\n\n<code>refund-017</code>" in text
    assert "<details>\n<summary>1 of 1 that got better</summary>\n\n<code>invoice-003</code>" in text
    assert (
        "```text\n"
        'input     {"question": "May I return an opened kettle?"}\n'
        "expected  no, not once opened\n"
        "before    No, opened kettles stay with you.\n"
        "after     Yes, within 30 days.\n"
        "```"
    ) in text


def test_a_long_value_is_cut_and_says_so() -> None:
    report = Report(verdict(flips=(lost("q1"),)), items={"q1": DatasetItem("q1", "line\n" * 30)})

    assert "          … 22 more lines\n" in render_markdown(report)


def test_the_footer_names_runs_seed_and_alpha() -> None:
    last = render_markdown(REPORT).splitlines()[-1]

    assert last == (
        "<sub>baseline run <code>run-a</code>, candidate run <code>run-b</code>, alpha 0.01, seed 0, exit code 1</sub>"
    )


def test_a_partial_run_says_so_loudly() -> None:
    text = render_markdown(Report(verdict(outcome="inconclusive", partial=True)))

    assert "**INCONCLUSIVE (PARTIAL RUN)**" in text
    assert "> **Only a selection of the dataset was run**" in text


def test_missing_items_are_named() -> None:
    text = render_markdown(Report(verdict(missing_items=("q1", "q2"))))

    assert "**Missing or failed in 2 items**: <code>q1</code>, <code>q2</code>" in text


def test_items_beyond_the_limit_are_counted_with_the_command_that_lists_them() -> None:
    report = Report(verdict(flips=tuple(lost(f"q{i}") for i in range(22))))

    assert "… and 2 more: <code>scoregate runs diff run-a run-b</code>" in render_markdown(report)


def test_a_fence_in_an_output_does_not_end_the_block() -> None:
    escape = "```\n</details>\n<script>alert(1)</script>\n`````"
    report = Report(verdict(flips=(lost("q1"),)), candidate_outputs={"q1": escape})

    text = render_markdown(report)

    assert "``````text\n" in text
    assert "<script>" in text
    assert "<script>" not in "\n".join(outside_fences(text))


@pytest.mark.parametrize("hostile", ["a|b", "a\\|b", "`a|b`", "<!-- ", "|\n|", "\\", "a\u2028|b"])
def test_a_name_cannot_break_the_table(hostile: str) -> None:
    broken_slice = rule(score=hostile, slice=hostile, outcome="regression")
    lines = table_lines(render_markdown(Report(verdict(broken_slice, rule()))))

    assert [line.count("|") for line in lines] == [11, 11, 11, 11]


def test_names_are_shown_but_not_acted_upon() -> None:
    assert inline("@team see #12, <b>**now**</b>") == (
        "@&#8203;team see #&#8203;12, &lt;b&gt;&#42;&#42;now&#42;&#42;&lt;/b&gt;"
    )
    assert inline("https://x.org and www.x.org") == "https&#58;//x.org and www&#46;x.org"
    assert inline("# no heading") == "&#8203;# no heading"
    assert inline("- no list") == "&#8203;- no list"
    assert inline("answer_correctness 0.5 [_] $x$") == "answer_correctness 0.5 &#91;&#95;&#93; &#36;x&#36;"
    assert code("![x](y)|") == "<code>!&#91;x&#93;(y)&#124;</code>"


def test_only_web_addresses_become_links() -> None:
    assert link("run", "https://example.org/a?b=1") == "[run](https://example.org/a?b=1)"
    assert link("run", "javascript:alert(1)") == "run: <code>javascript:alert(1)</code>"
    assert link("run", "https://a) ![x](https://b").startswith("run: <code>")


def test_a_fence_is_longer_than_any_inside() -> None:
    assert fenced("a ```` b") == "`````text\na ```` b\n`````"


def test_a_long_report_stays_below_the_limit_and_says_what_was_cut() -> None:
    flips = tuple(lost(f"q{i}", comment="why " * 60) for i in range(300))
    outputs = {flip.item: "word " * 400 for flip in flips}
    report = Report(
        verdict(
            *(rule(score=f"score_{i}", outcome="regression", reason="|" * 300) for i in range(300)),
            flips=flips,
            reason="|" * 5000,
            notes=("note " * 100,) * 100,
            missing_items=tuple(f"item-{i}" * 10 for i in range(1000)),
        ),
        items={flip.item: DatasetItem(flip.item, "question " * 200) for flip in flips},
        baseline_outputs=outputs,
        candidate_outputs={item: output + "!" for item, output in outputs.items()},
        hints=("hint " * 50,) * 50,
    )

    text = render_markdown(report, max_items=300)

    assert len(text) <= LIMIT
    assert "more rules, left out here for length" in text
    assert "(cut here to stay below GitHub's limit)" in text
    assert text.count("<details") == text.count("</details>")
    assert text.endswith("exit code 0</sub>\n")
    assert {line.count("|") for line in table_lines(text)} == {11}


def test_rules_that_pass_are_the_first_to_be_left_out() -> None:
    rules = [rule(score=f"passing_{i}") for i in range(300)]

    text = render_markdown(Report(verdict(*rules, rule(score="broken", outcome="regression"))))

    assert any("broken" in line for line in table_lines(text))


def test_without_room_for_better_items_only_worse_ones_are_shown() -> None:
    report = Report(verdict(flips=(won("better"), lost("worse"))))

    text = render_markdown(report, max_items=1)

    assert "<summary>1 of 1 that got worse</summary>" in text
    assert "that got better" not in text


@settings(max_examples=100, deadline=None)
@given(any_reports())
def test_any_text_keeps_the_structure(report: Report) -> None:
    text = render_markdown(report)

    text.encode("utf-8")
    lines = outside_fences(text)
    assert len(text) <= LIMIT
    tables = (shown_rules(report.verdict).rules, shown_rules(report.verdict, "anchor").rules)
    expected = sum(len(rules) + 2 for rules in tables if rules)
    assert [line.count("|") for line in lines if line.startswith("|")] == [11] * expected
    outside = "\n".join(lines)
    tags = set(re.findall(r"<[^>]*>?", outside))
    assert tags <= {"<code>", "</code>", "<sub>", "</sub>", "<details>", "<details open>", "</details>",
                    "<summary>", "</summary>"}  # fmt: skip
    assert "`" not in outside


def test_the_lines_of_a_report_that_says_nothing_more_are_few() -> None:
    bare = replace(verdict(), rules=(), baseline_run=None, candidate_run=None)

    assert len(render_markdown(Report(bare)).splitlines()) == 6


def test_the_evidence_of_fresh_trials_stands_before_the_items_that_moved() -> None:
    report = Report(CONFIRMED, baseline_outputs={"refund-017": "no"}, candidate_outputs={"refund-017": "yes"})
    text = render_markdown(report)

    assert "#### Fresh trials of the 3 items behind the suspicion: 2 worse\n" in text
    assert (
        "<code>refund-017</code>: answer_correctness 5 of 5 before, 0 of 5 now\n\n"
        "```text\nbefore    no\nafter     yes\n```\n"
    ) in text
    assert "<code>refund-017</code>: answer_correctness 1 → 0 (fresh 5/5 → 0/5)\n" in text
    assert text.count("before    no") == 1
    assert text.index("Fresh trials") < text.index("Items that moved")


def test_the_rounds_are_a_log() -> None:
    text = render_markdown(Report(CONFIRMED))

    assert (
        "#### Rounds, both versions side by side\n\n"
        "- **A** 200 items × 1: answer_correctness looks worse (p = 0.031)\n"
        "- **B** 6 items × 5 fresh: regression, as said above\n\n"
        "In each version 1 trial of every item and 5 fresh of 6 items: 460 calls, 1.1 × one pass of both versions. "
        "Stopped early, after round B (the last would be D)"
    ) in text


def test_the_anchor_has_a_table_of_its_own() -> None:
    report = Report(verdict(rule(), rule(against="anchor")), anchor="run:release-7")
    text = render_markdown(report)

    assert "#### Against the anchor <code>run:release-7</code>\n\n|  | score | anchor | candidate |" in text
    assert len(table_lines(text)) == 6


def test_slices_are_counted_below_the_table() -> None:
    worse = part("intent=refund", q_value=0.05)
    text = render_markdown(Report(verdict(rule(), worse, part("intent=order", q_value=1.0))))

    assert "| · intent=refund |" in text
    assert "intent=order" not in text
    assert "2 slices sought, none broken; 1 looks worse, which decides nothing" in text


def test_many_slices_and_confirmed_items_stay_below_the_limit() -> None:
    scores = [f"score_{i}" for i in range(20)]
    slices = (f"intent={'|' * 30}{i}" for i in range(10))
    broken = [rule(score=s, slice=name, outcome="regression") for name in slices for s in scores]
    again = tuple(fresh(f"q{i}" + "|" * 300, score="score_0") for i in range(500))
    report = Report(
        verdict(
            *(rule(score=s) for s in scores),
            *broken,
            *(rule(score=s, against="anchor") for s in scores),
            outcome="regression",
            reason="|" * 5000,
            rounds=tuple(replace(one, reason="|" * 5000) for one in CONFIRMED.rounds),
            confirmed=again,
            flips=tuple(lost(one.item, score="score_0") for one in again),
        ),
        items={one.item: DatasetItem(one.item, "question " * 2000) for one in again},
        baseline_outputs={one.item: "`|" * 3000 for one in again},
        candidate_outputs={one.item: "|`" * 3000 for one in again},
        anchor="run:" + "|" * 500,
    )

    text = render_markdown(report)

    assert len(text) <= LIMIT
    assert "10 slices sought in each of 20 scores, 200 broken; 100 of these left out here" in text
    assert "#### Fresh trials of the 500 items behind the suspicion: 500 worse" in text
    assert re.search(r"… and 49\d more items", text)
    assert text.count("<details") == text.count("</details>")
    assert {line.count("|") for line in table_lines(text)} == {11}


def test_items_that_failed_with_one_error_are_one_entry() -> None:
    flips = tuple(lost(f"q{n:03}", candidate_value=None, comment="KeyError: 'text'") for n in range(64))
    text = render_markdown(Report(verdict(flips=(*flips, won("better")))))

    assert text.count("KeyError") == 1
    assert "<code>q000</code> and 63 more alike: answer_correctness 1 → missing" in text
    assert "64 of 64 that got worse" in text
    assert "1 of 1 that got better" in text
