"""`run --rescore-baseline`: the baseline and the anchor as the present scorers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoregate.project.assembly import Assembly
    from scoregate.records import Run
    from scoregate.store import Store


def scored_again(assembly: Assembly, run: Run, store: Store) -> Run:
    """The run, scored by the present scorers where they changed; announced where they have to be called."""
    from scoregate.cli.telling import say
    from scoregate.gates.rescored import rescore_command
    from scoregate.project.baselines import why_stale
    from scoregate.project.rescoring import prepare, rescore
    from scoregate.project.scored_alike import changed_scorers, scored_alike

    gate, versions = assembly.gate, assembly.scorer_versions
    run = scored_alike(gate, run, store, versions)
    changed = changed_scorers(gate, run.header.scorers, versions)
    dataset = why_stale(gate, run, assembly.dataset.fingerprint, run.header.scorers)
    if not changed or dataset:
        return run
    prepared = prepare(assembly, run, store)
    say(f"the scorer of {', '.join(changed)} changed: {prepared.announcement()}")
    again = rescore(prepared, store, hint="give the same command again, which goes on with it")
    say(f"the baseline itself stays as it is; `{rescore_command(run.id, gate)}` keeps the new scores")
    return again
