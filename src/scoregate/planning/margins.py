"""The margins that the next build will be decided with: those of the truth as what they are in a judge's scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from scoregate.gate_file import Gate
from scoregate.judge_trust.calibrations import margin_notes, margin_of_rate, unmet_now, with_true_margins
from scoregate.judge_trust.judges import read_judges
from scoregate.planning.noise import Noise
from scoregate.records import RunHeader


@dataclass(frozen=True, slots=True)
class _NextMargins:
    """A gate as the next build will be decided with it."""

    gate: Gate
    notes: tuple[str, ...] = ()
    """What its judges' margins mean in truth, and which of its judges could not decide, a sentence each."""


def next_margins(gate: Gate) -> _NextMargins:
    """Scale the margins of the truth as for a run that would begin now, scored by the present judges.

    Raises ConfigError for a judge or a calibration that cannot be read.
    """
    judges = read_judges(gate)
    if not judges:
        return _NextMargins(gate)
    header = RunHeader(
        run="",
        dataset="",
        candidate="",
        expected_items=0,
        scorers={name: spec.identity.version for name, spec in judges.items()},
        started_at=datetime.now(UTC).isoformat(),
    )
    notes = list(margin_notes(gate, header))
    for name, reason in unmet_now(gate).items():
        rule = gate.rules[name]
        until = "this rule is invalid" if rule.advisory else "every build is invalid"
        as_is = ", and its margin is taken here as it stands" if rule.margin_of == "truth" else ""
        notes.append(f"{reason}; until then {until}{as_is}")
    return _NextMargins(with_true_margins(gate, header), tuple(notes))


def of_truth(gate: Gate, noise: Noise) -> Noise:
    """The noise with what its margin is of the one that `gate`, as it was read, gives."""
    rule = gate.rules[noise.score]
    if rule.margin_of != "truth" or noise.margin is None:
        return noise
    return replace(noise, of_margin=noise.margin / margin_of_rate(rule))
