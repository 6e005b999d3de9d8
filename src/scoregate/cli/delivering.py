"""`run` and Langfuse: found before the candidate is loaded, linked before a call is paid for, told at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scoregate.cli.run_request import RunRequest

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.langfuse.settings import Settings
    from scoregate.project.langfuse_link import LangfuseLink
    from scoregate.records import Verdict
    from scoregate.store import Store


def langfuse_of(request: RunRequest, gate: Gate) -> Settings | None:
    """The project that the run goes to, None for a local one. Raises ConfigError.

    The candidate's own SDK client reads the process's environment, so this comes before the candidate is loaded.
    """
    from scoregate.errors import ConfigError
    from scoregate.langfuse.settings import find_settings

    settings = None if request.local else find_settings(gate.root)
    if settings is not None:
        from scoregate.langfuse.tracing import prepare_environment

        prepare_environment(settings)
        return settings
    if request.require_delivery:
        why = "--local keeps the run here" if request.local else "there are no Langfuse keys"
        raise ConfigError(f"--require-delivery, but {why}", hint="`scoregate doctor` says what is missing")
    return None


def say_if_local(request: RunRequest, link: LangfuseLink | None) -> None:
    """Say, once, that a run without keys stays here."""
    from scoregate.cli.telling import say

    if link is None and not request.local:
        say("no Langfuse keys: the run stays here")


@contextmanager
def linked(settings: Settings | None, gate: Gate, store: Store) -> Iterator[LangfuseLink | None]:
    """The link to Langfuse, its keys checked. Raises Refused for keys that are no good."""
    if settings is None:
        yield None
        return
    from scoregate.cli.telling import say
    from scoregate.project.langfuse_link import LangfuseLink

    with LangfuseLink(settings, store.path, gate.catalog, say) as link:
        link.connect()
        yield link


def deliver(request: RunRequest, link: LangfuseLink | None, verdict: Verdict, run: str) -> int:
    """Deliver the rest, say what became of it, and return the exit code of the command.

    Delivery changes no verdict. Where it is required and incomplete, a build that would pass ends with 5.
    """
    from scoregate.errors import INCONCLUSIVE, INTERRUPTED, PASS

    if link is None:
        return verdict.exit_code
    link.tell_verdict(verdict, run)
    report = link.end(request.delivery_seconds)
    complete = report is not None and report.complete
    if request.require_delivery and not complete and verdict.exit_code in (PASS, INCONCLUSIVE):
        return INTERRUPTED
    return verdict.exit_code
