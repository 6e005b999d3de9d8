"""The example of docs/how-to/other-scorers.md, as it stands there, with a stand-in for the model."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from scoregate.records import DatasetItem, RunItem, Score
from scoregate.scorers import from_function, score_item_async
from tests.model_server.answers import Scripted
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer
from tests.scorers.adapters.model_calls import tool_call

_GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "other-scorers.md"
_PLAIN_REPLY = {"reasoning": "r", "reason": "r", "score": 1, "rating": 4}
"""Fits all that ask for JSON: each takes its own fields of it."""


def test_the_example_of_the_guide_makes_a_score_for_each_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("autoevals", "deepeval", "openevals", "pydantic_evals", "ragas"):
        pytest.importorskip(package, reason=f"the extra '{package}' is not installed")
    section = _GUIDE.read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert example is not None
    with ModelServer(script=_reply) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        found: dict[str, Any] = {}
        exec(compile(example[1], str(_GUIDE), "exec"), found)
        cells = asyncio.run(_cells(found["evaluators"]))
    assert [cell.status for cell in cells] == ["ok"] * 5, cells
    assert {cell.score: cell.value for cell in cells} == {
        "factual": 1,
        "polite": 0.1,  # GEval is told a score of 0 to 10, and gives a tenth of it
        "concise": 1,
        "sourced": True,
        "accurate": 1.0,
    }


async def _cells(evaluators: list[Any]) -> list[Score]:
    item = DatasetItem("a", "Where is the tower?", "Paris", {})
    run_item = RunItem("a", 0, "ok", output="In Paris.")
    scored = [await score_item_async(from_function(one), item, run_item) for one in evaluators]
    return [cell for cells in scored for cell in cells]


def _reply(request: ModelRequest) -> Scripted:
    tools = {tool["function"]["name"] for tool in request.field("tools") or ()}
    if "select_choice" in tools:
        return tool_call("select_choice", reasons="They agree.", choice="C")
    if "final_result" in tools:
        return tool_call("final_result", **{"reason": "It does.", "pass": True, "score": 1.0})
    return _PLAIN_REPLY
