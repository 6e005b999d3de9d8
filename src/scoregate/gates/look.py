"""One look at two runs: measure every score, test the family jointly, judge rule by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import SCORED
from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import Gate, Rule
from scoregate.gates.coding import not_kept
from scoregate.gates.comparability import advisory_left_out, too_many_missing, why_not_comparable
from scoregate.gates.critical import critical_in_all_trials
from scoregate.gates.dead_rules import without_dead
from scoregate.gates.evidence import Evidence
from scoregate.gates.failed_calls import with_failures
from scoregate.gates.family import Hypothesis, TestedHypothesis, examine_family
from scoregate.gates.guards import (
    applicability,
    completeness,
    decide_applicability,
    decide_newly_failing,
    decide_scored,
    decide_timeouts,
    lateness,
    missing_ids,
    newly_failing,
)
from scoregate.gates.levels import GUARD_SHARE, LookLevels, RuleLevels
from scoregate.gates.measuring import gather, require_trials, within_slice
from scoregate.gates.pairing import Universe, paired_score, universe
from scoregate.gates.provenance import dataset_changed
from scoregate.gates.reported import flips_of, notes_of, spreads_of, worst_first
from scoregate.gates.rules import decide_rule, decide_slice, roles, worst
from scoregate.gates.sentences import why
from scoregate.gates.slices import Slice, slices_by_score
from scoregate.gates.table import RunTable
from scoregate.records import Flip, LeftOutTrials, Outcome, Role, RuleResult, Verdict
from scoregate.statistics.exact import benjamini_hochberg

if TYPE_CHECKING:
    from scoregate.gates.intersection import CandidatesOwn, Intersection


@dataclass(frozen=True, slots=True)
class Tested:
    """A hypothesis and what the test said of it."""

    hypothesis: Hypothesis
    result: TestedHypothesis

    @property
    def name(self) -> str:
        return self.hypothesis.evidence.name


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look shows."""

    outcome: Outcome
    reason: str
    rules: tuple[RuleResult, ...] = ()
    tested: tuple[Tested, ...] = ()
    """Every hypothesis that can break the gate: scores and slices, then what guards them."""
    measured: tuple[Evidence, ...] = ()
    """The gating scores."""
    advisory: tuple[Evidence, ...] = ()
    everything: Universe | None = None
    """None where the runs could not be compared."""
    missing_items: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    common: Intersection | None = None
    """How the datasets differ, where they do and what they have in common was compared."""
    left_out: LeftOutTrials | None = None
    """Where one run has more trials than the other: those that were not compared."""


def look(gate: Gate, baseline: RunTable, candidate: RunTable, levels: LookLevels, *, seed: int) -> Seen:
    """Compare two runs once at the given levels. Raises ConfigError, ResultsError."""
    whole = (baseline, candidate)
    if baseline.header.trials == candidate.header.trials:
        return _Look(gate, baseline, candidate, levels, seed, whole, None).seen()
    from scoregate.gates.equal_trials import at_equal_trials

    equal = at_equal_trials(baseline, candidate)
    return _Look(gate, equal.baseline, equal.candidate, levels, seed, whole, equal.left_out).seen()


def flips_seen(seen: Seen, baseline: RunTable, candidate: RunTable) -> tuple[Flip, ...]:
    """The items that got worse or better, worst first, of the runs that were looked at."""
    if seen.everything is None:
        return ()
    if seen.left_out is not None:
        from scoregate.gates.equal_trials import at_equal_trials

        equal = at_equal_trials(baseline, candidate)
        baseline, candidate = equal.baseline, equal.candidate
    broken = {rule.score for rule in seen.rules if rule.outcome == "regression"}
    flips: list[Flip] = []
    for evidence in (*seen.measured, *seen.advisory):
        is_broken = evidence.name in broken
        flips += flips_of(evidence, seen.everything, baseline, candidate, broken=is_broken)
    return worst_first(flips)


def verdict(gate: Gate, baseline: RunTable, candidate: RunTable, seen: Seen, *, seed: int) -> Verdict:
    """What was seen as a verdict, with the names of both runs."""
    before, now = baseline.header, candidate.header
    return Verdict(
        outcome=seen.outcome,
        reason=seen.reason,
        rules=seen.rules,
        flips=flips_seen(seen, baseline, candidate),
        missing_items=seen.missing_items,
        notes=seen.notes,
        baseline_run=before.run or None,
        candidate_run=now.run or None,
        baseline_candidate=before.candidate or None,
        candidate=now.candidate or None,
        dataset=now.dataset or None,
        partial=now.partial,
        on_inconclusive=gate.on_inconclusive or "warn",
        alpha=gate.alpha,
        seed=seed,
        gate=gate.name or None,
        spreads=spreads_of((*seen.measured, *seen.advisory)),
        left_out_trials=seen.left_out,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    gate: Gate
    baseline: RunTable
    candidate: RunTable
    levels: LookLevels
    seed: int
    whole: tuple[RunTable, RunTable]
    """Both with all of their trials; the two above have those that can be compared."""
    left_out: LeftOutTrials | None

    def seen(self) -> Seen:
        names = [name for name in self.gate.rules if name != SCORED]
        role = roles(self.gate)
        gating = [name for name in names if role[name] != "advisory"]
        if not gating:
            self._refuse_to_decide_nothing(names)
        self._refuse_unknown(names)
        advised = [name for name in names if role[name] == "advisory"]
        out = advisory_left_out(self.gate.rules, advised, *self.whole)
        names = [name for name in names if name not in out]
        refusal = why_not_comparable(self.gate, self.baseline, self.candidate, gating)
        if refusal is not None:
            return Seen("invalid", with_failures(refusal, self.candidate, self.gate))

        common = self._in_common()
        everything = (universe if common is None else common.compared)(self.baseline, self.candidate)
        slices = self._slices(names, everything)
        measured = [self._measure(name, everything) for name in gating]
        advisory = [self._measure(name, everything) for name in names if role[name] == "advisory"]
        own = self._own([*measured, *advisory], everything, common)
        measured = [self._bounded_by_all_trials(evidence, own) for evidence in measured]
        tested, rules, complete = self._rules(measured, everything, slices, role, own)
        outcome = worst([rule.outcome for rule in rules])
        reason = why(outcome, rules)
        rules += self._advice(advisory, everything, slices, own)
        untrusted = too_many_missing(
            measured, everything, self.gate.max_failed_items, self.baseline, self.candidate, own
        )
        if untrusted:
            outcome, reason = "invalid", untrusted
        elif self.candidate.header.partial and outcome != "regression":
            outcome = "inconclusive"
            reason = (
                f"only a part of the dataset was run ({self.candidate.header.facts.selection}); "
                "nothing in it is proved to be worse, and the rest is unknown"
            )
        return Seen(
            outcome,
            reason,
            tuple(rules),
            tuple(tested),
            tuple(measured),
            tuple(advisory),
            everything,
            missing_ids(complete, everything if own is None else own.everything),
            (
                *(common.notes() if common is not None else ()),
                *self._about_trials(),
                *notes_of(self.gate, [*measured, *advisory], everything, self.baseline, self.candidate),
                *out.values(),
            ),
            common,
            self.left_out,
        )

    def _about_trials(self) -> tuple[str, ...]:
        if self.left_out is None:
            return ()
        from scoregate.gates.equal_trials import left_out_note

        return (left_out_note(self.left_out, asked=self.gate.trials),)

    def _slices(self, names: Sequence[str], everything: Universe) -> Mapping[str, tuple[Slice, ...]]:
        gate = self.gate
        if not gate.slices and not any(rule.slices for rule in gate.rules.values()):
            return dict.fromkeys(names, ())
        return slices_by_score(gate, names, everything, self.baseline, self.candidate)

    def _in_common(self) -> Intersection | None:
        """What both datasets hold alike, where they differ and the gate compares that."""
        changed = dataset_changed(self.baseline.header, self.candidate.header)
        if not changed:
            return None
        from scoregate.gates.intersection import intersection

        return intersection(self.baseline, self.candidate)

    def _own(
        self, measured: Sequence[Evidence], everything: Universe, common: Intersection | None
    ) -> CandidatesOwn | None:
        """The candidate with everything that it has; None where all of it is compared."""
        if common is None and not self._has_more_trials:
            return None
        from scoregate.gates.intersection import candidates_own

        baseline, (_, candidate) = self.baseline, self.whole
        return candidates_own(
            measured,
            everything if common is None else common.candidates_own(baseline, candidate),
            common.differ if common is not None else (),
            baseline,
            candidate,
            alpha=self.levels.total,
            level=self.levels.bound,
        )

    @property
    def _has_more_trials(self) -> bool:
        """The candidate, than can be compared."""
        return self.left_out is not None and self.left_out.run == "candidate"

    def _bounded_by_all_trials(self, evidence: Evidence, own: CandidatesOwn | None) -> Evidence:
        """The evidence with a pass bound that holds with all of the candidate's trials as well.

        What those trials show that have no counterpart proves no drop, but it must not be passed over either.
        """
        if own is None or not self._has_more_trials or evidence.worst_case is None:
            return evidence
        bound = own.scores[evidence.name].evidence.worst_case
        return evidence if bound is None else replace(evidence, worst_case=min(evidence.worst_case, bound))

    def _refuse_to_decide_nothing(self, names: Sequence[str]) -> None:
        if names:
            raise ConfigError(
                "every score is advisory, so the gate would decide nothing",
                where=self.gate.rules[names[0]].where,
                hint="take `advisory = true` from at least one score",
            )
        raise ConfigError(
            "the only rule is on 'scored', so no score would be compared",
            where=self.gate.rules[SCORED].where,
            hint="add a rule for a score that a scorer makes",
        )

    def _refuse_unknown(self, names: Sequence[str]) -> None:
        known = set(self.baseline.columns) | set(self.candidate.columns)
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"neither run has a score '{name}'",
                    where=self.gate.rules[name].where,
                    hint=did_you_mean(name, known) or "the runs hold no scores at all",
                )

    def _measure(self, name: str, everything: Universe) -> Evidence:
        contract, rule = self.gate.contract(name), self.gate.rules[name]
        if rule.reduced is not None:
            require_trials(name, rule.reduced, *(table.header.trials for table in self.whole))
        pair = paired_score(
            name, contract, everything, self.baseline, self.candidate, rule.statistic, rule.absent
        )
        alpha = self.levels.total
        evidence = gather(name, pair, contract, rule, everything, alpha=alpha, level=self.levels.bound)
        if not rule.critical or self.left_out is None:
            return evidence
        pair = paired_score(name, contract, everything, *self.whole, rule.statistic, rule.absent)
        broken, suspect = critical_in_all_trials(pair, evidence.critical_items, alpha)
        lost = not_kept(pair) if rule.no_item_may_flip and self._has_more_trials else ()
        lost = tuple(sorted({*evidence.not_kept, *lost}))
        return replace(evidence, critical_items=broken, suspect_items=suspect, not_kept=lost)

    def _rules(
        self,
        measured: list[Evidence],
        everything: Universe,
        slices: Mapping[str, tuple[Slice, ...]],
        role: Mapping[str, Role],
        own: CandidatesOwn | None,
    ) -> tuple[list[Tested], list[RuleResult], Evidence]:
        """All gating rules decided, and the evidence on the completeness of all of the candidate's items.

        What guards the scores, whether they are there and whether they apply, has a small share of alpha of its
        own: were it shared, losing cells would take from the scores the level at which they are broken.
        """
        levels, clusters = self.levels, everything.clusters
        guards = levels.of(GUARD_SHARE, family=1)
        rule = self.gate.rules.get(SCORED, Rule())
        complete = completeness(measured, rule, everything, guards)
        own_complete = complete
        if own is not None:
            own_complete = completeness(own.of(measured), rule, own.everything, guards)
        applies = applicability(measured, everything, guards)
        late = lateness(measured, everything, self.baseline, self.candidate, guards)
        failing = newly_failing(measured, everything, guards)
        guarded = [Hypothesis(e) for e in (complete, *applies, *failing, *late)]
        first, *others = examine_family(guarded, clusters, alpha=guards.alpha, seed=self.seed)

        family = _family(measured, slices)
        alpha = (1 - GUARD_SHARE) * levels.alpha
        tested = examine_family(family, clusters, alpha=alpha, seed=self.seed, inference=self.gate.inference)
        level = levels.of(1 - GUARD_SHARE, family=1)
        rules = self._judged(family, tested, everything, level, role, own)
        rules = without_dead(rules, measured, self.baseline, self.candidate)
        has_rule = SCORED in self.gate.rules
        rules += decide_scored(complete, first, everything, guards, has_rule=has_rule, own=own_complete)
        parts = (len(applies), len(applies) + len(failing))
        rules += decide_applicability(applies, others[: parts[0]], guards)
        rules += decide_newly_failing(failing, others[parts[0] : parts[1]], guards)
        rules += decide_timeouts(late, others[parts[1] :], guards)
        pairs = [*zip(family, tested, strict=True), *zip(guarded, (first, *others), strict=True)]
        return [Tested(*pair) for pair in pairs], rules, own_complete

    def _advice(
        self,
        advisory: list[Evidence],
        everything: Universe,
        slices: Mapping[str, tuple[Slice, ...]],
        own: CandidatesOwn | None,
    ) -> list[RuleResult]:
        """Scores that gate nothing, tested among themselves at the level that the gate's own have."""
        family = _family(advisory, slices)
        alpha = (1 - GUARD_SHARE) * self.levels.alpha
        tested = examine_family(
            family, everything.clusters, alpha=alpha, seed=self.seed, inference=self.gate.inference
        )
        level = self.levels.of(1 - GUARD_SHARE, family=1)
        rules = self._judged(family, tested, everything, level, dict.fromkeys(slices, "advisory"), own)
        return without_dead(rules, advisory, self.baseline, self.candidate)

    def _judged(
        self,
        family: Sequence[Hypothesis],
        tested: Sequence[TestedHypothesis],
        everything: Universe,
        level: RuleLevels,
        role: Mapping[str, Role],
        own: CandidatesOwn | None,
    ) -> list[RuleResult]:
        results = []
        sizes = _that_share_the_level(family, tested)
        levels = {name: replace(level, family=size) for name, size in sizes.items()}
        for hypothesis, test in zip(family, tested, strict=True):
            evidence, part = hypothesis.evidence, hypothesis.slice
            level, decides = levels[evidence.name], role[evidence.name]
            if part is None:
                alone = own.scores[evidence.name] if own is not None else None
                results.append(decide_rule(evidence, test, everything.ids, level, decides, alone))
            else:
                inside = within_slice(evidence, part.members, everything.clusters)
                results.append(decide_slice(inside, part.label, test, level, decides))
        false_discoveries = benjamini_hochberg([test.p_value for test in tested])
        return [
            replace(result, q_value=float(q)) for result, q in zip(results, false_discoveries, strict=True)
        ]


def _that_share_the_level(family: Sequence[Hypothesis], tested: Sequence[TestedHypothesis]) -> dict[str, int]:
    """Among how many a drop of each score is sought: all of its own, and those of others in which any run moved."""
    own = Counter(hypothesis.evidence.name for hypothesis in family)
    moved = Counter(h.evidence.name for h, test in zip(family, tested, strict=True) if test.informative)
    return {name: number + moved.total() - moved[name] for name, number in own.items()}


def _family(measured: Sequence[Evidence], slices: Mapping[str, tuple[Slice, ...]]) -> list[Hypothesis]:
    """Each score on everything and on its slices, of which enough items count."""
    family = []
    for evidence in measured:
        family.append(Hypothesis(evidence))
        counted: NDArray[np.bool_] = evidence.coded.counted
        family += [
            Hypothesis(evidence, part) for part in slices[evidence.name] if (counted & part.members).any()
        ]
    return family
