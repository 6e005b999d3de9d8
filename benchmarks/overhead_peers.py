"""Beside whom the engine's overhead is measured: a bare loop, and other libraries."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from overhead_cases import CONCURRENCY, Case, answer, exact, make_items

from scoregate.records import DatasetItem


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
                output = answer(case)
                value = exact(
                    input=item.input, output=output, expected_output=item.expected_output, metadata={}
                )
                connection.execute("BEGIN")
                connection.execute(
                    "INSERT INTO items VALUES (?, ?, ?)", (item.id, json.dumps(output), latency)
                )
                connection.execute("INSERT INTO scores VALUES (?, 'exact', ?)", (item.id, json.dumps(value)))
                connection.execute("COMMIT")

        await asyncio.gather(*(one(item) for item in items))

    started = time.perf_counter()
    asyncio.run(loop())
    seconds = time.perf_counter() - started
    pool.shutdown()
    connection.close()
    return seconds


def langfuse_run(case: Case, _: Path) -> float:
    """`run_experiment` without credentials: nothing is sent anywhere."""
    from langfuse import Evaluation, Langfuse

    async def task(**_: Any) -> Any:
        await asyncio.sleep(case.seconds)
        return answer(case)

    def blocking_task(**_: Any) -> Any:
        time.sleep(case.seconds)  # the call that is measured: what goes beyond it is overhead
        return answer(case)

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


def pydantic_evals_run(case: Case, _: Path) -> float:
    from pydantic_evals import Case as EvalCase
    from pydantic_evals import Dataset
    from pydantic_evals.evaluators import EqualsExpected

    async def task(_question: Any) -> Any:
        await asyncio.sleep(case.seconds)
        return answer(case)

    def blocking_task(_question: Any) -> Any:
        time.sleep(case.seconds)
        return answer(case)

    dataset: Any = Dataset(
        name="bench",
        cases=[EvalCase(name=i.id, inputs=i.input, expected_output=answer(case)) for i in make_items(case)],
        evaluators=[EqualsExpected()],
    )
    chosen: Any = task if case.is_async else blocking_task
    started = time.perf_counter()
    report = dataset.evaluate_sync(chosen, max_concurrency=CONCURRENCY, progress=False)
    seconds = time.perf_counter() - started
    assert len(report.cases) == case.items
    return seconds
