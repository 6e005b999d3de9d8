"""Score configs compared with the catalog, and made as it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoregate.catalog import Catalog, Contract
from scoregate.errors import ServiceError
from scoregate.langfuse.config_sync import SyncedConfig, sync_configs
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.score_configs import (
    ConfigState,
    ScoreConfig,
    compare_configs,
    differences,
    read_configs,
    wanted_config,
)
from scoregate.langfuse.settings import Settings
from scoregate.records import JSON
from tests.langfuse.put_spans import QUICK, settings_of
from tests.langfuse_server.faults import EVERY_FAULT, Fault
from tests.langfuse_server.server import LangfuseServer

GROUNDED = Contract(name="groundedness", type="numeric", min=0.0, max=1.0, description="Share of sentences.")
CORRECT = Contract(name="correct", type="boolean")
VERDICT = Contract(name="verdict", type="categorical", categories=("good", "bad"))
REMARK = Contract(name="remark", type="text")
ALL = (GROUNDED, CORRECT, VERDICT, REMARK)
THERE = ScoreConfig(
    id="c", name="groundedness", data_type="NUMERIC", min=0.0, max=1.0, description="Share of sentences."
)
VERDICT_THERE = ScoreConfig(
    id="v", name="verdict", data_type="CATEGORICAL", categories=(("bad", 0), ("good", 1))
)


def catalog(*contracts: Contract) -> Catalog:
    return Catalog({contract.name: contract for contract in contracts})


def only(contract: Contract, *configs: ScoreConfig) -> ConfigState:
    """The one state of the one contract."""
    (state,) = compare_configs(catalog(contract), configs)
    return state


def create(connection: Connection, **body: JSON) -> str:
    made: str = connection.post("/score-configs", body).body["id"]
    return made


def creations(server: LangfuseServer) -> int:
    return sum(request.method == "POST" for request in server.received)


def test_a_config_as_the_catalog_says_is_the_same() -> None:
    assert only(GROUNDED, THERE).standing == "same"
    assert differences(catalog(GROUNDED), [THERE]) == []


def test_a_score_without_a_config_is_missing() -> None:
    state = only(GROUNDED)
    assert (state.standing, state.changes) == (
        "missing",
        {
            "name": "groundedness",
            "dataType": "NUMERIC",
            "minValue": 0.0,
            "maxValue": 1.0,
            "description": "Share of sentences.",
        },
    )
    assert state.line == "groundedness: is not in Langfuse"


def test_categories_are_numbered_in_the_order_of_the_catalog() -> None:
    assert wanted_config(VERDICT)["categories"] == [
        {"label": "good", "value": 0},
        {"label": "bad", "value": 1},
    ]


@pytest.mark.parametrize(
    ("config", "changes", "reason"),
    [
        (replace(THERE, max=5.0), {"maxValue": 1.0}, "max is 1 in the catalog and 5 in Langfuse"),
        (replace(THERE, min=None), {"minValue": 0.0}, "min is 0 in the catalog and open in Langfuse"),
        (replace(THERE, description=None), {"description": "Share of sentences."}, "the description differs"),
    ],
)
def test_what_differs_is_told_and_changed(config: ScoreConfig, changes: dict[str, JSON], reason: str) -> None:
    state = only(GROUNDED, config)
    assert (state.standing, state.changes, state.reasons) == ("different", changes, (reason,))


def test_a_bound_that_the_catalog_does_not_have_is_taken_away() -> None:
    assert only(replace(GROUNDED, max=None), THERE).changes == {"maxValue": None}


def test_a_description_that_only_langfuse_has_is_left() -> None:
    assert only(replace(GROUNDED, description=None), THERE).standing == "same"


def test_the_order_and_the_numbers_of_categories_are_left_as_they_are() -> None:
    assert only(VERDICT, VERDICT_THERE).standing == "same"


def test_a_new_category_gets_a_number_of_its_own_and_the_others_keep_theirs() -> None:
    contract = replace(VERDICT, categories=("good", "ugly", "bad"))
    assert only(contract, VERDICT_THERE).changes == {
        "categories": [
            {"label": "good", "value": 1},
            {"label": "ugly", "value": 2},
            {"label": "bad", "value": 0},
        ]
    }


def test_grades_must_be_numbered_from_the_worst_to_the_best() -> None:
    grades = replace(VERDICT, ordered=True)
    assert only(grades, VERDICT_THERE).standing == "different"
    assert only(replace(grades, categories=("bad", "good")), VERDICT_THERE).standing == "same"


def test_an_archived_config_is_taken_out_of_the_archive() -> None:
    state = only(GROUNDED, replace(THERE, archived=True, max=5.0))
    assert (state.standing, state.changes) == ("archived", {"isArchived": False, "maxValue": 1.0})


def test_a_config_of_another_type_is_a_conflict_that_nobody_but_a_person_solves() -> None:
    state = only(GROUNDED, replace(THERE, data_type="BOOLEAN"))
    assert (state.standing, state.changes) == ("conflict", None)
    assert "is BOOLEAN in Langfuse and NUMERIC in the catalog" in state.line


def test_an_archived_config_of_another_type_is_no_hindrance() -> None:
    assert only(GROUNDED, replace(THERE, data_type="BOOLEAN", archived=True)).standing == "missing"


def test_a_range_of_one_value_is_refused_as_the_server_would() -> None:
    state = only(replace(GROUNDED, min=1.0))
    assert (state.standing, state.changes) == ("refused", None)


def test_a_second_config_of_one_name_is_told() -> None:
    twice = [replace(THERE, created_at="2026-01"), replace(THERE, id="d", created_at="2026-02")]
    (state,) = differences(catalog(GROUNDED), twice)
    assert state.config is not None
    assert (state.standing, state.config.id, state.duplicates) == ("same", "c", 1)
    assert "one more config of this name" in state.line


def test_what_is_only_in_langfuse_is_shown_and_no_difference() -> None:
    states = compare_configs(catalog(CORRECT), [replace(THERE, name="helpful")])
    assert [(state.name, state.standing) for state in states] == [
        ("correct", "missing"),
        ("helpful", "only in Langfuse"),
    ]
    assert [state.name for state in differences(catalog(CORRECT), [THERE])] == ["correct"]


def test_of_configs_only_in_langfuse_one_that_is_in_use_is_shown() -> None:
    old, used = replace(THERE, id="old", archived=True), replace(THERE, id="used")
    (state,) = compare_configs(catalog(), [old, used])
    assert (state.config, state.reasons, state.duplicates) == (used, ("is not in the catalog",), 0)
    (state,) = compare_configs(catalog(), [old])
    assert (state.config, state.reasons, state.duplicates) == (old, ("is archived",), 0)


def test_a_sync_creates_every_type_and_a_second_one_does_nothing(
    server: LangfuseServer, connection: Connection
) -> None:
    assert [one.problem for one in sync_configs(connection, catalog(*ALL))] == [None] * 4
    assert differences(catalog(*ALL), read_configs(connection)) == []
    before = creations(server)
    assert {one.state.standing for one in sync_configs(connection, catalog(*ALL))} == {"same"}
    assert creations(server) == before
    assert not any(request.method == "PATCH" for request in server.received)


def test_a_sync_updates_and_unarchives_and_leaves_other_configs_alone(
    server: LangfuseServer, connection: Connection
) -> None:
    other = create(connection, name="helpful", dataType="BOOLEAN")
    changed = create(connection, name="groundedness", dataType="NUMERIC", minValue=0, maxValue=5)
    archived = create(
        connection, name="verdict", dataType="CATEGORICAL", categories=[{"label": "good", "value": 7}]
    )
    connection.request("PATCH", f"/score-configs/{archived}", content=b'{"isArchived": true}')
    sync_configs(connection, catalog(GROUNDED, VERDICT))
    configs = server.state.configs
    assert set(configs) == {other, changed, archived}
    assert configs[changed].maximum == 1.0
    assert not configs[archived].archived
    assert dict(configs[archived].categories or ()) == {"good": 7, "bad": 0}


def test_a_conflict_is_a_problem_and_the_others_are_made(
    server: LangfuseServer, connection: Connection
) -> None:
    create(connection, name="groundedness", dataType="BOOLEAN")
    done = {one.state.name: one.problem for one in sync_configs(connection, catalog(GROUNDED, CORRECT))}
    assert "cannot be changed" in (done["groundedness"] or "")
    assert done["correct"] is None
    assert sorted(config.name for config in server.state.configs.values()) == ["correct", "groundedness"]


@pytest.mark.parametrize("kind", ["reset_after", "truncated"])
def test_a_creation_whose_answer_was_lost_is_not_made_twice(
    server: LangfuseServer, connection: Connection, kind: str
) -> None:
    lost = Fault(kind="reset_after") if kind == "reset_after" else Fault(kind="truncated")
    server.faults.plan(lost, next_requests=1, path="/api/public/score-configs", method="POST")
    assert [one.problem for one in sync_configs(connection, catalog(CORRECT))] == [None]
    assert len(server.state.configs) == 1


def test_a_creation_that_never_arrived_is_made_again(server: LangfuseServer, connection: Connection) -> None:
    server.faults.plan(
        Fault(kind="reset_before"),
        Fault(status=502),
        next_requests=2,
        path="/api/public/score-configs",
        method="POST",
    )
    assert [one.problem for one in sync_configs(connection, catalog(CORRECT))] == [None]
    assert len(server.state.configs) == 1


def test_with_every_fault_at_hand_each_config_is_there_once(server: LangfuseServer) -> None:
    faults = [fault for fault in EVERY_FAULT if fault.retry_after is None and fault.kind != "slow"]
    server.faults.plan(*faults, share=0.3, seed=2)
    with Connection(settings_of(server), replace(QUICK, deadline=30)) as connection:
        done: list[SyncedConfig] = sync_configs(connection, catalog(*ALL))
    assert [one.problem for one in done] == [None] * 4
    assert sorted(config.name for config in server.state.configs.values()) == sorted(c.name for c in ALL)


def test_a_server_that_is_away_is_an_error(server: LangfuseServer) -> None:
    server.stop()
    with (
        Connection(settings_of(server), replace(QUICK, deadline=0.1)) as connection,
        pytest.raises(ServiceError),
    ):
        sync_configs(connection, catalog(CORRECT))


def test_wrong_keys_are_refused(server: LangfuseServer) -> None:
    with Connection(Settings("pk-lf-x", "sk-lf-x", server.url), QUICK) as connection, pytest.raises(Refused):
        sync_configs(connection, catalog(CORRECT))
