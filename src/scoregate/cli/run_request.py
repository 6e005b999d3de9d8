"""What `run` was asked to do, and the command that goes on with it."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.gate_file import Limits
    from scoregate.runner.plan import RunReport
    from scoregate.store import Totals

NEWEST = "the newest"
"""`--resume` without an id."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The arguments and options of `run`."""

    gate_path: Path
    experiment: Path | None
    replay: Path | None
    version: str | None
    trials: int | None
    concurrency: int | None
    timeout: float | None
    max_cost: float | None
    max_calls: int | None
    max_seconds: float | None
    baseline: str | None
    on_inconclusive: str | None
    resume: str | None
    only_failed: bool
    item: tuple[str, ...]
    slice: tuple[str, ...]
    sample: int | None
    limit: int | None
    seed: int
    outputs: tuple[str, ...]
    as_json: bool
    store_path: Path | None

    @property
    def selects(self) -> bool:
        """Whether it asks for a part of the dataset."""
        return bool(self.only_failed or self.item or self.slice or self.sample or self.limit)

    def applied_to(self, limits: Limits) -> Limits:
        """The gate's limits with those of the command line in their place."""
        given = {
            "concurrency": self.concurrency,
            "timeout_seconds": self.timeout,
            "max_cost_usd": self.max_cost,
            "max_calls": self.max_calls,
            "max_seconds": self.max_seconds,
        }
        return replace(limits, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]

    def resume_command(self, run: str | None) -> str:
        """The command that goes on with a run (None: the gate's newest unfinished one) and decides it as asked."""
        options = (
            ("--experiment", self.experiment),
            ("--replay", self.replay),
            ("--version", self.version),
            ("--concurrency", self.concurrency),
            ("--timeout", self.timeout),
            ("--max-cost", self.max_cost),
            ("--max-calls", self.max_calls),
            ("--max-seconds", self.max_seconds),
            ("--baseline", self.baseline),
            ("--on-inconclusive", self.on_inconclusive),
            ("--seed", self.seed or None),
            *(("-o", output) for output in self.outputs),
            ("--store", self.store_path),
        )
        words = ["scoregate", "run", str(self.gate_path), "--resume", *([run] if run else [])]
        for option, value in options:
            if value is not None:
                words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words + ["--json"] * self.as_json)

    def raised(self, report: RunReport, totals: Totals) -> RunRequest:
        """The request with the cap that stopped the run as high as the whole run will need.

        That is exact for calls that need no retry, and for cost as good as the mean of what is done.
        """
        left = report.expected - report.done
        if report.stopped == "max_calls":
            return replace(self, max_calls=totals.calls + left)
        if report.stopped == "max_cost_usd" and totals.cost_usd and report.done:
            return replace(self, max_cost=_rounded_up(totals.cost_usd / report.done * report.expected))
        return self


def _rounded_up(dollars: float) -> float:
    """To two significant digits, so that the last call of the estimate is not refused."""
    unit = 10.0 ** (math.floor(math.log10(dollars)) - 1)
    return (math.floor(dollars / unit) + 1) * unit
