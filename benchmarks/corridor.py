"""The corridor: the files that a command enters, in order, room by room, seen by tracing a real one.

    python benchmarks/corridor.py run       # a gate of one boolean score, 20 items, with an accepted baseline
    python benchmarks/corridor.py check     # the same, decided from a results file
    python benchmarks/corridor.py run --markdown    # the table in CONTRIBUTING.md

A file is entered when a function of it is called for the first time; that it is imported does not count. Prints a row
for every stay in a room, then how many files there are and how often the room changes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType

ITEMS = 20
GATE = """\
dataset = "datasets/agent.jsonl"
experiment = "experiments/agent.py"
baseline = "gates/agent.baseline.jsonl"

[scores.correct]
max_drop = 0.05
"""
AGENT = """\
version = "v1"


def task(*, item, **kwargs):
    return item.input["n"]


def correct(*, output, expected_output, **kwargs):
    return output == expected_output


evaluators = [correct]
"""
_FUNCTION = 0x1
"""`CO_OPTIMIZED`, which modules and class bodies lack."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("run", "check"))
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown and nothing else")
    parser.add_argument("--most-files", type=int, help="exit with 1 above this")
    parser.add_argument("--most-changes", type=int, help="exit with 1 above this")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        entered = corridor(asked.command, Path(folder))
    stays = [(room, list(files)) for room, files in groupby(entered, key=room_of)]
    changes = len(stays) - 1
    if asked.markdown:
        print(markdown(stays))
    else:
        for room, files in stays:
            print(f"{room:14} {', '.join(Path(file).stem for file in files)}")
        print(f"{asked.command}: {len(entered)} files, {changes} changes of room")
    too_many = [
        most is not None and number > most
        for number, most in ((len(entered), asked.most_files), (changes, asked.most_changes))
    ]
    raise SystemExit(any(too_many))


def markdown(stays: list[tuple[str, list[str]]]) -> str:
    """A row for every stay in a room."""
    rows = [f"| `{room}` | {', '.join(Path(file).stem for file in files)} |" for room, files in stays]
    return "\n".join(["| room | files, by the order in which they are entered |", "|---|---|", *rows])


def corridor(command: str, folder: Path) -> list[str]:
    """The files below `src/scoregate/` that a command enters, in the order of their first calls."""
    for name, text in (("gates/agent.toml", GATE), ("experiments/agent.py", AGENT)):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text, encoding="utf-8")
    items = [{"id": f"q{n:03}", "input": {"n": n}, "expected_output": n} for n in range(ITEMS)]
    (folder / "datasets").mkdir()
    (folder / "datasets/agent.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    _scoregate(folder, "run", "gates/agent.toml", "--local", "-o", "results=first.jsonl")
    _scoregate(folder, "baseline", "accept", "gates/agent.toml", "first.jsonl", "--why", "the first")
    words = ["run", "gates/agent.toml", "--local"]
    if command == "check":
        lines = (folder / "first.jsonl").read_text(encoding="utf-8")
        run = json.loads(lines.partition("\n")[0])["run"]
        (folder / "again.jsonl").write_text(lines.replace(run, "another run"), encoding="utf-8")
        words = ["check", "gates/agent.toml", "--candidate", "again.jsonl"]
    log = folder / "entered"
    _scoregate(folder, *words, log=log)
    return log.read_text(encoding="utf-8").splitlines()


def room_of(file: str) -> str:
    """The room of a file: its first folder, or its own name where it stands in none."""
    return Path(file).parts[0].removesuffix(".py")


def _scoregate(folder: Path, *words: str, log: Path | None = None) -> str:
    """What a command prints. `log`: the file that it writes each file to which it enters."""
    variables = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, __file__ if log is not None else "-m"]
    command += ["--traced", str(log)] if log is not None else ["scoregate"]
    done = subprocess.run(
        [*command, *words], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 4):
        raise SystemExit(done.stderr)
    return done.stdout


def _traced(log: Path, words: list[str]) -> None:
    """Run a command in this process, and in the one that it forks, and write down which files it enters."""
    import threading

    import scoregate
    from scoregate.cli.main import main as scoregate_main

    assert scoregate.__file__ is not None
    source = f"{Path(scoregate.__file__).parent}{os.sep}"
    known: dict[CodeType, None] = {}
    seen: set[str] = set()
    # Opened to append: what a process that was forked writes comes behind what its parent has written.
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or code in known:
            return
        known[code] = None
        if not code.co_flags & _FUNCTION or code.co_name.startswith("<"):
            return
        if code.co_filename.startswith(source) and code.co_filename not in seen:
            seen.add(code.co_filename)
            os.write(out, f"{code.co_filename.removeprefix(source)}\n".encode())

    threading.setprofile(note)
    sys.setprofile(note)
    scoregate_main(words)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--traced"]:
        _traced(Path(sys.argv[2]), sys.argv[3:])
    else:
        main()
