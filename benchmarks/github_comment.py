"""One comment written by eight processes at once: what is lost, how long it takes, how many requests.

    python benchmarks/github_comment.py [--repetitions 50] [--latency 0.4] [--slow 6]

A stand-in for GitHub's API in threads of this process answers every request after up to twice the latency. In each
repetition eight jobs of a matrix begin at the same moment; each runs `scoregate github running` and then `scoregate
github publish`, with the program's own pauses. Then all of them do so again for the next push. Counted is whether there
is one comment, with the verdicts of all eight gates, and after the push the older verdicts of all eight.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

SLOW_ONES = (2, 5, 9, 14, 20, 26, 33)
"""Of the changes that are not slow already, the one after so many."""
PUSHES = ("a" * 40, "b" * 40)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--latency", type=float, default=0.4, help="seconds on the way, each way, at most")
    parser.add_argument(
        "--slow", type=float, help="seconds that seven changes of the comment take on their way"
    )
    options = parser.parse_args(arguments)
    lost, seconds = 0, list[float]()
    requests, extra, checked = Counter[str](), 0, 0
    for repetition in range(options.repetitions):
        with tempfile.TemporaryDirectory() as folder:
            problems, took, exchanges = repeat(Path(folder), options.latency, repetition, options.slow)
        lost += len(problems)
        seconds += took
        methods = Counter(method for method, _ in exchanges)
        requests += methods
        extra += methods["POST"] - 1
        checked += len(exchanges)
        print(
            f"{repetition + 1}: {'; '.join(problems) or 'nothing lost'}, {took[0]:.1f} + {took[1]:.1f} s",
            flush=True,
        )
    jobs = 2 * 8 * options.repetitions
    print(f"{options.repetitions} repetitions of 8 processes, 2 pushes each: {lost} sections lost")
    print(f"{checked:,} exchanges held to GitHub's description, {checked / jobs:.1f} a job: {dict(requests)}")
    print(f"comments made too much, and taken away again: {extra / options.repetitions:.1f} a repetition")
    print(
        f"seconds until all eight were done: median {statistics.median(seconds):.1f}, longest {max(seconds):.1f}"
    )
    return 1 if lost else 0


def repeat(
    folder: Path, latency: float, seed: int, slow_seconds: float | None
) -> tuple[list[str], list[float], list[tuple[str, str]]]:
    """What was lost, the seconds of both pushes, and method and path of each request."""
    from tests.github.at_once import GATES, NUMBER, at_once, commands, sections, word, write_projects
    from tests.github.workflow import Workflow
    from tests.github_server.description import check
    from tests.github_server.faults import slow
    from tests.github_server.server import GitHubServer

    documents = write_projects(folder)
    problems, took = list[str](), list[float]()
    with GitHubServer(latency=latency, seed=seed) as github:
        github.repository.open_pull_request(7, PUSHES[0])
        for after in SLOW_ONES if slow_seconds else ():
            github.faults.add(slow(slow_seconds or 0), method="PATCH", after=after)
        workflow = Workflow(github, folder / "runner", head=PUSHES[0], pull_request=7)
        for push, commit in enumerate(PUSHES):
            workflow.run, workflow.head = 100 + push, commit
            lines = [
                [["github", "running", gate], ["github", "publish", str(document), "--no-check-run"]]
                for gate, document in zip(GATES, documents, strict=True)
            ]
            began = time.monotonic()
            at_once(commands, [(folder, workflow.environ(), one) for one in lines])
            took.append(time.monotonic() - began)
            found = sections(github.repository)
            for number in range(NUMBER):
                one = found.get(f"gate-{number}")
                if one is None or (one.word, one.commit) != (word(number), commit):
                    problems.append(f"gate-{number} of push {push + 1}")
                elif push and [old.commit for old in one.older] != [PUSHES[0]]:
                    problems.append(f"the older verdict of gate-{number}")
        check(github.exchanges)
        return problems, took, [(one.method, one.path) for one in github.exchanges]


if __name__ == "__main__":
    sys.exit(main())
