"""The recorded requests, sent under fresh names and times to any Langfuse server, are answered in the recorded shapes.

`make test-langfuse LANGFUSE_BASE_URL=…` sends them to a real one (events_only mode) with the keys of a project for
tests, at the recorded pace and so in about two minutes; else the stand-in is asked. Dataset items and scores that it
made are deleted afterwards, and configs archived; Langfuse deletes no empty dataset, no experiment and no config.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.langfuse_server.comparison import Comparison, left_out
from tests.langfuse_server.made_up_recordings import BOTH, recordings
from tests.langfuse_server.real_server import real_server
from tests.langfuse_server.recordings import Exchange, exchanges
from tests.langfuse_server.replay import Replay
from tests.langfuse_server.rewriting import Rewriting
from tests.langfuse_server.server import LangfuseServer

EVERYTHING = "reads of the whole project, which holds what others made"
CLOCK = "a read of this very moment by the recorded clock, which is not the server's"
BY_THE_CLOCK = ("2.item.list.version-now",)
SAME_FOR_ALL = ("/api/public/health", "/api/public/ready", "/api/public/projects")
LONGEST_PAUSE = timedelta(seconds=15)


@dataclass(slots=True)
class Pace:
    """Waits for the moment of each request, so that writes show in reads; what long pauses are cut by is skipped."""

    skipped: timedelta = timedelta()

    def reach(self, moment: datetime) -> None:
        wait = moment - self.skipped - datetime.now(UTC)
        self.skipped += max(wait - LONGEST_PAUSE, timedelta())
        time.sleep(max(min(wait, LONGEST_PAUSE).total_seconds(), 0.0))


RUNS = ("events_only.stock", "events_only.patched")


@pytest.fixture(params=BOTH)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What is sent again: to a real server only what a real one was sent."""
    if request.param != "recorded" and real_server() is not None:
        pytest.skip("what the stand-in answered says nothing of a real server")
    return recordings(request.param, tmp_path, *RUNS)


@dataclass(frozen=True, slots=True)
class Target:
    """The server that is asked. `pace` makes what is called with each request's moment."""

    url: str
    public_key: str
    secret_key: str
    pace: Callable[[], Callable[[datetime], None]]


@pytest.fixture
def target() -> Iterator[Target]:
    real = real_server()
    if real is not None:
        yield Target(real.url, real.public_key, real.secret_key, lambda: Pace().reach)
        return
    with LangfuseServer() as server:
        yield Target(server.url, server.public_key, server.secret_key, lambda: server.state.clock.set)


def test_recorded_requests_are_answered_in_the_recorded_shapes(
    folder: Path, target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    with httpx.Client(
        base_url=target.url, auth=(target.public_key, target.secret_key), trust_env=False
    ) as client:
        batches = client.post("/api/public/scores", json=[]).status_code == 202
        runs = RUNS if batches else RUNS[:1]
        comparisons = [_replay(target, client, run, folder, batches=batches) for run in runs]
    with capsys.disabled():
        print("", *comparisons, sep="\n")
    failures = [failure for comparison in comparisons for failure in comparison.failures]
    assert not failures, "\n".join(failures)


def _replay(target: Target, client: httpx.Client, run: str, folder: Path, *, batches: bool) -> Comparison:
    comparison = Comparison(run)
    recorded = [each for each in exchanges(run, folder) if not (batches and _is_of_a_refused_array(each))]
    shift = timedelta(milliseconds=(datetime.now(UTC) - recorded[0].at) // timedelta(milliseconds=1))
    rewriting = Rewriting(secrets.token_hex(8), shift)
    replay = Replay(target.url, target.public_key, target.secret_key, target.pace(), rewriting)
    try:
        for exchange in recorded:
            if exchange.scenario in BY_THE_CLOCK:
                comparison.left_out[CLOCK] += 1
            elif _reads_everything(replay, exchange):
                comparison.left_out[EVERYTHING] += 1
            else:
                comparison.add(replay, exchange, strict=False)
    finally:
        replay.close()
        _remove(client, replay, recorded)
    return comparison


def _reads_everything(replay: Replay, exchange: Exchange) -> bool:
    if exchange.request["method"] != "GET" or exchange.status != 200 or exchange.path in SAME_FOR_ALL:
        return False
    return left_out(exchange) is None and not replay.asks_for_own(exchange)


def _is_of_a_refused_array(exchange: Exchange) -> bool:
    """Whether a stock server refused an array here, which this server takes."""
    if exchange.run != "events_only.stock":
        return False
    sends = exchange.path == "/api/public/scores" and isinstance(exchange.request["body"], list)
    return sends or exchange.scenario.startswith("5.read.array")


def _remove(client: httpx.Client, replay: Replay, recorded: list[Exchange]) -> None:
    """Delete and archive what the replay made; what is not there any more is no matter."""
    for exchange in recorded:
        if exchange.request["method"] != "POST" or exchange.status != 200 or left_out(exchange):
            continue
        body = replay.expected(exchange)
        if exchange.path in ("/api/public/dataset-items", "/api/public/scores"):
            client.delete(f"{exchange.path}/{body['id']}")
        elif exchange.path == "/api/public/score-configs":
            client.patch(f"{exchange.path}/{body['id']}", json={"isArchived": True})
