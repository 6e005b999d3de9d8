"""How long a judge waits for an endpoint that says 429: as long as it said something else within the patience."""

from __future__ import annotations

import asyncio

import pytest

from scoregate.judging.calling import ModelClient
from scoregate.judging.failures import CallFailed
from scoregate.judging.usage import Usage
from tests.judging.judges import KEY, spec_of
from tests.model_server.answers import Answer, broken, failed, judged, page
from tests.model_server.server import ModelServer

PATIENCE = 1.0
LIMITED = failed(429, "Rate limit reached.")


async def complete(client: ModelClient, prompt: str) -> str:
    """The reply's score, or the reason why there is none."""
    try:
        completion = await client.complete([{"role": "user", "content": prompt}], lambda: None)
    except CallFailed as failure:
        return str(failure)
    assert completion.reply.success
    return str(completion.reply.data.score)


def ask_twice(server: ModelServer) -> list[str]:
    """Two prompts one after another, with more than the patience between them."""

    async def session() -> list[str]:
        client = ModelClient(
            spec_of(server.url),
            KEY,
            Usage(),
            concurrency=1,
            timeout_seconds=10,
            retries=0,
            patience_seconds=PATIENCE,
        )
        try:
            first = await complete(client, "a")
            await asyncio.sleep(PATIENCE + 0.2)
            return [first, await complete(client, "b")]
        finally:
            await client.close()

    return asyncio.run(session())


@pytest.mark.parametrize(
    "between", [judged(3), failed(400), failed(500), page()], ids=["reply", "refusal", "fault", "page"]
)
def test_any_other_answer_than_429_begins_the_patience_anew(between: Answer) -> None:
    with ModelServer(script=[LIMITED, between, LIMITED, judged(8)]) as server:
        assert ask_twice(server)[1] == "8"
        assert len(server.requests) == 4


def test_a_broken_connection_is_no_answer() -> None:
    with ModelServer(script=[LIMITED, broken("reset"), LIMITED, judged(8)]) as server:
        assert ask_twice(server)[1].startswith("status 429: Rate limit reached.")
        assert len(server.requests) == 3
