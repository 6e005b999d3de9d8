"""What human labels of a part of a run's answers make of the value that its judge gives it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scoregate.calibration.corrected_value import CorrectedValue
from scoregate.catalog import Contract
from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate
from scoregate.project.human_labels import HumanLabel, read_labels
from scoregate.project.places import shown_path
from scoregate.records import JSON, Run, ScoreValue


def corrected_values(gate: Gate, run: Run) -> dict[str, CorrectedValue | str]:
    """Score -> its value with the correction, for scores whose rule names labels; where there is none, why.

    Only a label that holds its output counts, where that is what the run's candidate answered: an answer that
    nobody has read has no label. Nothing here decides, so that nothing here raises.
    """
    found: dict[str, CorrectedValue | str] = {}
    for name, rule in gate.rules.items():
        contract = gate.contract(name)
        if rule.labels is None or contract is None:
            continue
        try:
            labels = read_labels(shown_path(gate.root / rule.labels), contract, gate, None)
        except ScoregateError as error:
            found[name] = f"the labels cannot be read: {error}"
            continue
        found[name] = _corrected(contract, labels, run)
    return found


def _corrected(contract: Contract, labels: Sequence[HumanLabel], run: Run) -> CorrectedValue | str:
    import numpy as np

    from scoregate.calibration.corrected_value import corrected_value

    ends = _ends(contract)
    if ends is None:
        return "a score without a smallest and a largest value has no corrected one"
    if run.header.trials != 1:
        return "the corrected value is that of runs of one trial"
    low, high = ends
    given = {(label.item, _key(label.output)): label for label in labels if label.has_output}
    scores = {score.item: score for score in run.scores if score.score == contract.name}
    judge, human = [], []
    for answer in run.items:
        score = scores.get(answer.item)
        if score is not None and score.status == "not_applicable":
            continue
        value = _number(contract, score.value) if score is not None and score.value is not None else None
        if value is None and score is not None and score.value is not None:
            continue  # a category that does not count
        worst = high if contract.direction == "lower" else low
        judge.append(worst if value is None else value)
        label = given.get((answer.item, _key(answer.output))) if answer.status == "ok" else None
        wanted = None if label is None else _number(contract, label.label)
        human.append(float("nan") if wanted is None else wanted)
    known = np.array(human, dtype=np.float64)
    if not len(known) or bool(np.isnan(known).all()):
        bare = "" if given else "; none of them says which output it is of"
        return f"none of the {len(labels):,} labels is of an answer in this run{bare}"
    return corrected_value(np.array(judge, dtype=np.float64), known, low=low, high=high)


def _ends(contract: Contract) -> tuple[float, float] | None:
    if contract.ordered:
        return 0.0, len(contract.grades) - 1.0
    if contract.type == "numeric":
        return None if contract.min is None or contract.max is None else (contract.min, contract.max)
    return 0.0, 1.0


def _number(contract: Contract, value: ScoreValue) -> float | None:
    """The value as the gate counts it; None for a category that does not count."""
    if not isinstance(value, str):
        return None if value is None else float(value)
    if contract.ordered:
        return float(contract.grades.index(value)) if value in contract.grades else None
    return None if value in contract.ignore else float(value in contract.passing)


def _key(output: JSON) -> str:
    return json.dumps(output, sort_keys=True)
