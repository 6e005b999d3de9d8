"""Texts of others stay texts on GitHub: each can be read, and nothing around it changes.

What is Markdown is rendered by GitHub's own renderer; what is a command of a log is read as the runner reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from scoregate.github.annotations import annotations_of
from scoregate.github.body import compose, parse
from scoregate.github.check_run import tell
from scoregate.github.client import Client
from scoregate.github.job import Job
from scoregate.github.outputs import outputs
from scoregate.github.section import section_of
from scoregate.github.summary import summary
from scoregate.github.workflow_commands import output
from scoregate.reports.text import one_line
from tests.github.markdown import rendered
from tests.github.workflow import FAST, Workflow
from tests.reports.hostile import HOSTILE, report_with

PLAIN = "plain"
ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""What may stand nowhere as it is."""
INVISIBLE = re.compile("[\u200b\u200d\ufeff]")
JOB = Job(repository="acme/support", pull_request=7, commit="4f3c2b1" * 6)

each_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def comment(text: str) -> str:
    return compose([section_of(report_with(text), replace(JOB, commit=text), text)])


def page(text: str) -> str:
    report = report_with(text)
    return summary([report], [], [section_of(report, JOB, text)])


@each_text
@pytest.mark.parametrize("write", [comment, page])
def test_markdown_has_the_same_elements_around_it(write: Callable[[str], str], text: str) -> None:
    written = write(text)

    assert not ACTS.search(written)
    found, plain = rendered(written), rendered(write(PLAIN))
    assert found.tags == plain.tags
    assert len(found.comments) == len(plain.comments)
    assert beginning(text) in readable(found.text)


def beginning(text: str) -> str:
    return readable(one_line(text))[:60].strip()


def readable(text: str) -> str:
    return " ".join(INVISIBLE.sub("", text).split())


@each_text
def test_a_comment_notifies_nobody_and_links_nothing(text: str) -> None:
    found = rendered(comment(text))
    assert not re.search(r"@\w|#\d|GH-\d", found.prose)
    assert not any(tag.startswith(("a ", "img", "script", "input")) for tag in found.tags)


@each_text
def test_a_comment_is_read_back_as_it_was_written(text: str) -> None:
    written = comment(text)

    (section,) = parse(written)
    assert one_line(f"{text} ({text})").startswith(section.title.removesuffix("…"))
    assert compose([section]) == written
    assert len(written) < 65_536


@each_text
def test_an_annotation_is_one_command(text: str) -> None:
    found = annotations_of([report_with(text)])
    commands = [one.as_command() for one in found]

    assert [one.level for one in found] == ["error", "error", "warning", "warning"]
    for one, command in zip(found, commands, strict=True):
        assert not ACTS.search(command)
        assert "\n" not in command
        assert "##[" not in command
        level, properties, message = as_the_runner_reads(command)
        assert level == one.level
        assert list(properties) == ["title", "file", "line"] if one.line else ["title", "file"]
        assert readable(properties["file"]) == readable(one_line(text).replace("##[", "# #["))
        assert message == one_line(one.message).replace("##[", "# #[")


def as_the_runner_reads(command: str) -> tuple[str, dict[str, str], str]:
    """Level, properties and message, as ActionCommand.TryParseV2 of the runner takes them out of a line."""
    assert command.startswith("::")
    head, message = command[2:].split("::", 1)
    level, _, listed = head.partition(" ")
    properties = dict(one.split("=", 1) for one in listed.split(",") if one)
    return level, {name: unescaped(value) for name, value in properties.items()}, unescaped(message)


def unescaped(text: str) -> str:
    for sign, escape in ((",", "%2C"), (":", "%3A"), ("\n", "%0A"), ("\r", "%0D"), ("%", "%25")):
        text = text.replace(escape, sign)
    return text


@each_text
def test_an_output_is_one_entry(text: str) -> None:
    report = report_with(text)
    for name, value in outputs([report], [], [section_of(report, JOB)]).items():
        assert not ACTS.search(value)
        lines = output(name, value).splitlines()
        assert len(lines) == 3
        assert lines[0] == f"{name}<<{lines[2]}"


def test_a_check_run_shows_them_all(workflow: Workflow) -> None:
    with Client(workflow.job, FAST.patience) as client:
        for text in HOSTILE.values():
            report = report_with(text)
            section = section_of(report, workflow.job)
            tell(client, report, section, workflow.job, annotations_of([report]))
    made = list(workflow.github.repository.check_runs.values())
    assert len(made) == len(HOSTILE)
    plain = compose([section_of(report_with(PLAIN), workflow.job)])
    for check, text in zip(made, HOSTILE.values(), strict=True):
        output = check.asked["output"]
        assert rendered(output["summary"]).tags == rendered(plain).tags
        for said in (check.asked["name"], output["title"], *(one["message"] for one in check.annotations)):
            assert not ACTS.search(said)
            assert "\n" not in said
        assert {one["path"] for one in check.annotations} == {one_line(text)} or len(text) > 1000
