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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from scoregate.gate_file import Gate
from scoregate.gates.confirmation import (
    Confirmation,
    Confirmed,
    Suspect,
    confirm,
    critical_suspects,
    suspects_of,
    with_their_clusters,
)
from scoregate.gates.findings import smallest_effect
from scoregate.gates.futility import hopeless
from scoregate.gates.look import Levels, Seen, look, one_look
from scoregate.gates.look import verdict as as_verdict
from scoregate.gates.rules import worst
from scoregate.gates.sentences import amount, count, named, p_text
from scoregate.gates.slices import Slice
from scoregate.gates.table import RunTable, with_more_trials
from scoregate.records import FreshItem, Outcome, RoundName, RoundResult, RuleResult, Verdict

FAIL_SHARES: dict[RoundName, float] = {"A": 0.05, "B": 0.55, "C": 0.10, "D": 0.30}
"""Of alpha, the false alarms of the build."""
PASS_SHARES: dict[RoundName, float] = {"A": 0.4, "C": 0.3, "D": 0.3}
"""Of the level of the pass bound; round B decides at the bound of round A."""
CLEAR = 0.05
"""Round A passes only where no score and no slice has an unadjusted p-value up to this."""
_WHOLE_SET: tuple[RoundName, ...] = ("A", "C", "D")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run next: the same items, as often, in both arms."""

    round: RoundName
    items: tuple[str, ...] | None
    """Ids; None: the whole dataset."""
    trials: int
    """Fresh trials of each item in each arm."""


Serve = Callable[[Request], tuple[RunTable, RunTable] | None]
"""Runs a request and returns the fresh trials of baseline and candidate, numbered from 0; None where a cap forbids it.

Asked again for what it has served, it returns the same: so a session that was interrupted is simply decided again.
"""


def decide_in_rounds(gate: Gate, serve: Serve, *, seed: int = 0) -> Verdict:
    """Ask for trials until the data decide, or nothing more may be run.

    Raises ConfigError and ResultsError as `compare` does, and whatever `serve` raises.
    """
    return _Session(gate, serve, seed).verdict()


def rounds_of(gate: Gate) -> tuple[RoundName, ...]:
    """The rounds that the gate allows."""
    whole = _WHOLE_SET[: len(gate.rounds.whole_set_trials(gate.trials))]
    confirming: tuple[RoundName, ...] = ("B",) if gate.rounds.suspects else ()
    return (whole[0], *confirming, *whole[1:])


def shares(gate: Gate) -> tuple[dict[RoundName, float], dict[RoundName, float]]:
    """Shares of alpha and of the pass level; what belongs to rounds that the gate rules out goes to the last."""
    allowed = rounds_of(gate)
    whole = [name for name in allowed if name in PASS_SHARES]
    fail = {name: FAIL_SHARES[name] for name in allowed}
    fail[allowed[-1]] += 1.0 - sum(fail.values())
    bound = {name: PASS_SHARES[name] for name in whole}
    bound[whole[-1]] += 1.0 - sum(bound.values())
    return fail, bound


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
        fail, bound = shares(self.gate)
        arms = self.serve(Request("A", None, trials[0]))
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
        critical = critical_suspects(seen)
        if seen.outcome == "pass" and clear and not critical:
            return self._end("A", arms, seen, trials[0])
        self._note("A", seen, trials[0], None, _open(seen, clear=clear))

        if "B" in fail:
            seen, decided = self._confirm(seen, critical, fail["B"])
            if decided or (seen.outcome == "pass" and not self._stopped):
                # Not confirmed, and the bound of the first round holds: a pass.
                return self._verdict(arms, seen)
            if seen.outcome == "pass":
                seen = replace(seen, outcome="inconclusive", reason=_open(seen, clear=clear))
        elif critical:
            return self._verdict(arms, _broken_by_items(seen, critical))

        for name, before, now in zip(_WHOLE_SET[1:], trials, trials[1:], strict=False):
            if self._stopped or arms[1].header.partial:
                break  # A part of the dataset can never pass, so its repetition would be paid for in vain.
            levels = self._levels(fail[name], bound[name])
            why = hopeless(
                self.gate, seen, trials=before, most=trials[-1], alpha=levels.alpha, level=levels.bound
            )
            if why:
                self.notes.append(f"no further round: {why}")
                break
            more = self.serve(Request(name, None, now - before))
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

    def _levels(self, fail: float, bound: float) -> Levels:
        gate = self.gate
        return Levels(
            alpha=fail * gate.alpha, bound=bound * gate.pass_level, total=gate.alpha, critical=False
        )

    def _confirm(self, seen: Seen, critical: dict[str, tuple[str, ...]], fail: float) -> tuple[Seen, bool]:
        """Round B. The look as it stands afterwards, and whether it is decided."""
        rounds, everything = self.gate.rounds, seen.everything
        assert everything is not None
        suspects = suspects_of(seen, rounds.suspects, rounds.screen)
        chosen = {item for suspect in suspects for item in suspect.items}
        chosen |= {item for items in critical.values() for item in items}
        if not chosen:
            return seen, False
        items = with_their_clusters(sorted(chosen), everything)
        arms = self.serve(Request("B", items, rounds.confirm_trials))
        if arms is None:
            self._cap("B")
            return (_broken_by_items(seen, critical), True) if critical else (seen, False)
        levels = self._levels(fail, 1.0)
        found = confirm(self.gate, suspects, critical, items, *arms, levels, seed=self.seed)
        self.fresh = found.items
        proved = [c for c in found.suspects if c.adjusted_p_value <= levels.alpha and _large_enough(c)]
        outcome: Outcome | None = "regression" if proved or found.critical else None
        reason = _reason(found, proved) if outcome else f"{_tried(suspects, critical)}: not confirmed"
        self.done.append(RoundResult("B", len(items), rounds.confirm_trials, outcome, reason))
        if outcome is None:
            return seen, False
        rules = tuple(_with_proof(rule, found, proved) for rule in seen.rules)
        return replace(seen, outcome="regression", reason=reason, rules=rules), True

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


def _open(seen: Seen, *, clear: bool) -> str:
    if seen.outcome == "pass" and not clear:
        first = min(seen.tested, key=lambda tested: tested.result.p_value)
        return f"{_label(first.name, first.hypothesis.slice)} looks worse ({p_text(first.result.p_value)})"
    return seen.reason


def _label(name: str, part: Slice | None) -> str:
    return name if part is None else f"{name} on {part.label}"


def _tried(suspects: Sequence[Suspect], critical: dict[str, tuple[str, ...]]) -> str:
    labels = [_label(suspect.name, suspect.slice) for suspect in suspects]
    labels += [name for name in critical if name not in labels]
    return "what looked worse in " + ", ".join(labels)


def _large_enough(confirmation: Confirmation) -> bool:
    evidence = confirmation.suspect.tested.hypothesis.evidence
    return evidence.estimate is None or evidence.estimate.value < -smallest_effect(evidence)


def _reason(found: Confirmed, proved: Sequence[Confirmation]) -> str:
    parts = []
    for confirmation in proved:
        suspect = confirmation.suspect
        evidence = suspect.tested.hypothesis.evidence
        scale, unit = evidence.pair.scale, evidence.unit
        before, now = confirmation.baseline_value, confirmation.candidate_value
        assert before is not None
        assert now is not None
        parts.append(
            f"{_label(suspect.name, suspect.slice)}: confirmed by fresh trials of {count(len(suspect.items), 'item')} "
            f"({amount(before, scale, unit)} before, {amount(now, scale, unit)} now, "
            f"{p_text(confirmation.adjusted_p_value)})"
        )
    for name, items in found.critical.items():
        fails = "fails" if len(items) == 1 else "fail"
        parts.append(f"{name}: {count(len(items), 'critical item')} {fails} in fresh trials: {named(items)}")
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
    part = Confirmed(tuple(own), {rule.score: critical} if critical else {}, ())
    reason = _reason(part, own).removeprefix(f"{rule.score}: ")
    return replace(rule, outcome="regression", reason=reason)


def _broken_by_items(seen: Seen, critical: dict[str, tuple[str, ...]]) -> Seen:
    """Where nothing can be run again, one lost trial of a critical item has to be enough."""
    rules = tuple(
        replace(rule, outcome="regression", reason=_lost(critical[rule.score]))
        if rule.score in critical and rule.slice is None
        else rule
        for rule in seen.rules
    )
    first = next(iter(critical))
    outcome = worst([rule.outcome for rule in rules])
    return replace(seen, outcome=outcome, reason=f"{first}: {_lost(critical[first])}", rules=rules)


def _lost(items: Sequence[str]) -> str:
    return f"{count(len(items), 'critical item')} failed, and no fresh trials could be run: {named(items)}"
