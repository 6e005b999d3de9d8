"""`make test-adapters` fails where a test is skipped, or where code tries to leave this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_CONFTEST = Path(__file__).with_name("conftest.py")
_TESTS = {
    "test_absent.py": """
import pytest
pytest.importorskip("no_such_package")
""",
    "test_skips.py": """
import pytest
def test_skipped():
    pytest.skip("not today")
""",
    "test_leaves.py": """
import socket
def test_quietly_sends_usage_data():
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    except OSError:
        pass
""",
}


def test_skips_are_failures_and_nothing_leaves_the_machine(tmp_path: Path) -> None:
    strict = _run(tmp_path, {"SCOREGATE_TEST_ADAPTERS": "1"}, "--continue-on-collection-errors")
    assert strict.returncode == 1, strict.stdout
    assert "1 failed, 1 passed, 2 errors" in strict.stdout, strict.stdout
    assert "skipped, but here everything must run" in strict.stdout
    assert "no_such_package" in strict.stdout
    assert "to 192.0.2.1" in strict.stdout


def test_elsewhere_what_is_not_installed_is_skipped(tmp_path: Path) -> None:
    usual = _run(tmp_path, {}, "--ignore=test_leaves.py")
    assert usual.returncode == 0, usual.stdout
    assert "2 skipped" in usual.stdout


def _run(folder: Path, environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(_CONFTEST.read_text())
    for name, text in _TESTS.items():
        (folder / name).write_text(text)
    not_for_these = ("SCOREGATE_TEST_ADAPTERS", "PYTEST_ADDOPTS")
    inherited = {key: value for key, value in os.environ.items() if key not in not_for_these}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *options, "."],
        cwd=folder,
        env={**inherited, **environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
