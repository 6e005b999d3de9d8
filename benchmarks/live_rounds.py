"""The rounds through the real engine and store, and through the simulation: they must say the same of one build.

A candidate written in Python answers what the simulated agents do, call by call, in both arms of real side-by-side
sessions; the same agents answer the same requests of `decide_in_rounds` directly. Everything that the verdicts say of
the data must be equal.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from builds import Serving, Situation, gate_of
from run_tables import SLICE
from worlds import Agents, Change, Values, World

from scoregate import Gate
from scoregate.datasets import read_dataset
from scoregate.gate_file.source import File
from scoregate.gate_run.assembly import Assembly
from scoregate.gate_run.session import Arms, Watching, begin_session
from scoregate.gates.rounds import RoundRequest, decide_in_rounds
from scoregate.records import DatasetItem, Verdict
from scoregate.runner.candidates import Candidate
from scoregate.scorers.evaluators import from_function
from scoregate.scorers.scorer import Scorer
from scoregate.sources import open_store

_OF_THE_DATA = (
    "outcome",
    "reason",
    "rules",
    "flips",
    "missing_items",
    "rounds",
    "confirmed",
)
SITUATIONS = (
    Situation("unchanged", World(40, 2)),
    Situation("diffuse", World(40, 2), Change(0.2)),
    Situation("concentrated", World(60, 3), Change(0.15, "concentrated")),
    Situation("slices", World(60, 2, slices=3, first_slice=20), Change(0.4, first_slice_only=True)),
    Situation("conversations", World(60, 2, turns=(2, 4)), Change(0.15, "concentrated")),
    Situation("hidden", World(60, 2, slices=3, first_slice=20), Change(0.3, "concentrated")),
)


@dataclass(slots=True)
class LiveAgents:
    """Answers single calls with what the agents do in the round that was announced last."""

    agents: Agents
    ids: Sequence[str]
    scores: Sequence[str]
    _values: tuple[Values, Values] | None = None
    _row: dict[str, int] | None = None
    _first: int = 0
    _served: int = 0

    def announce(self, request: RoundRequest, items: Sequence[DatasetItem], left: int) -> None:
        """Draw the whole round, as the simulation does, before its first call."""
        del items, left
        chosen: Sequence[int] = range(len(self.ids))
        if request.items is not None:
            wanted = set(request.items)
            chosen = [position for position, item in enumerate(self.ids) if item in wanted]
        self._values = self.agents.fresh(np.array(chosen, dtype=np.intp), request.trials)
        self._row = {self.ids[position]: row for row, position in enumerate(chosen)}
        self._first = self._served if request.items is None else 0
        self._served += request.trials if request.items is None else 0

    def answer(self, arm: int) -> Callable[[DatasetItem, int], dict[str, bool]]:
        """The candidate of one arm: whether each score passes."""

        def call(item: DatasetItem, trial: int) -> dict[str, bool]:
            assert self._values is not None
            assert self._row is not None
            cells = self._values[arm][self._row[item.id], trial - self._first]
            return {score: bool(cell) for score, cell in zip(self.scores, cells, strict=True)}

        return call


def differences(situation: Situation, seed: int, folder: Path) -> list[str]:
    """What the two verdicts on one build say differently."""
    simulated = decide_in_rounds(
        gate_of(situation), Serving(situation.world, _agents(situation, seed)), seed=seed
    )
    live = _live_verdict(situation, seed, folder)
    first, second = simulated.to_dict(), live.to_dict()
    click.echo(f"  {situation.what}, seed {seed}: {live.outcome} in {'→'.join(r.round for r in live.rounds)}")
    return [
        f"{situation.what}, seed {seed}: {key}: {first[key]} and {second[key]}"
        for key in _OF_THE_DATA
        if first[key] != second[key]
    ]


def _agents(situation: Situation, seed: int) -> Agents:
    return situation.world.meet(np.random.default_rng(seed), situation.change)


def _live_verdict(situation: Situation, seed: int, folder: Path) -> Verdict:
    world = situation.world
    gate = replace(_gate_with_dataset(situation, folder), root=folder)
    assert gate.dataset is not None
    live = LiveAgents(_agents(situation, seed), world.dataset().ids().tolist(), world.score_names())
    baseline, candidate = (
        Candidate(name, None, None, "python", live.answer(arm), is_async=False)
        for arm, name in enumerate(("before", "now"))
    )
    dataset = read_dataset(Path(gate.dataset))
    assembly = Assembly(gate, dataset, candidate, tuple(map(_scorer, world.score_names())))
    with open_store(folder) as store:
        session = begin_session(
            assembly,
            store,
            Arms(baseline, candidate),
            File(baseline.version),
            dataset.items,
            None,
            seed=seed,
            watching=Watching(lambda _, request, items, left: live.announce(request, items, left)),
        )
        verdict = decide_in_rounds(gate, session, seed=seed)
        session.finish()
        return verdict


def _gate_with_dataset(situation: Situation, folder: Path) -> Gate:
    items = situation.world.dataset()
    lines = []
    for position, item in enumerate(items.ids()):
        metadata = {"talk": f"talk-{items.conversation()[position]}"}
        if items.slices:
            metadata[SLICE] = f"intent-{items.slice()[position]}"
        lines.append(json.dumps({"id": item, "input": position, "metadata": metadata}))
    path = folder / "dataset.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    cluster = "metadata.talk" if items.turns != (1, 1) else None
    return replace(gate_of(situation), dataset=str(path), cluster=cluster)


def _scorer(name: str) -> Scorer:
    def passed(*, output: dict[str, bool]) -> bool:
        return output[name]

    passed.__name__ = name
    return from_function(passed)


@click.command(help=__doc__)
@click.option("--seeds", default=2, show_default=True, help="Builds of each situation.")
def main(seeds: int) -> None:
    broken = []
    for situation in SITUATIONS:
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                broken += differences(situation, seed, Path(folder))
    for line in broken:
        click.echo(line)
    click.echo(f"{len(SITUATIONS) * seeds} builds, {len(broken)} differences")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
