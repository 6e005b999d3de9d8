"""What a gate demands of a judge's calibration, `require_calibration = { kappa = 0.6, max_age_days = 90 }`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from scoregate.catalog import Contract
from scoregate.config.table import ConfigTable, Integer, Keys, Number
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.calibration.comparison import Comparison
    from scoregate.calibration.record import Calibration, Identity
    from scoregate.statistics.estimate import Estimate

_FEWEST_ITEMS = 50
"""Labelled items that a calibration must rest on, unless the gate says another number."""
MOST_MISSING = 0.05
"""Share of labelled items that may be without a valid reply: κ says nothing of those."""
_SECONDS_A_DAY = 86_400
_MEASURES: dict[str, tuple[str, Callable[[Calibration], Estimate]]] = {
    "agreement": ("agreement", lambda found: found.agreement),
    "kappa": ("Cohen's κ", lambda found: found.kappa),
    "weighted_kappa": ("the weighted κ", lambda found: found.weighted_kappa),
    "alpha": ("Krippendorff's α", lambda found: found.alpha),
    "ac1": ("Gwet's AC1", lambda found: found.ac1),
}
REQUIREMENT_KEYS: Keys = {
    **{measure: Number(above=0, at_most=1) for measure in _MEASURES},
    "n": Integer(at_least=2),
    "max_age_days": Number(above=0),
    "tolerance": Number(at_least=0),
    "pass_at": Number(),
}
_CLOCK_SECONDS = _SECONDS_A_DAY
"""Clocks of two machines may be so far apart; a calibration that is dated later than that was not made yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """The keys of `require_calibration`. The measured value counts, not its interval: `n` sees to its worth."""

    agreement: float | None = None
    kappa: float | None = None
    weighted_kappa: float | None = None
    alpha: float | None = None
    ac1: float | None = None
    n: int = _FEWEST_ITEMS
    """Items with a label and a valid reply, at least."""
    max_age_days: float | None = None
    """None: a calibration does not grow old."""
    tolerance: float | None = None
    """Numbers agree that differ by no more than this; None and no `pass_at`: only equal ones do."""
    pass_at: float | None = None
    """Numbers agree that both pass or both fail here."""

    @property
    def comparison(self) -> Comparison:
        """How numbers are to be compared with people's."""
        from scoregate.calibration.comparison import Comparison

        return Comparison(tolerance=self.tolerance, pass_at=self.pass_at)


def read_requirement(table: ConfigTable) -> Requirement:
    """The `require_calibration` table of a judge. Raises ConfigError.

    An empty table demands a calibration of this judge with 50 items, whatever it found. Whether its comparison suits
    the score is for who knows the contract to say: `check_required_comparison`.
    """
    table = table.declared(REQUIREMENT_KEYS)
    return Requirement(
        **{key: table.number(key) for key in _MEASURES},
        n=table.integer("n") or _FEWEST_ITEMS,
        max_age_days=table.number("max_age_days"),
        tolerance=table.number("tolerance"),
        pass_at=table.number("pass_at"),
    )


def check_required_comparison(table: ConfigTable, requirement: Requirement, contract: Contract) -> None:
    """Raise ConfigError, placed in the `require_calibration` table, for a comparison that says nothing of the score."""
    from scoregate.calibration.comparison import unsuited

    fault = unsuited(contract, requirement.comparison)
    if fault is not None:
        raise table.error(fault.key, fault.message, hint=fault.hint)


def unmet(
    requirement: Requirement,
    calibration: Calibration | None,
    identity: Identity,
    judged_at: datetime | None,
    *,
    now: datetime,
    judge: str,
    command: str,
    file: str,
) -> str | None:
    """Why the judge may not decide, in one sentence with the command that repairs it; None where it may.

    `identity` is the judge that scored, `judged_at` (with a zone) when it did, None where nobody knows; `now` tells
    dates of the future only. `judge` and `file` (of the calibration) are names for the sentence, and `command` is what
    calibrates the judge. A missing calibration is named before a foreign one, that before an old one, that before one
    that was compared otherwise, and these before one that is not good enough.
    """
    if calibration is None:
        return f"the judge '{judge}' has no calibration ({file} is not there); make one: {command}"
    if calibration.identity.hash != identity.hash:
        parts = ", ".join(identity.changed_parts(calibration.identity)) or "another judge"
        return (
            f"the calibration of the judge '{judge}' is of another judge (changed since: {parts}); "
            f"calibrate this one: {command}"
        )
    apart = _too_far_apart(requirement, calibration, judged_at, now)
    if apart:
        return f"the calibration of the judge '{judge}' {apart.format(command=command)}"
    otherwise = _compared_otherwise(requirement, calibration)
    if otherwise:
        return f"the calibration of the judge '{judge}' {otherwise}; calibrate it again: {command}"
    lacking = _too_few(requirement, calibration)
    if lacking:
        return f"the calibration of the judge '{judge}' {lacking}; calibrate it with more: {command}"
    for key, (words, measure) in _MEASURES.items():
        needed: float | None = getattr(requirement, key)
        short = _falls_short(measure(calibration), needed)
        if short:
            return (
                f"the judge '{judge}' agrees too little with people: {words} {short}; read the disagreements in "
                f"{file}, mend prompt or rubric, then: {command}"
            )
    return None


def _too_far_apart(
    requirement: Requirement, calibration: Calibration, judged_at: datetime | None, now: datetime
) -> str | None:
    """A provider may change a model in either direction of time: one that was calibrated long after is unknown too."""
    allowed = requirement.max_age_days
    if allowed is None:
        return None
    made_at = datetime.fromisoformat(calibration.made_at)
    if (made_at - now).total_seconds() > _CLOCK_SECONDS:
        return f"is dated {calibration.made_at}, which lies in the future; calibrate it again: {{command}}"
    if judged_at is None:
        return "has no age to be told by, as the candidate's results do not say when they were made; run it again"
    days = (judged_at - made_at).total_seconds() / _SECONDS_A_DAY
    if days > allowed:
        return f"is {int(days)} days old, and the gate allows {allowed:g}; calibrate it again: {{command}}"
    if days < -allowed:
        return (
            f"was made {int(-days)} days after the candidate was judged, and the gate allows {allowed:g}; run the "
            "candidate again"
        )
    return None


def _compared_otherwise(requirement: Requirement, calibration: Calibration) -> str | None:
    """A wide tolerance makes every judge agree, so how numbers are compared is for the gate to say."""
    wanted, was = requirement.comparison, calibration.comparison
    if wanted.same_as(was) or not (wanted.given or _depends_on(requirement, was)):
        return None
    return f"was compared by {was}, and the gate requires {wanted}"


def _depends_on(requirement: Requirement, comparison: Comparison) -> bool:
    """Whether a demand would be met otherwise by another comparison: a pass mark makes the classes, too."""
    demands = [requirement.agreement]
    if comparison.pass_at is not None:
        demands += [requirement.kappa, requirement.ac1]
    return any(needed is not None for needed in demands)


def _too_few(requirement: Requirement, calibration: Calibration) -> str | None:
    replied = calibration.labelled - calibration.missing
    if replied < requirement.n:
        return f"rests on {count(replied, 'item')}, and the gate needs {requirement.n:,}"
    if calibration.missing > MOST_MISSING * calibration.labelled:
        return (
            f"lacks a valid reply for {calibration.missing:,} of {calibration.labelled:,} items, "
            f"more than {100 * MOST_MISSING:g} %"
        )
    return None


def _falls_short(found: Estimate, needed: float | None) -> str | None:
    if needed is None:
        return None
    if found.value is None:
        return f"cannot be told ({found.reason}), and the gate needs {needed:g}"
    if found.value >= needed:
        return None
    interval = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f}, {found.n:,} items)"
    # Rounded down: 0.5999 must not read as the 0.6 that it misses.
    return f"is {math.floor(found.value * 1000) / 1000:g}{interval}, and the gate needs {needed:g}"
