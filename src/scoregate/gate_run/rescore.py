"""A stored run scored again by the gate's present scorers: its outputs stay, no candidate is called."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scoregate.errors import BaselineError, ConfigError, RunInterrupted, ServiceError
from scoregate.files.lock import file_lock
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.gate_run.assembly import Assembly
from scoregate.gate_run.stored_outputs import asked_items, baseline_files, with_outputs
from scoregate.gates.provenance import rescore_command, run_that_was_made
from scoregate.git.checkout import whoami
from scoregate.judge_trust.judges import judges_of, replies_cost, series_of, use_replies
from scoregate.judging.judge import Judge
from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.records.run_facts import Rescored
from scoregate.results_file import write_lock, write_results
from scoregate.runner import session
from scoregate.runner.committer import MEASURED
from scoregate.runner.rescoring import Rescoring, RescoringPlan, StoredOutput
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store
from scoregate.wording import count, dollars, proposed_command

_MEASUREMENTS = frozenset({"latency_seconds", "cost_usd", "tokens"})
"""Arguments of a scorer that a lock file does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that scoring a run again needs; nothing has been called yet."""

    gate: Gate
    before: Run
    """The run as it was scored, with its outputs."""
    header: RunHeader
    """Of the run that is written."""
    plan: RescoringPlan
    use_cache: bool
    """Whether judges may take the replies that the store keeps."""

    @property
    def scorings(self) -> int:
        """Calls of scorers that are still to be made."""
        return len(self._left) * len(self.plan.scorers)

    @property
    def replies(self) -> Mapping[Judge, int]:
        """Replies that have to be asked for at most; what is kept, and what `after` skips, need not be."""
        series = series_of(self.header)
        return {
            judge: sum(
                judge.unasked(one.item, one.run_item.output, trial=one.run_item.trial, series=series)
                for one in self._left
                if one.item is not None
            )
            for judge in judges_of(self.plan.scorers)
        }

    @property
    def _left(self) -> list[StoredOutput]:
        done = self.plan.done
        whole = [one for one in self.plan.outputs if one.run_item.status == "ok"]
        return [one for one in whole if (one.run_item.item, one.run_item.trial) not in done]

    def announcement(self) -> str:
        """What is about to be done, and what it will probably cost where that can be told."""
        asked = self.replies
        new = sum(asked.values())
        replies = f", {f'up to {new:,} new judge replies' if new else 'no new judge reply'}" if asked else ""
        needed = replies_cost(asked, self.plan.store) if new else None
        cost = "" if needed is None else f", up to about {dollars(needed)}"
        kept = f" ({len(self.plan.done):,} are there already)" if self.plan.done else ""
        return (
            f"run {self.header.run}: {count(len(self.plan.outputs), 'stored output')} of "
            f"{run_that_was_made(self.header)}{kept} by {count(len(self.plan.scorers), 'scorer')}: "
            f"{count(self.scorings, 'scoring')}{replies}{cost}; no candidate is called"
        )


def prepare(assembly: Assembly, run: Run, store: Store, *, outputs: Path | None = None) -> Prepared:
    """Make the new run in the store, or find the one that was begun by the same scorers and not finished.

    All scorers are applied again, also those that did not change. Scores that nobody has to make again stay as they
    are: those that were measured, and those that people or evaluators in Langfuse gave. `outputs` is a results file
    that has the outputs.

    Raises ConfigError where outputs or measurements are not there, BaselineError where the dataset items are not.
    """
    run = with_outputs(run, store, outputs)
    items = asked_items(run, assembly.dataset, store, assembly.gate)
    scorers = _applicable(assembly, run)
    applied = {name for scorer in scorers for name in scorer.scores or (scorer.name,)}
    versions = assembly.scorer_versions
    kept: dict[tuple[str, int], list[Score]] = {}
    for score in run.scores:
        theirs = score.source == "human" or score.score in assembly.gate.wait_for
        stays = score.score in MEASURED or theirs or score.score in versions
        if stays and score.score not in applied:
            kept.setdefault((score.item, score.trial), []).append(score)
    # One at a time: a second process goes on with what the first one has begun, or is refused where that is at work.
    with file_lock(store.path.parent / "locks" / "rescoring.lock"):
        header = _begun(run, versions, store) or _begin(assembly, run, store)
    use_replies(scorers, store, [header], read=assembly.use_cache)
    return Prepared(
        gate=assembly.gate,
        before=run,
        header=header,
        use_cache=assembly.use_cache,
        plan=RescoringPlan(
            run=header.run,
            outputs=[
                StoredOutput(item, items.get(item.item), tuple(kept.get((item.item, item.trial), ())))
                for item in run.items
            ],
            store=store,
            scorers=scorers,
            catalog=assembly.gate.catalog,
            expected_scores=assembly.expected_scores,
            optional_scores=assembly.gate.optional_scores,
            limits=assembly.gate.limits,
            done=store.done_cells(header.run),
            in_loops_thread=assembly.in_loops_thread,
        ),
    )


def spent_on(runs: Iterable[str], store: Store) -> float:
    """Dollars that were paid for scoring these runs again, as far as the store still knows them."""
    stored = {summary.run for summary in store.list_runs()}
    return sum(store.totals(run).services_usd or 0.0 for run in runs if run in stored)


def rescore(
    prepared: Prepared,
    store: Store,
    *,
    spent_usd: float = 0.0,
    hint: str | None = None,
    hint_at_cap: str | None = None,
) -> Run:
    """Score what is not scored yet, and return the whole run.

    `spent_usd` was spent on other runs under the same cap. `hint` says how to go on where this does not end well, and
    `hint_at_cap` where the cap ended it.

    Raises RunInterrupted, StoreWriteError, and ServiceError where a judge did not reply: a gap that the service left
    would stay in the baseline, so there is no whole run before all replies are there.
    """
    run, limits = prepared.header.run, prepared.plan.limits
    with store.lock(run):
        # Since it was prepared another process may have scored some, and other runs may have had the judges' replies.
        plan = replace(prepared.plan, done=store.done_cells(run), spent_usd=spent_usd)
        use_replies(plan.scorers, store, [prepared.header], read=prepared.use_cache)
        report = session.drive(lambda: Rescoring(plan), limits.timeout_seconds)
        if not report.complete:
            again = rescore_command(run_that_was_made(prepared.header), prepared.gate)
            hint = hint or f"go on with: {again}"
            if report.unanswered is not None and not report.stopped:
                left = (
                    f"{report.expected - report.done:,} of {report.expected:,} stored outputs are not scored"
                )
                raise ServiceError(
                    f"{left}, the first because: {report.unanswered}; the scores of the others are kept",
                    hint=hint,
                )
            reached = f"reached max_cost_usd = {limits.max_cost_usd:g}" if report.stopped else "stopped"
            if report.stopped:
                hint = hint_at_cap or f"{hint}, with a higher max_cost_usd"
            raise RunInterrupted(
                f"{reached} after {report.done:,} of {report.expected:,} stored outputs, whose scores are kept",
                hint=hint,
            )
        # The outputs are as old as they were, and so is the run.
        store.finish_run(run, prepared.before.header.finished_at or _now())
    return store.load_run(run)


def rewrite(gate: Gate, run: Run, before: Run) -> tuple[Path, ...]:
    """Write anew the gate's baseline and anchor files that hold this run; who accepted them stays. Which they are.

    `before` is the run as it was scored. Raises BaselineError where its outputs lack gated scores that they had: nobody
    accepted such a baseline.
    """
    held = baseline_files(gate, run_that_was_made(run.header))
    lost = _lost(gate, before, run) if held else []
    if lost:
        first = lost[0]
        path = shown_path(gate.path) if gate.path else f"gates/{gate.name}.toml"
        cells = (
            "1 cell that had a value has" if len(lost) == 1 else f"{len(lost):,} cells that had a value have"
        )
        accept = proposed_command("baseline", "accept", path, run.id, "--force", why=True)
        raise BaselineError(
            f"{cells} none now, the first '{first.score}' of item '{first.item}': {first.comment}; "
            "the baseline stays as it is",
            hint=f"mend the scorer, or accept the run as it is: {accept}",
        )
    for file, accepted_run in held.items():
        theirs = accepted_run.header.facts
        facts = run.header.facts.without("accepted").accepted_as(theirs)
        write = write_results if theirs.accepted is None else write_lock
        write(replace(run, header=run.header.with_facts(facts)), file)
    return tuple(held)


def _lost(gate: Gate, before: Run, now: Run) -> list[Score]:
    """Cells of gated scores that are errors now and had a value."""
    had = {(score.item, score.trial, score.score) for score in before.scores if score.status == "ok"}
    return [
        score
        for score in now.scores
        if score.status == "error"
        and score.score in gate.rules
        and (score.item, score.trial, score.score) in had
    ]


def _applicable(assembly: Assembly, run: Run) -> tuple[Scorer, ...]:
    """The scorers that can be applied. Without measurements, what reads them keeps its scores if it did not change."""
    if any(_is_measured(item) for item in run.items) or not run.items:
        return assembly.scorers
    applicable = []
    for scorer in assembly.scorers:
        names = scorer.scores or (scorer.name,)
        if not _MEASUREMENTS & (scorer.accepts or frozenset()):
            applicable.append(scorer)
        elif any(run.header.scorers.get(name) != scorer.version for name in names):
            origin = run_that_was_made(run.header)
            raise ConfigError(
                f"the scorer '{scorer.name}' changed and reads latency, cost or tokens, which are not stored here",
                hint=f"give a results file of run {origin} that has them: --outputs FILE",
            )
    return tuple(applicable)


def _is_measured(item: RunItem) -> bool:
    return item.latency_seconds is not None or item.cost_usd is not None or item.tokens is not None


def _begun(run: Run, versions: dict[str, str], store: Store) -> RunHeader | None:
    """The header of an unfinished run of the same outputs and scorers."""
    origin = run_that_was_made(run.header)
    for summary in store.list_runs():
        if summary.rescored_from == origin and summary.finished_at is None:
            header = store.header(summary.run)
            if dict(header.scorers) == versions and header.trials == run.header.trials:
                return header
    return None


def _begin(assembly: Assembly, run: Run, store: Store) -> RunHeader:
    origin, dataset = run_that_was_made(run.header), assembly.dataset
    facts = replace(
        run.header.facts,
        gate=assembly.gate.name,
        rescored_from=origin,
        rescored=Rescored(whoami(assembly.gate.root), _now()),
    )
    header = replace(
        run.header,
        run=f"{origin}-rescored-{secrets.token_hex(2)}",
        scorers=assembly.scorer_versions,
        finished_at=None,
        metadata=facts.to_metadata(),
    )
    same = header.dataset_fingerprint == dataset.fingerprint
    store.create_run(header, dataset.items if same else ())
    return header


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
