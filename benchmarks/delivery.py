"""What it costs to have a run seen in Langfuse, beside the SDK's own runner: wall time, and what arrived.

    python benchmarks/delivery.py [--items 5000] [--latency 0.2] [--repetitions 3] [--beside REVISION|CHECKOUT]

A stand-in server in a process of its own (`tests/langfuse_server`) answers every request after the latency. Both
contenders run the same task (20 ms) with 50 calls at once and one evaluator, each in a fresh process, in turns. The
ideal is items × seconds ÷ 50. "run" is the wall time until the last item is scored and committed, "drain" the time
after that until everything is sent, "seen" the wall time until everything was read back. What arrived is counted on
the server.

Then 500 items with two scores each against a server as the recorded one is: it answers in 0.1 s, and shows a run item
after 1.2 s and a score after 5.5 s. Where it takes arrays of scores, as from 4.59 on, the SDK's runner is measured in
turns; where it takes them one by one, another version of this repository is, with --beside: a folder, or a commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.langfuse_server.process import ServerHandle

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
sys.path.insert(0, str(ROOT))

CONCURRENCY = 50
SECONDS = 0.020
AS_RECORDED = {"span_lag": 1.2, "score_lag": 5.5}
"""Seconds in which the recorded server showed what it took."""
RECORDED_LATENCY, RECORDED_ITEMS, RECORDED_SCORES = 0.1, 500, 2
SETTLE_SECONDS = 3.0
"""How long the server is left alone before it is asked what the SDK's runner has delivered."""


async def task(**_: Any) -> str:
    await asyncio.sleep(SECONDS)
    return "answer"


def run_scoregate(count: int, number_of_scores: int = 1) -> dict[str, float | str]:
    from scoregate.catalog import Catalog
    from scoregate.gate_file import Limits
    from scoregate.gate_run.langfuse_link import LangfuseLink
    from scoregate.langfuse.settings import require_settings
    from scoregate.records import DatasetItem, RunHeader
    from scoregate.runner.candidates.candidate import Candidate
    from scoregate.runner.plan import Arm, RunPlan
    from scoregate.runner.session import run
    from scoregate.scorers.scorer import Scorer
    from scoregate.store import Store

    items = [DatasetItem(f"item-{number}", {"question": number}, "answer") for number in range(count)]
    names = [f"exact {number}" for number in range(number_of_scores)]
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        settings = require_settings(Path(folder), "the benchmark")
        with Store.open(path) as store, LangfuseLink(settings, path, Catalog(), said.append) as link:
            link.connect("it goes on")
            header = RunHeader(
                run=f"bench-{os.getpid()}",
                dataset="bench",
                dataset_fingerprint="f",
                candidate="bench",
                expected_items=count,
                started_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
            )
            store.create_run(header, items)
            plan = RunPlan(
                arms=[
                    Arm(
                        run=header.run,
                        candidate=Candidate("bench", None, None, "python", _call, is_async=True),
                    )
                ],
                items=items,
                store=store,
                scorers=[Scorer(name, "1", _exact, scores=(name,)) for name in names],
                expected_scores=tuple(names),
                limits=Limits(concurrency=CONCURRENCY),
                tracing=link.tracing(),
            )
            began = time.perf_counter()
            link.add(header.run)
            run(plan)
            ran = time.perf_counter() - began
            link.end(120.0)
            seen = time.perf_counter() - began
        return {"run": ran, "drain": link.drained - began - ran, "seen": seen, "said": said[-1]}


async def _call(_item: Any, _trial: int) -> str:
    return await task()


def _exact(*, output: Any, expected_output: Any, **_: Any) -> bool:
    return bool(output == expected_output)


def run_sdk(count: int, number_of_scores: int = 1) -> dict[str, float | str]:
    import logging

    from langfuse import Evaluation, Langfuse

    logging.disable(logging.CRITICAL)  # one line an item and more, which would be timed as well

    def evaluator(number: int) -> Any:
        def exact(*, output: Any, expected_output: Any, **_: Any) -> Any:
            return Evaluation(name=f"exact {number}", value=output == expected_output, data_type="BOOLEAN")

        return exact

    evaluators = [evaluator(number) for number in range(number_of_scores)]
    client = Langfuse()
    data: list[Any] = [{"input": {"question": n}, "expected_output": "answer"} for n in range(count)]
    began = time.perf_counter()
    client.run_experiment(
        name="bench", data=data, task=task, evaluators=evaluators, max_concurrency=CONCURRENCY
    )
    client.flush()
    return {"run": time.perf_counter() - began}


CONTENDERS = {"scoregate": run_scoregate, "run_experiment": run_sdk}


def measure(contender: str, count: int, latency: float) -> dict[str, Any]:
    """One run in a fresh process against a fresh server, and what arrived there."""
    from tests.langfuse_server.process import server_process

    with server_process(latency=latency) as server:
        figures = _told(server, "--contender", contender, "--items", str(count))
        time.sleep(SETTLE_SECONDS)
        return {**figures, **_arrived(server)}


def _told(server: ServerHandle, *words: str, **environment: str) -> dict[str, Any]:
    """What a contender says of itself, run in a process of its own."""
    told = subprocess.run(
        [sys.executable, __file__, *words],
        env={**os.environ, **server.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise SystemExit(told.stderr)
    figures: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return figures


def _arrived(server: ServerHandle) -> dict[str, int]:
    counts = server.control("counts")
    return {"items": sum(counts["items"].values()), "scores": counts["scores"]}


def measure_as_recorded(contender: str, source: Path, *, batches: bool) -> dict[str, Any]:
    """One run with the code of `source` against a server as the recorded one is, and what it asked of that."""
    from tests.langfuse_server.process import server_process

    with server_process(latency=RECORDED_LATENCY, batches=batches) as server:
        server.control("behaviour", **AS_RECORDED)
        words = ["--contender", contender, "--items", str(RECORDED_ITEMS), "--scores", str(RECORDED_SCORES)]
        figures = _told(server, *words, PYTHONPATH=str(source))
        figures["requests"] = server.control("counts")["requests"]
        # The SDK does not wait until what it sent is seen, and the server shows it that much later: to wait for it by
        # looking would add reads of ours to what is measured.
        if contender != "scoregate":
            time.sleep(SETTLE_SECONDS + AS_RECORDED["score_lag"])
        return {**figures, **_arrived(server)}


def as_recorded(beside: str | None, repetitions: int) -> None:
    """The two rows of a server with the recorded delays: that takes arrays of scores, and that takes none."""
    delays = f"{RECORDED_LATENCY:g} s an answer, {AS_RECORDED['score_lag']:g} s until a score is shown"
    print(f"\n{RECORDED_ITEMS} items with {RECORDED_SCORES} scores each, {delays}")
    ours = ("scoregate", SOURCE)
    sdk = {"scoregate": ours, "run_experiment": ("run_experiment", SOURCE)}
    _row("it takes arrays of scores", sdk, repetitions, batches=True)
    with tempfile.TemporaryDirectory() as folder:
        other = _source_of(beside, Path(folder)) if beside else None
        alone = {"scoregate": ours, **({f"scoregate {beside}": ("scoregate", other)} if other else {})}
        _row("it takes scores one by one", alone, repetitions, batches=False)


def _row(what: str, contenders: Mapping[str, tuple[str, Path]], repetitions: int, *, batches: bool) -> None:
    print(what)
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, (contender, source) in contenders.items():
            one = measure_as_recorded(contender, source, batches=batches)
            took[name].append(one.get("seen", one["run"]))
            parts = ", ".join(f"{key} {one[key]:.2f} s" for key in ("run", "drain", "seen") if key in one)
            arrived = f"{one['items']:,} items and {one['scores']:,} scores arrived"
            print(f"  {name}: {parts}; {one['requests']:,} requests; {arrived}")
    ours, *others = ((name, median(seconds)) for name, seconds in took.items())
    for name, seconds in others:
        print(
            f"  median {ours[1]:.2f} s until all is seen, {name} {seconds:.2f} s: × {ours[1] / seconds:.2f}"
        )


def _source_of(beside: str, folder: Path) -> Path | None:
    """The source of a checkout or of a commit, None where this repository does not have that."""
    if (Path(beside) / "src").is_dir():
        return Path(beside).resolve() / "src"
    packed = subprocess.run(["git", "archive", beside, "src"], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        print(f"{beside} is not here, so nothing is measured beside: {packed.stderr.decode().strip()}")
        return None
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder / "src"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--scores", type=int, default=1)
    parser.add_argument("--beside", metavar="REVISION|CHECKOUT")
    parser.add_argument("--as-recorded-only", action="store_true")
    parser.add_argument("--contender", choices=list(CONTENDERS))
    asked = parser.parse_args()
    if asked.contender:
        print(json.dumps(CONTENDERS[asked.contender](asked.items, asked.scores)))
        return
    if not asked.as_recorded_only:
        beside_the_sdk(asked)
    as_recorded(asked.beside, asked.repetitions)


def beside_the_sdk(asked: argparse.Namespace) -> None:
    ideal = asked.items * SECONDS / CONCURRENCY
    print(
        f"{asked.items:,} items of {SECONDS * 1000:g} ms, {CONCURRENCY} at once, server latency {asked.latency:g} s"
    )
    print(f"ideal {ideal:.2f} s")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(asked.repetitions):
        for name, figures in found.items():
            figures.append(measure(name, asked.items, asked.latency))
    for name, figures in found.items():
        for one in figures:
            rest = "".join(f", {key} {one[key]:.2f} s" for key in ("drain", "seen") if key in one)
            arrived = f"{one['items']:,} items and {one['scores']:,} scores arrived"
            print(f"{name}: run {one['run']:.2f} s ({one['run'] / ideal:.2f} × ideal){rest}; {arrived}")
    ours, theirs = (median(one["run"] for one in found[name]) for name in CONTENDERS)
    seen = median(one["seen"] for one in found["scoregate"])
    print(
        f"median run {ours / ideal:.2f} × ideal, seen {seen / theirs:.2f} × run_experiment; "
        f"run_experiment takes {theirs / seen:.1f} × as long as run, drain and read-back"
    )


if __name__ == "__main__":
    main()
