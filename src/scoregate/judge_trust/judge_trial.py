"""A judge tried on some answers: what it is asked, and what it replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import Gate
from scoregate.judge_trust.asking_judges import ask_all
from scoregate.judge_trust.judges import build_judge, read_judges
from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge, Judgement
from scoregate.judging.template import MissingVariable
from scoregate.records import JSON, DatasetItem
from scoregate.scorers.judge import ChatMessage
from scoregate.sources import read_gate_dataset
from scoregate.store import Store

ASKED_ANEW = "calibration"
"""Series of replies that were asked for because those of the runs were too old to say what the judge does today."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to judge, and where it comes from."""

    item: DatasetItem
    output: JSON
    trial: int
    source: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One answer with what the model is asked about it, and the judgement; None where it is only shown."""

    answer: Answer
    messages: tuple[ChatMessage, ...]
    """Empty where the answer lacks a variable of the prompt."""
    judgement: Judgement | None


def judge_of(gate: Gate, score: str | None) -> Judge:
    """The gate's judge of a score; its only one if none is named. Raises ConfigError."""
    specs = read_judges(gate)
    if not specs:
        raise ConfigError(
            "the gate has no judge", where=str(gate.path), hint='add a [scorers] table with use = "judge"'
        )
    if score is None and len(specs) > 1:
        raise ConfigError(
            f"the gate has {len(specs)} judges", hint=f"name one with --score: {', '.join(sorted(specs))}"
        )
    name = score or next(iter(specs))
    if name not in specs:
        raise ConfigError(f"the gate has no judge '{name}'", hint=did_you_mean(name, specs))
    return build_judge(gate, specs[name])


def answers_to_try(
    gate: Gate,
    store: Store | None,
    *,
    items: Collection[str] = (),
    limit: int = 1,
    run: str | None = None,
    output: JSON = None,
) -> list[Answer]:
    """The first `limit` answers, or those of the named items: of a run (the gate's newest), or `output` itself.

    Raises ConfigError, DatasetError and StoreError.
    """
    dataset = {item.id: item for item in read_gate_dataset(gate).items}
    for name in items:
        if name not in dataset:
            raise ConfigError(f"the dataset has no item '{name}'", hint=_near(name, dataset))
    wanted = list(items) or list(dataset)
    if output is not None:
        chosen = wanted if items else wanted[:limit]
        return [Answer(dataset[name], output, 0, "--output") for name in chosen]
    if store is not None and run is not None:
        run = store.find_run(run)
    elif store is not None:
        run = next((found.run for found in store.list_runs(gate=gate.name) if found.done), None)
    if store is None or run is None:
        raise ConfigError(
            "no run of this gate has an answer yet", hint="run the gate first, or give one with --output TEXT"
        )
    given = {one.item: one for one in reversed(store.load_run(run).items) if one.has_output}
    found = [
        Answer(dataset[name], given[name].output, given[name].trial, f"run {run}")
        for name in wanted
        if name in given
    ]
    if not found:
        raise ConfigError(f"run {run} has no answer to {'these items' if items else 'any item'}")
    return found if items else found[:limit]


def as_output(text: str) -> JSON:
    """What a person gives as an answer: a JSON object or array if it is one, else the text as it is."""
    try:
        value: JSON = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict | list) else text


def try_judge(
    judge: Judge,
    answers: Sequence[Answer],
    store: Store | None,
    *,
    dry: bool,
    concurrency: int = 4,
    read: bool = True,
    cap_usd: float | None = None,
    newer_than: float | None = None,
    announce: Callable[[int], None] | None = None,
) -> list[Tried]:
    """Compile the prompts and, unless `dry`, ask for no more than `cap_usd` together.

    Kept replies that are not `newer_than` that Unix time are asked for anew, and both are kept. `announce` is told how
    many replies are to be asked for. Raises ConfigError for a missing key, and RunInterrupted where the cap forbids a
    call, or a signal ends it.
    """
    compiled = [_compiled(judge, answer) for answer in answers]
    if dry:
        return compiled
    judge.check_ready()
    judge.cache = None if store is None else ReplyCache(store, read=read)
    kept = [judge.unasked(one.item, one.output, trial=one.trial) for one in answers]
    if judge.cache is not None:
        judge.cache = replace(judge.cache, newer_than=newer_than)
    new = [judge.unasked(one.item, one.output, trial=one.trial) for one in answers]
    # What is asked for anew because of its age stands beside the replies that the runs use, and changes no run.
    series = [ASKED_ANEW if more > fewer else "" for more, fewer in zip(new, kept, strict=True)]
    if announce is not None:
        questions = zip(answers, series, strict=True)
        announce(
            sum(judge.unasked(one.item, one.output, trial=one.trial, series=name) for one, name in questions)
        )
    ask = [
        partial(judge.judge, answer.item, answer.output, trial=answer.trial, series=name)
        for answer, name in zip(answers, series, strict=True)
    ]
    judgements = ask_all(judge, ask, concurrency=concurrency, cap_usd=cap_usd)
    return [replace(one, judgement=judgement) for one, judgement in zip(compiled, judgements, strict=True)]


def _compiled(judge: Judge, answer: Answer) -> Tried:
    """What is asked about an answer; where it lacks a variable of the prompt, the error that it is judged as."""
    try:
        return Tried(answer, tuple(judge.messages(answer.item, answer.output)), None)
    except MissingVariable as error:
        return Tried(answer, (), Judgement(value=None, status="error", comment=str(error)))


def _near(name: str, known: Collection[str]) -> str | None:
    hint = did_you_mean(name, known)
    return hint if hint and hint.startswith("did") else None
