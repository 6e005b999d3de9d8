"""What the engine costs: wall time over the ideal, beside a bare loop and beside other libraries.

    python benchmarks/overhead.py [--repetitions 7] [--no-peers] [--item-bytes 2000] [--answer-bytes 2000]
    python benchmarks/overhead.py --beside PYTHON [--repetitions 7]

The ideal is items × seconds ÷ 50: 50 calls side by side and nothing else. Everyone runs the same task and the same
evaluator with 50 calls at once. scoregate and the floor, a bare semaphore loop, commit every item and its score to
SQLite; the peers store nothing. Stores are opened before the clock starts. The repetitions of all contenders take
turns, so that what else the machine does hits them alike; the table shows medians, and the range for scoregate.

Beside the interpreter of another checkout: what both take for the same, with small items and answers and with items
or answers of 2 KB (see `overhead_beside`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from overhead_beside import HEADERS, SIZES, Row, Taken, compare, taken_by
from overhead_cases import CASES, CONCURRENCY, Case, answer, exact, make_items
from overhead_peers import floor_run, langfuse_run, pydantic_evals_run

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates.python_file import ExperimentFile, python_candidate
from scoregate.runner.plan import Arm, RunPlan
from scoregate.runner.session import run
from scoregate.scorers.evaluators import from_function
from scoregate.store import Store

PEER_REPETITIONS = 3
MEMORY_TARGET_BYTES = 2048


def scoregate_run(case: Case, folder: Path, items: Sequence[DatasetItem] | None = None) -> float:
    """Seconds of one run, every item and score in the store."""

    async def task(*, item: DatasetItem, **_: Any) -> Any:
        await asyncio.sleep(case.seconds)
        return answer(case) if item.input else ""

    def blocking_task(*, item: DatasetItem, **_: Any) -> Any:
        time.sleep(case.seconds)
        return answer(case) if item.input else ""

    items = make_items(case) if items is None else items
    experiment = ExperimentFile(Path(__file__), task if case.is_async else blocking_task)
    with Store.open(folder / "store.sqlite3") as store:
        store.create_run(RunHeader(run="run", dataset="bench", candidate="v1", expected_items=case.items))
        plan = RunPlan(
            arms=[
                Arm(
                    run="run",
                    candidate=python_candidate(experiment, version=_version()),
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


Contender = Callable[[Case, Path], float]


def _version() -> Any:
    """`Version("v1")`, where the checkout that is measured has that class: an older one may be measured beside this."""
    place = "version" if find_spec("scoregate.git.version") else "checkout"
    return import_module(f"scoregate.git.{place}").Version("v1")


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


def taken(case: Case) -> Taken:
    """What one run takes in this process, which is fresh; memory is that by which it grows, with the items made."""
    items = make_items(case)
    with tempfile.TemporaryDirectory() as folder:
        # Threads, SQLite and the loop take their time and room once, whatever the number of items.
        scoregate_run(replace(case, items=500), Path(folder))
    before = _peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        busy = time.process_time()
        seconds = scoregate_run(case, Path(folder), items)
        busy = time.process_time() - busy
    return Taken(busy, seconds, (_peak_memory() - before) / case.items)


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


def beside(python: str, repetitions: int) -> None:
    """Print what this checkout and another one take."""
    from tabulate import tabulate

    rows = [
        Row(f"{case.name}{words}", number, item_bytes, answer_bytes)
        for number, case in enumerate(CASES)
        for words, item_bytes, answer_bytes in SIZES
    ]
    print(tabulate(compare(python, rows, repetitions), HEADERS, disable_numparse=True))


def main() -> int:
    from tabulate import tabulate

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--no-peers", action="store_true", help="measure scoregate and the floor only")
    parser.add_argument("--item-bytes", type=int, default=0, help="least size of an item's input")
    parser.add_argument("--answer-bytes", type=int, default=0, help="least size of an answer")
    parser.add_argument("--beside", metavar="PYTHON", help="the interpreter of another checkout")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = {"item_bytes": arguments.item_bytes, "answer_bytes": arguments.answer_bytes}
    cases = [replace(case, **sizes) for case in CASES]
    if arguments.one is not None:
        print(json.dumps(taken(cases[arguments.one])))
        return 0
    if arguments.beside is not None:
        beside(arguments.beside, arguments.repetitions)
        return 0
    # Without credentials the SDK traces nothing, which is what is to be measured.
    for name in [name for name in os.environ if name.startswith("LANGFUSE_")]:
        del os.environ[name]
    logging.disable(logging.WARNING)
    runs = contenders(not arguments.no_peers)
    lines = []
    for case in cases:
        ratios = measure(case, runs, arguments.repetitions)
        own = ratios["scoregate"]
        medians = [f"{statistics.median(ratios[name]):.2f}" for name in runs]
        verdict = "met" if statistics.median(own) <= case.target else "MISSED"
        spread = f"{min(own):.2f} to {max(own):.2f}"
        lines.append([case.name, f"{case.ideal:.2f} s", *medians, spread, f"{case.target} {verdict}"])
    headers = ["case", "ideal", *runs, "scoregate's range", "target"]
    print(tabulate(lines, headers, disable_numparse=True))
    growth = taken_by(sys.executable, Row("", 2, **sizes)).memory
    verdict = "met" if growth <= MEMORY_TARGET_BYTES else "MISSED"
    print(
        f"\nmemory: {growth:,.0f} bytes an item at the peak of {CASES[2].name}, beyond the items "
        f"(target {MEMORY_TARGET_BYTES:,}: {verdict})"
    )
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
