"""The stand-in answers what a real server answered, exchange by exchange.

Every recorded request that the client can cause is sent again, in the recorded order and at the recorded time.
Status and body shape must be alike; in answers that are no errors, so must every value that a server does not make up.
"""

from __future__ import annotations

import pytest

from tests.langfuse_server.comparison import Comparison
from tests.langfuse_server.recordings import FOLDER, exchanges
from tests.langfuse_server.replay import Replay
from tests.langfuse_server.server import RECORDED, LangfuseServer
from tests.langfuse_server.state import WriteMode


def test_a_stock_server_is_answered_alike(capsys: pytest.CaptureFixture[str]) -> None:
    _check(_replay("events_only.stock", mode="events_only", batches=False), capsys)


def test_a_server_that_takes_arrays_of_scores_is_answered_alike(capsys: pytest.CaptureFixture[str]) -> None:
    _check(_replay("events_only.patched", mode="events_only", batches=True), capsys)


def test_a_server_in_dual_mode_is_answered_alike(capsys: pytest.CaptureFixture[str]) -> None:
    _check(_replay("dual.patched", mode="dual", batches=True), capsys)


def _check(comparison: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{comparison}")
    assert not comparison.failures, "\n".join([str(comparison), *comparison.failures])


def _replay(run: str, *, mode: WriteMode, batches: bool) -> Comparison:
    if not FOLDER.is_dir():
        pytest.skip("the recorded exchanges are not beside this checkout")
    comparison = Comparison(run)
    with LangfuseServer(mode=mode, batches=batches, version=RECORDED) as server:
        replay = Replay(server.url, server.public_key, server.secret_key, server.state.clock.set)
        for exchange in exchanges(run):
            comparison.add(replay, exchange, strict=True)
        replay.close()
    return comparison
