"""A gate whose one score a judge makes, in the working directory."""

from __future__ import annotations

from pathlib import Path

from scoregate.gate_file import Gate, read_gate
from scoregate.statistics.estimate import difference_interval

GATE = """\
[scorers.correct]
use = "judge"
prompt = "prompt.md"
model = "small"

[scores.correct]
max_drop = 0.05
"""
TRUTH = 'margin_of = "truth"\n'
LOWEST = difference_interval(7, 100, 92, 100)[0]
"""The least that a judge with these errors shows of a true drop: lenient on 7 of 100, right on 92 of 100."""


def judged_gate(keys: str = "", catalog: str = '[correct]\ntype = "boolean"\n') -> Gate:
    """Writes the gate with these further keys of its rule, its prompt and this catalog, and reads it."""
    for name, text in (
        ("prompt.md", "{{output}}"),
        ("gates/scores.toml", catalog),
        ("gates/agent.toml", GATE + keys),
    ):
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_gate(Path("gates/agent.toml"))
