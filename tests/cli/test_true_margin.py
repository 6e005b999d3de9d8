"""A margin that is one of the truth, decided by `check` on files."""

from __future__ import annotations

from pathlib import Path

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.file import calibration_path, write_calibration
from scoregate.calibration.scale import JudgedItem
from scoregate.gate_file import read_gate
from scoregate.judge_trust.calibrations import bound_to
from scoregate.judge_trust.judges import read_judges
from tests.calibration.judged import CORRECT, MADE, boolean
from tests.cli.labelled import Cell, labelled_project, write_results
from tests.cli.project import Ended, Project

CHECK = ("check", "gates/agent.toml", "--candidate", "now.jsonl")
SAME: list[Cell] = [(f"answer {n}", n < 180, n < 180) for n in range(200)]
COMMAND = "scoregate judge calibrate gates/agent.toml --labels FILE"


def text(ended: Ended) -> str:
    return " ".join(ended.out.split())


def project_of(folder: Path, margin: str, judged: list[JudgedItem] | None) -> Project:
    """The candidate answers as the baseline did, and one judge scored both; calibrated by these labels."""
    project = labelled_project(folder, SAME, SAME)
    project.edit("gates/agent.toml", 'labels = "labels.jsonl"\n', "")
    project.edit("gates/agent.toml", "max_drop = 0.05", margin)
    identity = read_judges(read_gate(project.path("gates/agent.toml")))["correct"].identity
    for name in ("before", "now"):
        write_results(project, name, [[cell] for cell in SAME], made_by=identity.version)
    if judged is not None:
        bound = bound_to(identity)
        found = calibrate(judged, CORRECT, judge="correct", identity=bound, made_at=MADE)
        write_calibration(found, calibration_path(folder, "correct"))
    return project


def test_what_the_judges_margin_means_in_truth_is_a_note_of_every_report(tmp_path: Path) -> None:
    project = project_of(tmp_path, "max_drop = 0.05", boolean(92, 7, 8, 93))
    checked = project.scoregate(*CHECK, "-o", "markdown=report.md")
    assert checked.outcome(0) == "PASS"
    told = "a pass within its margin of 5.0 points would rule out true drops of more than 5.9 points, to be sure "
    assert told in text(checked)
    assert told in project.read("report.md")
    assert any(told in note for note in project.scoregate(*CHECK, "--json").json()["notes"])


def test_a_margin_of_the_truth_is_harder_to_pass(tmp_path: Path) -> None:
    """200 items without a difference rule out a drop of two points; of a weak judge's scores it takes less."""
    passes = project_of(tmp_path / "a", "max_drop = 0.02", boolean(60, 40, 25, 75))
    assert passes.scoregate(*CHECK).outcome(0) == "PASS"
    strict = project_of(tmp_path / "b", 'max_drop = 0.02\nmargin_of = "truth"', boolean(60, 40, 25, 75))
    checked = strict.scoregate(*CHECK)
    assert checked.outcome(0) == "INCONCLUSIVE"
    assert "its margin of 2.0 points of the truth is 0." in text(checked)


def test_without_a_calibration_a_margin_of_the_truth_is_invalid_with_the_command(tmp_path: Path) -> None:
    project = project_of(tmp_path, 'max_drop = 0.05\nmargin_of = "truth"', None)
    checked = project.scoregate(*CHECK)
    assert checked.outcome(4) == "INVALID"
    assert f"→ {COMMAND}\n" in checked.out


def test_a_diff_of_baselines_looks_at_no_calibration_and_rules_nothing_out(tmp_path: Path) -> None:
    project = project_of(tmp_path, 'max_drop = 0.05\nmargin_of = "truth"', boolean(92, 7, 8, 93))
    told = project.scoregate("baseline", "diff", "gates/agent.toml", "now.jsonl")
    assert told.outcome(0) == "INCONCLUSIVE"
    assert "its margin is one of the truth" in text(told)
