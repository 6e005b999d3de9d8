"""Screen, confirm, repeat: the decision where both versions can be run again, side by side.

    A  every item once in each arm
    B  what looks worse: fresh trials of its items in both arms, decided on those alone
    C  the whole set twice more, all whole-set trials together
    D  and twice more; what is open then stays open

Every round has its own share of the error levels, fixed in advance, so that the shares add up to those of the gate. The
pass bound and the estimate rest on whole-set trials only. A request names items and trials, never an arm: to run one
arm again, to keep the better of two tries or to mix chosen re-runs into an estimate cannot be expressed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from scoregate.gate_file import Gate
from scoregate.gates.confirmation import (
    Confirmation,
    Confirmed,
    Suspect,
    confirm,
    critical_suspects,
    suspects_of,
    trials_needed,
    with_their_clusters,
)
from scoregate.gates.dead_rules import guards_nothing
from scoregate.gates.evidence import Evidence
from scoregate.gates.findings import smallest_effect
from scoregate.gates.levels import WHOLE_SET_ROUNDS, LookLevels, one_look, round_shares, rounds_of
from scoregate.gates.look import Seen, look
from scoregate.gates.look import verdict as as_verdict
from scoregate.gates.rules import roles, rule_result, worst
from scoregate.gates.sentences import amount_text, named_ids, p_text
from scoregate.gates.slices import Slice
from scoregate.gates.table import RunTable, with_more_trials
from scoregate.records import FreshItem, Outcome, RoundName, RoundResult, RuleResult, Verdict
from scoregate.wording import count

CLEAR = 0.05
"""Round A passes only where no score and no slice has an unadjusted p-value up to this."""
MOST_MISSING = 0.2
"""Of the fresh values; with more of them missing nothing is cleared."""
FUTILITY_ERRORS = 2.0
"""Standard errors by which the final data may differ from what the present ones promise."""


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What is to be run next: the same items, as often, in both arms."""

    round: RoundName
    items: tuple[str, ...] | None
    """Ids; None: the whole dataset."""
    trials: int
    """Fresh trials of each item in each arm."""


Serve = Callable[[RoundRequest], tuple[RunTable, RunTable] | None]
"""Runs a request and returns the fresh trials of baseline and candidate, numbered from 0; None where a cap forbids it.

Asked again for what it has served, it returns the same: so a session that was interrupted is simply decided again.
"""


def decide_in_rounds(gate: Gate, serve: Serve, *, seed: int = 0) -> Verdict:
    """Ask for trials until the data decide, or nothing more may be run.

    Raises ConfigError and ResultsError as `compare` does, and whatever `serve` raises.
    """
    return _Session(gate, serve, seed).verdict()


@dataclass(slots=True)
class _Session:
    gate: Gate
    serve: Serve
    seed: int
    done: list[RoundResult] = field(default_factory=list)
    fresh: tuple[FreshItem, ...] = ()
    notes: list[str] = field(default_factory=list)

    def verdict(self) -> Verdict:
        trials = self.gate.rounds.whole_set_trials(self.gate.trials)
        fail, bound = round_shares(self.gate)
        arms = self._served(RoundRequest("A", None, trials[0]))
        if arms is None:
            raise ValueError("the first round cannot be left out")
        if rounds_of(self.gate) == ("A",):
            return self._end(
                "A", arms, look(self.gate, *arms, one_look(self.gate), seed=self.seed), trials[0]
            )
        seen = look(self.gate, *arms, self._levels(fail["A"], bound["A"]), seed=self.seed)
        if seen.outcome in ("regression", "invalid"):
            return self._end("A", arms, seen, trials[0])
        clear = all(tested.result.p_value > CLEAR for tested in seen.tested)
        critical = critical_suspects(seen) if "B" in fail else {}
        if seen.outcome == "pass" and clear and not critical:
            return self._end("A", arms, seen, trials[0])
        self._note("A", seen, trials[0], None, seen.reason if clear else _open(seen))

        if "B" in fail:
            seen, decided = self._confirm(seen, critical, fail["B"])
            if decided or seen.outcome == "pass":
                # What looked worse was not confirmed, and the bound of the first round holds: a pass.
                return self._verdict(arms, seen)
        elif seen.outcome == "pass":
            seen = replace(seen, outcome="inconclusive", reason=_open(seen))

        for name, before, now in zip(WHOLE_SET_ROUNDS[1:], trials, trials[1:], strict=False):
            if self._stopped or arms[1].header.partial:
                break  # A part of the dataset can never pass, so its repetition would be paid for in vain.
            levels = self._levels(fail[name], bound[name])
            why = _futile(
                self.gate, seen, trials=before, most=trials[-1], alpha=levels.alpha, level=levels.bound
            )
            if why:
                self.notes.append(f"no further round: {why}")
                break
            more = self._served(RoundRequest(name, None, now - before))
            if more is None:
                self._cap(name)
                break
            arms = (with_more_trials(arms[0], more[0]), with_more_trials(arms[1], more[1]))
            seen = look(self.gate, *arms, levels, seed=self.seed)
            if seen.outcome in ("regression", "invalid", "pass"):
                return self._end(name, arms, seen, now - before)
            self._note(name, seen, now - before, None, seen.reason)
        return self._verdict(arms, seen)

    @property
    def _stopped(self) -> bool:
        return any(note.startswith(_CAPPED) for note in self.notes)

    def _cap(self, name: RoundName) -> None:
        self.notes.append(f"{_CAPPED} round {name}, so the verdict is what the data say without it")

    def _levels(self, fail: float, bound: float) -> LookLevels:
        gate = self.gate
        return LookLevels(
            alpha=fail * gate.alpha,
            bound=bound * gate.pass_level,
            total=gate.alpha,
            pass_level=gate.pass_level,
            critical="B" not in rounds_of(gate),
        )

    def _served(self, request: RoundRequest) -> tuple[RunTable, RunTable] | None:
        """What the request brought, checked: a part of it would be taken for the whole."""
        arms = self.serve(request)
        for table in arms or ():
            unknown = set(table.items) - set(request.items) if request.items is not None else set()
            if table.header.trials != request.trials or unknown:
                raise ValueError(
                    f"{request} was served with {table.header.trials} trials, unknown items {unknown}"
                )
        return arms

    def _confirm(self, seen: Seen, critical: dict[str, tuple[str, ...]], fail: float) -> tuple[Seen, bool]:
        """Round B. The look as it stands afterwards, and whether it is decided. It passes only what was cleared."""
        rounds, everything = self.gate.rounds, seen.everything
        assert everything is not None
        suspects = suspects_of(seen, rounds.suspects, rounds.screen)
        chosen = {item for suspect in suspects for item in suspect.items}
        chosen |= {item for items in critical.values() for item in items}
        if not chosen:
            return _left_open(seen, suspects), False
        items = with_their_clusters(sorted(chosen), everything)
        request = RoundRequest("B", items, trials_needed(self.gate, suspects, critical))
        arms = self._served(request)
        if arms is None:
            self._cap("B")
            if critical:
                return _broken_by_items(seen, critical), True
            if seen.outcome == "pass":
                seen = replace(seen, outcome="inconclusive", reason=_open(seen))
            return seen, False
        levels = self._levels(fail, 1.0)
        found = confirm(self.gate, suspects, critical, items, *arms, levels, seed=self.seed)
        self.fresh = found.items
        proved = [c for c in found.suspects if c.adjusted_p_value <= levels.alpha and _large_enough(c)]
        lost = max(MOST_MISSING, self.gate.max_failed_items)
        outcome: Outcome | None = None
        reason = f"{_tried(suspects, critical)}: not confirmed"
        if proved or found.critical:
            outcome, reason = "regression", _reason(found, proved)
        elif found.missing > lost:
            reason = (
                f"{_tried(suspects, critical)}: {100 * found.missing:.0f} % of the fresh values are missing"
            )
            seen = replace(seen, outcome="inconclusive", reason=f"{reason}, so nothing was cleared")
        self.done.append(RoundResult("B", len(items), request.trials, outcome, reason))
        if outcome is None:
            return _left_open(seen, suspects), False
        rules = [_with_proof(rule, found, proved) for rule in seen.rules]
        rules += _guards_broken(seen, proved, levels)
        return replace(seen, outcome="regression", reason=reason, rules=tuple(rules)), True

    def _note(self, name: RoundName, seen: Seen, trials: int, outcome: Outcome | None, reason: str) -> None:
        items = len(seen.everything) if seen.everything is not None else 0
        self.done.append(RoundResult(name, items, trials, outcome, reason))

    def _end(self, name: RoundName, arms: tuple[RunTable, RunTable], seen: Seen, trials: int) -> Verdict:
        self._note(name, seen, trials, seen.outcome, seen.reason)
        return self._verdict(arms, seen)

    def _verdict(self, arms: tuple[RunTable, RunTable], seen: Seen) -> Verdict:
        verdict = as_verdict(self.gate, *arms, seen, seed=self.seed)
        if self.done and self.done[-1].outcome is None:
            self.done[-1] = replace(self.done[-1], outcome=seen.outcome)
        notes = (*verdict.notes, *self.notes)
        return replace(verdict, rounds=tuple(self.done), confirmed=self.fresh, notes=notes)


_CAPPED = "a cap on calls, cost or time ruled out"


def _open(seen: Seen) -> str:
    first = min(seen.tested, key=lambda tested: tested.result.p_value)
    return f"{_label(first.name, first.hypothesis.slice)} looks worse ({p_text(first.result.p_value)})"


def _left_open(seen: Seen, run_again: Sequence[Suspect]) -> Seen:
    """No pass where a score that decides it looked worse and was not run again."""
    cleared = {suspect.name for suspect in run_again if suspect.slice is None}
    deciding = {rule.score for rule in seen.rules if rule.slice is None and rule.role in ("gate", "primary")}
    for tested in sorted(seen.tested, key=lambda tested: tested.result.p_value):
        part = tested.hypothesis.slice
        unclear = tested.result.p_value <= CLEAR and part is None and tested.name not in cleared
        if seen.outcome == "pass" and unclear and tested.name in deciding:
            reason = f"{tested.name} looks worse ({p_text(tested.result.p_value)}) and was not run again"
            return replace(seen, outcome="inconclusive", reason=reason)
    return seen


def _guards_broken(seen: Seen, proved: Sequence[Confirmation], levels: LookLevels) -> list[RuleResult]:
    """Rules for what was proved of a score that has none of its own in the look, such as whether it applies."""
    shown = {(rule.score, rule.slice) for rule in seen.rules}
    return [
        rule_result(
            c.suspect.tested.hypothesis.evidence,
            c.suspect.tested.result,
            "regression",
            _reason(_only(c), [c]).removeprefix(f"{c.suspect.name}: "),
            levels.of(1.0, family=1),
        )
        for c in proved
        if (c.suspect.name, None) not in shown and c.suspect.slice is None
    ]


def _only(confirmation: Confirmation) -> Confirmed:
    return Confirmed((confirmation,), {}, (), 0.0)


def _label(name: str, part: Slice | None) -> str:
    return name if part is None else f"{name} on {part.label}"


def _tried(suspects: Sequence[Suspect], critical: dict[str, tuple[str, ...]]) -> str:
    labels = [_label(suspect.name, suspect.slice) for suspect in suspects]
    labels += [name for name in critical if name not in labels]
    return "what looked worse in " + ", ".join(labels)


def _large_enough(confirmation: Confirmation) -> bool:
    """Whether the drop that was seen, in the slice where it is one, is large enough to count."""
    hypothesis = confirmation.suspect.tested.hypothesis
    evidence, members = hypothesis.evidence, hypothesis.members
    if not members.any():
        return True
    # What is tested or what is reported, as in the whole set.
    return any(_seen(figures, members) < -smallest_effect(figures) for figures in (evidence, evidence.shown))


def _seen(figures: Evidence, members: NDArray[np.bool_]) -> float:
    """Mean change of those of the members that count; 0 without any."""
    coded = figures.coded
    moved = coded.moved[members & coded.counted]
    return float(moved.mean()) if len(moved) else 0.0


def _reason(found: Confirmed, proved: Sequence[Confirmation]) -> str:
    parts = []
    for confirmation in proved:
        suspect = confirmation.suspect
        evidence = suspect.tested.hypothesis.evidence
        scale, unit = evidence.pair.scale, evidence.unit
        before, now = confirmation.baseline_value, confirmation.candidate_value
        values = ""
        if before is not None and now is not None:
            values = f"{amount_text(before, scale, unit)} before, {amount_text(now, scale, unit)} now, "
        parts.append(
            f"{_label(suspect.name, suspect.slice)}: confirmed by fresh trials of {count(len(suspect.items), 'item')} "
            f"({values}{p_text(confirmation.adjusted_p_value)})"
        )
    for name, items in found.critical.items():
        fails = "fails" if len(items) == 1 else "fail"
        parts.append(
            f"{name}: {count(len(items), 'critical item')} {fails} in fresh trials: {named_ids(items)}"
        )
    return "; ".join(parts)


def _with_proof(rule: RuleResult, found: Confirmed, proved: Sequence[Confirmation]) -> RuleResult:
    """The rule as it stands after the fresh trials."""
    own = [
        c
        for c in proved
        if c.suspect.name == rule.score and (c.suspect.slice.label if c.suspect.slice else None) == rule.slice
    ]
    critical = found.critical.get(rule.score, ()) if rule.slice is None else ()
    if not own and not critical:
        return rule
    part = Confirmed(tuple(own), {rule.score: critical} if critical else {}, (), 0.0)
    reason = _reason(part, own).removeprefix(f"{rule.score}: ")
    return replace(rule, outcome="regression", reason=reason)


def _broken_by_items(seen: Seen, critical: dict[str, tuple[str, ...]]) -> Seen:
    """Where nothing can be run again, one lost trial of a critical item has to be enough."""
    broken = {e.name: e.critical_items for e in seen.measured if e.critical_items}
    rules = tuple(
        replace(rule, outcome="regression", reason=_lost(critical[rule.score]))
        if rule.score in broken and rule.slice is None
        else rule
        for rule in seen.rules
    )
    if not broken:
        first = next(iter(critical))
        reason = f"{first}: {named_ids(critical[first])} may be lost, and no fresh trials could be run"
        return replace(seen, outcome=worst([seen.outcome, "inconclusive"]), reason=reason)
    first = max(broken, key=lambda name: len(broken[name]))
    return replace(seen, outcome="regression", reason=f"{first}: {_lost(critical[first])}", rules=rules)


def _lost(items: Sequence[str]) -> str:
    return (
        f"{count(len(items), 'critical item')} failed, and no fresh trials could be run: {named_ids(items)}"
    )


def _futile(gate: Gate, seen: Seen, *, trials: int, most: int, alpha: float, level: float) -> str | None:
    """Why no further whole-set round can end in a pass or a regression, or None.

    `trials` an arm are there and `most` can be; `alpha` and `level` are those of the next round. Judged by the noise
    within items alone, so in favour of going on.
    """
    shrink = math.sqrt(trials / most)
    z = NormalDist().inv_cdf
    role = roles(gate)
    beyond_pass = next((e.name for e in seen.measured if guards_nothing(e)), None)
    for tested in seen.tested:
        evidence, error = tested.hypothesis.evidence, tested.result.standard_error * shrink
        if evidence.estimate is None or not error or tested.hypothesis.slice is not None:
            continue
        decides = role.get(evidence.name) in ("gate", "primary")
        if decides and evidence.open_ended_gaps:
            beyond_pass = evidence.name  # a missing value without a worst end stays missing
        elif decides and evidence.margin is not None:
            bound = evidence.estimate.value - z(1 - level) * error
            if bound < -evidence.margin - FUTILITY_ERRORS * error:
                beyond_pass = evidence.name
    if beyond_pass is None:
        return None
    needed = z(1 - alpha / max(1, len(seen.tested)))
    for tested in seen.tested:
        estimate, error = tested.hypothesis.evidence.estimate, tested.result.standard_error * shrink
        if estimate is not None and error and -estimate.value / error + FUTILITY_ERRORS >= needed:
            return None
    return f"with {most} trials {beyond_pass} could neither pass nor be proved worse"
