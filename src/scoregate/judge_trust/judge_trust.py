"""What calibrations and human labels say of the judges behind a verdict, and what that leaves of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scoregate.gate_file import Gate
from scoregate.gates.untrusted_judges import with_biased, with_uncalibrated
from scoregate.judge_trust.calibrations import commands_of, unmet_requirements
from scoregate.judge_trust.judge_bias import BiasCheck, check_bias
from scoregate.judge_trust.true_margins import margin_notes
from scoregate.records import Run, Verdict


@dataclass(frozen=True, slots=True)
class JudgeTrust:
    """Why some judges may not decide, and what is to be known of the others."""

    uncalibrated: Mapping[str, str]
    """Score -> why its judge's calibration does not meet the gate."""
    bias: BiasCheck
    notes: tuple[str, ...]
    """What margins mean in truth."""
    commands: tuple[str, ...]
    """Those that the reasons name, each to be shown on a line of its own."""

    def applied(self, verdict: Verdict) -> Verdict:
        """The verdict where rules of judges that may not decide are invalid, with the notes on the others."""
        if self.uncalibrated:
            verdict = with_uncalibrated(verdict, self.uncalibrated)
        if self.bias.faults:
            verdict = with_biased(verdict, self.bias.faults, favoured=self.bias.favoured)
        more = (*self.notes, *self.bias.notes.values())
        return replace(verdict, notes=(*verdict.notes, *more)) if more else verdict


def judge_trust(gate: Gate, baseline: Run | None, candidate: Run) -> JudgeTrust:
    """Look at the calibrations of the gate's judges, and at the labels of both versions' answers.

    `gate` is the gate as it was read, `candidate` the run as a whole, `baseline` None where there is none to compare
    with. Raises ConfigError for a judge or a calibration that cannot be read.
    """
    uncalibrated = unmet_requirements(gate, candidate.header)
    bias = BiasCheck() if baseline is None else check_bias(gate, baseline, candidate)
    # One reason a score: a judge that is not the calibrated one has to be put right first.
    faults, about = (
        {name: sentence for name, sentence in told.items() if name not in uncalibrated}
        for told in (bias.faults, bias.notes)
    )
    reasons = {**uncalibrated, **faults}
    return JudgeTrust(
        uncalibrated,
        BiasCheck(faults, about, bias.favoured),
        margin_notes(gate, candidate.header),
        tuple(commands_of(gate, reasons)),
    )
