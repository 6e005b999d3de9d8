"""`python -m tests.langfuse_server --port 0`: print the URL, serve until ended."""

from __future__ import annotations

import argparse
import threading

from tests.langfuse_server.server import LangfuseServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.langfuse_server")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--lag", type=float, default=0.0, help="seconds between a write and its visibility")
    parser.add_argument("--no-batches", dest="batches", action="store_false", help="refuse arrays of scores")
    parser.add_argument("--mode", choices=("events_only", "dual"), default="events_only")
    parser.add_argument("--public-key", help="made up where not given")
    parser.add_argument("--secret-key", help="made up where not given")
    given = parser.parse_args()
    with LangfuseServer(
        port=given.port,
        latency=given.latency,
        lag=given.lag,
        batches=given.batches,
        mode=given.mode,
        public_key=given.public_key,
        secret_key=given.secret_key,
    ) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
