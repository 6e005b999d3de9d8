#!/usr/bin/env bash
# langfuse 5.0.4 (Python SDK), Python 3.11 and later. No server is asked: tracing is off.
#
# run_experiment takes max_concurrency (50 if nothing is said), and overlaps async tasks by it. A task that is a plain
# function is called on the event loop itself: no two calls ever overlap, whatever
# max_concurrency says, and all of them run in the thread that called run_experiment.
# So an experiment with a blocking client takes the sum of its calls; and code that was only ever run by it (state on
# an object, a connection of sqlite3, a signal handler) may not bear a runner that uses threads.
#
# Seen:
#   async tasks at once: 8
#   sync tasks at once: 1, all in the caller's thread: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check langfuse==5.0.4
said=$("$folder/venv/bin/python" - <<'END' 2>/dev/null
import asyncio
import threading
import time

from langfuse import Langfuse

langfuse = Langfuse(public_key="pk-lf-none", secret_key="sk-lf-none", tracing_enabled=False)
data = [{"input": number, "expected_output": number} for number in range(8)]
now, most, threads = 0, 0, set()


def count(change):
    global now, most
    now += change
    most = max(most, now)
    threads.add(threading.current_thread())


async def waits(*, item, **_):
    count(1)
    await asyncio.sleep(0.1)
    count(-1)
    return item["input"]


def blocks(*, item, **_):
    count(1)
    time.sleep(0.1)
    count(-1)
    return item["input"]


langfuse.run_experiment(name="async", data=data, task=waits, max_concurrency=8)
print(f"async tasks at once: {most}")
now, most, threads = 0, 0, set()
langfuse.run_experiment(name="sync", data=data, task=blocks, max_concurrency=8)
print(f"sync tasks at once: {most}, all in the caller's thread: {threads == {threading.current_thread()}}")
END
)
echo "$said"
[ "$said" = "async tasks at once: 8
sync tasks at once: 1, all in the caller's thread: True" ]
