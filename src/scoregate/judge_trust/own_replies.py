"""Which stored runs measure a judge by themselves: those none of whose replies stands behind another run's scores too.

Two runs of one version whose answers to an item are equal share the judge's reply, and differ less than two
measurements do; trials of one run never share one. Where a build answers otherwise than its baseline the judge is asked
anew, so the noise that a gate has to be planned for is the judge's whole noise, of replies that are not shared; a build
that answers alike shares its replies with the baseline and only does better than planned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoregate.gate_file import Gate
from scoregate.store import Store


def gating_judges(gate: Gate) -> tuple[str, ...]:
    """The judges whose scores can break the gate."""
    judges = {spec.name for spec in gate.scorers if spec.is_judge}
    return tuple(name for name in gate.gated_scores if name in judges)


def asked_for_itself(run: str, judges: Sequence[str], store: Store | None) -> bool:
    """Whether every reply on the run's answers was asked for by this run: none came from the cache.

    False also where the store does not know it, as of a run from a file.
    """
    if not judges:
        return True
    if store is None:
        return False
    used = {usage.score: usage for usage in store.judge_usage.of_runs(run)}
    return all(name in used and used[name].replies and not used[name].from_cache for name in judges)


def measuring_runs(
    runs: Sequence[str], trials: Mapping[str, int], judges: Sequence[str], store: Store
) -> list[str]:
    """Of runs of one version those that are measurements of its judges too; all of them without a judge.

    Those that asked for every reply themselves, or one run alone where that has more trials; in the order given.
    """
    own = [run for run in runs if asked_for_itself(run, judges, store)]
    largest = max(runs, key=lambda run: trials[run])
    return own if sum(trials[run] for run in own) >= trials[largest] else [largest]
