"""The sync face of the engine: owns the event loop, the signals, and the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from scoregate.errors import ConfigError
from scoregate.runner.engine import Engine
from scoregate.runner.plan import RunPlan, RunReport
from scoregate.runner.signals import Interruptions
from scoregate.runner.watchdog import Watchdog

LEAVE_SECONDS = 0.15
"""How long tasks that are left over may take to end."""


def run(plan: RunPlan) -> RunReport:
    """Run what is missing of a session, and say what became of it.

    Ctrl-C and SIGTERM end it within a second (`interrupted` in the report); the same signal again ends the
    process at once. Raises StoreWriteError; everything that was committed before is kept. Not for use inside
    a running event loop: await `engine.execute` there.
    """
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise ConfigError("this thread already runs an event loop", hint="await `engine.execute(plan)` there")
    loop = asyncio.new_event_loop()
    with Interruptions() as interruptions:
        try:
            return loop.run_until_complete(_session(plan, interruptions))
        finally:
            _close(loop)


async def _session(plan: RunPlan, interruptions: Interruptions) -> RunReport:
    loop = asyncio.get_running_loop()
    engine = Engine(plan)
    with Watchdog(loop, engine.calls, plan.limits.timeout_seconds) as watchdog:

        def interrupt() -> None:
            watchdog.hurry()
            loop.call_soon_threadsafe(engine.interrupt)

        interruptions.listen(interrupt)
        return await engine.run()


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close the loop without waiting for what does not end.

    `asyncio.run` would wait for every task and for the threads of the default executor, and so for a candidate
    that swallows its cancellation or hangs in `asyncio.to_thread`.
    """
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.set_exception_handler(_ignore)
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=LEAVE_SECONDS))
    closing = loop.create_task(loop.shutdown_asyncgens())
    loop.run_until_complete(asyncio.wait({closing}, timeout=LEAVE_SECONDS))
    loop.close()


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What the user's leftover tasks complain of while they are torn down is no news."""
