"""Reports as files: JSON, CSV, and writing them whole or not at all."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from scoregate.errors import ConfigError, ScoregateError
from scoregate.records import DatasetItem
from scoregate.reports import FORMATS, Report, check_format, render, write_report
from scoregate.reports.csv_rules import render_csv
from scoregate.reports.document import render_json
from tests.reports.verdicts import REPORT, any_reports, lost, rule, verdict


def test_json_is_the_verdict_with_the_items_that_moved() -> None:
    document = json.loads(render_json(REPORT))

    beside = ("items", "contracts", "hints", "links", "anchor", "last_round", "decides", "diff_command")
    assert set(beside) == document.keys() - REPORT.verdict.to_dict().keys()
    assert {
        key: value for key, value in document.items() if key not in beside
    } == REPORT.verdict.to_dict() | {
        "rules": document["rules"],
        "flips": document["flips"],
        "missing_items": [],
        "notes": [],
        "rounds": [],
        "confirmed": [],
        "spreads": [],
        "policy_changes": [],
    }
    assert document["rules"][0]["difference"] == -0.043
    assert document["items"] == {
        "refund-017": {
            "input": {"question": "May I return an opened kettle?"},
            "expected_output": "no, not once opened",
            "before": "No, opened kettles stay with you.",
            "after": "Yes, within 30 days.",
        },
        "refund-018": {
            "input": "Where is my order?",
            "expected_output": "on its way",
            "before": "It is on its way.",
        },
        "invoice-003": {"input": "Send me the invoice", "expected_output": None, "after": None},
    }


def test_json_has_null_for_numbers_that_json_lacks() -> None:
    document = json.loads(render_json(Report(verdict(rule(ci_low=float("-inf"), p_value=float("nan"))))))

    assert document["rules"][0]["ci_low"] is None
    assert document["rules"][0]["p_value"] is None


def test_json_keeps_a_lone_surrogate_as_its_escape() -> None:
    report = Report(verdict(flips=(lost("q1"),)), items={"q1": DatasetItem("q1", "\ud800")})

    text = render_json(report)

    assert '"input": "\\ud800"' in text
    assert json.loads(text)["items"]["q1"]["input"] == "\ud800"


def test_csv_has_a_row_a_rule_with_unrounded_numbers() -> None:
    report = Report(verdict(rule(difference=-1 / 3), rule(slice="intent=a,b", p_value=None)))

    first, second = csv.DictReader(io.StringIO(render_csv(report)))

    assert float(first["difference"]) == -1 / 3
    assert (second["slice"], second["p_value"]) == ("intent=a,b", "")


@settings(max_examples=100, deadline=None)
@given(any_reports())
def test_any_text_can_be_written_in_every_format(report: Report) -> None:
    for fmt in FORMATS:
        render(report, fmt).encode("utf-8")
    json.loads(render_json(report))
    assert len(list(csv.reader(io.StringIO(render_csv(report), newline="")))) == 1 + len(report.verdict.rules)


@pytest.mark.parametrize("fmt", list(FORMATS))
def test_a_report_is_written_with_its_folders(fmt: str, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report"

    write_report(REPORT, fmt, path)

    assert path.read_bytes().decode() == render(REPORT, fmt)
    assert list(path.parent.iterdir()) == [path]


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    write_report(REPORT, "json", path)

    assert json.loads(path.read_text(encoding="utf-8"))["outcome"] == "regression"


def test_an_unknown_format_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown report format 'markdwon' \(did you mean 'markdown'\?\)"):
        write_report(REPORT, "markdwon", tmp_path / "report")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fmt", ["html"])
def test_a_format_of_a_later_version_is_refused_in_its_own_words(fmt: str) -> None:
    with pytest.raises(ConfigError, match=f"this version cannot write {fmt} reports yet"):
        check_format(fmt)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for path in (tmp_path, tmp_path / "file" / "report.json"):
        with pytest.raises(ScoregateError, match="cannot be written") as caught:
            write_report(REPORT, "json", path)
        assert caught.value.where == str(path)


def test_a_report_can_be_written_to_a_pipe() -> None:
    program = (
        "from pathlib import Path; from tests.reports.verdicts import REPORT; "
        "from scoregate.reports import write_report; write_report(REPORT, 'csv', Path('/dev/stdout'))"
    )

    written = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert written.stdout.decode() == render_csv(REPORT)


def test_reports_load_none_of_the_heavy_libraries() -> None:
    program = (
        "import sys, scoregate.reports; "
        "print(*{'numpy', 'pandas', 'scipy', 'tabulate', 'langfuse', 'httpx'} & set(sys.modules))"
    )

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert loaded.stdout.strip() == ""
