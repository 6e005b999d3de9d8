"""What a calibrated judge's margin means in truth, and margins that are of the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scoregate.calibration.calibrate import calibrate
from scoregate.calibration.file import calibration_path, write_calibration
from scoregate.calibration.scale import JudgedItem
from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate
from scoregate.judge_trust.calibrations import (
    bound_to,
    margin_notes,
    unmet_now,
    unmet_requirements,
    with_true_margins,
)
from scoregate.judge_trust.judges import read_judges
from scoregate.records import RunHeader
from tests.calibration.judged import CORRECT, MADE, boolean
from tests.judge_trust.judged_gate import LOWEST, TRUTH, judged_gate

Write = Callable[..., Gate]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`judged_gate` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return judged_gate


def calibrated(gate: Gate, judged: list[JudgedItem] | None = None) -> RunHeader:
    """Writes a calibration of the gate's judge; the header of a run that the judge scored."""
    identity = read_judges(gate)["correct"].identity
    found = calibrate(
        judged or boolean(92, 7, 8, 93), CORRECT, judge="correct", identity=bound_to(identity), made_at=MADE
    )
    write_calibration(found, calibration_path(Path(), "correct"))
    return header(identity.version)


def header(made_by: str) -> RunHeader:
    return RunHeader("now", "d", "v1", 1, scorers={"correct": made_by}, started_at=MADE.isoformat())


def test_a_calibrated_judge_says_what_its_margin_rules_out(gate: Write) -> None:
    read = gate("")
    notes = margin_notes(read, calibrated(read))
    assert len(notes) == 1
    assert (
        "a pass within its margin of 5.0 points would rule out true drops of more than 5.9 points" in notes[0]
    )
    assert with_true_margins(read, calibrated(read)) is read


def test_nothing_is_said_without_a_calibration_that_holds(gate: Write) -> None:
    read = gate("")
    assert margin_notes(read, header("judge 0123456789ab")) == ()
    calibrated(read)
    assert margin_notes(read, header("judge 0123456789ab")) == ()
    few = boolean(20, 1, 2, 7)
    assert margin_notes(read, calibrated(read, few)) == ()
    assert (
        margin_notes(
            gate("advisory = true\n[scores.latency_seconds]\nmax_increase = 0.5\n"), calibrated(read)
        )
        == ()
    )


def test_a_judge_that_cannot_be_read_any_more_is_told(gate: Write) -> None:
    read = gate("")
    made = calibrated(read)
    Path("prompt.md").unlink()
    assert margin_notes(read, made)[0].startswith(
        "what the margin of 'correct' means in truth cannot be told: "
    )


def test_a_margin_of_the_truth_is_smaller_in_the_judges_scores(gate: Write) -> None:
    read = gate(TRUTH)
    made = calibrated(read)
    assert with_true_margins(read, made).rules["correct"].max_drop == pytest.approx(0.05 * LOWEST)
    assert unmet_requirements(read, made) == {}
    assert margin_notes(read, made) == (
        f"the judge 'correct' shows 0.85 of a true drop, at least {LOWEST:.2f}: its margin of 5.0 points of the truth "
        f"is {5 * LOWEST:.1f} points of its own scores",
    )


def test_it_scales_the_margin_that_nobody_gave_too(gate: Write) -> None:
    read = gate("", '[correct]\ntype = "boolean"\ndirection = "higher"\n')
    path = Path("gates/agent.toml")
    path.write_text(path.read_text(encoding="utf-8").replace("max_drop = 0.05\n", TRUTH), encoding="utf-8")
    read = read_gate(path)
    assert with_true_margins(read, calibrated(read)).rules["correct"].max_drop == pytest.approx(0.05 * LOWEST)


def test_without_a_calibration_it_names_the_command_before_and_after_the_run(gate: Write) -> None:
    read = gate(TRUTH)
    version = read_judges(read)["correct"].identity.version
    for reason in (unmet_now(read)["correct"], unmet_requirements(read, header(version))["correct"]):
        assert reason.startswith("the judge 'correct' has no calibration")
        assert reason.endswith("scoregate judge calibrate gates/agent.toml --labels FILE")
    assert with_true_margins(read, header(version)) is read


def test_a_judge_that_may_show_nothing_of_a_drop_has_no_margin_of_the_truth(gate: Write) -> None:
    read = gate(TRUTH)
    made = calibrated(read, boolean(30, 18, 20, 32))
    reason = unmet_requirements(read, made)["correct"]
    assert reason.startswith("the judge 'correct' may show as little as ")
    assert "scoregate judge calibrate gates/agent.toml" in reason
    assert with_true_margins(read, made) is read
    assert "no label is a fail" in unmet_requirements(read, calibrated(read, boolean(60, 0, 3, 0)))["correct"]


@pytest.mark.parametrize(
    ("keys", "catalog", "message"),
    [
        ('margin_of = "people"\n', "", "margin_of"),
        (
            TRUTH,
            'type = "numeric"\nmin = 0\nmax = 1\ndirection = "higher"\n',
            "needs a score that passes or fails",
        ),
        (TRUTH + 'reducer = "pass^3"\n', "", "cannot stand beside 'reducer'"),
        ('[scores.scored]\nmargin_of = "truth"\n', "", "is for scores that a judge makes"),
    ],
)
def test_a_margin_of_the_truth_where_it_means_nothing_is_refused(
    gate: Write, keys: str, catalog: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        gate(keys, "[correct]\n" + (catalog or 'type = "boolean"\n'))
