"""A pass of which not everything is seen in Langfuse, where the build requires that: no face is green."""

from __future__ import annotations

from dataclasses import replace

from scoregate.github.annotations import annotations_of
from scoregate.reports import render
from scoregate.reports.build import Build
from scoregate.reports.terminal import render_terminal
from tests.github.reports import PASS
from tests.reports.xunit import end_of, suites_of

WHY = "--require-delivery: not everything is seen in Langfuse"
UNDELIVERED = replace(PASS, undelivered_code=5)


def test_every_face_says_why_the_build_fails() -> None:
    assert f"exit code 5 ({WHY})" in render_terminal(UNDELIVERED, width=100, colour=False)

    markdown = render(UNDELIVERED, "markdown")
    assert markdown.startswith("> [!CAUTION]\n> **PASS**: ")
    assert f"> **Exit code 5**: {WHY}." in markdown

    (suite,) = suites_of(Build((UNDELIVERED,)))
    assert end_of(next(iter(suite))).startswith(f"error: {WHY}; the verdict is pass: ")

    (told,) = annotations_of([UNDELIVERED])
    assert (told.level, told.message) == ("error", WHY)


def test_a_pass_that_is_delivered_is_green_everywhere() -> None:
    assert render(PASS, "markdown").startswith("> [!TIP]")
    (suite,) = suites_of(Build((PASS,)))
    assert {end_of(case) for case in suite} == {"passed"}
    assert annotations_of([PASS]) == []
