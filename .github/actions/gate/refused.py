"""The result document of gates that ended with an error, before there was a verdict.

Usage: refused.py EXIT_CODE LAST_LINE GATE..., with the working directory from the top of the repository in PREFIX.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

NO_GATES = ("scores.toml", "project.toml", "waivers.toml", "pyproject.toml")
"""As in `scoregate.gate_file.project`, which may be what could not be installed."""


def document(exit_code: int, line: str, gates: list[str]) -> dict[str, object]:
    refused = [
        {
            "gate": Path(gate).stem,
            "path": gate,
            "exit_code": exit_code,
            "message": line or f"scoregate ended with exit code {exit_code}",
            "where": None,
            "hint": None,
        }
        for gate in _each(gates)
    ]
    prefix = os.environ.get("PREFIX", "").rstrip("/")
    return {
        "schema": 2,
        "exit_code": exit_code,
        "alpha": None,
        "gates": [],
        "left_out": [],
        "refused": refused,
        **({"folder": prefix} if prefix else {}),
    }


def _each(gates: list[str]) -> list[str]:
    """The gates of folders one by one, as they were told to be running."""
    found: dict[str, None] = {}
    for gate in gates:
        below = sorted(path for path in Path(gate).glob("*.toml") if path.name not in NO_GATES)
        found |= dict.fromkeys(map(str, below) if below else [gate])
    return list(found)


if __name__ == "__main__":
    json.dump(document(int(sys.argv[1]), sys.argv[2], sys.argv[3:]), sys.stdout, ensure_ascii=True)
