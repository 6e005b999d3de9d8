"""The judges' replies are kept from build to build: what was answered before is not paid for again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action.checkout import Origin
from tests.action.stand_ins import Services
from tests.cli.judged import judged_project
from tests.model_server.answers import judged
from tests.model_server.server import ModelServer


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(script=lambda _: judged(9)) as server:
        yield server


def test_the_second_build_asks_no_judge_about_the_same_answers(models: ModelServer, tmp_path: Path) -> None:
    project = judged_project(tmp_path / "author", models)
    project.write(".gitignore", ".scoregate/\n")
    origin = Origin.of(project, tmp_path, Services(tmp_path / "github").warm())
    first = origin.pushed(**project.environment).use(gates="gates/agent.toml", comment="false")
    asked = len(models.requests)
    assert asked > 0
    assert first.step("Keep replies of judges").outcome == "success"
    assert [key for key in origin.services.caches if key.startswith("scoregate-replies-gates-agent-")] != []

    origin.pushed(**project.environment).use(gates="gates/agent.toml", comment="false")
    assert len(models.requests) == asked
    origin.pushed(**project.environment).use(gates="gates/agent.toml", comment="false", cache="false")
    assert len(models.requests) == 2 * asked
