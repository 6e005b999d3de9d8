"""How a build's error levels are shared: out to baseline and anchor, to rounds, to guards, to rules.

The shares are fixed before anything is seen, and add up to the levels of the gate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scoregate.gate_file import Gate
from scoregate.records import RoundName

ANCHOR_SHARE = 0.5
"""Of alpha, for the comparison with the anchor; the rest is for the one with the baseline."""
FAIL_SHARES: dict[RoundName, float] = {"A": 0.05, "B": 0.55, "C": 0.10, "D": 0.30}
"""Of alpha, the false alarms of the build."""
PASS_SHARES: dict[RoundName, float] = {"A": 0.4, "C": 0.3, "D": 0.3}
"""Of the level of the pass bound; round B decides at the bound of round A."""
WHOLE_SET_ROUNDS: tuple[RoundName, ...] = ("A", "C", "D")
GUARD_SHARE = 0.1
"""Share of alpha for `scored` and for whether scores apply; the rest is for the scores themselves."""


def main_share(gate: Gate) -> Gate:
    """The gate with the alpha that its comparison with the baseline has: half where it names an anchor, else all.

    A build is compared twice where there is an anchor, and each comparison may be a false alarm. Equal halves
    keep the whole build at the gate's alpha, whatever the two have in common. The pass bound stays as it is,
    for only the baseline can pass a build.
    """
    return replace(gate, alpha=(1 - ANCHOR_SHARE) * gate.alpha) if gate.anchor is not None else gate


def rounds_of(gate: Gate) -> tuple[RoundName, ...]:
    """The rounds that the gate allows."""
    whole = WHOLE_SET_ROUNDS[: len(gate.rounds.whole_set_trials(gate.trials))]
    # The same items would repeat a change of both signs by the sign that was seen first, so that for the population
    # they are no fresh evidence.
    confirms = gate.rounds.suspects and gate.inference == "dataset"
    confirming: tuple[RoundName, ...] = ("B",) if confirms else ()
    return (whole[0], *confirming, *whole[1:])


def round_shares(gate: Gate) -> tuple[dict[RoundName, float], dict[RoundName, float]]:
    """Shares of alpha and of the pass level; what belongs to rounds that the gate rules out goes to the last."""
    allowed = rounds_of(gate)
    whole = [name for name in allowed if name in PASS_SHARES]
    fail = {name: FAIL_SHARES[name] for name in allowed}
    fail[allowed[-1]] += 1.0 - sum(fail.values())
    bound = {name: PASS_SHARES[name] for name in whole}
    bound[whole[-1]] += 1.0 - sum(bound.values())
    return fail, bound


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLevels:
    """Error levels of one build."""

    alpha: float
    """False alarms of the family of this rule."""
    total: float
    """False alarms of the whole build."""
    suspicion: float
    """At this unadjusted p-value a drop is suspected, so that there is no pass; 0: never."""
    bound: float
    """One-sided, of the pass bound and of floors."""
    pass_level: float
    """The gate's, of which `bound` is this look's share: items that every look shares are missed by all or by none."""
    critical: bool = True
    """Critical items decide."""
    family: int = 1
    """Hypotheses that could show a regression; shares alpha when saying what could have been seen."""

    @property
    def share(self) -> float:
        return self.alpha / self.family


@dataclass(frozen=True, slots=True)
class LookLevels:
    """The error levels of one look."""

    alpha: float
    """False alarms of this look."""
    bound: float
    """One-sided, of the pass bound and of floors."""
    total: float
    """False alarms of the whole build."""
    pass_level: float
    """The gate's, of which `bound` is this look's share."""
    suspicion: float = 0.0
    """A score with an unadjusted p-value up to this does not pass."""
    critical: bool = True
    """Critical items decide here."""

    def of(self, share: float, *, family: int) -> RuleLevels:
        """The levels of rules that have a share of this look's alpha."""
        return RuleLevels(
            alpha=share * self.alpha,
            total=self.total,
            bound=self.bound,
            suspicion=self.suspicion,
            pass_level=self.pass_level,
            critical=self.critical,
            family=family,
        )


def one_look(gate: Gate) -> LookLevels:
    """The levels where nothing can be run again: everything in one look."""
    return LookLevels(
        alpha=gate.alpha,
        bound=gate.pass_level,
        total=gate.alpha,
        pass_level=gate.pass_level,
        suspicion=gate.alpha,
    )
