"""Rules that guard nothing: their score is at its worst on every item of the baseline, so that nothing can fall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from scoregate.catalog import SCORED, Contract
from scoregate.gate_file import Gate, Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import PairedScore, paired_score, universe
from scoregate.gates.table import RunTable, table_from_run
from scoregate.records import RuleResult, Run, Score
from scoregate.wording import count, first_line


def dead_rules(gate: Gate, run: Run, whose: str = "") -> dict[str, str]:
    """Gating scores that would guard nothing with this run as the baseline -> a clause that says why.

    Such as "length_limit fails on 64 of 64 items (output: no 'text')", where `whose` may say of which items, as in
    " of the baseline". A rule with a floor guards that. Raises as `compare` does for a score that cannot be decided.
    """
    suspects = {name for name in gate.gated_scores if _may_be_dead(gate.rules[name])}
    _leave_out_what_passes(suspects, gate, run.scores)
    if not suspects:
        return {}
    table = table_from_run(run)
    everything = universe(table, table)
    found = {}
    for name in gate.gated_scores:
        if name in suspects and name in table.columns:
            pair = paired_score(name, gate.contract(name), everything, table, table)
            if is_dead(pair):
                found[name] = f"{name} {_how(pair, (table,), whose)}"
    return found


def without_dead(
    rules: Sequence[RuleResult], measured: Iterable[Evidence], baseline: RunTable, candidate: RunTable
) -> list[RuleResult]:
    """The rules, of which none is called a pass that guards nothing."""
    dead = {e.name: e.pair for e in measured if guards_nothing(e)}
    return [
        replace(rule, outcome="inconclusive", reason=_told(dead[rule.score], baseline, candidate))
        if rule.score in dead and rule.slice is None and rule.outcome in ("pass", "inconclusive")
        else rule
        for rule in rules
    ]


def guards_nothing(evidence: Evidence) -> bool:
    """Whether the comparison with this baseline can never break the rule of the score."""
    return _may_be_dead(evidence.rule) and is_dead(evidence.pair)


def is_dead(pair: PairedScore) -> bool:
    """Whether no cell of the baseline is better than the worst value, or better than none."""
    values = pair.sign * pair.baseline.values
    return not bool((values > pair.low).any())


def _may_be_dead(rule: Rule) -> bool:
    return rule.min is None and rule.max is None


def _leave_out_what_passes(suspects: set[str], gate: Gate, scores: Iterable[Score]) -> None:
    """Take out the scores of which any value is not the worst: a few cells are enough to tell that of most."""
    better: dict[str, Callable[[object], bool]] = {}
    for score in scores:
        if score.score not in suspects or score.value is None:
            continue
        if score.score not in better:
            better[score.score] = _better_than_worst(gate.contract(score.score))
        if better[score.score](score.value):
            suspects.discard(score.score)
            if not suspects - {SCORED}:
                return


def _better_than_worst(contract: Contract | None) -> Callable[[object], bool]:
    """Whether a value is surely better than the worst one; for values of one contract."""
    lower = contract is not None and contract.direction == "lower"
    if contract is not None and contract.type == "categorical":
        bad = {*contract.ignore, *contract.grades[:1]}
        good = set(contract.passing)
        return lambda value: value not in bad if contract.ordered else value in good
    if contract is None or contract.type == "boolean" or contract.inferred:
        return lambda value: isinstance(value, bool) and value != lower
    end = contract.max if lower else contract.min
    return lambda value: end is None or value != end


def _told(pair: PairedScore, baseline: RunTable, candidate: RunTable) -> str:
    text = f"guards nothing: it {_how(pair, (baseline, candidate), ' of the baseline')}"
    if (pair.sign * pair.candidate.values > pair.low).any():
        return f"{text}; accept a run in which it does not, and it guards that"
    return f"{text}; mend the rule or its scorer, or make it advisory"


def _how(pair: PairedScore, tables: Sequence[RunTable], whose: str = "") -> str:
    """`fails on 64 of 64 items (output: no 'text')`, with the reason where most of them have one."""
    arm = pair.baseline
    items = len(arm.values)
    of = f"{count(items, 'item')}{whose}{_reason(pair.name, tables, items)}"
    failing = ~np.isnan(arm.values)
    if failing.all():
        return f"fails on {items:,} of {of}"
    if arm.missing.all():
        return f"has a value on none of {of}"
    if arm.not_applicable.all():
        return f"applies to none of {of}"
    kinds = (
        (failing, "fails", "fail"),
        (arm.missing, "has no value", "have no value"),
        (arm.not_applicable, "is one that it does not apply to", "are ones that it does not apply to"),
    )
    parts = [count(int(cells.any(axis=1).sum()), *words) for cells, *words in kinds if cells.any()]
    return f"passes on none of {of}: {', '.join(parts)}"


def _reason(score: str, tables: Sequence[RunTable], items: int) -> str:
    """What most of the items say of it: in the baseline, else (as a lock file keeps no comments) in the candidate."""
    for table in tables:
        said = Counter(
            first_line(text)
            for item in table.items
            if (text := table.comments.get((item, score)) or table.failures.get(item))
        )
        if said:
            text, times = said.most_common(1)[0]
            return f" ({text})" if 2 * times > items else ""
    return ""
