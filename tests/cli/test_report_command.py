"""`report`: every face of a verdict from its document alone, wherever that comes from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoregate.records import JSON
from scoregate.reports import FORMATS
from scoregate.reports.reading import MOST_BYTES
from tests.cli.project import Project

ALL = [word for fmt in FORMATS for word in ("-o", f"{fmt}=again/{fmt}")]


@pytest.fixture(scope="module")
def decided(_regressed: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A folder with the reports of a check in `once/` and nothing else, and what the check printed."""
    folder, run = _regressed
    project = Project(folder).copied_to(tmp_path_factory.mktemp("decided") / "project")
    outputs = [word for fmt in FORMATS for word in ("-o", f"{fmt}={project.folder.parent}/once/{fmt}")]
    checked = project.scoregate("check", "gates/agent.toml", "--candidate", run, *outputs)
    assert checked.outcome(1) == "REGRESSION"
    alone = Project(project.folder.parent)
    alone.path("once/json").rename(alone.path("result.json"))
    return alone, checked.out


def test_every_report_is_made_again_from_the_document_alone(decided: tuple[Project, str]) -> None:
    project, _ = decided

    written = project.scoregate("report", "result.json", *ALL)

    assert (written.code, written.out, written.err) == (0, "", "")
    for fmt in FORMATS:
        before = project.path("result.json" if fmt == "json" else f"once/{fmt}")
        assert project.path(f"again/{fmt}").read_bytes() == before.read_bytes(), fmt


def test_without_a_format_it_is_shown_as_the_command_showed_it(decided: tuple[Project, str]) -> None:
    project, out = decided

    shown = project.scoregate("report", "result.json", cold=True)

    assert (shown.code, shown.err) == (0, "")
    assert shown.out == out


def test_json_is_the_document(decided: tuple[Project, str]) -> None:
    project, _ = decided

    assert project.scoregate("report", "result.json", "--json").json() == document_of(project)


def document_of(project: Project) -> Any:
    return json.loads(project.read("result.json"))


def _exit_code(document: JSON) -> None:
    document["exit_code"] = 0


def _fewer_items(document: JSON) -> None:
    document["regressed_items"].pop()


def _margin(document: JSON) -> None:
    document["policy"]["rules"]["correct"]["max_drop"] = 0.5


def _outcome(document: JSON) -> None:
    document["outcome"] = "<b>fine</b>"


def _more(document: JSON) -> None:
    document["command"] = "rm -rf /"


def _later(document: JSON) -> None:
    document["schema"] = 3


def _huge(document: JSON) -> None:
    document["rules"][0]["difference"] = 10**400


def _spread(document: JSON) -> None:
    document["spreads"] = [
        {"score": "s", "quantiles": ["p50", "p90"], "baseline": [1.0], "candidate": [], "totals": [1.0, 1.0]}
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_exit_code, "exit_code is not what follows from the rest"),
        (_fewer_items, "regressed_items is not what follows from the rest"),
        (_margin, "policy.digest is not what follows from the rest"),
        (_spread, "spreads is not what follows from the rest"),
        (_outcome, "is no result document: $.outcome: '<b>fine</b>' is not one of ['pass', "),
        (_more, "is no result document: $: Additional properties are not allowed ('command' was unexpected)"),
        (_later, "is of schema 3, and this version reads 1 and 2"),
        (_huge, "is no result document: $.rules[0].difference: 1000000"),
    ],
)
def test_a_document_that_was_changed_is_refused(
    decided: tuple[Project, str], tmp_path: Path, change: Callable[[JSON], None], said: str
) -> None:
    document = document_of(decided[0])
    change(document)
    project = Project(tmp_path)
    project.write("changed.json", json.dumps(document))

    line = project.scoregate("report", "changed.json", "-o", "markdown=verdict.md").error(2)

    assert line.startswith(f"changed.json: {said}")
    assert len(line) < 300
    assert not project.path("verdict.md").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "broken JSON at column 1: expecting value"),
        (b"[]", "is no result document: $: [] is not of type 'object'"),
        (b'{"schema": 1, "schema": 1}', "the key 'schema' appears twice in one object"),
        (b"\xff", "is not UTF-8 at byte 0"),
        (b"[" * 100_000, "JSON that is nested too deeply"),
        (b'{"alpha": NaN}', "NaN is no JSON number"),
        (b" " * (MOST_BYTES + 1), "is larger than 32 MiB"),
    ],
    ids=["empty", "list", "twice", "bytes", "deep", "nan", "large"],
)
def test_what_is_no_document_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    project = Project(tmp_path)
    project.write("result.json", content)

    assert project.scoregate("report", "result.json").error(2).startswith(f"result.json: {said}")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert "no such file" in Project(tmp_path).scoregate("report", "verdict.json").error(2)
