"""Margins of the truth: what they are in the scores of a judge that shows a part of every drop."""

from __future__ import annotations

from dataclasses import replace

from scoregate.calibration.judge_strength import margin_sentence, too_weak, true_margin_sentence
from scoregate.errors import ConfigError
from scoregate.gate_file import DEFAULT_MARGIN, Gate, Rule
from scoregate.judge_trust.calibrations import strength_of
from scoregate.judge_trust.judged_answers import passes_or_fails
from scoregate.records import RunHeader


def with_true_margins(gate: Gate, candidate: RunHeader) -> Gate:
    """The gate with each margin of the truth (`margin_of = "truth"`) as the margin of the judge's scores.

    It is multiplied by the smallest part of a true drop that the judge's calibration leaves possible. Where there is no
    such calibration the margin stays, and `unmet_requirements` makes the rule invalid. Raises ConfigError for a
    calibration that cannot be read.
    """
    rules = {
        name: _scaled(gate, name, rule, candidate) if rule.margin_of == "truth" else rule
        for name, rule in gate.rules.items()
    }
    return replace(gate, rules=rules) if rules != gate.rules else gate


def margin_notes(gate: Gate, candidate: RunHeader) -> tuple[str, ...]:
    """What the margins of calibrated judges mean in truth, a sentence each. `gate` is the one as it was read."""
    notes = []
    for name, rule in gate.rules.items():
        contract = gate.contract(name)
        if contract is None or not passes_or_fails(contract) or rule.reducer is not None:
            continue
        if rule.advisory or (_given(rule) is None and (rule.min, rule.max) != (None, None)):
            continue  # It gates nothing, or only the candidate's own value.
        try:
            strength = strength_of(gate, name, candidate)
        except ConfigError as error:
            notes.append(f"what the margin of '{name}' means in truth cannot be told: {error}")
            continue
        if strength is None:
            continue
        margin = margin_of_rate(rule)
        if rule.margin_of == "judge":
            sentence = margin_sentence(name, margin, strength)
            notes += [sentence] if sentence is not None else []
        elif not too_weak(strength):
            notes.append(true_margin_sentence(name, margin, strength))
    return tuple(notes)


def _scaled(gate: Gate, name: str, rule: Rule, candidate: RunHeader) -> Rule:
    strength = strength_of(gate, name, candidate)
    if strength is None or strength.low is None or too_weak(strength):
        return rule
    margin = margin_of_rate(rule) * strength.low
    return (
        replace(rule, max_increase=margin)
        if rule.max_increase is not None
        else replace(rule, max_drop=margin)
    )


def _given(rule: Rule) -> float | None:
    return rule.max_drop if rule.max_drop is not None else rule.max_increase


def margin_of_rate(rule: Rule) -> float:
    """The margin that the rule gives, or the one that a score has which passes or fails."""
    given = _given(rule)
    return DEFAULT_MARGIN if given is None else given
