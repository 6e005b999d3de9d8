"""Many gates, one command: the worst word and exit code, one document, and the same faces as of one gate."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from scoregate.errors import ResultsError
from scoregate.records import JSON
from scoregate.reports import FORMATS, Report, render
from scoregate.reports.build import Build, LeftOut, Refused
from scoregate.reports.build_document import build_document, from_build_document
from scoregate.reports.build_terminal import render_build_terminal, render_summary
from scoregate.reports.markdown import LIMIT
from scoregate.reports.reading import read_build, read_result
from tests.documents import problems
from tests.reports.builds import BUILD, LEFT_OUT, REFUSED, any_builds, report
from tests.reports.verdicts import REPORT, part
from tests.reports.xunit import end_of, suites_of


def undelivered(gate: str) -> Report:
    return replace(report(gate), undelivered_code=5)


STRICT = {"on_inconclusive": "fail"}
WORST_FIRST: tuple[tuple[int, str, Build], ...] = (
    (5, "error", Build(refused=(replace(REFUSED, exit_code=5),))),
    (5, "error", Build((undelivered("a"),))),
    (2, "error", Build(refused=(REFUSED,))),
    (4, "invalid", Build((report("b", outcome="invalid"),))),
    (4, "invalid", Build(refused=(replace(REFUSED, exit_code=4),))),
    (1, "regression", Build((report("c", outcome="regression"),))),
    (3, "inconclusive", Build((report("d", outcome="inconclusive", **STRICT),))),
    (0, "inconclusive", Build((report("e", outcome="inconclusive"),))),
    (0, "pass", Build((report("f"),))),
    (0, "left out", Build(left_out=(LEFT_OUT,))),
)


@pytest.mark.parametrize(("code", "word", "build"), WORST_FIRST)
def test_a_build_of_one_ends_as_its_gate(code: int, word: str, build: Build) -> None:
    assert (build.exit_code, build.worst) == (code, word)


def test_a_build_ends_as_its_worst_gate() -> None:
    for (code, word, worse), (_, _, better) in itertools.combinations(WORST_FIRST, 2):
        both = Build(
            (*better.reports, *worse.reports),
            (*better.left_out, *worse.left_out),
            (*better.refused, *worse.refused),
        )
        assert (both.exit_code, both.worst) == (code, word)


def test_a_build_is_one_sentence_and_a_table_of_its_gates() -> None:
    assert BUILD.sentence == "4 gates: 1 error, 1 regression, 1 pass, 1 left out"
    assert [(row.gate, row.word, row.worse) for row in BUILD.rows] == [
        ("triage", "error", None),
        ("agent", "regression", 2),
        ("refunds", "pass", 0),
        ("billing", "left out", None),
    ]
    assert BUILD.rows[0].why == "datasets/triage.jsonl: no such file (write it first)"


def test_no_item_is_told_to_be_no_worse_where_nothing_was_compared() -> None:
    invalid = report("agent", outcome="invalid", flips=())
    failed = report("refunds", outcome="invalid", flips=REPORT.verdict.flips)
    build = Build((invalid, failed))

    assert [(row.gate, row.worse) for row in build.rows] == [("agent", None), ("refunds", 2)]
    assert "\nagent    invalid      —  " in render_summary(build, width=100, colour=False)
    assert "| <code>agent</code> | **invalid** | — | " in render(build, "markdown")
    assert [suite.name for suite in suites_of(build)] == ["agent", "refunds"], "each of them once"


def test_where_all_gates_are_left_out_nothing_is_decided_and_nothing_passes() -> None:
    build = Build(left_out=(LEFT_OUT, replace(LEFT_OUT, gate="refunds")))

    assert build.sentence == "2 gates: all left out, so nothing is decided"
    for text in (render(build, "markdown"), render_summary(build, width=100, colour=False)):
        assert "LEFT OUT" in text
        assert "pass" not in text.lower()


def test_the_terminal_ends_with_the_table() -> None:
    assert render_summary(BUILD, width=100, colour=False) == (
        "ERROR: 4 gates: 1 error, 1 regression, 1 pass, 1 left out\n"
        "\n"
        "gate     verdict     worse  why\n" + "-" * 100 + "\n"
        "triage   error           —  datasets/triage.jsonl: no such file (write it first)\n"
        "agent    regression      2  answer_correctness: fell from 81.0 % to 76.7 % (−4.3 points)\n"
        "refunds  pass            0  nothing got worse; a drop of 2.1 points or more is ruled out\n"
        "billing  left out        —  nothing that it is made of has changed since main@0a1b2c3d\n"
        "\n"
        "exit code 2, alpha 0.01 shared by the project's gates\n"
    )
    whole = render_build_terminal(BUILD, width=100, colour=False)
    assert whole.startswith("PASS: nothing got worse")
    assert whole.endswith(render_summary(BUILD, width=100, colour=False))


def test_no_line_of_the_table_is_wider_than_the_terminal() -> None:
    long = Build((report("x" * 200, reason="y" * 500),), (LEFT_OUT,))

    for width in (40, 80, 120):
        assert max(map(len, render_summary(long, width=width, colour=False).splitlines())) <= width


def test_colours_are_all_that_a_terminal_adds() -> None:
    painted = render_summary(BUILD, width=100, colour=True)

    assert "\x1b[1;31mERROR\x1b[0m" in painted
    for code in ("\x1b[1;31m", "\x1b[31m", "\x1b[32m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == render_summary(BUILD, width=100, colour=False)


def test_markdown_is_the_table_and_then_a_section_a_gate_the_worst_first() -> None:
    text = render(BUILD, "markdown")

    assert text.startswith("> [!CAUTION]\n> **ERROR**: 4 gates: 1 error, 1 regression, 1 pass, 1 left out\n")
    assert (
        "| <code>agent</code> | **regression** | 2 | answer_correctness: fell from 81.0 % to 76.7 %" in text
    )
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == ["## <code>agent</code>", "## <code>refunds</code>"]
    alone = render(BUILD.reports[1], "markdown")
    assert alone.rstrip() in text


def test_markdown_keeps_to_its_limit_and_says_what_went_without() -> None:
    many = tuple(part(f"intent={'x' * 60}{number}", outcome="regression") for number in range(300))
    long = tuple(
        replace(
            REPORT, verdict=replace(REPORT.verdict, gate=f"g{number}", rules=(*REPORT.verdict.rules, *many))
        )
        for number in range(40)
    )

    text = render(Build((report("small"), *long)), "markdown")

    assert len(text) <= LIMIT
    assert text.count("## <code>g") > 5
    assert "more gates, left out here for length." in text
    few = render(Build((report("small"), *long[:2])), "markdown")
    assert len(few) <= LIMIT
    assert [line for line in few.splitlines() if line.startswith("## ")] == [
        "## <code>g0</code>", "## <code>g1</code>", "## <code>small</code>",
    ]  # fmt: skip


def test_a_section_that_cannot_be_made_small_enough_is_left_out_whole() -> None:
    stretched = tuple(report(f"g{number}", reason="|" * 1000) for number in range(15))

    text = render(Build(stretched), "markdown")

    assert len(text) <= LIMIT
    assert text.count("## <code>") == text.count("> [!TIP]") - 1
    assert "more gates, left out here for length." in text


def test_csv_has_a_line_a_gate_and_then_one_a_rule() -> None:
    rows = list(csv.DictReader(io.StringIO(render(BUILD, "csv"))))

    assert [(row["gate"], row["score"], row["outcome"]) for row in rows] == [
        ("triage", "", "error"),
        ("agent", "", "regression"),
        ("refunds", "", "pass"),
        ("billing", "", "left out"),
        ("agent", "answer_correctness", "regression"),
        ("refunds", "answer_correctness", "pass"),
    ]
    assert rows[3]["reason"] == LEFT_OUT.why


def test_junit_has_a_suite_a_gate_and_a_left_out_one_is_skipped() -> None:
    suites = suites_of(BUILD)

    ends = {suite.name: [end_of(case) for case in suite] for suite in suites}
    assert ends == {
        "refunds": ["passed"],
        "agent": ["failure: fell from 81.0 % to 76.7 % (−4.3 points)"],
        "triage": ["error: datasets/triage.jsonl: no such file (write it first)"],
        "billing": [f"skipped: {LEFT_OUT.why}"],
    }


def test_two_projects_gates_of_one_name_are_told_apart_by_their_files() -> None:
    here, there = (replace(report("agent"), path=f"{folder}/gates/agent.toml") for folder in ("a", "b"))
    build = Build((here, there), refused=(REFUSED,))

    names = ["triage", "a/gates/agent.toml", "b/gates/agent.toml"]
    assert [row.gate for row in build.rows] == names
    assert sorted(str(suite.name) for suite in suites_of(build)) == sorted(names)
    for suite in suites_of(build):
        assert {case.classname for case in suite} == {suite.name}, "a page takes cases of one class for one"
    assert "## <code>b/gates/agent.toml</code>" in render(build, "markdown")
    assert {row["gate"] for row in csv.DictReader(io.StringIO(render(build, "csv")))} == set(names)


def test_the_document_holds_that_of_each_gate() -> None:
    document = json.loads(render(BUILD, "json"))

    assert list(document) == ["schema", "exit_code", "alpha", "gates", "left_out", "refused"]
    assert (document["schema"], document["exit_code"], document["alpha"]) == (2, 2, 0.01)
    assert document["gates"] == [json.loads(render(one, "json")) for one in BUILD.reports]
    assert document["gates"][1]["path"] == "gates/agent.toml"
    assert document["left_out"] == [
        {"gate": "billing", "path": "gates/billing.toml", "why": LEFT_OUT.why},
    ]
    assert document["refused"] == [
        {
            "gate": "triage",
            "path": "gates/triage.toml",
            "exit_code": 2,
            "message": "no such file",
            "where": "datasets/triage.jsonl",
            "hint": "write it first",
        }
    ]
    assert problems(document) == []


def test_every_face_of_a_build_can_be_made_from_its_document(tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    path.write_text(render(BUILD, "json"), encoding="utf-8")

    again = read_build(path)

    for fmt in FORMATS:
        assert render(again, fmt) == render(BUILD, fmt), fmt
    assert render_build_terminal(again, width=80, colour=True) == render_build_terminal(
        BUILD, width=80, colour=True
    )


def test_the_document_of_one_gate_is_a_build_of_one(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(render(REPORT, "json"), encoding="utf-8")

    build = read_build(path)

    assert [one.verdict for one in build.reports] == [REPORT.verdict]
    assert (build.left_out, build.refused, build.alpha) == ((), (), None)
    assert isinstance(read_result(path), Report)


def _better(document: JSON) -> None:
    document["exit_code"] = 0


def _better_gate(document: JSON) -> None:
    document["gates"][1]["exit_code"] = 0


def _fewer_items(document: JSON) -> None:
    document["gates"][1]["regressed_items"].pop()


def _no_gates(document: JSON) -> None:
    del document["gates"]


def _odd_code(document: JSON) -> None:
    document["refused"][0]["exit_code"] = 7


def _more(document: JSON) -> None:
    document["left_out"][0]["run"] = "rm"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_better, "exit_code is not what follows from the rest"),
        (_better_gate, "gates[1].exit_code is not what follows from the rest"),
        (_fewer_items, "gates[1].regressed_items is not what follows from the rest"),
        (_no_gates, "is no result document: $: 'gates' is a required property"),
        (_odd_code, "is no result document: $.refused[0].exit_code: 7 is not one of [2, 4, 5]"),
        (_more, "is no result document: $.left_out[0]: Additional properties are not allowed"),
    ],
)
def test_a_document_that_was_changed_is_refused(
    change: Callable[[JSON], None], said: str, tmp_path: Path
) -> None:
    document = build_document(BUILD)
    change(document)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(ResultsError) as caught:
        read_build(path)
    assert caught.value.message.startswith(said)


@settings(max_examples=60, deadline=None)
@given(any_builds())
def test_any_build_has_every_face_and_comes_back_from_its_document(build: Build) -> None:
    document = json.loads(render(build, "json"))
    assert problems(document) == []
    assert json.loads(render(from_build_document(document), "json")) == document
    assert len(render(build, "markdown")) <= LIMIT
    suites_of(build)
    lines = list(csv.reader(io.StringIO(render(build, "csv"), newline="")))
    assert len(lines) == 1 + len(build.rows) + sum(len(one.verdict.rules) for one in build.reports)
    for line in render_summary(build, width=60, colour=False).splitlines():
        assert not any(sign in line for sign in ("\x00", "\ud800", "\u202e"))


def test_a_refusal_reads_as_the_command_told_it() -> None:
    assert REFUSED.line == "datasets/triage.jsonl: no such file (write it first)"
    assert Refused("a", "gates/a.toml", 5, "stopped").line == "stopped"
    assert LeftOut("a", "gates/a.toml", "why").why == "why"
