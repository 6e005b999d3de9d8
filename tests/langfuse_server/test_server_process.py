"""The stand-in in a process of its own, steered over its control endpoint."""

from __future__ import annotations

import httpx

from tests.langfuse_server.client import score, trusted, wait_until
from tests.langfuse_server.process import server_process


def test_a_server_in_a_process_is_steered_and_looked_into() -> None:
    with (
        server_process(batches=False) as handle,
        httpx.Client(
            base_url=handle.url,
            auth=(handle.public_key, handle.secret_key),
            verify=trusted(),
            trust_env=False,
        ) as client,
    ):
        assert client.post("/api/public/scores", json=[score("a")]).status_code == 400
        handle.control("behaviour", batches=True)
        handle.control("faults", faults=[{"status": 429, "retry_after": 1}], every=2)
        assert client.post("/api/public/scores", json=[score("a"), score("b")]).status_code == 202
        assert client.post("/api/public/scores", json=[score("c")]).status_code == 429

        counts = handle.control("counts")
        assert counts["scores"] == 2
        assert counts["statuses"] == {"202": 1, "400": 1, "429": 1}
        assert counts["faults"] == {"429 with Retry-After": 1}
        assert sorted(handle.control("scores")) == ["a", "b"]


def test_a_server_in_a_process_goes_down_and_comes_back() -> None:
    with server_process() as handle:

        def status() -> int | None:
            try:
                health = f"{handle.url}/api/public/health"
                return httpx.get(health, verify=trusted(), trust_env=False).status_code
            except httpx.TransportError:
                return None

        handle.control("down", seconds=1.0)
        wait_until(lambda: status() is None)
        wait_until(lambda: status() == 200)
