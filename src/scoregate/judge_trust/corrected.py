"""What human labels of a part of a run's answers make of the values that its judge gives it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scoregate.calibration.corrected_value import (
    CorrectedDifference,
    CorrectedValue,
    corrected_difference_of,
    corrected_value,
)
from scoregate.catalog import Contract
from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate, Rule
from scoregate.judge_trust.judged_answers import JudgedAnswer, judged_answers, labels_of
from scoregate.judge_trust.selected_labels import Answers, doubt, first_trial, judged
from scoregate.records import Run

if TYPE_CHECKING:
    from scoregate.judge_trust.human_labels import HumanLabel


def corrected_values(
    gate: Gate, candidate: Run, baseline: Run | None = None
) -> dict[str, CorrectedValue | str]:
    """Score -> its value with the correction, for scores whose rule names labels; where there is none, why.

    With a baseline the difference from it is corrected too. Nothing here decides, so that nothing here raises.
    """
    found: dict[str, CorrectedValue | str] = {}
    for name, rule in gate.rules.items():
        contract = gate.contract(name)
        if rule.labels is None or contract is None:
            continue
        try:
            labels = labels_of(gate, contract)
        except ScoregateError as error:
            found[name] = f"the labels cannot be read: {error}"
            continue
        value = _corrected(contract, labels, candidate, baseline)
        found[name] = (
            value if isinstance(value, str) else replace(value, unseen=_unseen(value, contract, rule))
        )
    return found


def _unseen(value: CorrectedValue, contract: Contract, rule: Rule) -> str | None:
    """A loss of more than the margin that the labels prove, where the raw difference is smaller."""
    margin = rule.max_drop if rule.max_drop is not None else rule.max_increase
    if value.difference is None or margin is None:
        return None
    people, raw = value.difference.prediction_powered, value.difference.raw
    if people.value is None or people.low is None or people.high is None or raw.value is None:
        return None
    sign = -1.0 if contract.direction == "lower" else 1.0
    nearest = people.high if sign > 0 else -people.low
    if nearest >= -margin or sign * raw.value <= -margin:
        return None
    return (
        f"by the labels the candidate is worse by {abs(people.value):.3g} [{people.low:.3g}, {people.high:.3g}], more "
        f"than the margin of {margin:g}, and the judge's scores, which decide, do not show it: mend the judge"
    )


def _corrected(
    contract: Contract, labels: Sequence[HumanLabel], candidate: Run, baseline: Run | None
) -> CorrectedValue | str:
    ends = _ends(contract)
    if ends is None:
        return "a score without a smallest and a largest value has no corrected one"
    low, high = ends
    worst = high if contract.direction == "lower" else low
    now = judged_answers(contract, labels, candidate)
    first = first_trial(now)
    answered = [cell for cell in first.values() if cell.answer is not None]
    if all(cell.label is None for cell in answered):
        bare = "" if any(one.has_output for one in labels) else "; none of them says which output it is of"
        of_trial = " in the first trial of" if candidate.header.trials > 1 else " in"
        return f"none of the {len(labels):,} labels is of an answer{of_trial} this run{bare}"
    value = corrected_value(
        _floats(judged(cell, worst) for cell in answered),
        _floats(_label(cell) for cell in answered),
        low=low,
        high=high,
        known=_floats([worst] * (len(first) - len(answered))),
        raw=_floats(_mean_of_trials(cells, worst) for cells in now.values()),
    )
    before = {} if baseline is None else judged_answers(contract, labels, baseline)
    return replace(
        value,
        difference=_difference(before, now, worst=worst, scale=high - low) if before else None,
        doubt=doubt(before, now, worst=worst),
    )


def _difference(before: Answers, now: Answers, *, worst: float, scale: float) -> CorrectedDifference | None:
    items = [item for item in now if item in before]
    if not items:
        return None
    then, first = first_trial(before), first_trial(now)
    pairs = [(then[item], first[item]) for item in items if item in then and item in first]
    # Two answers that never came are as equal as two that are the same; a single one counts as the worst. An answer
    # that was left out is not known to be the same as any, so that its item counts as one without a label.
    differ = [(b, c) for b, c in pairs if b.answer != c.answer]
    return corrected_difference_of(
        _floats(judged(c, worst) - judged(b, worst) for b, c in differ),
        _floats(_known(c, worst) - _known(b, worst) for b, c in differ),
        same=len(pairs) - len(differ),
        raw=_floats(
            _mean_of_trials(now[item], worst) - _mean_of_trials(before[item], worst) for item in items
        ),
        scale=scale,
    )


def _label(cell: JudgedAnswer) -> float:
    return float("nan") if cell.label is None else cell.label


def _known(cell: JudgedAnswer, worst: float) -> float:
    """What an answer is worth: nothing where there is none, else what people say, NaN where nobody has."""
    return worst if cell.answer is None else _label(cell)


def _mean_of_trials(cells: Sequence[JudgedAnswer], worst: float) -> float:
    return sum(judged(cell, worst) for cell in cells) / len(cells)


def _ends(contract: Contract) -> tuple[float, float] | None:
    if contract.ordered:
        return 0.0, len(contract.grades) - 1.0
    if contract.type == "numeric":
        return None if contract.min is None or contract.max is None else (contract.min, contract.max)
    return 0.0, 1.0


def _floats(values: Iterable[float]) -> NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)
