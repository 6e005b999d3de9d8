"""`compare`: two runs and the rules of a gate, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.catalog import SCORED
from scoregate.errors import ConfigError, ResultsError, did_you_mean
from scoregate.gate_file import Gate, Rule, rule_from_mapping
from scoregate.gates import applicability, scored
from scoregate.gates.comparability import too_many_missing, why_not_comparable
from scoregate.gates.evidence import Evidence, gather
from scoregate.gates.family import evidence_hypothesis, examine
from scoregate.gates.findings import Level
from scoregate.gates.flips import flips_of, worst_first
from scoregate.gates.pairing import Universe, paired_score, universe
from scoregate.gates.rules import judge, worst
from scoregate.gates.sentences import count
from scoregate.gates.table import RunTable, table_from_frame, table_from_run
from scoregate.records import JSON, Flip, Outcome, RuleResult, Run, RunHeader, Verdict

if TYPE_CHECKING:
    import pandas


GUARD_SHARE = 0.1
"""Share of alpha for `scored` and for whether scores apply; the rest is for the scores themselves."""


def compare(
    baseline: Run | RunTable | str | Path | pandas.DataFrame,
    candidate: Run | RunTable | str | Path | pandas.DataFrame,
    rules: Gate | Mapping[str, Rule | Mapping[str, JSON]],
    *,
    seed: int = 0,
) -> Verdict:
    """Compare a candidate with its baseline, item by item, and decide.

    `baseline` and `candidate` are each a `Run`, the path of a results file, a long-form DataFrame with the
    columns `item`, `trial`, `score`, `value` (null = missing or failed) and optionally `cluster` and slices, or
    the columns themselves (`gates.table.RunTable`), which is the fastest way in for large runs.
    `rules` maps score names to rules, or is a whole `Gate`.

    The verdict depends on nothing else: same input and seed, same bytes. Raises ConfigError for a rule that
    cannot be decided (unknown score, no direction, no margin) and ResultsError for results that cannot be read.
    """
    gate = rules if isinstance(rules, Gate) else _gate_of(rules)
    tables = (_table(baseline, "baseline"), _table(candidate, "candidate"))
    return _Comparison(gate, *tables, seed=seed).verdict()


def nothing_to_compare(candidate: Run, gate: Gate, reason: str, *, seed: int = 0) -> Verdict:
    """The verdict where there is no baseline: invalid, with the reason, and never "no regression"."""
    empty = RunTable(RunHeader(run="", dataset="", candidate="", expected_items=0), (), {})
    return _Comparison(gate, empty, table_from_run(candidate), seed).refused(reason)


def _gate_of(rules: Mapping[str, Rule | Mapping[str, JSON]]) -> Gate:
    if not rules:
        raise ConfigError("there are no rules to decide", hint="give at least one score with its rule")
    return Gate(name="", rules={name: rule_from_mapping(rule, name) for name, rule in rules.items()})


def _table(source: Run | RunTable | str | Path | pandas.DataFrame, label: str) -> RunTable:
    if isinstance(source, RunTable):
        return source
    if isinstance(source, Run):
        return table_from_run(source)
    if isinstance(source, str | Path):
        from scoregate.results_file import read_results

        return table_from_run(read_results(Path(source)))
    if hasattr(source, "columns"):
        return table_from_frame(source, label)
    raise ResultsError(
        f"the {label} is a {type(source).__name__}",
        hint="give a Run, a path of a results file, or a DataFrame",
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One look at two runs: measure every score, test the family jointly, judge rule by rule."""

    gate: Gate
    baseline: RunTable
    candidate: RunTable
    seed: int

    def verdict(self) -> Verdict:
        names = [name for name in self.gate.rules if name != SCORED]
        if not names:
            raise ConfigError(
                "the only rule is on 'scored', so no score would be compared",
                where=self.gate.rules[SCORED].where,
                hint="add a rule for a score that a scorer makes",
            )
        self._refuse_unknown(names)
        refusal = why_not_comparable(self.baseline, self.candidate, names)
        if refusal is not None:
            return self.refused(refusal)

        everything = universe(self.baseline, self.candidate)
        measured = [self._measure(name, everything) for name in names]
        rules, complete = self._rules(measured, everything)
        outcome = worst([rule.outcome for rule in rules])
        reason = _why(outcome, rules)
        untrusted = too_many_missing(
            measured, everything, self.gate.max_failed_items, self.baseline, self.candidate
        )
        if untrusted:
            outcome, reason = "invalid", untrusted
        elif self.candidate.header.partial and outcome != "regression":
            outcome = "inconclusive"
            reason = (
                f"only a part of the dataset was run ({self.candidate.header.metadata.get('selection')}); "
                "nothing in it is proved to be worse, and the rest is unknown"
            )
        moved = [flip for e in measured for flip in flips_of(e, everything, self.baseline, self.candidate)]
        return self._verdict(
            outcome,
            reason,
            tuple(rules),
            worst_first(moved),
            scored.missing_ids(complete, everything),
            self._notes(measured),
        )

    def refused(self, reason: str) -> Verdict:
        """No comparison, for this reason."""
        return self._verdict("invalid", reason)

    def _refuse_unknown(self, names: list[str]) -> None:
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
        pair = paired_score(name, contract, everything, self.baseline, self.candidate)
        alpha, level = self.gate.alpha, self.gate.pass_level
        return gather(name, pair, contract, rule, everything, alpha=alpha, level=level)

    def _rules(self, measured: list[Evidence], everything: Universe) -> tuple[list[RuleResult], Evidence]:
        """All rules decided, and the evidence on completeness.

        What guards the scores, whether they are there and whether they apply, has a small share of alpha of its
        own: were it shared, losing cells would take from the scores the level at which they are broken.
        """
        alpha, clusters = self.gate.alpha, everything.clusters
        guards = Level(alpha=GUARD_SHARE * alpha, total=alpha, bound=self.gate.pass_level, family=1)
        complete = scored.evidence(measured, self.gate.rules.get(SCORED, Rule()), everything, guards)
        applies = applicability.evidence(measured, everything, guards)
        guarded = [evidence_hypothesis(e, clusters) for e in (complete, *applies)]
        first, *others = examine(guarded, alpha=guards.alpha, seed=self.seed)

        family = [evidence_hypothesis(e, clusters) for e in measured]
        level = Level(
            alpha=(1 - GUARD_SHARE) * alpha, total=alpha, bound=self.gate.pass_level, family=len(measured)
        )
        tested = examine(family, alpha=level.alpha, seed=self.seed)
        level = replace(level, family=max(1, sum(result.informative for result in tested)))
        rules = [judge(e, test, everything.ids, level) for e, test in zip(measured, tested, strict=True)]
        rules += scored.judge_scored(complete, first, everything, guards, has_rule=SCORED in self.gate.rules)
        rules += applicability.judge_applicability(applies, others, guards)
        return rules, complete

    def _notes(self, measured: list[Evidence]) -> tuple[str, ...]:
        notes = []
        before, now = self.baseline.header, self.candidate.header
        same_content = bool(before.dataset_fingerprint and now.dataset_fingerprint)
        if before.dataset and now.dataset and before.dataset != now.dataset and not same_content:
            notes.append(f"the runs name different datasets ('{before.dataset}' and '{now.dataset}')")
        unknown = [e.name for e in measured if (e.name in before.scorers) != (e.name in now.scorers)]
        if unknown:
            notes.append(f"only one run says which scorer made {', '.join(unknown)}")
        for evidence in measured:
            arms = (evidence.pair.baseline, evidence.pair.candidate)
            then, here = (int(arm.not_applicable.sum()) for arm in arms)
            filled = (
                int((evidence.pair.baseline.missing & ~evidence.pair.candidate.missing).sum())
                if (evidence.pair.baseline.values.shape == evidence.pair.candidate.values.shape)
                else 0
            )
            if filled:
                notes.append(
                    f"{evidence.name}: {count(filled, 'cell')} that the baseline lacked counted as failed there, "
                    "so gains among them may only be gaps that were filled"
                )
            if then != here:
                notes.append(
                    f"{evidence.name} did not apply to {count(then, 'cell')} of the baseline, {here:,} now"
                )
        if now.metadata.get("dirty"):
            notes.append("the candidate was run from a working tree with uncommitted changes")
        return tuple(notes)

    def _verdict(
        self,
        outcome: Outcome,
        reason: str,
        rules: tuple[RuleResult, ...] = (),
        flips: tuple[Flip, ...] = (),
        missing_items: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Verdict:
        before, now = self.baseline.header, self.candidate.header
        return Verdict(
            outcome=outcome,
            reason=reason,
            rules=rules,
            flips=flips,
            missing_items=missing_items,
            notes=notes,
            baseline_run=before.run or None,
            candidate_run=now.run or None,
            baseline_candidate=before.candidate or None,
            candidate=now.candidate or None,
            dataset=now.dataset or None,
            partial=now.partial,
            on_inconclusive=self.gate.on_inconclusive or "warn",
            alpha=self.gate.alpha,
            seed=self.seed,
            gate=self.gate.name or None,
        )


def _why(outcome: Outcome, rules: list[RuleResult]) -> str:
    """One sentence for the whole build, from the rules that decided it."""
    deciding = [rule for rule in rules if rule.outcome == outcome]
    if outcome == "pass" and len(rules) > 1:
        return f"all {len(rules)} rules hold, and no score is proved to be worse"
    more = f" (and {count(len(deciding) - 1, 'more rule')})" if len(deciding) > 1 else ""
    return f"{deciding[0].score}: {deciding[0].reason}{more}"
