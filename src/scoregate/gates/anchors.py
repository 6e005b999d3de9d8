"""The anchor: a second, fixed baseline, such as the last release, that catches small drops which each pass alone.

Ten versions of which each is one point worse than the one before pass their own comparisons, for one point is within
the noise. Against the release that stood before all ten the drop is ten points, and is proved.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from scoregate.catalog import SCORED
from scoregate.gate_file import Gate, Rule
from scoregate.gates.comparability import too_many_missing
from scoregate.gates.dead_rules import guards_nothing
from scoregate.gates.equal_trials import left_out_note
from scoregate.gates.levels import ANCHOR_SHARE, LookLevels
from scoregate.gates.look import Seen, flips_seen, look
from scoregate.gates.provenance import older_than_allowed
from scoregate.gates.rules import worst
from scoregate.gates.run_shift import against_stored
from scoregate.gates.sentences import named_ids, why
from scoregate.gates.table import RunTable, table_from_run
from scoregate.records import RuleResult, Run, RunHeader, Verdict


def with_anchor(
    gate: Gate, verdict: Verdict, anchor: Run | RunTable, candidate: Run | RunTable, *, seed: int
) -> Verdict:
    """The verdict on the comparison with the baseline, and what the anchor has to say to it.

    `verdict` was made with `main_share(gate)`, `gate` is the whole one. Only proved drops count against the
    anchor, on the whole and in every slice: it passes nothing, leaves nothing open, and floors and critical
    items were decided already. Its rules stand behind the others, marked `against="anchor"`.

    An anchor that cannot be compared makes the verdict invalid, because the gate asked for it; a regression
    that is proved stays one. Where a candidate ran in rounds, give its first round only, whose number of
    trials was fixed before anything was seen. Raises ConfigError and ResultsError as `compare` does.
    """
    before, now = _table(anchor), _table(candidate)
    what = _name(before.header)
    verdict = replace(verdict, alpha=gate.alpha)
    levels = LookLevels(
        alpha=ANCHOR_SHARE * gate.alpha,
        bound=gate.pass_level,
        total=ANCHOR_SHARE * gate.alpha,
        pass_level=gate.pass_level,
        critical=False,
    )
    drops_only, about = against_stored(_drops_only(gate), before.header, now.header, "anchor")
    seen = look(drops_only, before, now, levels, seed=seed)
    refusal = _refusal(gate, before, now, seen)
    if refusal is not None:
        why_not = f"taken as the baseline it is refused: {refusal}"
        return _uncompared(verdict, f"{what} cannot be compared with the candidate ({why_not}); {_ADVICE}")

    dead = {evidence.name for evidence in seen.measured if guards_nothing(evidence)}
    rules = _marked(seen.rules, drops_only, what, dead)
    differ = seen.common.notes("anchor") if seen.common is not None else ()
    if seen.left_out is not None:
        differ = (*differ, left_out_note(seen.left_out, asked=gate.trials, what="anchor"))
    differ = (*differ, *about)
    verdict = replace(verdict, rules=(*verdict.rules, *rules), notes=(*verdict.notes, *differ))
    if worst([rule.outcome for rule in rules]) == "regression":
        return _fallen(gate, verdict, rules, seen, before, now)
    if verdict.outcome == "pass":
        reason = f"{verdict.reason}; and nothing is proved to be worse since {what}"
        return replace(verdict, reason=reason)
    return verdict


_ADVICE = "run the anchor's version again and name that run, or another anchor, in the gate"


def _drops_only(gate: Gate) -> Gate:
    """The gate's scores without what only the comparison with the baseline decides."""
    rules: dict[str, Rule] = {
        name: _drop_only(rule) for name, rule in gate.rules.items() if not rule.advisory and name != SCORED
    }
    return replace(gate, rules=rules)


def _drop_only(rule: Rule) -> Rule:
    # A rule of floors alone needs no margin, and its score may have no range to take one from.
    floors_alone = (
        rule.max_drop is None and rule.max_increase is None and (rule.min, rule.max) != (None, None)
    )
    margin = math.inf if floors_alone else rule.max_drop
    return replace(rule, min=None, max=None, critical=False, primary=False, max_drop=margin)


def _refusal(gate: Gate, anchor: RunTable, candidate: RunTable, seen: Seen) -> str | None:
    """Why the comparison means nothing, in the words of one with a baseline, which the anchor is here."""
    if seen.everything is None:
        return seen.reason
    return too_many_missing(seen.measured, seen.everything, gate.max_failed_items, anchor, candidate)


def _uncompared(verdict: Verdict, reason: str) -> Verdict:
    if verdict.outcome in ("regression", "invalid"):
        return replace(verdict, notes=(*verdict.notes, reason))
    return replace(verdict, outcome="invalid", reason=reason)


def _marked(
    rules: Sequence[RuleResult], gate: Gate, what: str, dead: Collection[str]
) -> tuple[RuleResult, ...]:
    """The anchor's rules: regressions, and the gate's own scores where nothing is proved, or (`dead`) can be."""
    marked = []
    for rule in rules:
        own = rule.score in gate.rules
        if rule.outcome == "regression":
            reason = f"{rule.reason} since {what}" if own else f"since {what}: {rule.reason}"
            marked.append(replace(rule, reason=reason, against="anchor"))
        elif rule.score in dead and rule.slice is None:
            marked.append(replace(rule, against="anchor"))
        elif own:
            reason = f"no drop since {what} is proved"
            marked.append(replace(rule, outcome="pass", reason=reason, against="anchor"))
    return tuple(marked)


def _fallen(
    gate: Gate,
    verdict: Verdict,
    rules: Sequence[RuleResult],
    seen: Seen,
    anchor: RunTable,
    candidate: RunTable,
) -> Verdict:
    notes = list(verdict.notes)
    if verdict.outcome == "invalid":
        notes.append(f"the comparison with the baseline is invalid: {verdict.reason}")
    lost = sorted({flip.item for flip in flips_seen(seen, anchor, candidate) if flip.worse})
    if lost:
        notes.append(f"worse than at the anchor: {named_ids(lost)}")
    days = older_than_allowed(gate, anchor.header, candidate.header)
    if days is not None:
        notes.append(
            f"the anchor was run {days} before the candidate: a model provider may have changed meanwhile, which "
            "would look like a regression; run the anchor's version again to tell them apart"
        )
    if verdict.outcome == "regression":
        return replace(verdict, notes=tuple(notes))
    return replace(verdict, outcome="regression", reason=why("regression", rules), notes=tuple(notes))


def _table(run: Run | RunTable) -> RunTable:
    return run if isinstance(run, RunTable) else table_from_run(run)


def _name(header: RunHeader) -> str:
    label = f" {header.candidate}" if header.candidate else ""
    return f"the anchor{label}" + (f" (run {header.run})" if header.run else "")
