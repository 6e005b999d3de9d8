"""The sync face of the engine, and of scoring again: owns the event loop, the signals, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from scoregate.errors import ConfigError
from scoregate.runner.calls import Calls
from scoregate.runner.engine import Engine
from scoregate.runner.plan import RunPlan, RunReport
from scoregate.runner.signals import Interruptions
from scoregate.runner.watchdog import Watchdog

LEAVE_SECONDS = 0.15
"""How long tasks that are left over may take to end."""


Report = TypeVar("Report", covariant=True)


class Driver(Protocol[Report]):
    """What does the work of a session on its event loop, and then says what became of it."""

    calls: Calls

    async def run(self) -> Report: ...

    def interrupt(self) -> None:
        """End the session now, and keep what is finished."""


def run(plan: RunPlan) -> RunReport:
    """Run what is missing of a session, and say what became of it. Raises as `drive`."""
    return drive(lambda: Engine(plan), plan.limits.timeout_seconds)


def drive(begin: Callable[[], Driver[Report]], timeout_seconds: float | None) -> Report:
    """Do what `begin` makes on an event loop of its own; `timeout_seconds` is the time limit of a call.

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
            return loop.run_until_complete(_session(begin, timeout_seconds, interruptions))
        finally:
            _close(loop)


async def _session(
    begin: Callable[[], Driver[Report]], timeout_seconds: float | None, interruptions: Interruptions
) -> Report:
    loop = asyncio.get_running_loop()
    driver = begin()
    with Watchdog(loop, driver.calls, timeout_seconds) as watchdog:

        def interrupt() -> None:
            watchdog.hurry()
            loop.call_soon_threadsafe(driver.interrupt)

        interruptions.listen(interrupt)
        return await driver.run()


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
