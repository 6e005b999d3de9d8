"""The judges of a gate: built and checked before anything is called, and given the store's replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from scoregate.catalog import Contract
from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import Gate
from scoregate.records import RunHeader

# A gate without judges loads nothing of them.
if TYPE_CHECKING:
    from scoregate.judging.judge import Judge
    from scoregate.judging.spec import JudgeSpec
    from scoregate.scorers.scorer import Prerequisite, Scorer
    from scoregate.store import Store


def read_judges(gate: Gate) -> dict[str, JudgeSpec]:
    """Score -> judge, as the gate describes them. Neither a key nor the package is needed. Raises ConfigError."""
    judges = [spec for spec in gate.scorers if spec.is_judge]
    if not judges:
        return {}
    from scoregate.judging.spec import read_judge

    return {spec.name: read_judge(spec, gate.catalog.get(spec.name), root=gate.root) for spec in judges}


def build_judge(gate: Gate, spec: JudgeSpec) -> Judge:
    """A judge under the gate's limits."""
    from scoregate.judging.judge import Judge

    return Judge(spec, timeout_seconds=gate.limits.timeout_seconds, retries=gate.limits.retries)


def judge_scorers(gate: Gate, others: Sequence[Scorer]) -> list[Scorer]:
    """The gate's judges as scorers, each behind those it comes after. `others` are all scorers that are no judges.

    Raises ConfigError, also for a key that is not there.
    """
    specs = read_judges(gate)
    made = {name for scorer in others for name in scorer.scores or ()} | set(specs)
    open_ended = any(scorer.scores is None for scorer in others)
    scorers = []
    for name in _in_order(specs):
        spec = specs[name]
        judge = build_judge(gate, spec)
        judge.check_ready()
        for score in spec.after:
            if score not in made and not open_ended:
                raise ConfigError(
                    f"the judge '{name}' comes after '{score}', and nothing makes that score",
                    where=spec.where,
                    hint=did_you_mean(score, made - {name}),
                )
        after = tuple(_prerequisite(spec, score, gate.contract(score)) for score in spec.after)
        scorers.append(replace(judge.scorer(), after=after))
    return scorers


def judges_of(scorers: Sequence[Scorer]) -> list[Judge]:
    """The judges behind scorers."""
    if all(scorer.service is None for scorer in scorers):
        return []
    from scoregate.judging.judge import Judge

    return [scorer.service for scorer in scorers if isinstance(scorer.service, Judge)]


def use_replies(
    scorers: Sequence[Scorer], store: Store, headers: Sequence[RunHeader] = (), *, read: bool = True
) -> None:
    """Let the judges behind scorers keep their replies in the store, and take them from there if `read`.

    `headers` are those of the runs that will be scored: fresh trials of a confirmation share no reply with the
    trials of the same number that they confirm.
    """
    judges = judges_of(scorers)
    if not judges:
        return
    from scoregate.judging.cache import ReplyCache

    series = {header.run: name for header in headers if (name := series_of(header))}
    for judge in judges:
        judge.cache = ReplyCache(store, read=read, series=series)


def series_of(header: RunHeader) -> str:
    """What tells a run's trials from those of the whole set that have the same numbers; empty for the whole set."""
    fresh = header.facts.round
    return "" if fresh is None else f"round {fresh}"


def replies_cost(replies: Mapping[Judge, int], store: Store) -> float | None:
    """Dollars that so many replies of each judge will probably cost; None where nothing says it of any of them.

    The mean of what replies of that score and model cost so far, whatever the prompt was.
    """
    known = [
        number * mean
        for judge, number in replies.items()
        if judge.spec.price is not None
        and (mean := store.replies.mean_cost(judge.name, judge.spec.model)) is not None
    ]
    return sum(known) if known else None


def _in_order(specs: Mapping[str, JudgeSpec]) -> list[str]:
    """The judges, each behind those that it comes after, else as the gate has them."""
    from graphlib import CycleError, TopologicalSorter

    graph = {name: [score for score in spec.after if score in specs] for name, spec in specs.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = [str(name) for name in error.args[1]]
        raise ConfigError(
            f"judges wait for each other: {' after '.join(circle)}", where=specs[circle[0]].where
        ) from None


def _prerequisite(spec: JudgeSpec, score: str, contract: Contract | None) -> Prerequisite:
    """When `score` has passed, by its contract; without one it must be a boolean."""
    from scoregate.scorers.scorer import Prerequisite

    if contract is None:
        return Prerequisite(score)
    if contract.type == "boolean" or (contract.type == "numeric" and contract.inferred):
        good = contract.direction != "lower"
        return Prerequisite(score, (good,), (not good,))
    if contract.type == "categorical" and contract.passing:
        return Prerequisite(score, contract.passing, None)
    why = "is a text" if contract.type == "text" else "is numeric"
    if contract.type == "categorical":
        why = "is categorical without `pass`"
    raise ConfigError(
        f"the judge '{spec.name}' comes after '{score}', which {why}: nothing says when it has passed",
        where=spec.where,
        hint="name a boolean score, or a categorical one with `pass`",
    )
