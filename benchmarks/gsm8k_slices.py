"""A fault planted in one slice of real questions: is it found, and is the slice named?

The answers are real: the recorded solutions of four models on the test questions of GSM8K, scored by the shipped
`numeric_match`. Each question has one solution of each model, so trials are made by an agent that hands every trial
to one of the models at random, mostly to the best (3 in 4); its trials differ as far as the models' answers differ.
Baseline and candidate are both this agent. A build takes 300 questions, 50 of them of one slice; on these the
candidate is made to answer 30 points fewer right, by spoiling right answers: of any trial at random (diffuse), or all
of some questions (concentrated). Decided on 3 stored trials of each, slices by steps of the solution and by length.
"""

from __future__ import annotations

import json
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

import click
import numpy as np
from figures import exact_interval
from measuring import worker_pool
from numpy.typing import NDArray
from run_tables import cells
from tabulate import tabulate

from scoregate import Gate, Rule, compare
from scoregate.gate_file import ScorerSpec
from scoregate.gates.table import Column, RunTable
from scoregate.records import DatasetItem, RunHeader, RunItem
from scoregate.scorers.library import build
from scoregate.scorers.scorer import score_item

_MODELS = ("175b_verification", "175b_finetuning", "6b_verification", "6b_finetuning")
_SHARES = (0.75, 0.25 / 3, 0.25 / 3, 0.25 / 3)
_SCORE = "answer_correctness"
_ITEMS, _IN_SLICE, _TRIALS, _DROP = 300, 50, 3, 0.30
_FOUND_AT_LEAST = 0.94
_FALSE_ALARM = 0.016
_CHUNK = 25
_GATE = Gate(
    name="gsm8k",
    rules={_SCORE: Rule(max_drop=0.05)},
    slices={"steps": "metadata.steps", "length": "metadata.length"},
)
_NUMBER = ScorerSpec(
    name=_SCORE, use="numeric_match", arguments={"pattern": r"A:\s*(.*)", "expected_path": "answer"}
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planted; no slice: nothing."""

    name: str | None = None
    value: str | None = None
    kind: Literal["diffuse", "concentrated"] = "diffuse"

    @property
    def label(self) -> str:
        return f"{self.name}={self.value}" if self.name else "nothing"


PLANS = (
    Plan(),
    *(
        Plan(name, value, kind)
        for name, value in (("steps", "1-2"), ("steps", "3-4"), ("length", "short"), ("length", "long"))
        for kind in ("diffuse", "concentrated")
    ),
)


@dataclass(frozen=True, slots=True)
class Questions:
    """The recorded answers."""

    ids: tuple[str, ...]
    right: NDArray[np.bool_]
    """(questions, models)."""
    slices: tuple[dict[str, str], ...]


@cache
def read_questions(data: Path) -> Questions:
    """Score all recorded solutions."""
    lines = (data / "dataset.jsonl").read_text(encoding="utf-8").splitlines()
    items = [DatasetItem(**json.loads(line)) for line in lines]
    scorer = build(_NUMBER)
    right = np.zeros((len(items), len(_MODELS)), dtype=bool)
    for column, model in enumerate(_MODELS):
        recorded = (data / f"outputs.{model}.jsonl").read_text(encoding="utf-8").splitlines()
        outputs = {line["id"]: line["output"] for line in map(json.loads, recorded)}
        for row, item in enumerate(items):
            run_item = RunItem(item=item.id, trial=0, status="ok", output=outputs[item.id])
            right[row, column] = score_item(scorer, item, run_item)[0].value is True
    slices = tuple({key: str(item.metadata[key]) for key in _GATE.slices} for item in items)
    return Questions(tuple(item.id for item in items), right, slices)


@dataclass(frozen=True, slots=True)
class Found:
    """What the gate said of one build."""

    regression: bool
    named: bool
    """The planted slice is among what is proved worse."""


def one_build(data: Path, plan: Plan, seed: int, number: int) -> Found:
    rng = np.random.default_rng((seed, zlib.crc32(f"{plan.label} {plan.kind}".encode()), number))
    questions = read_questions(data)
    chosen, faulty = _sample(rng, questions, plan)
    baseline, candidate = (_answers(rng, questions.right[chosen]) for _ in ("baseline", "candidate"))
    if plan.name:
        rate = float((questions.right[chosen][faulty] @ np.array(_SHARES)).mean())
        shape = (_ITEMS, _TRIALS) if plan.kind == "diffuse" else (_ITEMS, 1)
        candidate &= ~(faulty[:, None] & (rng.random(shape) < _DROP / rate))
    before = _table(questions, chosen, baseline, "baseline")
    now = _table(questions, chosen, candidate, "candidate")
    verdict = compare(before, now, _GATE, seed=number)
    broken = {rule.slice for rule in verdict.rules if rule.outcome == "regression"}
    return Found(verdict.outcome == "regression", plan.label in broken)


def _sample(
    rng: np.random.Generator, questions: Questions, plan: Plan
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Positions of the questions of a build, ascending, and which of them are in the planted slice."""
    if plan.name is None:
        chosen = np.sort(rng.choice(len(questions.ids), _ITEMS, replace=False))
        return chosen, np.zeros(_ITEMS, dtype=bool)
    inside = np.array([slices[plan.name] == plan.value for slices in questions.slices])
    chosen = np.concatenate(
        [
            rng.choice(np.flatnonzero(inside), _IN_SLICE, replace=False),
            rng.choice(np.flatnonzero(~inside), _ITEMS - _IN_SLICE, replace=False),
        ]
    )
    chosen.sort()
    return chosen, inside[chosen]


def _answers(rng: np.random.Generator, right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N, k): whether the model that a trial is handed to was right."""
    model = rng.choice(len(_MODELS), size=(_ITEMS, _TRIALS), p=_SHARES)
    return np.take_along_axis(right, model, axis=1)


def _table(questions: Questions, chosen: NDArray[np.intp], values: NDArray[np.bool_], label: str) -> RunTable:
    ids = tuple(questions.ids[i] for i in chosen)
    column = Column(
        np.repeat(np.arange(_ITEMS), _TRIALS),
        np.tile(np.arange(_TRIALS), _ITEMS),
        cells(values.astype(float).ravel()),
    )
    slices = {questions.ids[i]: questions.slices[i] for i in chosen}
    header = RunHeader(run=label, dataset="gsm8k", candidate=label, expected_items=_ITEMS, trials=_TRIALS)
    return RunTable(header, ids, {_SCORE: column}, slices=slices)


def _some_builds(data: Path, plan: Plan, seed: int, numbers: range) -> Counter[str]:
    counts = Counter[str]()
    for number in numbers:
        found = one_build(data, plan, seed, number)
        counts.update(regression=found.regression, named=found.named)
    return counts


@click.command(help=__doc__)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with dataset.jsonl and outputs.MODEL.jsonl.",
)
@click.option("--builds", default=400, show_default=True, help="Builds of each planted fault.")
@click.option("--false-alarm-builds", default=3000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True)
def main(data: Path, builds: int, false_alarm_builds: int, seed: int, workers: int) -> None:
    began = time.perf_counter()
    lines, failed = [], False
    with worker_pool(workers) as pool:
        for plan in PLANS:
            many = builds if plan.name else false_alarm_builds
            chunks = [range(first, min(first + _CHUNK, many)) for first in range(0, many, _CHUNK)]
            counts = sum(pool.map(partial(_some_builds, data, plan, seed), chunks), Counter[str]())
            hits = counts["named" if plan.name else "regression"]
            holds = hits / many >= _FOUND_AT_LEAST if plan.name else hits / many <= _FALSE_ALARM
            failed |= not holds
            low, high = exact_interval(hits, many)
            lines.append(
                (
                    f"{plan.label}, {plan.kind}" if plan.name else "nothing",
                    "found, slice named" if plan.name else "regression",
                    f"≥ {100 * _FOUND_AT_LEAST:g} %" if plan.name else f"≤ {100 * _FALSE_ALARM:g} %",
                    f"{100 * hits / many:.1f} %",
                    f"{100 * low:.1f} to {100 * high:.1f} %",
                    f"{many:,}",
                    "yes" if holds else "NO",
                )
            )
            click.echo(f"  {plan.label}: {time.perf_counter() - began:.0f} s", err=True)
    headers = ("planted", "counted", "threshold", "measured", "95 % interval", "builds", "holds")
    click.echo(f"GSM8K, {_ITEMS} questions, {_IN_SLICE} in the slice, {_TRIALS} trials; seed {seed}\n")
    click.echo(tabulate(lines, headers=headers, tablefmt="github", disable_numparse=True))
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
