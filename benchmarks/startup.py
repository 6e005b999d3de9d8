"""How long `scoregate --help` and `import scoregate` take, beside `import click` measured in the same minute.

    python benchmarks/startup.py

The commands take turns, so that whatever else the machine does touches them alike. Ends with exit code 1 if
one takes more than `MOST` times as long as `import click`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
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


def main() -> int:
    found = medians()
    print(f"median of {ROUNDS} rounds, interleaved; at most {MOST:g} times {_YARDSTICK}\n")
    for name, taken in found.items():
        print(f"{name:<32}{1000 * taken:7.1f} ms{taken / found[_YARDSTICK]:7.2f} ×")
    return int(max(found.values()) > MOST * found[_YARDSTICK])


if __name__ == "__main__":
    sys.exit(main())
