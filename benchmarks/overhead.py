"""What the engine costs: wall time over the ideal, beside a bare loop and beside other libraries.

    python benchmarks/overhead.py [--repetitions 7] [--no-peers] [--item-bytes 2000]

The ideal is items × seconds ÷ 50: 50 calls side by side and nothing else. Everyone runs the same task and the same
evaluator with 50 calls at once. scoregate and the floor, a bare semaphore loop, commit every item and its score to
SQLite; the peers store nothing. Stores are opened before the clock starts. The repetitions of all contenders take
turns, so that what else the machine does hits them alike; the table shows medians, and the range for scoregate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scoregate.gate_file import Limits
from scoregate.git.version import Version
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates.python_file import ExperimentFile, python_candidate
from scoregate.runner.plan import Arm, RunPlan
from scoregate.runner.session import run
from scoregate.scorers.evaluators import from_function
from scoregate.store import Store

CONCURRENCY = 50
PEER_REPETITIONS = 3
MEMORY_TARGET_BYTES = 2048


@dataclass(frozen=True)
class Case:
    """So many items that take so long, and the most that wall over ideal may be."""

    items: int
    seconds: float
    is_async: bool
    target: float

    @property
    def name(self) -> str:
        return f"{self.items:,} {'async' if self.is_async else 'sync'} × {self.seconds * 1000:g} ms"

    @property
    def ideal(self) -> float:
        return self.items * self.seconds / CONCURRENCY


CASES = (
    Case(1_000, 0.020, True, 1.2),
    Case(200, 0.020, False, 1.5),
    Case(10_000, 0.002, True, 2.0),
)


def exact(*, output: Any, expected_output: Any, **_: Any) -> bool:
    """The evaluator of every contender that takes one of this shape."""
    return bool(output == expected_output)


ITEM_BYTES = 0
"""How large an item's input is at least (`--item-bytes`): ten turns of a conversation, a list of objects."""


def make_items(case: Case) -> list[DatasetItem]:
    turns = [{"role": "user", "content": "x" * (ITEM_BYTES // 10)} for _ in range(10 if ITEM_BYTES else 0)]
    return [
        DatasetItem(f"item-{number}", {"question": number, "turns": [*map(dict, turns)]}, "answer")
        for number in range(case.items)
    ]


def scoregate_run(case: Case, folder: Path, items: Sequence[DatasetItem] | None = None) -> float:
    """Seconds of one run, every item and score in the store."""

    async def task(*, item: DatasetItem, **_: Any) -> str:
        await asyncio.sleep(case.seconds)
        return "answer" if item.input else ""

    def blocking_task(*, item: DatasetItem, **_: Any) -> str:
        time.sleep(case.seconds)
        return "answer" if item.input else ""

    items = make_items(case) if items is None else items
    experiment = ExperimentFile(Path(__file__), task if case.is_async else blocking_task)
    with Store.open(folder / "store.sqlite3") as store:
        store.create_run(RunHeader(run="run", dataset="bench", candidate="v1", expected_items=case.items))
        plan = RunPlan(
            arms=[
                Arm(
                    run="run",
                    candidate=python_candidate(experiment, version=Version("v1")),
                )
            ],
            items=items,
            store=store,
            scorers=[from_function(exact, known=["exact"])],
            expected_scores=["exact"],
            limits=Limits(concurrency=CONCURRENCY),
        )
        started = time.perf_counter()
        report = run(plan)
        seconds = time.perf_counter() - started
        totals = store.totals("run")
    assert totals.ok == totals.scores_ok == case.items, report
    return seconds


def floor_run(case: Case, folder: Path) -> float:
    """The same with a semaphore, a thread pool and one transaction an item: no limits, retries, resume or errors."""
    items = make_items(case)
    connection = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE items (item, output, latency)")
    connection.execute("CREATE TABLE scores (item, score, value)")
    pool = ThreadPoolExecutor(CONCURRENCY)

    async def loop() -> None:
        semaphore = asyncio.Semaphore(CONCURRENCY)

        async def one(item: DatasetItem) -> None:
            async with semaphore:
                called = time.perf_counter()
                if case.is_async:
                    await asyncio.sleep(case.seconds)
                else:
                    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, case.seconds)
                latency = time.perf_counter() - called
                value = exact(
                    input=item.input, output="answer", expected_output=item.expected_output, metadata={}
                )
                connection.execute("BEGIN")
                connection.execute("INSERT INTO items VALUES (?, ?, ?)", (item.id, '"answer"', latency))
                connection.execute("INSERT INTO scores VALUES (?, 'exact', ?)", (item.id, json.dumps(value)))
                connection.execute("COMMIT")

        await asyncio.gather(*(one(item) for item in items))

    started = time.perf_counter()
    asyncio.run(loop())
    seconds = time.perf_counter() - started
    pool.shutdown()
    connection.close()
    return seconds


def langfuse_run(case: Case, _folder: Path) -> float:
    """`run_experiment` without credentials: nothing is sent anywhere."""
    from langfuse import Evaluation, Langfuse

    async def task(**_: Any) -> str:
        await asyncio.sleep(case.seconds)
        return "answer"

    def blocking_task(**_: Any) -> str:
        time.sleep(case.seconds)
        return "answer"

    def evaluator(*, output: Any, expected_output: Any, **_: Any) -> Any:
        return Evaluation(name="exact", value=output == expected_output)

    data: list[Any] = [
        {"input": item.input, "expected_output": item.expected_output} for item in make_items(case)
    ]
    client = Langfuse()
    started = time.perf_counter()
    result = client.run_experiment(
        name="bench",
        data=data,
        task=task if case.is_async else blocking_task,
        evaluators=[evaluator],
        max_concurrency=CONCURRENCY,
    )
    seconds = time.perf_counter() - started
    assert len(result.item_results) == case.items
    return seconds


def pydantic_evals_run(case: Case, _folder: Path) -> float:
    from pydantic_evals import Case as EvalCase
    from pydantic_evals import Dataset
    from pydantic_evals.evaluators import EqualsExpected

    async def task(_question: Any) -> str:
        await asyncio.sleep(case.seconds)
        return "answer"

    def blocking_task(_question: Any) -> str:
        time.sleep(case.seconds)
        return "answer"

    dataset: Any = Dataset(
        name="bench",
        cases=[EvalCase(name=i.id, inputs=i.input, expected_output="answer") for i in make_items(case)],
        evaluators=[EqualsExpected()],
    )
    chosen: Any = task if case.is_async else blocking_task
    started = time.perf_counter()
    report = dataset.evaluate_sync(chosen, max_concurrency=CONCURRENCY, progress=False)
    seconds = time.perf_counter() - started
    assert len(report.cases) == case.items
    return seconds


Contender = Callable[[Case, Path], float]


def contenders(with_peers: bool) -> dict[str, Contender]:
    """Who is there to be measured; who is not is said on stderr."""
    found: dict[str, Contender] = {"floor": floor_run, "scoregate": scoregate_run}
    peers = (("langfuse", "langfuse", langfuse_run), ("pydantic-evals", "pydantic_evals", pydantic_evals_run))
    for name, module, contender in peers if with_peers else ():
        if find_spec(module) is None:
            print(f"{name} is not installed and is left out", file=sys.stderr)
        else:
            found[name] = contender
    return found


def measure(case: Case, runs: dict[str, Contender], repetitions: int) -> dict[str, list[float]]:
    """Wall over ideal of every repetition, the contenders taking turns."""
    ratios: dict[str, list[float]] = {name: [] for name in runs}
    for repetition in range(repetitions):
        for name, contender in runs.items():
            if name in ("floor", "scoregate") or repetition < PEER_REPETITIONS:
                with tempfile.TemporaryDirectory() as folder:
                    ratios[name].append(contender(case, Path(folder)) / case.ideal)
    return ratios


def memory_growth(case: Case) -> float:
    """Bytes of resident memory an item by which a fresh process grows in a run, at its peak, with the items made."""
    items = make_items(case)
    with tempfile.TemporaryDirectory() as folder:
        # Threads, SQLite and the loop take their room once, whatever the number of items.
        scoregate_run(Case(500, case.seconds, case.is_async, 0), Path(folder))
    before = _peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        scoregate_run(case, Path(folder), items)
    return (_peak_memory() - before) / case.items


def _peak_memory() -> int:
    """Peak resident bytes of this process."""
    status = Path("/proc/self/status")
    if status.exists():
        # `getrusage` would also count the process that this one was started from.
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line) * 1024
        )
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    from tabulate import tabulate

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--no-peers", action="store_true", help="measure scoregate and the floor only")
    parser.add_argument("--item-bytes", type=int, default=0, help="least size of an item's input")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    global ITEM_BYTES
    ITEM_BYTES = arguments.item_bytes
    if arguments.memory:
        print(memory_growth(CASES[2]))
        return 0
    # Without credentials the SDK traces nothing, which is what is to be measured.
    for name in [name for name in os.environ if name.startswith("LANGFUSE_")]:
        del os.environ[name]
    logging.disable(logging.WARNING)
    runs = contenders(not arguments.no_peers)
    lines = []
    for case in CASES:
        ratios = measure(case, runs, arguments.repetitions)
        own = ratios["scoregate"]
        medians = [f"{statistics.median(ratios[name]):.2f}" for name in runs]
        verdict = "met" if statistics.median(own) <= case.target else "MISSED"
        spread = f"{min(own):.2f} to {max(own):.2f}"
        lines.append([case.name, f"{case.ideal:.2f} s", *medians, spread, f"{case.target} {verdict}"])
    headers = ["case", "ideal", *runs, "scoregate's range", "target"]
    print(tabulate(lines, headers, disable_numparse=True))
    child = subprocess.run([sys.executable, __file__, "--memory"], capture_output=True, text=True, check=True)
    growth = float(child.stdout)
    verdict = "met" if growth <= MEMORY_TARGET_BYTES else "MISSED"
    print(
        f"\nmemory: {growth:,.0f} bytes an item at the peak of {CASES[2].name}, beyond the items "
        f"(target {MEMORY_TARGET_BYTES:,}: {verdict})"
    )
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
