"""What the action has pip install for a project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.action.local_runner import ACTION

PACKAGE = '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "shop"\ndependencies = ["httpx"]\n'
SCRIPTS = '[project]\nname = "shop"\ndependencies = ["httpx>=0.27", "rich"]\n'


def arguments(folder: Path, top: Path, asked: str = "") -> list[str]:
    done = subprocess.run(
        [sys.executable, ACTION / "requirements.py", folder, top],
        env={"INPUT_REQUIREMENTS": asked},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        ({}, []),
        ({"requirements.txt": "rich"}, ["-r", "TOP/requirements.txt"]),
        ({"pyproject.toml": PACKAGE}, ["-e", "TOP"]),
        ({"pyproject.toml": SCRIPTS}, ["httpx>=0.27", "rich"]),
        ({"pyproject.toml": "[tool.ruff]\n"}, []),
        ({"requirements.txt": "", "agents/a/pyproject.toml": PACKAGE}, ["-e", "TOP/agents/a"]),
        (
            {"requirements.txt": "", "agents/a/pyproject.toml": SCRIPTS, "agents/a/requirements.txt": ""},
            ["-r", "TOP/agents/a/requirements.txt", "httpx>=0.27", "rich"],
        ),
        ({"requirements.txt": "", "agents/a/pyproject.toml": "[tool.x]\n"}, ["-r", "TOP/requirements.txt"]),
    ],
)
def test_a_projects_own_files_say_what_it_needs_and_else_those_at_the_top(
    tmp_path: Path, files: dict[str, str], installed: list[str]
) -> None:
    (tmp_path / "agents" / "a").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = arguments(tmp_path / "agents" / "a", tmp_path)
    assert found == [one.replace("TOP", str(tmp_path)) for one in installed]


@pytest.mark.parametrize(
    ("asked", "installed"),
    [
        ("none", []),
        ("dev-requirements.txt", ["-r", "dev-requirements.txt"]),
        (
            ".[eval]\n  rich==13 ; python_version > '3.11'\n",
            ["-e", ".[eval]", "rich==13 ; python_version > '3.11'"],
        ),
        ("-r a.txt\n../lib\n\n", ["-r", "a.txt", "-e", "../lib"]),
        ("$(touch x) `y`", ["$(touch x) `y`"]),
    ],
)
def test_the_input_says_it_in_place_of_the_files(tmp_path: Path, asked: str, installed: list[str]) -> None:
    (tmp_path / "requirements.txt").write_text("")
    assert arguments(tmp_path, tmp_path, asked) == installed
