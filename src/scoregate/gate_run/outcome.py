"""What comes of a gate: the verdict with all that a report shows of it, and what became of its delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoregate.records import DatasetItem, Run, Verdict

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.langfuse.delivery import DeliveryReport
    from scoregate.store.judging import RunUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A verdict, with everything that a report shows of it."""

    gate: Gate
    verdict: Verdict
    candidate: Run
    baseline: Run | None
    """None where there is none yet."""
    items: Sequence[DatasetItem]
    """Of the dataset; those that are not known are left out of the report."""
    hints: tuple[str, ...] = ()
    """What to do next, a line each."""
    judge_usage: Sequence[RunUsage] = ()
    undelivered_code: int | None = None
    """Exit code of the command where a delivery is required and not complete, in place of the verdict's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What `scoregate.run` returns."""

    decided: Decided
    exit_code: int
    """That of the verdict, 0 for a shard, which has none; 5 where a delivery is required and not complete."""
    delivery: DeliveryReport | None = None
    """What was seen in Langfuse; None for a run that stays here, and where the delivery failed as a whole."""

    @property
    def verdict(self) -> Verdict:
        """What the gate says of the candidate."""
        return self.decided.verdict

    @property
    def run(self) -> Run:
        """The candidate's run: its header, run items and scores."""
        return self.decided.candidate
