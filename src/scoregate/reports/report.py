"""What a report is made from: the verdict, and what is known of the items that moved."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scoregate.catalog import Contract
from scoregate.records import JSON, DatasetItem, RoundName, Verdict

if TYPE_CHECKING:
    from scoregate.calibration.corrected_value import CorrectedValue
    from scoregate.reports.policy import Policy
    from scoregate.reports.provenance import Provenance
    from scoregate.store.judging import RunUsage

UNDELIVERED = "--require-delivery: not everything is seen in Langfuse"
"""What a report says where it has an `undelivered_code`."""


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict with what its readers want beside it. Only `verdict` is needed; every other part may be empty.

    The mappings may hold more items than moved. An id that is absent from an output mapping has no recorded
    output; one that maps to None answered with null.
    """

    verdict: Verdict
    items: Mapping[str, DatasetItem] = field(default_factory=dict)
    """Item id -> dataset item."""
    baseline_outputs: Mapping[str, JSON] = field(default_factory=dict)
    """Item id -> output of the baseline."""
    candidate_outputs: Mapping[str, JSON] = field(default_factory=dict)
    """Item id -> output of the candidate."""
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    """Score name -> contract: decides how its numbers are shown."""
    links: Mapping[str, str] = field(default_factory=dict)
    """What a link leads to -> its URL."""
    hints: tuple[str, ...] = ()
    """What to do next, one line each: how to resume, to accept, to look closer."""
    decides: bool = True
    """Whether the verdict's exit code is that of the command that shows it."""
    undelivered_code: int | None = None
    """Exit code of the command where a delivery is required and not complete, in place of the verdict's."""
    diff_command: str | None = None
    """Command that lists every item that moved; made from the run ids if None."""

    anchor: str | None = None
    """What the gate names as its anchor."""
    corrected: Mapping[str, CorrectedValue | str] = field(default_factory=dict)
    """Judged score -> the candidate's value corrected by human labels, or why there is none."""
    judge_usage: Sequence[RunUsage] = ()
    """What the judges of the candidate's run took, where that is known."""
    last_round: RoundName = "D"
    """The last round that the gate allows, where the verdict was reached in rounds."""
    provenance: Provenance | None = None
    """Where the verdict comes from; None where only the verdict is at hand."""
    policy: Policy | None = None
    """What the gate asked; None where only the verdict is at hand."""
    path: str | None = None
    """The gate's file as a person finds it; None where only the verdict is at hand."""

    @property
    def see_all(self) -> str | None:
        """The command that lists every item that moved; None if a run has no id."""
        baseline, candidate = self.verdict.baseline_run, self.verdict.candidate_run
        if self.diff_command or not baseline or not candidate:
            return self.diff_command
        return shlex.join(["scoregate", "runs", "diff", baseline, candidate])
