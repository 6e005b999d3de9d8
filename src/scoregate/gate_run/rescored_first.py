"""`run --rescore-baseline`: the baseline and the anchor are scored again first, under the run's cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scoregate.gate_run.request import Request, rounded_up
from scoregate.records.run_facts import RunFacts

if TYPE_CHECKING:
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.begin import StartedRun
    from scoregate.gate_run.rescore import Prepared
    from scoregate.judging.judge import Judge
    from scoregate.records import Run
    from scoregate.store import Store
    from scoregate.wording import Say


@dataclass(frozen=True, slots=True)
class ScoredFirst:
    """Stored runs that the present scorers are applied to before a run begins; nothing has been called yet."""

    parts: Sequence[Prepared] = ()

    @property
    def facts(self) -> RunFacts:
        """What the run notes of them."""
        return RunFacts(scored_again=tuple(part.header.run for part in self.parts))

    @property
    def replies(self) -> dict[Judge, int]:
        """Replies that have to be asked for at most, of all parts together."""
        asked: dict[Judge, int] = {}
        for part in self.parts:
            for judge, number in part.replies.items():
                asked[judge] = asked.get(judge, 0) + number
        return asked

    def covers(self, run: Run) -> bool:
        """Whether the run's outputs are among them."""
        from scoregate.gates.provenance import run_that_was_made

        return run_that_was_made(run.header) in {run_that_was_made(part.header) for part in self.parts}

    def announce(self, say: Say) -> None:
        """Say of each part why it is scored again, and how much that is."""
        from scoregate.baselines.load import changed_scorers

        for part in self.parts:
            changed = changed_scorers(part.gate, part.before.header.scorers, part.header.scorers)
            say(f"the scorer of {', '.join(changed)} changed: {part.announcement()}")

    def spent_usd(self, started: StartedRun, store: Store, *, without: str | None = None) -> float:
        """Dollars that were paid so far for scoring runs again for this one, in earlier sessions of it too."""
        runs = set(started.header.facts.scored_again) | {part.header.run for part in self.parts}
        if not runs:
            return 0.0
        from scoregate.gate_run.rescore import spent_on

        return spent_on(runs - {without}, store)

    def score(
        self, request: Request, store: Store, started: StartedRun, needed_usd: float | None, say: Say
    ) -> None:
        """Score what is not scored yet. Raises as `rescore`, with the command that goes on with the run, whose cap is
        `needed_usd` where that is known."""
        if not self.parts:
            return
        from scoregate.gate_run.rescore import rescore
        from scoregate.gates.provenance import rescore_command

        run = started.header.run
        go_on = f"go on with: {request.resume_command(run)}"
        at_cap = f"{go_on}, with a higher --max-cost"
        if needed_usd:
            raised = replace(request, max_cost=rounded_up(needed_usd))
            at_cap = f"go on with: {raised.resume_command(run)}"
        for part in self.parts:
            own = store.totals(run).cost_usd or 0.0
            spent = own + self.spent_usd(started, store, without=part.header.run)
            rescore(part, store, spent_usd=spent, hint=go_on, hint_at_cap=at_cap)
            command = rescore_command(part.before.id, part.gate)
            say(f"the baseline itself stays as it is; `{command}` keeps the new scores")


def scored_first(assembly: Assembly, runs: Sequence[Run], store: Store) -> ScoredFirst:
    """What of these has to be scored again before a run of the present scorers can be compared with it."""
    from scoregate.baselines.load import changed_scorers, why_stale
    from scoregate.gate_run.rescore import prepare
    from scoregate.gates.provenance import run_that_was_made

    gate, versions = assembly.gate, assembly.scorer_versions
    parts: dict[str, Prepared] = {}
    for run in runs:
        changed = changed_scorers(gate, run.header.scorers, versions)
        dataset = why_stale(gate, run, assembly.dataset, run.header.scorers)
        origin = run_that_was_made(run.header)
        if changed and not dataset and origin not in parts:
            parts[origin] = prepare(assembly, run, store)
    return ScoredFirst(tuple(parts.values()))
