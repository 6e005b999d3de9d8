"""What human labels of a part of a run's answers make of the values that its judge gives it.

With it what speaks against these labels being a random part of all answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from scoregate.judge_trust.judged_answers import (
    Answers,
    JudgedAnswer,
    items_left_out,
    judged_answers,
    labels_of,
)
from scoregate.records import Run
from scoregate.statistics.differential import compare_errors

if TYPE_CHECKING:
    from scoregate.judge_trust.human_labels import HumanLabel

_First = Mapping[str, JudgedAnswer]

_NOT_BY_CHANCE = 0.01
"""What labels drawn at random show so seldom says that they were not."""


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
    first = _first_trial(now)
    answered = [cell for cell in first.values() if cell.answer is not None]
    if all(cell.label is None for cell in answered):
        bare = "" if any(one.has_output for one in labels) else "; none of them says which output it is of"
        of_trial = " in the first trial of" if candidate.header.trials > 1 else " in"
        return f"none of the {len(labels):,} labels is of an answer{of_trial} this run{bare}"
    value = corrected_value(
        _floats(_judged(cell, worst) for cell in answered),
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
        doubt=why_not_random(before, now, worst=worst),
    )


def _difference(before: Answers, now: Answers, *, worst: float, scale: float) -> CorrectedDifference | None:
    items = [item for item in now if item in before]
    if not items:
        return None
    then, first = _first_trial(before), _first_trial(now)
    pairs = [(then[item], first[item]) for item in items if item in then and item in first]
    # Two answers that never came are as equal as two that are the same; a single one counts as the worst. An answer
    # that was left out is not known to be the same as any, so that its item counts as one without a label.
    differ = [(b, c) for b, c in pairs if b.answer != c.answer]
    return corrected_difference_of(
        _floats(_judged(c, worst) - _judged(b, worst) for b, c in differ),
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
    return sum(_judged(cell, worst) for cell in cells) / len(cells)


def _ends(contract: Contract) -> tuple[float, float] | None:
    if contract.ordered:
        return 0.0, len(contract.grades) - 1.0
    if contract.type == "numeric":
        return None if contract.min is None or contract.max is None else (contract.min, contract.max)
    return 0.0, 1.0


def _floats(values: Iterable[float]) -> NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)


def why_not_random(before: Answers, now: Answers, *, worst: float) -> str | None:
    """Why the labels are hardly a random part of the answers in the first trial; None where nothing says so.

    `before` are the baseline's answers, none where there is no baseline; `worst` is what an answer counts that the
    judge gave no score. Labels may be those of the baseline's answers, of items that answer alike in every trial, or of
    what looked odd to somebody; all three show in what the judge, or the versions, say of the labelled ones.
    """
    first, old = _first_trial(now), _first_trial(before)
    answered = {item: cell for item, cell in first.items() if cell.answer is not None}
    # Of an answer that was left out nobody knows which others it is the same as.
    unknown = items_left_out(before, now)
    known = {item: cell for item, cell in answered.items() if item not in unknown}
    found = (
        _of_old_answers(old, known) if old else None,
        _of_steady_items(now, known),
        _by_the_judge(answered, worst),
        _by_the_judges_difference(old, first, worst),
    )
    said = [one for one in found if one is not None]
    return f"the labels are no random part of the answers: {'; '.join(said)}" if said else None


def _first_trial(answers: Answers) -> dict[str, JudgedAnswer]:
    """Item -> its cell in the first trial, of the items that have one."""
    return {item: cells[0] for item, cells in answers.items() if cells[0].trial == 0}


def _judged(cell: JudgedAnswer, worst: float) -> float:
    """The judge's score as the gate counts it: none is the worst."""
    return worst if cell.judge is None else cell.judge


def _of_old_answers(old: _First, answered: _First) -> str | None:
    """Labels of the baseline's answers are labels of the candidate's too where it says the same."""
    same = {item for item, cell in answered.items() if item in old and old[item].answer == cell.answer}
    shares = _labelled_shares(answered, same)
    if shares is None:
        return None
    labelled, others = shares
    return (
        f"{labelled} that the baseline gave too are labelled, and {others} others, "
        "so that the corrected value leans to the former"
    )


def _of_steady_items(now: Answers, answered: _First) -> str | None:
    """Labels of any trial meet the first one's answer where all are the same, which are the easy items."""
    steady = {item for item in answered if len({cell.answer for cell in now[item]}) == 1}
    shares = _labelled_shares(answered, steady)
    if shares is None:
        return None
    labelled, others = shares
    return (
        f"in the first trial, which counts, {labelled} items that answer the same in every trial are labelled, "
        f"and {others} others"
    )


def _by_the_judge(answered: _First, worst: float) -> str | None:
    """The judge's own scores of what is labelled and of what is not."""
    if not answered:
        return None
    scores = {item: _judged(cell, worst) for item, cell in answered.items()}
    mean = sum(scores.values()) / len(scores)
    labelled = {item: scores[item] < mean for item, cell in answered.items() if cell.label is not None}
    others = {item: scores[item] < mean for item in answered if item not in labelled}
    shares = compare_errors(others, labelled)
    if shares.p_value > _NOT_BY_CHANCE:
        return None
    (low, of), (others_low, of_others) = shares.candidate, shares.baseline
    return (
        f"the judge scores {low:,} of the {of:,} labelled ones below its mean, and {others_low:,} of the "
        f"{of_others:,} others"
    )


def _by_the_judges_difference(old: _First, first: _First, worst: float) -> str | None:
    """The same of the differences, where the answers differ: those that the judge sees as lost, and as won."""
    pairs = {
        item: (old[item], cell)
        for item, cell in first.items()
        if item in old and old[item].answer != cell.answer
    }
    moved = {item: _judged(now, worst) - _judged(before, worst) for item, (before, now) in pairs.items()}
    # An answer that never came is known to be the worst and needs no label.
    known = {
        item
        for item, pair in pairs.items()
        if all(one.answer is None or one.label is not None for one in pair)
    }
    for word, sign in (("worse", -1), ("better", 1)):
        hits = {item: sign * difference > 0 for item, difference in moved.items()}
        labelled = {item: hit for item, hit in hits.items() if item in known}
        shares = compare_errors({item: hit for item, hit in hits.items() if item not in known}, labelled)
        if shares.p_value <= _NOT_BY_CHANCE / 2:
            (some, of), (others, of_others) = shares.candidate, shares.baseline
            return (
                f"of the items with two different answers {some:,} of the {of:,} that are labelled in both versions "
                f"are {word} by the judge, and {others:,} of the {of_others:,} others"
            )
    return None


def _labelled_shares(answered: _First, chosen: set[str]) -> tuple[str, str] | None:
    """How many of the chosen items and of the others are labelled, `60 of the 1,319`, where that is no chance."""
    labelled = {item: cell.label is not None for item, cell in answered.items()}
    shares = compare_errors(
        {item: yes for item, yes in labelled.items() if item not in chosen},
        {item: yes for item, yes in labelled.items() if item in chosen},
    )
    if shares.p_value > _NOT_BY_CHANCE:
        return None
    said = [f"{share:,} of the {of:,}" for share, of in (shares.candidate, shares.baseline)]
    return said[0], said[1]
