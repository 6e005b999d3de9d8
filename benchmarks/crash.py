"""Kill a run with SIGKILL at random moments, resume it each time, and count what is in the store.

    python benchmarks/crash.py [--kills 50] [--arms 1] [--seed N]

A run of 500 items × 3 trials goes on in a process of its own; two arms are two such runs, interleaved. When it has
begun calling the candidate, it is left alone for a random while and then killed. The moments follow from the seed, as
far as the machine's speed allows. Exit code 1 if a run item or a score is missing or there twice, or if a kill came
too late to hit the run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates.candidate import Candidate
from scoregate.runner.plan import Arm, RunPlan
from scoregate.runner.session import run
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store

ITEMS, TRIALS, CONCURRENCY = 500, 3, 8
CALL_SECONDS = (0.02, 0.06)
"""A call takes a random time between these, so that the whole run takes some eight seconds an arm."""
RUNS = ("baseline", "candidate")


def session(folder: Path, arms: int) -> None:
    """In a process of its own: what is missing of the runs. A byte goes to `calls` for each call."""
    items = [DatasetItem(f"item-{number:03}", {"question": number}, number) for number in range(ITEMS)]
    calls = os.open(folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def call(item: DatasetItem, _trial: int) -> int:
        os.write(calls, b".")
        await asyncio.sleep(random.uniform(*CALL_SECONDS))
        return int(item.expected_output)

    def exact(*, output: int, expected_output: int, **_: object) -> bool:
        return output == expected_output

    with Store.open(folder / "store.sqlite3") as store, ExitStack() as locks:
        known = {summary.run for summary in store.list_runs()}
        for name in RUNS[:arms]:
            locks.enter_context(store.lock(name))
            if name not in known:
                store.create_run(
                    RunHeader(run=name, dataset="crash", candidate="v1", expected_items=ITEMS, trials=TRIALS),
                    items,
                )
        candidate = Candidate("v1", None, None, "python", call, is_async=True)
        plan = RunPlan(
            arms=[Arm(run=name, candidate=candidate, done=store.done_cells(name)) for name in RUNS[:arms]],
            items=items,
            store=store,
            scorers=[Scorer("exact", "1", exact)],
            expected_scores=["exact"],
            limits=Limits(concurrency=CONCURRENCY),
            trials=range(TRIALS),
        )
        print("running", flush=True)
        run(plan)


def start_session(folder: Path, arms: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--session", str(folder), "--arms", str(arms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "running\n":
        raise SystemExit("the run did not start")
    return process


def kill_at_a_random_moment(folder: Path, chance: random.Random, kills_left: int, arms: int) -> bool:
    """Whether the kill found the run at work."""
    expected = ITEMS * TRIALS * arms
    missing = expected - committed(folder)
    rate = CONCURRENCY / (sum(CALL_SECONDS) / 2)
    # Twice the mean that leaves something to do after the last kill.
    longest = 2 * missing / rate / (kills_left + 2)
    process = start_session(folder, arms)
    time.sleep(chance.uniform(0, longest))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL and committed(folder) < expected


def committed(folder: Path) -> int:
    path = folder / "store.sqlite3"
    if not path.exists():
        return 0
    with Store.open(path) as store:
        return sum(summary.done for summary in store.list_runs())


def count(folder: Path, kills: int, arms: int) -> tuple[str, bool]:
    """What is in the store, counted with plain SQL, and whether it is what should be."""
    connection = sqlite3.connect(folder / "store.sqlite3")

    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    items = one("SELECT count(*) FROM run_items WHERE status = 'ok' AND output IS NOT NULL")
    distinct = one("SELECT count(*) FROM (SELECT DISTINCT run, item, trial FROM run_items)")
    scores = one("SELECT count(*) FROM scores WHERE value = 'true'")
    cells = one("SELECT count(*) FROM (SELECT DISTINCT run, item, trial, score FROM scores)")
    sound = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    expected = ITEMS * TRIALS * arms
    once = "each once" if scores == cells == expected else f"{cells} of {expected} cells"
    line = (
        f"{items} run items, {items - distinct} doubled, {expected - distinct} missing, "
        f"{scores} scores ({once}), {kills} kills"
    )
    return line, sound and items == distinct == scores == cells == expected


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--arms", type=int, choices=(1, 2), default=1)
    parser.add_argument("--session", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.session is not None:
        session(arguments.session, arguments.arms)
        return 0
    print(f"seed {arguments.seed}", flush=True)
    chance = random.Random(arguments.seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kills = sum(
            kill_at_a_random_moment(folder, chance, arguments.kills - number, arguments.arms)
            for number in range(arguments.kills)
        )
        last = start_session(folder, arguments.arms)
        last.communicate()
        line, is_right = count(folder, kills, arguments.arms)
        again = (folder / "calls").stat().st_size - ITEMS * TRIALS * arguments.arms
    print(
        f"{again} calls were in flight when the run was killed and were made again, "
        f"{again / max(1, kills):.1f} a kill with {CONCURRENCY} at once; "
        f"{time.monotonic() - started:.0f} s in all"
    )
    print(line)
    return 0 if is_right and kills == arguments.kills and last.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
