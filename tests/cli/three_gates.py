"""Three gates of one project, and what one command says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from scoregate.reports.reading import read_build
from tests.cli.project import AGENT, GATE, Ended, Project, agent

WORSE = agent("return n if n >= 10 else -1", version="v2")
"""Which gets ten items wrong."""


def add_gate(project: Project, name: str, experiment: str = AGENT) -> None:
    """A gate of this name with an experiment of its own, on the project's dataset."""
    project.write(f"experiments/{name}.py", experiment)
    gate = GATE.replace("experiments/agent.py", f"experiments/{name}.py")
    project.write(f"gates/{name}.toml", gate.replace("agent.baseline", f"{name}.baseline"))


def three_gates(folder: Path) -> Project:
    """Gates `agent`, `billing` and `refunds` with one accepted baseline each, and a score catalog beside them."""
    project = Project.small(folder, number=100).with_baseline()
    for name in ("billing", "refunds"):
        add_gate(project, name)
        project.write(f"gates/{name}.baseline.jsonl", project.read("gates/agent.baseline.jsonl"))
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    return project


def table(found: Ended) -> dict[str, str]:
    """Gate -> its word in the table at the end."""
    lines = found.out.rstrip("\n").split("\n\n")[-2].splitlines()
    assert lines[0].split() == ["gate", "verdict", "worse", "why"]
    rows = (re.split(r"  +", line) for line in lines[2:])
    return {name: word for name, word, *_ in rows}


def document(project: Project, name: str = "build.json") -> Any:
    """The document of a build, which obeys the schema and is what its reader takes it for."""
    found = json.loads(project.read(name))
    assert read_build(project.path(name)).exit_code == found["exit_code"]
    return found
