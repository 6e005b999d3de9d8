"""A gate whose experiment is a script for Langfuse's action: begun with the gate's dataset, asked after the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from scoregate.gate_file import Gate
from scoregate.records import Dataset, ScoreValue, Verdict

if TYPE_CHECKING:
    from scoregate.runner.candidates.script import Handed, Script, ScriptEnd


def beginning(gate: Gate, dataset: Dataset) -> Callable[[Script], Handed]:
    """What begins a script with the SDK's context on this dataset, and says what it hands over."""

    def begin(script: Script) -> Handed:
        from scoregate.langfuse.scripts import ScriptContext

        return script.begin(ScriptContext(script, gate, dataset))

    return begin


def with_script(verdict: Verdict, end: ScriptEnd) -> Verdict:
    """The verdict with the script's word: its regression is one, and a script that failed makes no valid comparison.

    What the gate itself has found stands beside it: a regression that is proved stays one.
    """
    outcome, reason = verdict.outcome, verdict.reason
    if end.outcome is not None:
        if outcome != "regression":
            outcome = end.outcome
        reason = f"{end.reason}; the gate's own comparison is {verdict.outcome}: {reason}"
    evaluated = [f"the script's run evaluation {one.name}: {_shown(one.value)}" for one in end.evaluations]
    notes = (*verdict.notes, *evaluated, *end.notes)
    return replace(verdict, outcome=outcome, reason=reason, notes=notes)


def _shown(value: ScoreValue) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value!s:.60}"
