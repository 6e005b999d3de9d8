"""How long a command of scoregate takes before and beside its work.

    python benchmarks/startup.py
    python benchmarks/startup.py --beside COMMAND [--items 300] [--repetitions 11]

Alone: the wall time of `scoregate --help` and `import scoregate`, beside `import click` measured in the same minute.
Ends with exit code 1 if one takes more than `MOST` times as long as `import click`.

Beside another checkout's `scoregate`, or the interpreter in which it is installed: processor seconds, user and system,
of each command and the processes that it started and waited for. Both work on one project of two boolean scores and
one number with slices, an accepted baseline, a recorded candidate and its results file; the store is empty before
every command, and there are no Langfuse keys. Modules are compiled before the first pair that counts. The ratio is
taken pair by pair; its median is printed. Ends with exit code 1 if the two print different verdicts.

The commands take turns, so that whatever else the machine does touches them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 15
MOST = 3.0

_SCRIPT = Path(sys.executable).with_name("scoregate")
_HELP = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "scoregate"]
_YARDSTICK = 'python -c "import click"'
COMMANDS = {
    'python -c "pass"': [sys.executable, "-c", "pass"],
    _YARDSTICK: [sys.executable, "-c", "import click"],
    'python -c "import scoregate"': [sys.executable, "-c", "import scoregate"],
    "scoregate --help": [*_HELP, "--help"],
}

GATE_PLACE = "gates/agent.toml"
GATE = """\
dataset  = "datasets/agent.jsonl"
baseline = "gates/agent.baseline.jsonl"

[candidate]
replay  = "outputs.jsonl"
version = "recorded"

[slices]
intent = "metadata.intent"
tier   = "metadata.tier"

[scores.exact]
max_drop = 0.05

[scorers.exact]
use         = "exact_match"
output_path = "answer"

[scores.cites]
max_drop = 0.05

[scorers.cites]
use     = "regex_match"
pattern = "^source-[0-9]+$"
output_path = "source"

[scores.likeness]
max_drop = 0.05

[scorers.likeness]
use         = "fuzzy_match"
output_path = "answer"
"""
CATALOG = """\
[exact]
type = "boolean"

[cites]
type = "boolean"

[likeness]
type      = "numeric"
min       = 0.0
max       = 1.0
direction = "higher"
"""
WORK = {
    "scoregate check": ["check", GATE_PLACE, "--candidate", "candidate.jsonl"],
    "scoregate run": ["run", GATE_PLACE, "--local"],
    "scoregate --help": ["--help"],
    "scoregate --version": ["--version"],
}


@dataclass(frozen=True, slots=True)
class Pair:
    """One command, of this checkout and of the other, directly after each other."""

    own: float
    other: float

    @property
    def ratio(self) -> float:
        return self.own / self.other


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def medians(rounds: int = ROUNDS) -> dict[str, float]:
    """Command -> median wall time in seconds. A first round, which fills the caches, is not counted."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, command in COMMANDS.items():
            taken = seconds(command)
            if number:
                times[name].append(taken)
    return {name: statistics.median(taken) for name, taken in times.items()}


def make_project(folder: Path, items: int) -> None:
    """A project whose gate was run once, accepted, and run again on answers of which every tenth differs."""
    records: list[dict[str, object]] = [
        {
            "id": f"q{number:05}",
            "input": {"question": f"Where is order {number}?"},
            "expected_output": f"Order {number} is at the depot and will be with you on Monday.",
            "metadata": {
                "intent": ("refund", "hours", "shipping")[number % 3],
                "tier": ("guest", "member")[number % 2],
            },
        }
        for number in range(items)
    ]
    _write(folder / GATE_PLACE, GATE)
    _write(folder / "gates/scores.toml", CATALOG)
    _write(folder / ".gitignore", ".scoregate/\n")
    _write_lines(folder / "datasets/agent.jsonl", records)
    _write_lines(folder / "outputs.jsonl", _outputs(records, wrong=7))
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _commit(folder, "Add a gate")
    own = [sys.executable, "-m", "scoregate"]
    accept = ["baseline", "accept", GATE_PLACE, _run_once(own, folder), "--why", "first version"]
    subprocess.run([*own, *accept], cwd=folder, env=_environment(folder), check=True, capture_output=True)
    _commit(folder, "Accept the first baseline")
    _write_lines(folder / "outputs.jsonl", _outputs(records, wrong=10))
    export = ["runs", "export", _run_once(own, folder), "--output", "candidate.jsonl"]
    subprocess.run([*own, *export], cwd=folder, env=_environment(folder), check=True, capture_output=True)
    _commit(folder, "Record other outputs")


def _outputs(records: Sequence[dict[str, object]], *, wrong: int) -> list[dict[str, object]]:
    """What a version answered that gets every so many-th item wrong."""
    return [
        {
            "id": record["id"],
            "output": {
                "answer": "It was sent." if number % wrong == 0 else record["expected_output"],
                "source": f"source-{number}" if number % (wrong + 3) else "none",
            },
        }
        for number, record in enumerate(records)
    ]


def _run_once(command: list[str], folder: Path) -> str:
    """The id of a new run."""
    words = [*command, *WORK["scoregate run"]]
    done = subprocess.run(words, cwd=folder, env=_environment(folder), capture_output=True, text=True)
    found = re.search(r"^scoregate: run (\S+): ", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return found[1]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_lines(path: Path, records: Sequence[dict[str, object]]) -> None:
    _write(path, "".join(json.dumps(record) + "\n" for record in records))


def _commit(folder: Path, subject: str) -> None:
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "--quiet", "-m", subject)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def _environment(folder: Path) -> dict[str, str]:
    """This one's, without CI and Langfuse keys, with a name for git, and with compiled modules beside the project."""
    left_out = ("CI", "PYTHONDONTWRITEBYTECODE")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith("LANGFUSE_")
    }
    named = {
        f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {
        **kept,
        **named,
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled"),
    }


def processor_seconds(command: list[str], folder: Path) -> tuple[float, bytes]:
    """User and system time of one process and of those that it waited for, and what it printed on stdout."""
    shutil.rmtree(folder / ".scoregate", ignore_errors=True)
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(folder), stdout=out, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return used.ru_utime + used.ru_stime, out.read()


def pairs(own: list[str], other: list[str], folder: Path, repetitions: int) -> dict[str, list[Pair]]:
    """Command -> its pairs. A first round, which fills the caches, is not counted."""
    found: dict[str, list[Pair]] = {name: [] for name in WORK}
    for number in range(repetitions + 1):
        for name, words in WORK.items():
            (mine, _), (theirs, _) = (processor_seconds([*who, *words], folder) for who in (own, other))
            if number:
                found[name].append(Pair(mine, theirs))
    return found


def same_verdict(own: list[str], other: list[str], folder: Path) -> bool:
    """Whether `check` of both prints the same bytes."""
    words = [*WORK["scoregate check"], "--json"]
    (_, mine), (_, theirs) = (processor_seconds([*who, *words], folder) for who in (own, other))
    return bool(mine) and mine == theirs


def command_of(words: str) -> list[str]:
    """`scoregate` as a command: the words themselves, or an interpreter that has it installed."""
    command = shlex.split(words)
    return [*command, "-m", "scoregate"] if Path(command[-1]).name.startswith("python") else command


def compare(beside: str, *, items: int, repetitions: int) -> int:
    own, other = [sys.executable, "-m", "scoregate"], command_of(beside)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "project"
        make_project(folder, items)
        found = pairs(own, other, folder, repetitions)
        same = same_verdict(own, other, folder)
    print(f"{items:,} items; processor seconds, medians of {repetitions} pairs, this beside the other\n")
    for name, measured in found.items():
        mine, theirs = (
            statistics.median(side) for side in zip(*((p.own, p.other) for p in measured), strict=True)
        )
        ratios = sorted(pair.ratio for pair in measured)
        print(
            f"{name:<22}{mine:7.3f} s {theirs:7.3f} s   × {statistics.median(ratios):.3f} "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )
    print(f"\nthe verdict of check is {'the same to the byte' if same else 'ANOTHER ONE'}")
    return int(not same)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--beside", metavar="COMMAND", help="another checkout's scoregate, or its interpreter"
    )
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--repetitions", type=int, default=11)
    options = parser.parse_args()
    if options.beside is not None:
        return compare(options.beside, items=options.items, repetitions=options.repetitions)
    found = medians()
    print(f"median of {ROUNDS} rounds, interleaved; at most {MOST:g} times {_YARDSTICK}\n")
    for name, taken in found.items():
        print(f"{name:<32}{1000 * taken:7.1f} ms{taken / found[_YARDSTICK]:7.2f} ×")
    return int(max(found.values()) > MOST * found[_YARDSTICK])


if __name__ == "__main__":
    sys.exit(main())
