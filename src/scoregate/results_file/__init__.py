"""The results file: a run as JSON Lines, for `runs export`, `check`, other tools, and baselines.

The first line is the header (`"kind": "run"`), every other line an item or a score, in any order. In a lock
file, the form of an accepted baseline, an item's line carries its scores:

    {"kind": "item", "item": "a", "trial": 0, "status": "ok", "scores": {"answer_correctness": true}, ...}

where a score that is more than a plain value of code is an object with `status`, `value`, `comment` and
`source`. Both forms are read by `read_results`.
"""

from scoregate.results_file.reading import SCHEMA, read_results, read_sealed
from scoregate.results_file.seal import holds_digest
from scoregate.results_file.writing import iterate_lines, iterate_lock_lines, write_lock, write_results

__all__ = [
    "SCHEMA",
    "holds_digest",
    "iterate_lines",
    "iterate_lock_lines",
    "read_results",
    "read_sealed",
    "write_lock",
    "write_results",
]
