"""What `scoregate plan` found, as plain data: same input, same bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from scoregate.records import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a build costs."""

    calls: int
    """Calls of the candidate, in both arms where both are run."""
    replies: int = 0
    """Replies of judges on its answers, at most: those that are kept already are not asked for again."""
    usd: float | None
    """With what those replies cost at most; None where nothing stored says what a call or a reply costs."""
    judges_usd: float | None = None
    """Of this, what the replies cost; None where nothing stored says it."""
    minutes: float | None
    """None where no stored run says how long a call takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlan:
    """One gated score, in its own unit; latency, cost and tokens are relative."""

    score: str
    scale: str
    unit: str | None
    decides: bool
    """A build passes only where this score does."""
    margin: float | None
    """The drop that a pass rules out; of the judge's own scores where the gate's margin is one of the truth."""
    noise: float
    """Standard deviation of one trial within its item; of the logarithm for latency, cost and tokens."""
    bounded: bool
    """The score has a worst value, to which a few items can fall."""
    visible_diffuse: float | None
    """Smallest drop over all items that is found in four of five builds; None: none is."""
    visible_concentrated: float | None
    """The same where a few items are lost for good."""
    passes: float
    """Share of builds of an unchanged agent in which this score alone lets the build pass."""
    smallest_margin: float | None
    """Smallest of those tried under which 95 % of such builds pass, as the gate's file holds it; None: none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of the gate that brings the inconclusive builds of an unchanged agent under 5 %."""

    edit: str
    inconclusive: float
    expected: Spending
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that `scoregate plan` says."""

    gate: str
    noise_from: str
    assumed: bool
    items: int
    clusters: int
    trials: tuple[int, ...]
    """Trials of an arm after each look."""
    side_by_side: bool
    baseline_trials: int | None
    alpha: float
    invalid: bool
    """So few items and trials that every build is invalid."""
    scores: tuple[ScorePlan, ...]
    unknown: tuple[str, ...]
    """Gated scores of whose noise nothing is known."""
    passes: float
    inconclusive: float
    one_pass: Spending
    expected: Spending
    cap: Spending
    settings: tuple[tuple[int, int, float | None], ...]
    """(trials, items, share of inconclusive builds); None: every build is invalid."""
    margins: tuple[tuple[float, float], ...]
    """(margin of every score, share of inconclusive builds)."""
    edits: tuple[Edit, ...]
    """What would help, cheapest first; empty where nothing has to be changed or nothing helps."""
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, JSON]:
        """JSON values."""
        fields = asdict(self)
        fields["settings"] = [
            {"trials": t, "items": n, "inconclusive": share} for t, n, share in self.settings
        ]
        fields["margins"] = [{"margin": m, "inconclusive": share} for m, share in self.margins]
        return fields
