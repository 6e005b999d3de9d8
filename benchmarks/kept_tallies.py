"""Situations that have been simulated, kept in a file, so that the full figures can be made in pieces.

A JSON line for each: what was simulated, how often, from which seed and by which code. What the code that decides, or
the one that simulates, would do otherwise by now is not taken from the file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from builds import Situation
from figures import Tally

import scoregate

_DECIDES = ("catalog.py", "gate_file", "gates", "records", "statistics")
"""Of the package."""
_SIMULATES = ("builds.py", "figures.py", "latency.py", "run_tables.py", "worlds.py")
"""Beside this file."""


@dataclass(frozen=True)
class KeptTallies:
    """A file of tallies; it need not be there yet. A line that was cut off, as by a kill, counts as absent."""

    path: Path
    seed: int

    def of(self, situation: Situation, builds: int) -> Tally | None:
        """The tally of so many builds, where the file has it."""
        return self._read.get(self._key(situation, builds))

    def keep(self, situation: Situation, tally: Tally) -> None:
        """Write the tally of a situation that is done, on a line of its own whatever stands before it."""
        told = {field.name: getattr(tally, field.name) for field in fields(tally)}
        line = {"key": self._key(situation, tally.builds), "what": situation.what, "tally": told}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(line)}")

    @cached_property
    def _read(self) -> dict[str, Tally]:
        found = {}
        for line in self.path.read_text("utf-8").splitlines() if self.path.exists() else ():
            try:
                kept = json.loads(line)
            except json.JSONDecodeError:
                continue
            tally = kept["tally"]
            found[kept["key"]] = Tally(**{**tally, "outcomes": Counter(tally["outcomes"])})
        return found

    def _key(self, situation: Situation, builds: int) -> str:
        told = repr((situation, self.seed, builds, _digest_of_code()))
        return hashlib.sha256(told.encode()).hexdigest()


@cache
def _digest_of_code() -> str:
    package, here = Path(scoregate.__file__).parent, Path(__file__).parent
    places = [package / name for name in _DECIDES] + [here / name for name in _SIMULATES]
    digest = hashlib.sha256(np.__version__.encode())
    for place in places:
        for file in sorted(place.rglob("*.py")) if place.is_dir() else (place,):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
