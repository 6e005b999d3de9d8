"""Two arms that put the same question at the same time: whoever is stopped takes the reply from nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge, Judgement
from tests.judging.judges import item, spec_of, store_in
from tests.model_server.answers import judged, slow
from tests.model_server.server import ModelServer


def test_who_stops_waiting_for_a_reply_takes_it_from_nobody(tmp_path: Path) -> None:
    async def session(judge: Judge) -> list[Judgement | BaseException]:
        judge.begin(concurrency=3)
        asking = [asyncio.ensure_future(judge.judge(item(), "same")) for _ in range(3)]
        await asyncio.sleep(0.1)
        asking[1].cancel()
        found = await asyncio.gather(*asking, return_exceptions=True)
        await judge.close()
        return found

    with store_in(tmp_path) as store, ModelServer(script=lambda _: slow(0.5, judged(6))) as server:
        judge = Judge(spec_of(server.url))
        judge.cache = ReplyCache(store)
        first, stopped, third = asyncio.run(session(judge))
        assert len(server.requests) == 1
    assert isinstance(stopped, asyncio.CancelledError)
    assert isinstance(first, Judgement)
    assert isinstance(third, Judgement)
    assert (first.value, third.value) == (6, 6)
