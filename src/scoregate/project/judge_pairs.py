"""Two runs beside each other in the eyes of a judge: the answers of each item, asked about in both orders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate
from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge
from scoregate.judging.pairwise import Preference, pair_judge, prefer
from scoregate.project.assembly import read_gate_dataset
from scoregate.project.judge_trial import asked_under_cap, judge_of
from scoregate.project.judges import build_judge
from scoregate.records import JSON, DatasetItem, Run
from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one item."""

    item: DatasetItem
    trial: int
    a: JSON
    b: JSON


def judge_of_pairs(gate: Gate, score: str | None) -> Judge:
    """The gate's judge of a score as a judge of pairs. Raises ConfigError."""
    judge = build_judge(gate, pair_judge(judge_of(gate, score).spec))
    judge.spec.template.check(read_gate_dataset(gate).items)
    return judge


def pairs_of(gate: Gate, a: Run, b: Run, *, limit: int | None = None) -> list[Pair]:
    """The answers that both runs have, of the gate's items. Raises ConfigError where there is none."""
    for run in (a, b):
        if all(one.output is None for one in run.items):
            raise ConfigError(
                f"run {run.id} has no outputs to compare",
                hint="name a stored run, or a results file with outputs",
            )
    items = {item.id: item for item in read_gate_dataset(gate).items}
    outputs = {(one.item, one.trial): one.output for one in b.items if one.status == "ok"}
    pairs = [
        Pair(items[one.item], one.trial, one.output, outputs[one.item, one.trial])
        for one in a.items
        if one.status == "ok" and (one.item, one.trial) in outputs and one.item in items
    ]
    if not pairs:
        raise ConfigError(f"runs {a.id} and {b.id} have no item of this gate in common that both answered")
    return pairs[:limit]


def prefer_all(
    judge: Judge,
    pairs: Sequence[Pair],
    store: Store,
    *,
    concurrency: int,
    read: bool = True,
    cap_usd: float | None = None,
) -> list[Preference]:
    """Ask about every pair, `concurrency` calls at once, for no more than `cap_usd` together.

    Raises ConfigError for a missing key, before any call, and RunInterrupted where the cap forbids a call.
    """
    judge.check_ready()
    judge.cache = ReplyCache(store, read=read)
    ask = [partial(prefer, judge, pair.item, pair.a, pair.b, trial=pair.trial) for pair in pairs]
    return asyncio.run(asked_under_cap(judge, ask, concurrency, cap_usd))
