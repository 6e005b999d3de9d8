"""What a gate requires of a judge's calibration, held against who scored a run and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.corrected_value import CorrectedValue
from scoregate.calibration.file import calibration_path, write_calibration
from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate
from scoregate.judge_trust.calibrations import (
    bound_to,
    calibrate_command,
    commands_of,
    strength_of,
    unmet_requirements,
)
from scoregate.judge_trust.corrected_values import corrected_values
from scoregate.judge_trust.judges import read_judges
from scoregate.records import Run, RunHeader, RunItem, Score
from tests.calibration.judged import CORRECT, MADE, boolean
from tests.judge_trust.judged_gate import GATE

LABELLED = f"""\
{GATE}labels = "labels.jsonl"
require_calibration = {{ kappa = 0.6, max_age_days = 90 }}
"""

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file of a project whose gate has a judge."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    write("prompt.md", "Is it right? {{output}}")
    write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    write("gates/agent.toml", LABELLED)
    return write


def gate() -> Gate:
    return read_gate(Path("gates/agent.toml"))


def version() -> str:
    return read_judges(gate())["correct"].identity.version


def header(*, days: float | None = 1, made_by: str | None = None, **metadata: object) -> RunHeader:
    """Of a run that the present judge scored so many days after the calibration."""
    at = None if days is None else (MADE + timedelta(days=days)).isoformat()
    made_by = version() if made_by is None else made_by
    scorers = {"correct": made_by} if made_by else {}
    return RunHeader(
        run="now",
        dataset="d",
        candidate="v1",
        expected_items=1,
        scorers=scorers,
        started_at=at,
        metadata=metadata,
    )


def calibrated() -> None:
    identity = bound_to(read_judges(gate())["correct"].identity)
    found = calibrate(
        boolean(48, 2, 3, 47), CORRECT, judge="correct", identity=identity, made_at=MADE, previous=None
    )
    write_calibration(found, calibration_path(Path(), "correct"))


def unmet(of: RunHeader) -> str:
    return unmet_requirements(gate(), of).get("correct", "")


def test_a_good_calibration_of_the_judge_that_scored_the_run_meets_the_gate(write: Write) -> None:
    calibrated()
    assert unmet(header()) == ""


def test_the_age_is_that_at_the_time_of_the_run(write: Write) -> None:
    calibrated()
    assert "is 120 days old" in unmet(header(days=120))
    rescored = {"when": (MADE + timedelta(days=2)).isoformat(), "who": "a person"}
    assert unmet(header(days=-400, rescored=rescored)) == ""
    assert "do not say when" in unmet(header(days=None))


def test_the_judge_may_change_after_the_run_without_a_change_of_the_verdict(write: Write) -> None:
    calibrated()
    run = header()
    write("prompt.md", "Is it really right? {{output}}")
    assert unmet(run) == ""
    assert "is of another judge (changed since: prompt)" in unmet(header())


def test_scores_of_an_unknown_judge_have_no_calibration(write: Write) -> None:
    calibrated()
    assert "does not say which judge made 'correct'" in unmet(header(made_by=""))
    other = unmet(header(made_by="judge 0123456789ab"))
    assert other.startswith("the candidate was scored by another judge 'correct' (judge 0123456789ab)")
    assert other.endswith("scoregate runs rescore now --gate gates/agent.toml")


def test_a_gate_that_requires_nothing_reads_no_prompt(write: Write) -> None:
    write("gates/agent.toml", LABELLED.replace("require_calibration", "# "))
    Path("prompt.md").unlink()
    assert unmet_requirements(gate(), header(made_by="judge 0123456789ab")) == {}


@pytest.mark.parametrize(
    "spoil", [lambda text: "{", lambda text: text.replace('"agreed": 95', '"agreed": 99')]
)
def test_a_file_that_is_no_calibration_makes_the_rule_invalid_with_the_command_that_mends_it(
    write: Write, spoil: Callable[[str], str]
) -> None:
    calibrated()
    path = calibration_path(Path(), "correct")
    write(str(path), spoil(path.read_text(encoding="utf-8")))
    reason = unmet(header())
    assert reason.startswith(
        "the calibration of the judge 'correct' cannot be used: gates/calibrations/correct.json "
    )
    assert reason.endswith("; calibrate it again: scoregate judge calibrate gates/agent.toml")


def test_a_bad_calibration_leaves_no_margin_of_the_truth_and_is_told_where_none_is_required(
    write: Write,
) -> None:
    write("gates/calibrations/correct.json", "{")
    assert strength_of(gate(), "correct", header()) is None  # its rule is invalid already
    write("gates/agent.toml", LABELLED.replace("require_calibration", "# "))
    with pytest.raises(ConfigError, match="is no calibration"):
        strength_of(gate(), "correct", header())


def test_the_calibration_of_another_score_does_not_meet_the_gate(write: Write) -> None:
    calibrated()
    path = calibration_path(Path(), "correct")
    write(str(path), path.read_text(encoding="utf-8").replace('"judge": "correct"', '"judge": "tone"'))
    assert "is a calibration of 'tone', not of 'correct'" in unmet(header())


def test_a_gate_refuses_a_comparison_by_which_every_judge_agrees(write: Write) -> None:
    write("gates/scores.toml", '[correct]\ntype = "numeric"\nmin = 0\nmax = 10\ndirection = "higher"\n')
    for keys, message in (
        ("tolerance = 9", "'tolerance' of .* is 9, and by a tolerance of 5 or more"),
        ("tolerance = inf", "'tolerance' of .* must be a finite number"),
        ("pass_at = 50", "'pass_at' of .* is 50, outside the values of the score"),
        ("pass_at = 0", "'pass_at' of .* is 0, where every value passes"),
        ("pass_at = 5, tolerance = 1", "stands beside 'pass_at'"),
    ):
        write("gates/agent.toml", LABELLED.replace("kappa = 0.6", f"agreement = 0.9, {keys}"))
        with pytest.raises(ConfigError, match=message) as refused:
            gate()
        assert str(refused.value).startswith("gates/agent.toml:9: ")
    write("gates/agent.toml", LABELLED.replace("kappa = 0.6", "agreement = 0.9, tolerance = 1"))
    assert gate().rules["correct"].require_calibration is not None


def test_a_tolerance_is_for_numbers(write: Write) -> None:
    write("gates/agent.toml", LABELLED.replace("kappa = 0.6", "agreement = 0.9, tolerance = 0.1"))
    with pytest.raises(ConfigError, match="'tolerance' of .* a tolerance and a pass mark are for numbers"):
        gate()


def test_the_command_names_the_score_where_there_are_several_judges_and_labels_where_the_gate_has_none(
    write: Write,
) -> None:
    assert calibrate_command(gate(), "correct") == "scoregate judge calibrate gates/agent.toml"
    write("gates/agent.toml", LABELLED.replace('labels = "labels.jsonl"', ""))
    assert calibrate_command(gate(), "correct") == "scoregate judge calibrate gates/agent.toml --labels FILE"
    write("gates/agent.toml", LABELLED.replace("[scores", '[scorers.tone]\nuse = "judge"\n\n[scores'))
    command = "scoregate judge calibrate gates/agent.toml --score correct"
    assert calibrate_command(gate(), "correct") == command
    reasons = {"correct": f"no calibration: {command}", "tone": "run it again"}
    assert commands_of(gate(), reasons) == [command]


def answered(values: list[bool | None]) -> Run:
    """A run whose judge says this of each answer; None is an error."""
    ids = [f"i{n:03}" for n in range(len(values))]
    return Run(
        header(),
        tuple(RunItem(item, 0, "ok", output=item.upper()) for item in ids),
        tuple(
            Score(item, 0, "correct", value, "ok" if value is not None else "error", None, "judge")
            for item, value in zip(ids, values, strict=True)
        ),
    )


def test_the_corrected_value_counts_what_the_judge_left_out_as_the_worst(write: Write) -> None:
    run = answered([True] * 30 + [False] * 6 + [None] * 4)
    label = '{{"item": "i{0:03}", "label": {1}, "output": "I{0:03}"}}\n'
    write("labels.jsonl", "".join(label.format(n, "true" if n < 28 else "false") for n in range(10, 40)))
    found = corrected_values(gate(), run)["correct"]
    assert isinstance(found, CorrectedValue)
    assert found.raw.value == pytest.approx(0.75)
    assert (found.items, found.labelled) == (40, 30)
    assert found.rogan_gladen.value is not None
    assert found.prediction_powered.value is not None
    assert found.prediction_powered.value < 0.75


def test_a_label_that_does_not_hold_its_output_corrects_nothing(write: Write) -> None:
    write("labels.jsonl", '{"item": "i000", "label": true}\n')
    found = corrected_values(gate(), answered([True] * 5))["correct"]
    assert isinstance(found, str)
    assert found.endswith("none of them says which output it is of")
