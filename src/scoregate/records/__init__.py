"""The frozen records that travel down the corridor: dataset item, run item, score, run, verdict.

Plain data, no I/O. `JSON` is what `json.loads` can return; a run item's output is any such value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from dataclasses import fields as fields_of
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from scoregate.errors import INCONCLUSIVE, INVALID, PASS, REGRESSION
from scoregate.records.run_facts import RunFacts

if TYPE_CHECKING:
    import pandas

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict of the same."""

ItemStatus = Literal["ok", "error", "timeout", "skipped"]
ScoreStatus = Literal["ok", "error", "not_applicable"]
ScoreSource = Literal["code", "judge", "human"]
ScoreValue = bool | int | float | str | None
Outcome = Literal["pass", "regression", "inconclusive", "invalid"]

Role = Literal["gate", "primary", "secondary", "advisory"]
"""gate: decides both ways; primary: the same, where a gate has primary scores; secondary: gates regressions only,
beside primary ones; advisory: reported only."""
RoundName = Literal["A", "B", "C", "D"]

ITEM_STATUSES: tuple[ItemStatus, ...] = ("ok", "error", "timeout", "skipped")
SCORE_STATUSES: tuple[ScoreStatus, ...] = ("ok", "error", "not_applicable")
SCORE_SOURCES: tuple[ScoreSource, ...] = ("code", "judge", "human")

_ITEM_KEYS = ("id", "input", "expected_output", "metadata")


@dataclass(frozen=True, slots=True)
class DatasetItem:
    """One case of a dataset. Reads as an object (`item.input`) and as a mapping (`item["input"]`)."""

    id: str
    input: JSON
    expected_output: JSON = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)

    def __getitem__(self, key: str) -> JSON:
        if key not in _ITEM_KEYS:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(_ITEM_KEYS)

    def __contains__(self, key: object) -> bool:
        return key in _ITEM_KEYS

    def keys(self) -> tuple[str, ...]:
        """The names of its four fields."""
        return _ITEM_KEYS

    def get(self, key: str, default: JSON = None) -> JSON:
        """The field of this name, or `default` where it is none of the four."""
        return self[key] if key in _ITEM_KEYS else default

    def own_copy(self) -> DatasetItem:
        """An item that shares nothing with this one (see `json_codec.own_copy`)."""
        from scoregate.own.json_codec import own_copy as copied

        return DatasetItem(self.id, copied(self.input), copied(self.expected_output), copied(self.metadata))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Items with unique ids, and the fingerprint of their content (see `datasets.fingerprint`)."""

    name: str
    items: tuple[DatasetItem, ...]
    fingerprint: str
    version: str | None = None
    """ISO time of the Langfuse version that was read; None for files."""
    source: str | None = None
    """Where it was read from, for messages."""
    langfuse_id: str | None = None
    """Its id in Langfuse, if it comes from there."""

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one run item."""

    input: int
    output: int

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of the candidate; a run item has several when transient errors were retried."""

    number: int
    """1 for the first call."""
    status: ItemStatus
    error: str | None
    latency_seconds: float


@dataclass(frozen=True, slots=True)
class RunItem:
    """What became of one dataset item in one trial."""

    item: str
    trial: int
    """0 for the first trial."""
    status: ItemStatus
    error: str | None = None
    output: JSON = None
    latency_seconds: float | None = None
    """Seconds around the candidate's own call, its last attempt only."""
    cost_usd: float | None = None
    tokens: Tokens | None = None
    trace_id: str | None = None
    cluster: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    content: str | None = None
    """Digest of the dataset item's content (`datasets.content_digest`), by which a later run tells what changed."""
    started_at: float | None = None
    """When the call of the last attempt began, in Unix seconds."""
    output_left_out: bool = False
    """The candidate answered, and whoever wrote this down left the answer out: `output` is None and says nothing."""

    @property
    def has_output(self) -> bool:
        """Whether `output` is what the candidate answered, which may be null: not where it failed or is left out."""
        return self.status == "ok" and not self.output_left_out


@dataclass(frozen=True, slots=True)
class Score:
    """One cell: item × trial × score name. `value` is None unless `status` is "ok"."""

    item: str
    trial: int
    score: str
    value: ScoreValue
    status: ScoreStatus = "ok"
    comment: str | None = None
    """The scorer's explanation, or the reason of an error."""
    source: ScoreSource = "code"


@dataclass(frozen=True)
class RunHeader:
    """Everything about a run except its items and scores."""

    run: str
    dataset: str
    candidate: str
    """Version label of what was run."""
    expected_items: int
    trials: int = 1
    dataset_fingerprint: str | None = None
    dataset_version: str | None = None
    commit: str | None = None
    scorers: Mapping[str, str] = field(default_factory=dict)
    """Score name -> version of the scorer that makes it."""
    started_at: str | None = None
    finished_at: str | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    """What else the run notes, as it is kept; read and changed through `facts` (`RunFacts` lists what is there)."""

    @cached_property
    def facts(self) -> RunFacts:
        """What the run notes about itself in its metadata, read once."""
        return RunFacts.of(self.metadata)

    def with_facts(self, facts: RunFacts) -> RunHeader:
        """The same header with these facts in its metadata."""
        return replace(self, metadata=facts.to_metadata())

    @property
    def partial(self) -> bool:
        """Whether only a selection of the dataset was run on purpose."""
        return self.facts.selection is not None

    @property
    def awaited(self) -> tuple[str, ...]:
        """Scores that evaluators in Langfuse write: they are read from there, and never sent."""
        return self.facts.wait_for

    @property
    def timeout_seconds(self) -> float | None:
        """Time limit of a call, which is the latency of every call that timed out; None if the run does not say."""
        return self.facts.timeout_seconds

    @property
    def scored_at(self) -> str | None:
        """When the scores were made, as the run says it (ISO time): its start, unless it was scored again."""
        again = self.facts.rescored
        return self.started_at if again is None else again.when


@dataclass(frozen=True, slots=True)
class Run:
    """A candidate version, run against a dataset and scored."""

    header: RunHeader
    items: tuple[RunItem, ...] = ()
    scores: tuple[Score, ...] = ()

    @property
    def id(self) -> str:
        """`header.run`, as `runs list` shows it."""
        return self.header.run


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule (one score × one slice; `slice` None is the whole dataset).

    Values, the difference (candidate − baseline), its 95 % interval and the detectable drop are in the score's own
    unit; for latency, cost and tokens the values are geometric means and the rest is relative (0.10 is 10 % more).
    A value counts every expected cell: a missing or failed one as the worst. P-values are one-sided, for "worse".
    """

    score: str
    slice: str | None
    outcome: Outcome
    reason: str
    direction: str
    """"higher" or "lower": which way is better."""
    baseline_value: float | None
    candidate_value: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    adjusted_p_value: float | None
    n_items: int
    """Items that the values and the difference are of: those expected of both runs together, and where a score does
    not apply everywhere, those that it applies to in both."""
    n_clusters: int
    n_scored: int
    """Candidate cells that hold a valid value or are not applicable."""
    n_expected: int
    """Candidate cells that should: items × trials."""
    missing: int
    """n_expected − n_scored."""
    baseline_missing: int
    minimum_detectable_drop: float | None
    """Smallest true drop that these data would have shown with 80 % probability; None if it cannot be told."""
    lost: int
    """Items that are worse than in the baseline."""
    won: int
    """Items that are better than in the baseline."""
    role: Role = "gate"
    q_value: float | None = None
    """P-value adjusted by Benjamini and Hochberg over all rules: for reading, it decides nothing."""
    statistic: str = "mean"
    """What the values are: mean, p50 to p99, sum, or a reducer such as pass^3."""
    against: Literal["baseline", "anchor"] = "baseline"
    not_applicable: int = 0
    """Of `n_scored`, the candidate cells that the score does not apply to."""
    margin: float | None = None
    """The largest loss that does not matter, in the unit of the difference; 0 where no item may be lost, None where the
    rule asks for floors only."""
    fails_on: str = "any proved drop"
    """What breaks the rule: that, or "a proved drop beyond the margin"."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One item whose score moved between baseline and candidate. Values are means over trials, None = missing."""

    item: str
    score: str
    baseline_value: float | str | None
    candidate_value: float | str | None
    worse: bool
    critical: bool = False
    """The score's rule says that this alone breaks the gate."""
    comment: str | None = None
    """The candidate scorer's comment or error."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of a measured score in both runs, in its unit, of all calls that have a value; for reading only."""

    score: str
    quantiles: tuple[str, ...]
    """p50, p90, p95, p99."""
    baseline: tuple[float | None, ...]
    candidate: tuple[float | None, ...]
    totals: tuple[float | None, float | None] = (None, None)
    """The bill: sums in baseline and candidate over the items with a value in both, an item counted as the mean of its
    trials; None without any."""


@dataclass(frozen=True, slots=True)
class LeftOutTrials:
    """Trials of one run that have no counterpart in the other, so that nothing was compared with them."""

    run: Literal["baseline", "candidate"]
    trials: tuple[int, ...]
    """Numbers of the trials, 0 is the first; those before them were compared."""


@dataclass(frozen=True, slots=True)
class FreshItem:
    """The fresh trials of an item behind a suspected drop: one value a trial, in the score's unit, None = missing."""

    item: str
    score: str
    baseline_values: tuple[float | None, ...]
    candidate_values: tuple[float | None, ...]
    worse: bool
    """The candidate's mean is worse, a missing value counted as the worst."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """One round of a side-by-side decision."""

    round: RoundName
    items: int
    """Items that were run in each arm."""
    trials: int
    """Fresh trials of each of them in each arm."""
    outcome: Outcome | None
    """What the round decided; None where the next one had to."""
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a candidate, with everything that a report shows. Pure data: same input, same bytes."""

    outcome: Outcome
    reason: str
    """One sentence: why this outcome."""
    rules: tuple[RuleResult, ...]
    flips: tuple[Flip, ...]
    """Items that moved, worst first: critical ones, then lost, then won."""
    missing_items: tuple[str, ...]
    """Ids of the items of which the candidate has at least one missing or failed gated cell, sorted."""
    notes: tuple[str, ...]
    """Things to know that do not change the outcome, one sentence each."""
    baseline_run: str | None
    candidate_run: str | None
    baseline_candidate: str | None
    """Version label of the baseline."""
    candidate: str | None
    """Version label of the candidate."""
    dataset: str | None
    partial: bool
    """The candidate ran only a selection of the dataset: never a pass."""
    on_inconclusive: Literal["warn", "fail"]
    alpha: float
    """False-alarm level of the whole build."""
    seed: int
    gate: str | None = None
    rounds: tuple[RoundResult, ...] = ()
    """The rounds of a side-by-side decision; empty for stored results."""
    confirmed: tuple[FreshItem, ...] = ()
    """Fresh trials of the items behind suspected drops, worse ones first."""
    spreads: tuple[Spread, ...] = ()
    """Quantiles of the measured scores that the gate has a rule on."""
    left_out_trials: LeftOutTrials | None = None
    """Where one run has more trials than the other: those that were not compared."""
    policy_changes: tuple[str, ...] = ()
    """What the change under review moves of the gate itself, a line each: rules, contracts, dataset, baseline."""

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 inconclusive (0 where the gate only warns), 4 invalid."""
        if self.outcome == "inconclusive":
            return INCONCLUSIVE if self.on_inconclusive == "fail" or self.partial else PASS
        return {"pass": PASS, "regression": REGRESSION, "invalid": INVALID}[self.outcome]

    @property
    def regressed_items(self) -> tuple[str, ...]:
        """Ids of the items that are worse than in the baseline on any gated score, sorted."""
        return tuple(sorted({flip.item for flip in self.flips if flip.worse}))

    def to_dict(self) -> dict[str, JSON]:
        """The verdict as JSON values, with the computed properties."""
        fields = asdict(self)
        return {
            "schema": 1,
            **{key: fields[key] for key in ("outcome", "reason")},
            "exit_code": self.exit_code,
            "regressed_items": list(self.regressed_items),
            **{key: value for key, value in fields.items() if key not in ("outcome", "reason")},
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """`to_dict` as text, strict JSON: a verdict holds neither NaN nor infinity."""
        from scoregate.own import json_codec

        return json_codec.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> pandas.DataFrame:
        """One row a rule × slice, the columns of `RuleResult`."""
        import pandas

        names = [f.name for f in fields_of(RuleResult)]
        return pandas.DataFrame(
            [[getattr(rule, name) for name in names] for rule in self.rules], columns=names
        )
