"""What `scoregate selftest` measured, as plain data: same input and seed, same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from scoregate.errors import INVALID, PASS, REGRESSION
from scoregate.records import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many builds."""

    count: int
    builds: int
    low: float
    """95 % interval of the share by Clopper and Pearson."""
    high: float

    @property
    def value(self) -> float:
        return self.count / self.builds


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """How often one planted drop was found."""

    score: str
    drop: float
    """In the score's unit; relative for latency, cost and tokens."""
    scale: str
    unit: str | None
    kind: str
    """concentrated: some items fail for good; diffuse: all lose a little."""
    found: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """A gate, tried on builds of which nothing changed, and on builds with a planted drop."""

    gate: str
    trials_from: str
    runs: int
    """Stored runs that the trials come from."""
    items: int
    side_by_side: bool
    trials: int
    """Trials of an arm in the first look."""
    gate_trials: int
    """What the gate asks for; more than `trials` where too few are stored."""
    drawn_again: bool
    """Trials came several times, as too few are stored for fresh ones in every round."""
    alpha: float
    """Of the comparison with the baseline."""
    anchored: bool
    """That is a half of the gate's alpha; the other belongs to its anchor, with which nothing is compared here."""
    seed: int
    notes: tuple[str, ...] = ()
    """What its judges' margins mean in truth, and which of its judges could not decide, a sentence each."""
    false_alarms: Share
    outcomes: Mapping[str, int]
    """pass, inconclusive, invalid, false alarm, floor (only a limit on the candidate's own value was broken)."""
    by_score: Mapping[str, int]
    """Score or score on slice -> builds in which it was the false alarm."""
    invalid_reason: str | None
    """Of the first invalid build."""
    detections: tuple[Detection, ...]

    @property
    def exit_code(self) -> int:
        """1 where false alarms are proved to be more frequent than alpha, 4 where no build could be decided."""
        if self.outcomes.get("invalid", 0) == self.false_alarms.builds:
            return INVALID
        return REGRESSION if self.false_alarms.low > self.alpha else PASS

    def to_dict(self) -> dict[str, JSON]:
        """JSON values, with the exit code."""
        return {**asdict(self), "exit_code": self.exit_code}
