"""The verdict as scores of the experiment, so that a reader of Langfuse sees what the gate said."""

from __future__ import annotations

from scoregate.langfuse import ids
from scoregate.langfuse.score_body import ScoreParent, score_body
from scoregate.records import JSON, RunHeader, Verdict

VERDICT = "gate_verdict"
"""Name of the score that holds the outcome."""


def verdict_scores(verdict: Verdict, header: RunHeader, environment: str) -> list[dict[str, JSON]]:
    """Bodies of the run scores of every trial: the outcome, and what each rule found on the whole set."""
    bodies = []
    for trial in range(header.trials):
        parent = ScoreParent.run(ids.experiment_id(header.run, trial))

        def body(
            name: str, value: str | float, comment: str, trial: int = trial, parent: ScoreParent = parent
        ) -> None:
            bodies.append(
                score_body(
                    name,
                    value,
                    contract=None,
                    parent=parent,
                    score_id=ids.run_score_id(header.run, trial, name),
                    environment=environment,
                    comment=comment,
                )
            )

        body(VERDICT, verdict.outcome, verdict.reason)
        for rule in verdict.rules:
            if rule.slice is None and rule.against == "baseline" and rule.candidate_value is not None:
                body(f"{rule.score} {rule.statistic}", rule.candidate_value, f"{rule.outcome}: {rule.reason}")
    return bodies
