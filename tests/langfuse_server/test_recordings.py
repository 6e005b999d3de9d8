"""The stand-in answers what a real server answered, exchange by exchange.

Every recorded request that the client can cause is sent again, in the recorded order and at the recorded time.
Status and body shape must be alike; in answers that are no errors, so must every value that a server does not make up.
Made-up recordings are the stand-in's own answers: on them it is tested that a difference is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.langfuse_server.comparison import Comparison
from tests.langfuse_server.made_up_recordings import BOTH, recordings
from tests.langfuse_server.recordings import Exchange, exchanges
from tests.langfuse_server.replay import Replay
from tests.langfuse_server.server import RECORDED, LangfuseServer
from tests.langfuse_server.state import WriteMode


@pytest.mark.parametrize("which", BOTH)
def test_a_stock_server_is_answered_alike(
    which: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = exchanges(run := "events_only.stock", recordings(which, tmp_path, run))
    _check(_replay(run, recorded, mode="events_only", batches=False), capsys)


@pytest.mark.parametrize("which", BOTH)
def test_a_server_that_takes_arrays_of_scores_is_answered_alike(
    which: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = exchanges(run := "events_only.patched", recordings(which, tmp_path, run))
    _check(_replay(run, recorded, mode="events_only", batches=True), capsys)


@pytest.mark.parametrize("which", BOTH)
def test_a_server_in_dual_mode_is_answered_alike(
    which: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = exchanges(run := "dual.patched", recordings(which, tmp_path, run))
    _check(_replay(run, recorded, mode="dual", batches=True), capsys)


def _other_status(one: Exchange) -> Exchange:
    return replace(one, status=202)


def _other_type(one: Exchange) -> Exchange:
    return replace(one, content_type="text/plain")


def _other_key(one: Exchange) -> Exchange:
    return replace(one, body={**one.body, "more": 1})


def _other_value(one: Exchange) -> Exchange:
    return replace(one, body={**one.body, "name": "another"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_other_status, "status 202 recorded, 200 here"),
        (_other_type, "content type text/plain recorded, application/json"),
        (_other_key, ".more: missing here"),
        (_other_value, ".name: 'another' recorded, 'made-up-eo-stock' here"),
    ],
)
def test_an_answer_that_differs_from_the_recorded_one_is_told(
    change: Callable[[Exchange], Exchange], told: str, tmp_path: Path
) -> None:
    recorded = exchanges(run := "events_only.stock", recordings("made-up", tmp_path, run))
    changed = [change(one) if one.scenario == "2.create" else one for one in recorded]
    found = _replay(run, changed, mode="events_only", batches=False)
    (failure,) = found.failures
    assert failure.startswith("#5 2.create: ")
    assert told in failure
    assert found.compared.total() == len(recorded)


def _check(comparison: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{comparison}")
    assert not comparison.failures, "\n".join([str(comparison), *comparison.failures])


def _replay(run: str, recorded: list[Exchange], *, mode: WriteMode, batches: bool) -> Comparison:
    comparison = Comparison(run)
    with LangfuseServer(mode=mode, batches=batches, version=RECORDED) as server:
        replay = Replay(server.url, server.public_key, server.secret_key, server.state.clock.set)
        for exchange in recorded:
            comparison.add(replay, exchange, strict=True)
        replay.close()
    return comparison
