"""The rules for a score's body, held to what a real server did with such bodies.

The recordings lie beside the project and are not part of it; without them the stand-in's answers are what there is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scoregate.catalog import Contract, ScoreType
from scoregate.errors import ConfigError, ContractError
from scoregate.langfuse.score_body import ScoreParent, score_body
from scoregate.langfuse.score_configs import DATA_TYPES, ScoreConfig, config_of
from scoregate.records import JSON
from tests.langfuse_server.made_up_recordings import BOTH, recordings
from tests.langfuse_server.recordings import FOLDER

STRICTER = {
    "5.post.bad-environment": "the server stores it in another environment",
    "5.invalid.id-empty": "the server makes up an id",
    "5.invalid.config.other-name": "the server stores it under another name",
    "5.invalid.categorical-empty-string": "the server stores a category without a name",
}
"""What the server takes and changes without a word, or keeps as nobody meant it."""
NO_SUCH_BODY = ("NOPE", "CORRECTION")
"""Data types that no contract has."""


@pytest.fixture(scope="module", params=BOTH)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings(request.param, tmp_path_factory.mktemp("recordings"), "events_only.stock")


def recorded(folder: Path, area: str) -> list[dict[str, JSON]]:
    path = folder / f"events_only.stock.{area}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def configs(folder: Path) -> dict[str, ScoreConfig]:
    """The configs as they were when scores were sent by them."""
    found: dict[str, ScoreConfig] = {}
    for exchange in recorded(folder, "score-configs"):
        body = exchange["response"]["body"]
        if exchange["response"]["status"] == 200 and isinstance(body, dict) and "dataType" in body:
            found[body["id"]] = config_of(body)
    return found


def expressible(body: JSON) -> bool:
    """Whether `score_body` can be asked for such a body at all."""
    if not isinstance(body, dict) or "source" in body or body.get("dataType") in NO_SUCH_BODY:
        return False
    parents = [name for name in ("traceId", "sessionId", "datasetRunId") if name in body]
    return len(parents) == 1 and {"name", "value"} <= set(body) and len(json.dumps(body)) < 4000


def kept(exchanges: list[dict[str, JSON]]) -> dict[str, bool]:
    """Scenario of every recorded score -> whether the server took it and showed it again."""
    empty = {
        exchange["scenario"].replace(".read.", ".")
        for exchange in exchanges
        if exchange["scenario"].startswith("5.read.") and exchange["response"]["body"].get("data") == []
    }
    return {
        exchange["scenario"]: exchange["response"]["status"] == 200 and exchange["scenario"] not in empty
        for exchange in exchanges
        if exchange["request"]["path"] == "/api/public/scores"
        and "content-type" not in exchange["scenario"]  # about the request and not about the score
        and expressible(exchange["request"]["body"])
    }


def ours(body: dict[str, Any], known: dict[str, ScoreConfig]) -> bool:
    """Whether `score_body` makes it."""
    types: dict[str, ScoreType] = {theirs: own for own, theirs in DATA_TYPES.items()}
    config_id = body.get("configId")
    if config_id is not None and config_id not in known:
        return False  # only configs that were read are ever sent
    kind = body.get("dataType") or (known[config_id].data_type if config_id else None)
    if "observationId" in body:
        parent = ScoreParent.observation(body["traceId"], body["observationId"])
    elif "traceId" in body:
        parent = ScoreParent.trace(body["traceId"])
    elif "sessionId" in body:
        parent = ScoreParent.session(body["sessionId"])
    else:
        parent = ScoreParent.run(body["datasetRunId"])
    try:
        score_body(
            body["name"],
            body["value"],
            contract=Contract(name=body["name"], type=types[kind], parent=parent.kind) if kind else None,
            parent=parent,
            score_id=body.get("id", "some id"),
            environment=body.get("environment", "default"),
            comment=body.get("comment"),
            metadata=body.get("metadata"),
            config=known[config_id] if config_id else None,
        )
    except (ContractError, ConfigError):
        return False
    return True


def test_what_a_real_server_refused_or_dropped_is_refused_here_and_nothing_else(folder: Path) -> None:
    exchanges = recorded(folder, "scores")
    known = configs(folder)
    expected = kept(exchanges)
    bodies = {e["scenario"]: e["request"]["body"] for e in exchanges if e["scenario"] in expected}
    different = {name for name, fate in expected.items() if ours(bodies[name], known) != fate}
    # A JSON boolean without a data type is refused by the server; here it becomes a 1 of type BOOLEAN.
    forgiven = {"5.invalid.boolean-true-json", "5.invalid.boolean-json-without-data-type"}
    assert different == (set(STRICTER) | forgiven if folder == FOLDER else set())
    assert {True, False} == set(expected.values())
    print(f"{len(expected)} recorded scores compared")


def test_recorded_configs_are_read(folder: Path) -> None:
    listed = [e for e in recorded(folder, "score-configs") if e["scenario"] == "6.list.after-archive"][-1]
    entries = listed["response"]["body"]["data"]
    found = [config_of(entry) for entry in entries]
    assert {config.data_type for config in found} == {"NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"}
    assert sum(config.archived for config in found) == 1
