"""The verdict as scores of the experiment, so that a reader of Langfuse sees what the gate said."""

from __future__ import annotations

import json

from scoregate.langfuse import ids
from scoregate.langfuse.score_body import ScoreParent, score_body
from scoregate.records import RunHeader, Verdict
from scoregate.store.outbox import RunScore

VERDICT = "gate_verdict"
"""Name of the score that holds the outcome."""


def verdict_scores(verdict: Verdict, header: RunHeader, environment: str) -> list[RunScore]:
    """The run scores of every trial: the outcome, and what each rule found on the whole set.

    Raises ContractError, ConfigError for what the server would not take.
    """
    found: dict[str, tuple[str | float, str]] = {VERDICT: (verdict.outcome, verdict.reason)}
    for rule in verdict.rules:
        if rule.slice is None and rule.against == "baseline" and rule.candidate_value is not None:
            comment = f"{rule.outcome}: {rule.reason}"
            found[f"{rule.score} {rule.statistic}"] = (rule.candidate_value, comment)
    return [
        _run_score(header.run, trial, name, value, comment, environment)
        for trial in range(header.trials)
        for name, (value, comment) in found.items()
    ]


def _run_score(
    run: str, trial: int, name: str, value: str | float, comment: str, environment: str
) -> RunScore:
    score_id = ids.run_score_id(run, trial, name)
    body = score_body(
        name,
        value,
        contract=None,
        parent=ScoreParent.run(ids.experiment_id(run, trial)),
        score_id=score_id,
        environment=environment,
        comment=comment,
    )
    return RunScore(score_id, trial, json.dumps(body, ensure_ascii=False))
