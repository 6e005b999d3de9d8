"""A user's project whose gate has a judge, which asks a stand-in model server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.cli.project import Project, items
from tests.model_server.server import ModelServer

KEY_NAME = "JUDGE_KEY"
KEY = "sk-a-secret-that-nobody-sees"
PROMPT = "Is this a good answer?\nQuestion: {{input.n}}\nAnswer: {{output}}\n"
CATALOG = """\
[relevance]
type = "numeric"
min = 0
max = 10
direction = "higher"
description = "Relevance from 0 to 10."
rubric = "relevance-v1"

[json_valid]
type = "boolean"

[tone]
type = "categorical"
categories = ["kind", "neutral", "rude"]
pass = ["kind", "neutral"]
"""
AGENT = """\
version = "v1"


def task(*, item, **kwargs):
    return f"answer {item.input['n']}"
"""
GATE = """\
dataset = "datasets/agent.jsonl"
experiment = "experiments/agent.py"
baseline = "gates/agent.baseline.jsonl"

[limits]
timeout_seconds = 20

[scorers.relevance]
use = "judge"
prompt = "prompts/relevance.md"
model = "stand-in"
base_url = "{url}"
api_key = "JUDGE_KEY"
price = {{ input = 1.0, output = 10.0 }}
{more}

[scores.relevance]
max_drop = 6
"""


def judged_project(
    folder: Path,
    server: ModelServer,
    *,
    number: int = 8,
    more: str = "",
    after_scores: str = "",
    environment: Mapping[str, str] | None = None,
) -> Project:
    """The project; `more` goes into the judge's table, `after_scores` to the end of the gate."""
    project = Project(folder, {KEY_NAME: KEY, **(environment or {})})
    project.write_lines("datasets/agent.jsonl", items(number))
    project.write("experiments/agent.py", AGENT)
    project.write("gates/agent.toml", GATE.format(url=server.url, more=more) + after_scores)
    project.write("gates/scores.toml", CATALOG)
    project.write("prompts/relevance.md", PROMPT)
    return project
