"""One shard of a run: its share of the items, what it cannot go with, and what stands in for its verdict.

Shards of one run are made by jobs that know nothing of each other, and `merge` decides once from the results of all.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from scoregate.errors import ConfigError
from scoregate.gate_run.shares import measured_seconds, shares
from scoregate.gates.compare import nothing_to_compare
from scoregate.records.run_facts import Shard
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from scoregate.gate_file.source import File, GitRevision
    from scoregate.gate_run.assembly import Assembly
    from scoregate.gate_run.request import Request
    from scoregate.records import DatasetItem, Run, Verdict
    from scoregate.store import Store

_MOST = 1_000


def number_and_count(text: str) -> tuple[int, int]:
    """The two numbers of `K/N`. Raises ConfigError."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of <= _MOST:
        raise ConfigError(
            f"'{text}' is no shard",
            where="--shard",
            hint=f"K/N, such as 2/8: one of N shares, K from 1 to N, and N at most {_MOST:,}",
        )
    return number, of


def check_shard(request: Request, assembly: Assembly, against: GitRevision | File | None) -> None:
    """Raises ConfigError where the gate cannot be run in shards as it is asked to be."""
    assert request.shard is not None
    number_and_count(request.shard)
    if request.resume is not None:
        raise ConfigError(
            "--resume goes on with the shard that the run is", where="--shard", hint="leave out --shard"
        )
    if request.selects:
        raise ConfigError(
            "a shard is a share of the whole dataset", where="--shard", hint="leave out the selection"
        )
    if against is not None:
        raise ConfigError(
            f"{against} is run beside the candidate in rounds, each of which is planned from the results of all items",
            where="--shard",
            hint="leave out --shard, or compare with stored results: --baseline FILE",
        )
    if assembly.candidate.script is not None:
        raise ConfigError(
            "a script says its word of the results of all items",
            where="--shard",
            hint="leave out --shard, or give a candidate with a function `task`",
        )
    if request.rescore_baseline:
        raise ConfigError(
            "every shard would have the baseline scored again",
            where="--shard",
            hint=f"do it once: scoregate runs rescore BASELINE --gate {assembly.gate.place}",
        )


def share(asked: str, assembly: Assembly, baseline: Run | None) -> tuple[tuple[DatasetItem, ...], Shard, str]:
    """The items of a shard in the dataset's order, which shard that is, and both in words.

    Slow items are spread by what they took in the baseline, as far as that says it: a lock file does not.
    """
    number, of = number_and_count(asked)
    items = assembly.dataset.items
    places = {item: cluster for item, (cluster, _) in assembly.places(items).items()}
    numbers = shares(places, measured_seconds(baseline.items if baseline is not None else ()), of)
    own = tuple(item for item in items if numbers[item.id] == number)
    shard = Shard(number, of, len(items))
    return own, shard, f"{shard}: {len(own)} of {len(items)} items"


def with_judge_usage(candidate: Run, store: Store) -> Run:
    """The shard with what its judges took, for whoever merges it elsewhere; noted in the store as well."""
    used = {
        usage.score: {key: value for key, value in asdict(usage).items() if key != "score"}
        for usage in store.judge_usage.of_runs(candidate.id)
    }
    if not used:
        return candidate
    header = candidate.header.with_facts(replace(candidate.header.facts, judge_usage=used))
    store.note(header)
    return replace(candidate, header=header)


def undecided(
    request: Request, assembly: Assembly, candidate: Run, shard: Shard
) -> tuple[Verdict, tuple[str, ...]]:
    """What a shard says in place of a verdict: it compares nothing, lest a part of a build decide for the whole.

    A verdict without a comparison, and what to do next.
    """
    merge = f"{proposed_command('merge', request.gate_path)} RESULTS..."
    reason = f"{shard} is done and decides nothing; with the results of all shards: {merge}"
    verdict = nothing_to_compare(candidate, assembly.gate, reason, seed=request.seed, outcome="inconclusive")
    if any(output.startswith("results=") for output in request.outputs):
        return verdict, ()
    export = proposed_command("runs", "export", candidate.id, "-o", f"shard-{shard.number}.jsonl")
    return verdict, (f"its results as a file: {export} (or run it with -o results=FILE)",)
