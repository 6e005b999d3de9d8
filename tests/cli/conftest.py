"""A small project whose gate was run once and whose baseline is accepted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.judged import judged_project
from tests.cli.project import Project, agent
from tests.cli.three_gates import three_gates
from tests.github.workflow import Workflow, in_pull_request
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer


@pytest.fixture(scope="session")
def _accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Project.small(tmp_path_factory.mktemp("accepted") / "project", number=64).with_baseline().folder


@pytest.fixture
def accepted(_accepted: Path, tmp_path: Path) -> Project:
    """64 items, all answered as expected by the accepted baseline: a fresh copy for every test."""
    shutil.copytree(_accepted, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def _regressed(_accepted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("regressed") / "project"
    shutil.copytree(_accepted, folder)
    project = Project(folder)
    project.write("experiments/agent.py", agent("return n if n >= 10 else -1", version="v2"))
    return folder, project.run().started


@pytest.fixture
def regressed(_regressed: tuple[Path, str], tmp_path: Path) -> tuple[Project, str]:
    """The same after a run of an agent v2 that gets `q000` to `q009` wrong, and the run's id."""
    folder, run = _regressed
    shutil.copytree(folder, tmp_path / "project")
    return Project(tmp_path / "project"), run


@pytest.fixture(scope="session")
def _three(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return three_gates(tmp_path_factory.mktemp("three") / "project")


@pytest.fixture
def three(_three: Project, tmp_path: Path) -> Project:
    """`three_gates`: a fresh copy for every test."""
    return _three.copied_to(tmp_path / "project")


@pytest.fixture(scope="session")
def _judge_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def _nine(_: ModelRequest) -> Answer:
    return judged(9)


@pytest.fixture
def judge_server(_judge_server: ModelServer) -> ModelServer:
    """The model server of `judged_accepted`: it has been asked nothing, and grades every answer 9."""
    _judge_server.begin_again(script=_nine)
    return _judge_server


@pytest.fixture(scope="session")
def _judged_accepted(tmp_path_factory: pytest.TempPathFactory, _judge_server: ModelServer) -> Project:
    _judge_server.begin_again(script=_nine)
    return judged_project(tmp_path_factory.mktemp("judged") / "project", _judge_server).with_baseline()


@pytest.fixture
def judged_accepted(_judged_accepted: Project, judge_server: ModelServer, tmp_path: Path) -> Project:
    """A `judged_project` of 8 items, whose accepted baseline was graded 9: a fresh copy for every test."""
    return _judged_accepted.copied_to(tmp_path / "project")


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Project]:
    """Makes a project without a baseline: `small(number=8, experiment=…, gate=…)`."""

    def make(**parts: object) -> Project:
        return Project.small(tmp_path / "project", **parts)  # type: ignore[arg-type]

    return make


@pytest.fixture
def workflow(tmp_path: Path) -> Iterator[Workflow]:
    with in_pull_request(tmp_path / "runner") as job:
        yield job
