"""Releases of Langfuse's SDK: which are taken, and that none is loaded where Langfuse is not used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.langfuse.sdk import check_sdk, sdk_version

ROOT = Path(__file__).parents[2]


def installed(folder: Path, version: str) -> None:
    """As pip leaves a package behind that it has installed."""
    about = folder / f"langfuse-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: langfuse\nVersion: {version}\n")


@pytest.mark.parametrize("version", ["4.14.0", "4.18.0", "5.0.4", "5.10.0rc1"])
def test_a_release_that_is_new_enough_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    installed(tmp_path, version)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert sdk_version() == version
    check_sdk()


@pytest.mark.parametrize("version", ["2.60.3", "3.9.1", "4.13.9"])
def test_an_older_one_is_one_line_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    installed(tmp_path, version)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError) as told:
        check_sdk()
    assert f"Langfuse's SDK {version} is installed, and runs in Langfuse need 4.14 or later" in str(
        told.value
    )
    assert 'pip install "langfuse>=4.14,<6"' in str(told.value)


def test_the_package_asks_for_the_releases_that_are_taken() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "langfuse>=4.14,<6" in project["dependencies"]


def test_a_run_without_langfuse_loads_neither_its_sdk_nor_opentelemetry(tmp_path: Path) -> None:
    gate = (
        'dataset = "d.jsonl"\n'
        '[candidate]\npython = "agent.py"\nversion = "1"\n[scores.right]\ncritical = true\n'
    )
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "g.toml").write_text(gate)
    (tmp_path / "d.jsonl").write_text('{"id": "a", "input": 1, "expected_output": 1}\n')
    (tmp_path / "agent.py").write_text(
        "def task(*, item, **_):\n    return item.input\n\n"
        "def right(*, output, expected_output, **_):\n    return output == expected_output\n\n"
        "evaluators = [right]\n"
    )
    code = (
        "import sys, scoregate\n"
        "outcome = scoregate.run('gates/g.toml')\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(len(outcome.run.items), sorted(loaded & {'langfuse', 'opentelemetry'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "1 []", done.stderr
