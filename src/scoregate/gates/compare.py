"""`compare`: two runs and the rules of a gate, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scoregate.errors import ConfigError, ResultsError
from scoregate.gate_file import Gate, Rule, rule_from_mapping
from scoregate.gates.anchors import with_anchor
from scoregate.gates.failed_calls import with_failures
from scoregate.gates.levels import main_share, one_look
from scoregate.gates.look import Seen, look
from scoregate.gates.look import verdict as as_verdict
from scoregate.gates.run_shift import SHIFTING, against_stored
from scoregate.gates.same_answers import with_same_answers
from scoregate.gates.sentences import why
from scoregate.gates.table import RunTable, table_from_frame, table_from_run
from scoregate.records import JSON, RuleResult, Run, RunHeader, Verdict

if TYPE_CHECKING:
    import pandas


_NO_CALIBRATION = (
    "its margin is one of the truth, and what that is in the judge's scores takes its calibration, which was not "
    "looked at"
)


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
    Calibrations are files beside the gate, so a gate that requires one gets a note that it was not looked at;
    `scoregate check`, `run` and `enforce` do. A margin of the truth (`margin_of = "truth"`) cannot be told without
    one: such a rule may break here, but never passes.
    """
    gate = rules if isinstance(rules, Gate) else _gate_of(rules)
    before, now = _run_or_table(baseline, "baseline"), _run_or_table(candidate, "candidate")
    verdict = compared(before, now, gate, seed=seed)
    if isinstance(before, Run) and isinstance(now, Run):
        verdict = with_same_answers(
            gate, verdict, before, now, lambda other: compared(before, other, gate, seed=seed)
        )
    notes = [
        f"whether the judge '{name}' is calibrated as its rule requires was not looked at"
        for name, rule in gate.rules.items()
        if rule.require_calibration is not None or rule.margin_of == "truth"
    ]
    verdict = _without_true_margins(verdict, gate)
    return replace(verdict, notes=(*verdict.notes, *notes)) if notes else verdict


def _without_true_margins(verdict: Verdict, gate: Gate) -> Verdict:
    """No pass of a rule whose margin is one of the truth: the judge shows a part of a true drop, here an unknown one.

    What is proved worse by the judge's own scores stays so, for the margin of the truth is a smaller one of these.
    """
    rules = tuple(_undecided(rule) if _passes_unknown_margin(rule, gate) else rule for rule in verdict.rules)
    deciding = [rule for rule, old in zip(rules, verdict.rules, strict=True) if rule is not old]
    decided = replace(verdict, rules=rules)
    if verdict.outcome != "pass" or all(rule.role == "advisory" for rule in deciding):
        return decided
    gating = [rule for rule in rules if rule.role != "advisory"]
    return replace(decided, outcome="inconclusive", reason=why("inconclusive", gating))


def _passes_unknown_margin(rule: RuleResult, gate: Gate) -> bool:
    known = gate.rules.get(rule.score)
    # A secondary rule that passes says no more than that nothing is proved to be worse.
    claims = rule.outcome == "pass" and rule.role != "secondary"
    return claims and known is not None and known.margin_of == "truth"


def _undecided(rule: RuleResult) -> RuleResult:
    return replace(rule, outcome="inconclusive", reason=_NO_CALIBRATION)


def compared(baseline: Run | RunTable, candidate: Run | RunTable, gate: Gate, *, seed: int) -> Verdict:
    """`compare` for whoever looks at the calibrations of judges."""
    before, now = _table(baseline), _table(candidate)
    judged, about = gate, tuple[str, ...]()
    if any(name in gate.rules for name in SHIFTING):
        judged, about = against_stored(gate, before.header, now.header)
    seen = look(judged, before, now, one_look(judged), seed=seed)
    verdict = as_verdict(judged, before, now, seen, seed=seed)
    return replace(verdict, notes=(*verdict.notes, *about)) if about and seen.everything else verdict


def nothing_to_compare(
    candidate: Run,
    gate: Gate,
    reason: str,
    *,
    seed: int = 0,
    outcome: Literal["inconclusive", "invalid"] = "invalid",
) -> Verdict:
    """The verdict where there is no baseline: invalid, with the reason, and never "no regression".

    Inconclusive where the run is a part of one that is still to be decided.
    """
    empty = RunTable(RunHeader(run="", dataset="", candidate="", expected_items=0), (), {})
    now = table_from_run(candidate)
    seen = Seen(outcome, with_failures(reason, now, gate))
    return as_verdict(gate, empty, now, seen, seed=seed)


def beside_itself(verdict: Verdict, version: str) -> Verdict:
    """The verdict of a version that was run beside itself, which compares nothing: it is never a pass.

    `version` names it, such as "commit 1a2b3c4". What is broken without a comparison, such as a floor, stays so.
    """
    reason = (
        f"both versions are the same {version} without a change, so nothing was compared and any difference is chance; "
        'compare with another one, such as baseline = "git:merge-base" on a branch'
    )
    if verdict.outcome in ("regression", "invalid"):
        return replace(verdict, notes=(*verdict.notes, reason))
    came_to = f"the version beside itself came to {verdict.outcome}: {verdict.reason}"
    return replace(verdict, outcome="inconclusive", reason=reason, notes=(*verdict.notes, came_to))


def _gate_of(rules: Mapping[str, Rule | Mapping[str, JSON]]) -> Gate:
    if not rules:
        raise ConfigError("there are no rules to decide", hint="give at least one score with its rule")
    return Gate(name="", rules={name: rule_from_mapping(rule, name) for name, rule in rules.items()})


def _table(source: Run | RunTable) -> RunTable:
    return table_from_run(source) if isinstance(source, Run) else source


def _run_or_table(source: Run | RunTable | str | Path | pandas.DataFrame, label: str) -> Run | RunTable:
    if isinstance(source, Run | RunTable):
        return source
    if isinstance(source, str | Path):
        from scoregate.results_file import read_results

        return read_results(Path(source))
    if hasattr(source, "columns"):
        return table_from_frame(source, label)
    raise ResultsError(
        f"the {label} is a {type(source).__name__}",
        hint="give a Run, a path of a results file, or a DataFrame",
    )


def check_decidable(gate: Gate, run: Run) -> None:
    """Raise what the first comparison with this run as the baseline would raise, such as a score without a direction.

    Without a baseline nothing is compared, and a gate that cannot decide would only show it a run later.
    """
    twin = replace(run, header=replace(run.header, run=f"{run.id} again"))
    compare(run, twin, gate)


def compare_with_both(
    gate: Gate, baseline: Run | RunTable, candidate: Run | RunTable, anchor: Run | None, *, seed: int
) -> Verdict:
    """`compare` for a gate that may have an anchor (None where it names none). Raises as `compare` does."""
    verdict = compared(baseline, candidate, main_share(gate), seed=seed)
    return verdict if anchor is None else with_anchor(gate, verdict, anchor, candidate, seed=seed)
