"""What `run` does with a run that is complete: compare, decide, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from scoregate.gate_run.run_request import RunRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoregate.gate_run.assembly import Assembly
    from scoregate.records import Run, Verdict
    from scoregate.runner.candidates.script import ScriptEnd
    from scoregate.store.judge_usage import RunUsage


def decide_and_show(
    request: RunRequest,
    assembly: Assembly,
    before: tuple[Run | None, Run | None],
    candidate: Run,
    *,
    script: ScriptEnd | None,
    outputs: list[tuple[str, Path]],
    why_none: str | None,
    url: str | None,
    stdout: TextIO,
    judge_usage: Sequence[RunUsage] = (),
) -> Verdict:
    """The verdict on a run against the baseline and the anchor (`before`), shown and written to `outputs`.

    `why_none` says why there is no baseline, `url` where the run is seen in Langfuse.
    """
    from scoregate.baselines.langfuse_acceptance import other_branch
    from scoregate.cli.present import present
    from scoregate.errors import ScoregateError
    from scoregate.gate_run.scripts import with_script
    from scoregate.gates.acceptance import objections
    from scoregate.gates.anchors import compare_with_both
    from scoregate.gates.compare import check_decidable, nothing_to_compare
    from scoregate.judge_trust.judge_trust import judge_trust
    from scoregate.judge_trust.true_margins import with_true_margins

    gate = assembly.gate
    baseline, anchor = before
    hints = []
    if baseline is not None:
        decided = with_true_margins(gate, candidate.header)
        verdict = compare_with_both(decided, baseline, candidate, anchor, seed=request.seed)
    else:
        verdict = nothing_to_compare(candidate, gate, why_none or "", seed=request.seed)
        if not request.as_json:
            from scoregate.reports.runs import run_summary

            click.echo(run_summary(candidate) + "\n", file=stdout)
        try:
            check_decidable(gate, candidate)
            against = [*objections(candidate, gate), *filter(None, [other_branch(gate, candidate)])]
            if against:
                hints.append(f"this run is no baseline yet: {'; '.join(against)}")
            else:
                hints.append(f'scoregate baseline accept {request.gate_path} {candidate.id} --why "…"')
        except ScoregateError as error:
            hints.append(f"mend the gate before a run is accepted: {error}")
    trust = judge_trust(gate, baseline, candidate)
    hints += trust.commands
    if url is not None:
        hints.append(f"in Langfuse: {url}")
    verdict = with_script(trust.applied(verdict), script)
    present(
        verdict,
        gate,
        baseline=baseline,
        candidate=candidate,
        items=assembly.dataset.items,
        outputs=outputs,
        as_json=request.as_json,
        hints=hints,
        stdout=stdout,
        judge_usage=judge_usage,
    )
    return verdict
