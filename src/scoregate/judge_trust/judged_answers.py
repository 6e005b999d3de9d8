"""The answers of a run as its judge and as people see them, in the numbers that the gate counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoregate.catalog import Contract
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.records import Run, RunItem, ScoreValue

if TYPE_CHECKING:
    from scoregate.judge_trust.human_labels import HumanLabel


class LeftOut:
    """An answer that the run's record leaves out: the same as no other, as each of these equals itself only."""


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """One cell: an item in one trial."""

    trial: int
    answer: str | LeftOut | None
    """The output, to be compared with other outputs; None where the candidate gave none."""
    judge: float | None
    """None where the judge gave no value."""
    label: float | None
    """What people say of exactly this output; None where nobody has."""


Answers = Mapping[str, Sequence[JudgedAnswer]]
"""Item -> its cells in the order of the trials."""


def labels_of(gate: Gate, contract: Contract) -> list[HumanLabel]:
    """The labels in the file that the score's rule names; none where it names none. Raises as `read_all_labels`."""
    rule = gate.rules[contract.name]
    if rule.labels is None:
        return []
    from scoregate.judge_trust.human_labels import read_all_labels

    return read_all_labels(shown_path(gate.root / rule.labels), contract, gate, None)


def refuse_unreadable_labels(gate: Gate) -> None:
    """Raises as `labels_of` for the first rule whose labels cannot be read: before a run, rather than after it."""
    for name in gate.rules:
        contract = gate.contract(name)
        if contract is not None:
            labels_of(gate, contract)


def judged_answers(
    contract: Contract, labels: Sequence[HumanLabel], run: Run
) -> dict[str, list[JudgedAnswer]]:
    """Item -> its cells in the order of the trials, without those that the score does not apply to.

    Only a label that holds its output counts, where that is what the candidate answered: an answer that nobody has
    read has no label.
    """
    # What a cell spells as JSON comes first, so that an answer that is exactly the label's text wins over it.
    given = {(one.item, answer): one.label for one in labels for answer in one.answers[1:]}
    given |= {(one.item, one.answers[0]): one.label for one in labels if one.answers}
    scores = {(score.item, score.trial): score for score in run.scores if score.score == contract.name}
    found: dict[str, list[JudgedAnswer]] = {}
    for cell in sorted(run.items, key=lambda cell: cell.trial):
        score = scores.get((cell.item, cell.trial))
        if score is not None and (score.status == "not_applicable" or score.value in contract.ignore):
            continue
        answer = _answer(cell)
        label = given.get((cell.item, answer)) if isinstance(answer, str) else None
        judge = _as_counted(contract, score.value) if score is not None else None
        seen = JudgedAnswer(cell.trial, answer, judge, _as_counted(contract, label))
        found.setdefault(cell.item, []).append(seen)
    return found


def _answer(cell: RunItem) -> str | LeftOut | None:
    if cell.output_left_out:
        return LeftOut()
    if not cell.has_output:
        return None
    from scoregate.judge_trust.human_labels import answer_key

    return answer_key(cell.output)


def answers_of_both(baseline: Answers, candidate: Answers) -> dict[str, set[str]]:
    """Item -> the answers that both versions are known to have given, in whichever trials."""
    return {
        item: {cell.answer for cell in cells if isinstance(cell.answer, str)}
        & {cell.answer for cell in candidate.get(item, ()) if isinstance(cell.answer, str)}
        for item, cells in baseline.items()
    }


def items_left_out(*versions: Answers) -> set[str]:
    """The items of which an answer of any of the versions is left out."""
    return {
        item
        for answers in versions
        for item, cells in answers.items()
        if any(isinstance(cell.answer, LeftOut) for cell in cells)
    }


def _as_counted(contract: Contract, value: ScoreValue) -> float | None:
    """The value as the gate counts it; None for none, and for a category that does not count."""
    if not isinstance(value, str):
        return None if value is None else float(value)
    if contract.ordered:
        return float(contract.grades.index(value)) if value in contract.grades else None
    return None if value in contract.ignore else float(value in contract.passing)


def passes_or_fails(contract: Contract) -> bool:
    """Whether the gate counts each value as 1 or 0."""
    return contract.type == "boolean" or (contract.type == "categorical" and not contract.ordered)
