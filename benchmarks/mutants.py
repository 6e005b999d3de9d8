"""Change one token of the code at a time, at random, and count how many of the changes a test notices.

    python benchmarks/mutants.py [--number 40] [--seed 7] [--jobs 1] [--list] [--only 3,17] [--resume FILE]

One mutant a file at most, every room at least one. Each is put into a copy of the tree, which stands apart as a plain
clone does, and the tests that could kill it run until one fails: those of its room, those that import it, those of
commands named like it, and at last all others. A test that fails counts if it fails again, and passes without the
mutant. Mutants that nothing kills are named; some of them mean the same as the code. Exit code 1 if fewer than nine in
ten are killed. `--resume FILE` keeps there what was killed, and does not try that again.

Adapters to other libraries' scorers are left out: their tests need the packages of `make test-adapters`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from first_failure import VARIABLE
from mutations import Mutation, choose
from tests_to_kill import PACKAGE, STAGES, Suite

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path("src") / PACKAGE
ADAPTERS = Path("scorers") / "adapters"
NOT_COPIED = (".git", ".venv*", ".*_cache", "__pycache__", ".hypothesis", ".scoregate", "*.egg-info")
KILLED_SHARE = 0.9
SILENT_SECONDS = 300.0
"""A test that takes so long hangs."""


@dataclass(slots=True)
class Mutant:
    """A mutation of a file, given below `src/scoregate/`, and what became of it."""

    number: int
    file: Path
    source: str
    mutation: Mutation
    killed_by: str | None = None
    passed: list[str] = field(default_factory=list)
    """Stages in which no test failed."""
    seconds: float = 0.0
    is_out_of_time: bool = False

    @property
    def place(self) -> str:
        return f"{self.file.as_posix()}:{self.mutation.start[0]}"

    @property
    def key(self) -> str:
        """The same for the same change of the same source."""
        content = hashlib.sha256(self.source.encode()).hexdigest()[:12]
        return f"{self.place}:{self.mutation.start[1]} {self.mutation} {content}"

    @property
    def fate(self) -> str:
        if self.killed_by is not None:
            return "killed"
        if self.is_out_of_time:
            return f"undecided after {self.seconds / 60:.0f} min"
        if len(self.passed) == len(STAGES):
            return "SURVIVED"
        return f"survived {', '.join(self.passed)}" if self.passed else "not tried"


def chosen(root: Path, *, number: int, seed: int, adapters: bool) -> list[Mutant]:
    """The mutants. What is chosen of a file depends on the seed, its name and what is in it, and on nothing else."""
    files = [path.relative_to(root / SOURCE) for path in sorted((root / SOURCE).rglob("*.py"))]
    chance = {
        file: random.Random(f"{seed} {file.as_posix()}")
        for file in files
        if adapters or ADAPTERS not in file.parents
    }
    draw = {file: rng.random() for file, rng in chance.items()}
    found: dict[Path, tuple[str, Mutation]] = {}
    rooms: set[Path] = set()
    for round_of_rooms in (True, False):
        for file in sorted(chance, key=draw.__getitem__):
            if len(found) == number or file in found or (round_of_rooms and file.parent in rooms):
                continue
            source = (root / SOURCE / file).read_text(encoding="utf-8")
            mutation = choose(source, chance[file])
            if mutation is not None:
                found[file] = source, mutation
                rooms.add(file.parent)
    return [Mutant(index, file, *found[file]) for index, file in enumerate(sorted(found))]


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of pytest: whether it passed, and the test that failed or hung, or that it died in."""

    passed: bool
    test: str | None
    is_out_of_time: bool = False


class Copy:
    """A copy of the tree in which one file at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._notes, self._scratch, self._log = folder / "notes", folder / "scratch", folder / "log"
        # Later than anything that is compiled: a file of a time that was not seen before is compiled again.
        self._clock = time.time() + 10
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*NOT_COPIED))
        found = self._python("-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", stdout=subprocess.PIPE)
        told, _ = found.communicate()
        if self.root.resolve() not in Path(told.decode().strip()).resolve().parents:
            raise SystemExit(f"the tests would not run on the copy but on {told.decode().strip()}")

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        self._write(mutant.file, mutant.mutation.applied(mutant.source))
        try:
            yield
        finally:
            self._write(mutant.file, mutant.source)

    def test(self, tests: Sequence[str], *, without: Iterable[str] = (), seconds: float) -> Ran:
        """Run tests until one fails."""
        self._notes.write_text("", encoding="utf-8")
        left_out = [word for test in without for word in ("--deselect" if "::" in test else "--ignore", test)]
        with self._log.open("wb") as log:
            process = self._python(
                *("-m", "pytest", "-x", "-q", "-p", "first_failure", "-p", "no:cacheprovider"),
                *("--hypothesis-seed=0", f"--basetemp={self._scratch}", *left_out, *tests),
                stdout=log,
            )
            ended = self._waited_for(process, seconds)
        if ended in (0, 5):  # all passed, or there were none
            return Ran(True, None)
        notes = [line.split("\t", 1) for line in self._notes.read_text(encoding="utf-8").splitlines()]
        failed = next((test for what, test in notes if what == "failed"), None)
        running = notes[-1][1] if notes else None
        if failed is None and ended == 4:
            # Our own words were not understood, or a conftest.py cannot be imported.
            running = tests[0]
        return Ran(False, failed or running, ended is None and failed is None)

    def stop(self) -> None:
        """End what runs, from another thread; the thread that waits for it ends with SystemExit."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _write(self, file: Path, text: str) -> None:
        path = self.root / SOURCE / file
        path.write_text(text, encoding="utf-8")
        self._clock += 2
        os.utime(path, (self._clock, self._clock))

    def _waited_for(self, process: subprocess.Popen[bytes], seconds: float) -> int | None:
        """Its exit code; None, and it is killed with all that it started, if it or one of its tests takes too long."""
        deadline = time.monotonic() + seconds
        self._process = process
        while True:
            if self._stopped:
                raise SystemExit("stopped")
            try:
                return process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                is_silent = time.time() - self._notes.stat().st_mtime > SILENT_SECONDS
                if not is_silent and time.monotonic() < deadline:
                    continue
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None

    def _python(self, *words: str, stdout: int | BinaryIO) -> subprocess.Popen[bytes]:
        paths = (self.root / "src", ROOT / "benchmarks")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "OPENBLAS_NUM_THREADS": "1",
            VARIABLE: str(self._notes),
        }
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def attack(mutant: Mutant, stage: int, copy: Copy, suite: Suite, *, seconds: float) -> None:
    """Run one stage's tests on a mutant, and note in it what became of it."""
    tests = suite.stages(mutant.file)[stage]
    began, spurious = time.monotonic(), list[str]()

    def left() -> float:
        return seconds - mutant.seconds - (time.monotonic() - began)

    while tests:
        with copy.changed(mutant):
            ran = copy.test(tests, without=spurious, seconds=left())
            if ran.passed:
                break
            if ran.test is None:
                raise SystemExit(f"pytest did not run on {mutant.place}:\n{copy.log()[-2000:]}")
            again = copy.test([ran.test], seconds=SILENT_SECONDS)
        if not again.passed and copy.test([ran.test], seconds=SILENT_SECONDS).passed:
            mutant.killed_by = ran.test
            break
        if left() <= 0:
            break
        spurious.append(ran.test)
    if spurious:
        print(f"  {mutant.place}: of no account, as not due to it: {', '.join(spurious)}", flush=True)
    mutant.is_out_of_time = mutant.killed_by is None and left() <= 0
    if mutant.killed_by is None and not mutant.is_out_of_time:
        mutant.passed.append(STAGES[stage])
    mutant.seconds += time.monotonic() - began


def attack_all(
    mutants: Sequence[Mutant], stages: int, jobs: int, seconds: float, resume: Path | None
) -> None:
    """All mutants through the first stage, what is left through the next, and so on: cheap to dear."""
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as name:
        all_copies = [Copy(Path(name) / str(number)) for number in range(jobs)]
        copies: SimpleQueue[Copy] = SimpleQueue()
        for copy in all_copies:
            copies.put(copy)
        suite = Suite(ROOT)

        def one(mutant: Mutant, stage: int) -> None:
            copy = copies.get()
            try:
                attack(mutant, stage, copy, suite, seconds=seconds)
            finally:
                copies.put(copy)
            print(f"{mutant.number:>3} {mutant.place} {mutant.mutation}: {told(mutant)}", flush=True)
            if resume is not None and mutant.killed_by is not None:
                with resume.open("a", encoding="utf-8") as kept:
                    kept.write(json.dumps({"mutant": mutant.key, "killed_by": mutant.killed_by}) + "\n")

        with ThreadPoolExecutor(jobs) as pool:
            try:
                for stage in range(stages):
                    left = [one for one in mutants if one.killed_by is None and not one.is_out_of_time]
                    print(f"{STAGES[stage]}: {len(left)} mutants", flush=True)
                    list(pool.map(one, left, [stage] * len(left)))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for copy in all_copies:
                    copy.stop()
                raise


def told(mutant: Mutant) -> str:
    return f"{mutant.fate} by {mutant.killed_by}" if mutant.killed_by else mutant.fate


def table(mutants: Sequence[Mutant]) -> str:
    """As Markdown."""
    lines = ["| # | place | change | fate | first failing test |", "|--:|---|---|---|---|"]
    for one in mutants:
        change = str(one.mutation).replace("|", "\\|")
        test = (one.killed_by or "").replace("|", "\\|")
        lines.append(f"| {one.number} | {one.place} | {change} | {one.fate} | {test} |")
    return "\n".join(lines)


def recall(mutants: Sequence[Mutant], resume: Path) -> None:
    """Take over what an earlier run killed."""
    if resume.exists():
        lines = map(json.loads, resume.read_text(encoding="utf-8").splitlines())
        killed = {line["mutant"]: line["killed_by"] for line in lines}
        for mutant in mutants:
            mutant.killed_by = killed.get(mutant.key)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=40, help="how many mutants")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    parser.add_argument("--only", help="numbers of the list, between commas")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once, each in a copy of its own")
    parser.add_argument("--minutes", type=float, default=30.0, help="the most that a mutant may take")
    parser.add_argument(
        "--stages", type=int, choices=range(1, len(STAGES) + 1), default=len(STAGES), help="how far to go"
    )
    parser.add_argument("--resume", type=Path, metavar="FILE", help="what was killed, kept over runs")
    parser.add_argument("--adapters", action="store_true", help="with the adapters to other libraries")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    mutants = chosen(ROOT, number=arguments.number, seed=arguments.seed, adapters=arguments.adapters)
    rooms = {one.file.parent for one in mutants}
    left_out = (
        "" if arguments.adapters else f"; left out: {ADAPTERS.as_posix()}/, whose packages are not here"
    )
    print(f"{len(mutants)} mutants in {len(rooms)} rooms, seed {arguments.seed}{left_out}")
    if arguments.only:
        wanted = {int(number) for number in arguments.only.split(",")}
        mutants = [one for one in mutants if one.number in wanted]
    if arguments.list:
        for one in mutants:
            print(f"{one.number:>3} {one.place} {one.mutation}")
        return 0
    if arguments.resume is not None:
        recall(mutants, arguments.resume)
    attack_all(mutants, arguments.stages, arguments.jobs, arguments.minutes * 60, arguments.resume)
    killed = sum(one.killed_by is not None for one in mutants)
    enough = math.ceil(KILLED_SHARE * len(mutants))
    print(f"\n{table(mutants)}\n\n{killed} of {len(mutants)} killed; at least {enough} are asked for")
    for one in mutants:
        if one.killed_by is None:
            print(f"{one.fate}: {one.number} {one.place} {one.mutation}")
    return 0 if killed >= enough else 1


if __name__ == "__main__":
    sys.exit(main())
