"""The example's faulty version, and its unchanged one, beside the good one: what whole builds tell and what they cost.

    python benchmarks/live_example.py [--builds 10] [--noise 0.05]

Every build is the real command in a git repository of its own: the good version on `main`, a branch with the version
under test, `scoregate run gates/support-agent-side-by-side.toml`. The agent slips on purpose in a share of its calls,
in both versions alike and drawn from the system's randomness, so that no two builds are the same and none can be
repeated exactly. A pass is every item once in both versions. Exit code 1 if a faulty build was not stopped, if an
unchanged one was, if shipping-040 was not named in a faulty one, or if that took more than 2.5 passes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from scoregate.store import Store

PROJECT = Path(__file__).parents[1]
GATE = "gates/support-agent-side-by-side.toml"
MOST_PASSES = 2.5
"""That a faulty build may take."""


@dataclass(frozen=True, slots=True)
class Build:
    """One run of the gate."""

    outcome: str
    rounds: str
    """The letters of the rounds that were run."""
    names_the_item: bool
    """Whether fresh trials show that shipping-040 complied every time before, and never does now."""
    passes: float
    """Calls of the agent that the store has, in passes."""
    seconds: float


def repository(folder: Path, *, faulty: bool) -> None:
    """The good version on `main`, the one under test on the branch that is checked out."""
    for name in ("datasets", "experiments", "gates"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".gitignore").write_text(".scoregate/\n__pycache__/\n")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _commit(folder)
    _git(folder, "checkout", "--quiet", "-b", "change")
    if faulty:
        shutil.copy(folder / "experiments/support_agent_v2.py", folder / "experiments/support_agent.py")
    _commit(folder)


def _commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--allow-empty", "-m", "a version")


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, "-C", str(folder), *words], check=True)


def build(folder: Path, noise: float) -> Build:
    """Run the gate, in a store of its own."""
    shutil.rmtree(folder / "store", ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_BASE_REF"}
    environment |= {"SUPPORT_AGENT_NOISE": str(noise), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    store = folder / "store" / "store.sqlite3"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "scoregate", "run", GATE, "--json", "--store", str(store)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode not in (0, 1, 3, 4):
        raise SystemExit(done.stderr)
    verdict = json.loads(done.stdout)
    with Store.open(store) as kept:
        calls = sum(kept.totals(summary.run).calls for summary in kept.list_runs())
        items = kept.header(verdict["candidate_run"]).expected_items
    return Build(
        verdict["outcome"],
        "".join(r["round"] for r in verdict["rounds"]),
        any(_is_the_lost_item(fresh) for fresh in verdict["confirmed"]),
        calls / (2 * items),
        seconds,
    )


def _is_the_lost_item(fresh: dict[str, Any]) -> bool:
    before, now = sum(fresh["baseline_values"]), sum(fresh["candidate_values"])
    named = (fresh["item"], fresh["score"]) == ("shipping-040", "policy_compliance")
    return named and (before, now) == (len(fresh["baseline_values"]), 0)


def told(name: str, builds: Sequence[Build]) -> str:
    """The figures of builds of one kind."""
    outcomes, rounds = Counter(b.outcome for b in builds), Counter(b.rounds for b in builds)
    passes = [b.passes for b in builds]
    return "\n".join(
        [
            f"{name}: {len(builds)} builds, {fmean(b.seconds for b in builds):.1f} s each",
            f"  verdicts           {_counts(outcomes)}",
            f"  rounds             {_counts(rounds)}",
            f"  shipping-040 named {sum(b.names_the_item for b in builds)} of {len(builds)}",
            f"  calls              {fmean(passes):.2f} × one pass on the mean, {max(passes):.2f} at most",
        ]
    )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--builds", type=int, default=10, help="of each version (default 10)")
    parser.add_argument("--noise", type=float, default=0.05, help="share of calls that slip (default 0.05)")
    arguments = parser.parse_args()
    results: dict[bool, list[Build]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for faulty in (True, False):
            checkout = Path(folder) / ("faulty" if faulty else "unchanged") / "project"
            repository(checkout, faulty=faulty)
            results[faulty] = [build(checkout, arguments.noise) for _ in range(arguments.builds)]
            print(told("faulty version" if faulty else "unchanged version", results[faulty]), flush=True)
    found = [
        b for b in results[True] if b.outcome == "regression" and b.names_the_item and b.passes <= MOST_PASSES
    ]
    stopped = [b for b in results[False] if b.outcome == "regression"]
    return 1 if stopped or len(found) < len(results[True]) else 0


if __name__ == "__main__":
    sys.exit(main())
