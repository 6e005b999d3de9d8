"""What `run` was asked to do, and the command that goes on with it."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scoregate.errors import ConfigError
from scoregate.gate_file.source import File, GitRevision, named_source, named_version

if TYPE_CHECKING:
    from scoregate.gate_file import Gate, Limits
    from scoregate.runner.plan import RunReport
    from scoregate.store import Totals

_TARGET_BRANCHES = (
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",
    "CHANGE_TARGET",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    "BITBUCKET_PR_DESTINATION_BRANCH",
)
"""In the build of a pull request, the branch that it is to be merged into: GitHub, GitLab, Azure, Jenkins, Buildkite,
Bitbucket."""
NEWEST = "the newest"
"""`--resume` without an id."""


def target_branch(environ: Mapping[str, str] = os.environ) -> str | None:
    """The branch that the pull request is for whose build this is; None in any other build."""
    named = next(filter(None, (environ.get(name, "").strip() for name in _TARGET_BRANCHES)), None)
    return named.removeprefix("refs/heads/") if named else None


def reviewed(gate: Gate) -> Gate:
    """The gate that decides in this build: in that of a pull request, held against the merge base's (`policy_changes`).

    Raises ConfigError where the merge base's policy is to decide and is not to be had.
    """
    branch = target_branch()
    if branch is None:
        return gate
    from scoregate.gate_run.policy_changes import under_policy

    return under_policy(gate, branch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A gate, and what stands in for what it says. None: the gate's own word holds."""

    gate_path: Path
    store_path: Path | None = None
    """Another store than the project's."""

    # Which version, and what it is compared with.
    experiment: Path | None = None
    replay: Path | None = None
    version: str | None = None
    candidate: str | None = None
    baseline: str | None = None
    against: str | None = None
    rescore_baseline: bool = False
    on_inconclusive: Literal["warn", "fail"] | None = None
    seed: int = 0

    # Which calls.
    trials: int | None = None
    resume: str | None = None
    """Id of an unfinished run, or NEWEST."""
    only_failed: bool = False
    item: tuple[str, ...] = ()
    slice: tuple[str, ...] = ()
    """NAME=VALUE each."""
    sample: int | None = None
    limit: int | None = None
    shard: str | None = None
    """K/N: one of N shares of the dataset."""
    no_cache: bool = False
    """Judges are asked anew, though they have replied to the same before."""

    # How many at once, and how long.
    concurrency: int | None = None
    timeout: float | None = None
    """Seconds of one call."""
    max_cost: float | None = None
    """Dollars."""
    max_calls: int | None = None
    max_seconds: float | None = None
    keep_going: bool = False
    """Every call is made, also where the first ones all failed alike."""

    # Langfuse.
    local: bool = False
    require_delivery: bool = False
    delivery_seconds: float = 120.0

    # What only the command line does; kept for the command that goes on.
    outputs: tuple[str, ...] = ()
    as_json: bool = False

    @property
    def selects(self) -> bool:
        """Whether it asks for a part of the dataset."""
        return bool(self.only_failed or self.item or self.slice or self.sample or self.limit)

    @property
    def experiment_file(self) -> Path | None:
        """The Python file that stands in for the gate's candidate. Raises ConfigError where two are named."""
        if self.candidate is None:
            return self.experiment
        for option, value in (("--experiment", self.experiment), ("--replay", self.replay)):
            if value is not None:
                raise ConfigError(
                    f"--candidate and {option} both name the candidate", hint="give one of them"
                )
        named = named_version(self.candidate)
        return named.path if isinstance(named, File) else None

    def beside(self, gate: Gate) -> GitRevision | File | None:
        """What is run beside the candidate: a Python file or a git ref; None where the baseline's results exist."""
        if self.against is not None and self.baseline is not None:
            raise ConfigError("--baseline and --against both name the baseline", hint="give one of them")
        named = self._named_beside(gate)
        if named is None:
            return None
        if self.rescore_baseline:
            raise ConfigError(
                f"--rescore-baseline is for stored runs, and {named} is run beside the candidate, by the same scorers",
                hint="leave --rescore-baseline out",
            )
        return named

    def _named_beside(self, gate: Gate) -> GitRevision | File | None:
        if self.against is not None:
            return named_version(self.against)
        source = named_source(self.baseline, "--baseline") if self.baseline else gate.baseline_source
        return source if isinstance(source, GitRevision) else None

    def applied_to(self, limits: Limits) -> Limits:
        """The gate's limits with those of the command line in their place."""
        given = {
            "concurrency": self.concurrency,
            "timeout_seconds": self.timeout,
            "max_cost_usd": self.max_cost,
            "max_calls": self.max_calls,
            "max_seconds": self.max_seconds,
            "keep_going": self.keep_going or None,
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
            ("--candidate", self.candidate),
            ("--against", self.against),
            ("--on-inconclusive", self.on_inconclusive),
            ("--seed", self.seed or None),
            *(("-o", output) for output in self.outputs),
            ("--store", self.store_path),
        )
        words = ["scoregate", "run", str(self.gate_path), "--resume", *([run] if run else [])]
        for option, value in options:
            if value is not None:
                words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
        words += ["--rescore-baseline"] * self.rescore_baseline + ["--keep-going"] * self.keep_going
        words += ["--json"] * self.as_json + ["--local"] * self.local + ["--no-cache"] * self.no_cache
        return shlex.join(words + ["--require-delivery"] * self.require_delivery)

    def raised(self, report: RunReport, totals: Totals, *, elsewhere_usd: float = 0.0) -> Request:
        """The request with the cap that stopped the run as high as the whole run will need.

        That is exact for calls that need no retry, and for cost as good as the mean of what is done. `elsewhere_usd`
        was spent under the same cap before the run began.
        """
        left = report.expected - report.done
        if report.stopped == "max_calls":
            return replace(self, max_calls=totals.calls + left)
        if report.stopped == "max_cost_usd" and totals.cost_usd:
            # Where no answer was scored to its end yet, one is taken to cost all that was spent.
            whole = totals.cost_usd / max(1, report.done) * report.expected
            return replace(self, max_cost=rounded_up(elsewhere_usd + whole))
        return self


def rounded_up(dollars: float) -> float:
    """A cap that is a little higher: to two significant digits, lest the last call of an estimate be refused."""
    unit = 10.0 ** (math.floor(math.log10(dollars)) - 1)
    return (math.floor(dollars / unit) + 1) * unit
