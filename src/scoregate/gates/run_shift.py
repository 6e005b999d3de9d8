"""What moves a whole run: the latency of a stored baseline, and the price of its calls.

Two runs of one unchanged agent, hours apart, differ in their mean log latency by far more than their items do among
themselves: the service was busy, the machine another one. A test on items takes that for a change of the agent, and so
it is one of the two runs. Against a stored baseline such a rule therefore fails only on a rise beyond its margin, and
the margin is at least what reruns differ by: told from the gate's own past runs of one version, which `baseline accept`
keeps with the baseline, else assumed. Side by side both versions meet the same conditions, and nothing of this applies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import NormalDist, stdev

from scoregate.catalog import LATENCY
from scoregate.gate_file import BEYOND_MARGIN, DEFAULT_RATIO_MARGIN, Gate, Rule
from scoregate.records import Run, RunHeader
from scoregate.records.run_facts import RunShift
from scoregate.statistics.special import special_function
from scoregate.wording import count

COST = "cost_usd"
SHIFTING = (LATENCY, COST)
"""Scores whose runs are looked at; a price that did not move in them is judged as any other score."""
FEWEST_RUNS = 4
"""So many past runs of one version tell how they move."""
ASSUMED_SHIFT = 0.40
"""Of latency where nothing is known: standard deviation of a run's mean logarithm. Real reruns move by half of it."""
_SHARE = 0.5
"""Of alpha, for a shift beyond the cover; the rest is for the scores as ever."""
_MOVED = 0.02
"""A price whose cover is less than this did not drift."""


def cover(shift: RunShift | None, alpha: float) -> float:
    """How far two runs of one version may lie apart, in logs: by more in `alpha` of all pairs.

    With n runs behind it the standard deviation is itself an estimate, which Student's t with n − 1 degrees of freedom
    allows for.
    """
    if shift is None:
        return NormalDist().inv_cdf(1.0 - alpha) * math.sqrt(2.0) * ASSUMED_SHIFT
    return float(special_function("stdtrit")(shift.runs - 1.0, 1.0 - alpha)) * math.sqrt(2.0) * shift.sd


def shifts_of(runs: Sequence[Run]) -> dict[str, RunShift]:
    """How these runs of one version move as a whole, score by score; a score without enough runs is left out."""
    found = {}
    for score in SHIFTING:
        logs = [made for run in runs if (made := _logs(run, score))]
        if len(logs) < FEWEST_RUNS:
            continue
        common = sorted(set.intersection(*(set(one) for one in logs)))
        if common:
            means = [math.fsum(one[item] for item in common) / len(common) for one in logs]
            found[score] = RunShift(sd=stdev(means), runs=len(means))
    return found


def _logs(run: Run, score: str) -> dict[str, float]:
    """Item -> mean logarithm over its trials with a value above 0."""
    logs: dict[str, list[float]] = {}
    for one in run.scores:
        value = one.value
        if one.score != score or one.status != "ok" or isinstance(value, bool):
            continue
        if isinstance(value, int | float) and value > 0:
            logs.setdefault(one.item, []).append(math.log(value))
    return {item: math.fsum(found) / len(found) for item, found in logs.items()}


def is_stored(baseline: RunHeader, candidate: RunHeader) -> bool:
    """Whether the baseline was run at another time than the candidate, as far as the runs say.

    Two arms of one session were run side by side. A table without a run (a data frame) says nothing of when it was
    made: whoever gives two of them says that they belong together.
    """
    session = baseline.facts.session
    beside = session is not None and session == candidate.facts.session
    return bool(baseline.run and candidate.run) and not beside


def against_stored(
    gate: Gate, baseline: RunHeader, candidate: RunHeader, what: str = "baseline"
) -> tuple[Gate, tuple[str, ...]]:
    """The gate as it is decided against this baseline, and a note on each rule that changes for it.

    A rule that says itself on what it fails stays as it is. `what` is "baseline" or "anchor".
    """
    if not is_stored(baseline, candidate):
        return gate, ()
    rules, notes = dict(gate.rules), []
    for name in SHIFTING:
        rule = gate.rules.get(name)
        if rule is None or rule.fails_on is not None or rule.direction == "higher":
            continue
        shift = baseline.facts.run_shifts.get(name)
        if name != LATENCY and (shift is None or cover(shift, _SHARE * gate.alpha) < _MOVED):
            continue
        wide = math.expm1(cover(shift, _SHARE * gate.alpha))
        rules[name] = _covering(rule, wide)
        notes.append(_note(name, rule, shift, wide, what))
    return replace(gate, rules=rules), tuple(notes)


def against_next(gate: Gate, baseline: RunHeader) -> tuple[Gate, tuple[str, ...]]:
    """The same for a run that is still to be made."""
    return against_stored(gate, baseline, RunHeader(run="next", dataset="", candidate="", expected_items=0))


def _own_margin(rule: Rule) -> float:
    return DEFAULT_RATIO_MARGIN if rule.max_increase is None else rule.max_increase


def _covering(rule: Rule, wide: float) -> Rule:
    return replace(rule, fails_on=BEYOND_MARGIN, max_increase=max(_own_margin(rule), wide))


def _note(name: str, rule: Rule, shift: RunShift | None, wide: float, what: str) -> str:
    own = _own_margin(rule)
    if shift is None:
        known = f"of {100 * ASSUMED_SHIFT:.0f} % a run is assumed: {FEWEST_RUNS} past runs would tell"
    else:
        known = f"of {100 * shift.sd:.1f} % a run in {count(shift.runs, 'past run')} of one version"
    limit = f"{100 * max(own, wide):.0f} %"
    beside = "" if own >= wide else f"; side by side it is judged by its margin of {100 * own:.0f} %"
    return (
        f"{name}: the {what} is stored, and reruns of an unchanged agent move as a whole (a shift {known}), so only a "
        f"rise that is proved to be more than {limit} fails{beside}; fails_on in its rule says otherwise"
    )


def same_version(runs: Iterable[RunHeader], new: RunHeader) -> list[str]:
    """Ids of the runs of one version from which its shift is told: of `new`'s own, else of the one with most runs.

    Only runs like `new` count: of its dataset, with as many trials. Empty where no version has enough.
    """
    versions: dict[tuple[str, str | None], list[str]] = {}
    for header in runs:
        alike = header.trials == new.trials and header.dataset_fingerprint == new.dataset_fingerprint
        if alike and not header.partial and not header.facts.dirty:
            versions.setdefault((header.candidate, header.commit), []).append(header.run)
    own = versions.get((new.candidate, new.commit), [])
    most = own if len(own) >= FEWEST_RUNS else max(versions.values(), key=len, default=[])
    return most if len(most) >= FEWEST_RUNS else []
