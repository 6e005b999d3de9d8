from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.git.repository import Repository

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's job in the background ignores Ctrl-C, and so would every command that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    made = Repository(folder)
    made.git("init", "--quiet", "--initial-branch=main")
    return made


_LONG = ("cli", "langfuse", "runner", "example", "gate_run", "fork_server", "docs", "statistics", "gates")
"""Rooms of the tests that take the longest, file by file: most of them start processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first. One that is begun at the end has a single processor work and the others wait."""
    rooms = {Path(__file__).parent / name for name in _LONG}

    def is_short(item: pytest.Item) -> bool:
        return rooms.isdisjoint(item.path.parents) and item.path.parent != Path(__file__).parent

    items.sort(key=is_short)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are processors: in some tests the pauses of a delivery are waited for."""
    return (yield) + 1


def pytest_collection_finish() -> None:
    """Keep what was compiled so far, and nothing that tests write: they change a file twice in the same second."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
