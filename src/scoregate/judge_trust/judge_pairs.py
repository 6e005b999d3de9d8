"""Two runs beside each other in the eyes of a judge: the answers of each item, asked about in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate
from scoregate.judge_trust.asking_judges import ask_all
from scoregate.judge_trust.judge_trial import judge_of
from scoregate.judge_trust.judges import build_judge
from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge
from scoregate.judging.pairwise import Preference, pair_judge, prefer
from scoregate.records import JSON, DatasetItem, Run
from scoregate.sources import read_gate_dataset
from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one item."""

    item: DatasetItem
    trial: int
    a: JSON
    b: JSON


@dataclass(frozen=True, slots=True)
class Pairs:
    """What two runs have to compare."""

    whole: tuple[Pair, ...]
    left_out: tuple[str, ...]
    """Items, one for each trial, of which at least one of the two runs has no output."""


def judge_of_pairs(gate: Gate, score: str | None) -> Judge:
    """The gate's judge of a score as a judge of pairs. Raises ConfigError."""
    judge = build_judge(gate, pair_judge(judge_of(gate, score).spec))
    judge.spec.template.check(read_gate_dataset(gate).items)
    return judge


def pairs_of(gate: Gate, a: Run, b: Run, *, limit: int | None = None) -> Pairs:
    """The answers that both runs have, of the gate's items, `limit` of them at most; and what is left out in all.

    Raises ConfigError where there is none.
    """
    for run in (a, b):
        if not any(one.has_output for one in run.items):
            raise ConfigError(
                f"run {run.id} has no outputs to compare",
                hint="name a stored run, or a results file with outputs",
            )
    items = {item.id: item for item in read_gate_dataset(gate).items}
    first, second = (
        {(one.item, one.trial): one.output for one in run.items if one.has_output} for run in (a, b)
    )
    pairs = [
        Pair(items[item], trial, output, second[item, trial])
        for (item, trial), output in first.items()
        if (item, trial) in second and item in items
    ]
    if not pairs:
        raise ConfigError(f"runs {a.id} and {b.id} have no item of this gate in common that both answered")
    cells = {(one.item, one.trial) for run in (a, b) for one in run.items if one.item in items}
    left_out = sorted(cells - (first.keys() & second.keys()))
    return Pairs(tuple(pairs[:limit]), tuple(item for item, _ in left_out))


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

    Raises ConfigError for a missing key, before any call, and RunInterrupted where the cap forbids a call or a signal
    ends it.
    """
    judge.check_ready()
    judge.cache = ReplyCache(store, read=read)
    ask = [partial(prefer, judge, pair.item, pair.a, pair.b, trial=pair.trial) for pair in pairs]
    return ask_all(judge, ask, concurrency=concurrency, cap_usd=cap_usd)
