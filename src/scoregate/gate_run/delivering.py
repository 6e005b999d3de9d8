"""`run` and Langfuse: found before the candidate is loaded, linked before a call is paid for, told at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scoregate.gate_run.run_request import RunRequest

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.gate_run.langfuse_link import LangfuseLink
    from scoregate.langfuse.settings import Settings
    from scoregate.records import Verdict
    from scoregate.store import Store


def langfuse_of(request: RunRequest, gate: Gate) -> Settings | None:
    """The project that the run goes to, None for a local one. Raises ConfigError.

    The candidate's own SDK client reads the process's environment, so this comes before the candidate is loaded. In a
    run that is kept here it sends nothing either.
    """
    import os

    from scoregate.errors import ConfigError
    from scoregate.langfuse.settings import find_settings
    from scoregate.langfuse.tracing import prepare_environment

    settings = find_settings(gate.root)
    if request.require_delivery and (request.local or settings is None):
        if request.local:
            raise ConfigError(
                "--local keeps the run here and --require-delivery does not", hint="leave one out"
            )
        raise ConfigError(
            "--require-delivery, but there are no Langfuse keys",
            hint="`scoregate doctor` says what is missing",
        )
    if settings is not None:
        prepare_environment(settings)
    if request.local:
        os.environ["LANGFUSE_TRACING_ENABLED"] = "false"
        return None
    return settings


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
    from scoregate.gate_run.langfuse_link import LangfuseLink

    with LangfuseLink(settings, store.path, gate.catalog, say) as link:
        link.connect("the run goes on, and is delivered as soon as it does")
        yield link


def deliver(request: RunRequest, link: LangfuseLink | None, verdict: Verdict, run: str) -> int:
    """Deliver the rest, say what became of it, and return the exit code of the command.

    Whatever happens here, it changes no verdict. Where delivery is required and incomplete, a build that would pass
    ends with 5.
    """
    from scoregate.errors import INCONCLUSIVE, INTERRUPTED, PASS

    if link is None:
        return verdict.exit_code
    complete = _delivered(request, link, verdict, run)
    if request.require_delivery and not complete and verdict.exit_code in (PASS, INCONCLUSIVE):
        from scoregate.cli.telling import say

        say(f"exit code {INTERRUPTED}: --require-delivery, and not everything is seen in Langfuse")
        return INTERRUPTED
    return verdict.exit_code


def _delivered(request: RunRequest, link: LangfuseLink, verdict: Verdict, run: str) -> bool:
    from scoregate.cli.telling import say
    from scoregate.gate_run.langfuse_link import push_command

    try:
        try:
            link.tell_verdict(verdict, run)
            return link.end(request.delivery_seconds).complete
        except KeyboardInterrupt:
            link.tell()
            return False
    except Exception as problem:  # noqa: BLE001  the verdict is told already, and its exit code must stand
        say(f"the delivery to Langfuse failed: {problem}; go on with: {push_command([run])}")
    return False
