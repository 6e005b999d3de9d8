"""Accepting a baseline: what speaks against it, what it would lower, and the run that is locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scoregate.catalog import SCORED
from scoregate.gate_file import Gate
from scoregate.gates.compare import compare
from scoregate.records import RuleResult, Run, Score, Verdict
from scoregate.records.absent import gave_nothing
from scoregate.records.run_facts import Acceptance, RunShift


def objections(run: Run, gate: Gate, dataset_fingerprint: str | None = None) -> tuple[str, ...]:
    """Reasons not to accept this run as the baseline, each a clause; empty if there are none.

    `dataset_fingerprint` is that of the gate's present dataset, if it is known.
    """
    header = run.header
    found = []
    if header.partial:
        found.append(f"it ran only a part of the dataset ({header.facts.selection})")
    ran_on = header.dataset_fingerprint
    if ran_on and dataset_fingerprint and ran_on != dataset_fingerprint:
        found.append(f"it ran on another dataset than the gate's present one (its own is '{header.dataset}')")
    expected = header.expected_items * header.trials
    # A results file may hold the scores of an item without its line.
    cells = {(item.item, item.trial) for item in run.items} | {(s.item, s.trial) for s in run.scores}
    done = len(cells)
    if done < expected:
        found.append(f"it is incomplete ({done:,} of {expected:,} run items)")
    failed = [item for item in run.items if item.status != "ok"]
    if failed:
        found.append(f"{len(failed):,} of its run items failed (first: {failed[0].item})")
    made = {score.score for score in run.scores}
    absent = [name for name in gate.rules if name not in made and name != SCORED]
    if absent:
        found.append(f"it has no score {' and no score '.join(absent)}, which the gate decides on")
    broken = sorted({s.item for s in run.scores if s.status == "error" and s.score in gate.rules})
    if broken and not failed:
        silent = [_silence(run, name) for name in gate.rules]
        said = "".join(f"; {sentence}" for sentence in silent if sentence)
        found.append(f"{len(broken):,} of its items lack a gated score (first: {broken[0]}){said}")
    if header.facts.dirty:
        found.append(f"it was made from a working tree with {header.facts.uncommitted_changes}")
    return tuple(found)


def _silence(run: Run, name: str) -> str | None:
    """A sentence about a score that has a value in some items, and of which nothing was said in others."""
    cells = [score for score in run.scores if score.score == name]
    given, silent = (sum(map(is_it, cells)) for is_it in (_has_value, gave_nothing))
    if not silent:
        return None
    if not given:
        return f"no scorer gave '{name}' for any item" if silent == len(cells) else None
    return (
        f"'{name}' has a value in {given:,} and none in {silent:,}: if it applies to some items only, say so with "
        f'absent = "not_applicable" in [scores.{name}], and run again'
    )


def _has_value(score: Score) -> bool:
    return score.status == "ok"


def locked(run: Run, acceptance: Acceptance, shifts: Mapping[str, RunShift] | None = None) -> Run:
    """The run as a baseline: the same results, with the acceptance in the header, and how such runs move."""
    facts = replace(run.header.facts, accepted=acceptance, run_shifts=dict(sorted((shifts or {}).items())))
    return replace(run, header=run.header.with_facts(facts))


def same_scores(one: Run, other: Run) -> bool:
    """Whether two records of a run decide alike: one of them may have been scored again since."""

    def cells(run: Run) -> set[tuple[object, ...]]:
        return {(s.item, s.trial, s.score, s.value, s.status) for s in run.scores}

    return dict(one.header.scorers) == dict(other.header.scorers) and cells(one) == cells(other)


def lowered(verdict: Verdict) -> tuple[str, ...]:
    """Scores whose value would be worse in the new baseline than in the present one, in the verdict's order."""
    return tuple(rule.score for rule in verdict.rules if rule.against == "baseline" and _is_worse(rule))


def flattered(run: Run, first: Run, gate: Gate) -> tuple[str, ...]:
    """Gating scores, with both values, in which `run` is better than `first`, an equal run made before it.

    To prefer such a run is to choose a baseline by its score: it owes a part of its values to luck, which the
    next candidate will not have. Where it is nowhere better, the choice flatters nothing. Raises as `compare`.
    """
    compared = compare(run, first, gate).rules
    return tuple(
        f"{rule.score} ({rule.baseline_value:.4g} against {rule.candidate_value:.4g})"
        for rule in compared
        if rule.slice is None and rule.role != "advisory" and _is_worse(rule)
    )


def _is_worse(rule: RuleResult) -> bool:
    if not rule.difference:
        return False
    return (rule.difference < 0) == (rule.direction == "higher")
