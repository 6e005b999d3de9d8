from __future__ import annotations

import compileall
import gc
import importlib
import os
import signal
import sys
from collections.abc import Generator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from tests.git.repository import Repository

TESTS = Path(__file__).parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's job in the background ignores Ctrl-C, and so would every command that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
    # What the tests decide is not the pull request in whose build they may be run.
    os.environ.pop(name, None)

if not os.environ.get("SCOREGATE_TEST_LANGFUSE"):
    # The servers of the tests are asked without TLS, and yet every client would read all certificates of the system,
    # for longer than most tests take. In this folder there are none.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(TESTS)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    made = Repository(folder)
    made.git("init", "--quiet", "--initial-branch=main")
    return made


_LONG = (
    "action",
    "cli",
    "langfuse",
    "runner",
    "example",
    "gate_run",
    "fork_server",
    "docs",
    "statistics",
    "gates",
)
"""Rooms of the tests that take the longest, file by file: most of them start processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first. One that is begun at the end has a single processor work and the others wait."""
    rooms = {TESTS / name for name in _LONG}

    @cache
    def is_short(path: Path) -> bool:
        return rooms.isdisjoint(path.parents) and path.parent != TESTS

    items.sort(key=lambda item: is_short(item.path))


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are processors: in some tests the pauses of a delivery are waited for."""
    return (yield) + 1


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile what no test imports: commands and workers do in each of their processes, and may keep nothing."""
    if not sys.dont_write_bytecode and not hasattr(session.config, "workerinput"):
        for folder in ("src", "experiments", "benchmarks"):
            compileall.compile_dir(TESTS.parent / folder, quiet=2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for no garbage in what is kept until the end anyway: modules and tests."""
    gc.disable()
    try:
        _import_in_turn(session)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _import_in_turn(session: pytest.Session) -> None:
    """Share the rewriting of the assertions: every worker begins with other files, and finds the rest in the cache.

    All of them rewrite all files at the same time otherwise. A file that cannot be imported is told of by pytest.
    """
    own: dict[str, object] | None = getattr(session.config, "workerinput", None)
    if own is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    files = sorted(TESTS.rglob("test_*.py"))
    first = len(files) * int(str(own["workerid"]).removeprefix("gw")) // int(str(own["workercount"]))
    for file in files[first:] + files[:first]:
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Keep what was compiled so far, and nothing that tests write: they change a file twice in the same second."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
