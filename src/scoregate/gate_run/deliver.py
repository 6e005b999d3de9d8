"""A run and Langfuse: found before the candidate is loaded, linked before a call is paid for, told at the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from scoregate.errors import INCONCLUSIVE, INTERRUPTED, PASS, ConfigError
from scoregate.gate_run.outcome import Decided, RunOutcome
from scoregate.gate_run.request import Request
from scoregate.wording import Say

if TYPE_CHECKING:
    from scoregate.gate_file import Gate
    from scoregate.gate_run.langfuse_link import LangfuseLink
    from scoregate.langfuse.delivery import DeliveryReport
    from scoregate.langfuse.settings import Settings
    from scoregate.records import Verdict
    from scoregate.runner.candidates.script import RunEvaluation
    from scoregate.store import Store


@contextmanager
def langfuse_of(request: Request, gate: Gate) -> Iterator[Settings | None]:
    """The project that the run goes to, None for a local one. Raises ConfigError.

    The candidate's own SDK client reads the process's environment, so this is entered before the candidate is loaded.
    In a run that is kept here it sends nothing either.
    """
    from scoregate.langfuse.settings import find_settings

    settings = find_settings(gate.root, _own_environment())
    if request.require_delivery and (request.local or settings is None):
        if request.local:
            raise ConfigError(
                "--local keeps the run here and --require-delivery does not", hint="leave one out"
            )
        raise ConfigError(
            "--require-delivery, but there are no Langfuse keys",
            hint="`scoregate doctor` says what is missing",
        )
    wanted = dict(os.environ)
    if settings is not None and not request.local:
        from scoregate.langfuse.sdk import check_sdk

        check_sdk()
    if settings is not None:
        from scoregate.langfuse.tracing import prepare_environment

        prepare_environment(settings, wanted)
    if request.local:
        wanted["LANGFUSE_TRACING_ENABLED"] = "false"
    changed = {name: value for name, value in wanted.items() if os.environ.get(name) != value}
    target = None if request.local or settings is None else settings.target
    with _alone_with(target), _environment(changed):
        yield None if request.local else settings


_lock = threading.Lock()
_targets: list[str | None] = []
"""Where each run goes that this process has under way; None for one that stays here."""
_before: dict[str, tuple[int, str | None]] = {}
"""Variable -> how many runs of this process have it set, and what it was before the first of them."""


@contextmanager
def _alone_with(target: str | None) -> Iterator[None]:
    """Raises ConfigError where a run to another project is under way: their candidates would trace to one of them."""
    with _lock:
        if any(other != target for other in _targets):
            raise ConfigError(
                "another run of this process goes to another Langfuse project, or stays here",
                hint="run the two after each other, or in two processes",
            )
        _targets.append(target)
    try:
        yield
    finally:
        with _lock:
            _targets.remove(target)


def _own_environment() -> dict[str, str]:
    """The process's variables as they are without any run of it."""
    with _lock:
        own = dict(os.environ)
        for name, (_, before) in _before.items():
            own.pop(name, None)
            if before is not None:
                own[name] = before
        return own


@contextmanager
def _environment(changed: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process as long as this is entered; runs in other threads may enter it meanwhile."""
    with _lock:
        for name, value in changed.items():
            users, before = _before.get(name, (0, os.environ.get(name)))
            _before[name] = users + 1, before
            os.environ[name] = value
    try:
        yield
    finally:
        with _lock:
            for name in changed:
                users, before = _before.pop(name)
                if users > 1:
                    _before[name] = users - 1, before
                elif before is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = before


def say_if_local(request: Request, link: LangfuseLink | None, say: Say) -> None:
    """Say, once, that a run without keys stays here."""
    if link is None and not request.local:
        say("no Langfuse keys: the run stays here")


@contextmanager
def linked(settings: Settings | None, gate: Gate, store: Store, say: Say) -> Iterator[LangfuseLink | None]:
    """The link to Langfuse, its keys checked. Raises Refused for keys that are no good."""
    if settings is None:
        yield None
        return
    from scoregate.gate_run.langfuse_link import LangfuseLink

    with LangfuseLink(settings, store.path, gate.catalog, say) as link:
        link.connect("the run goes on, and is delivered as soon as it does")
        yield link


def tell_and_deliver(
    request: Request,
    link: LangfuseLink | None,
    found: Decided,
    run: str,
    decided: Callable[[Decided], None],
    say: Say,
    evaluations: Sequence[RunEvaluation] = (),
) -> RunOutcome:
    """Tell the verdict (`decided`), deliver the rest and say what became of it.

    `evaluations` are those that the candidate's own script has made of the run. A shard is not decided here: no verdict
    of it is sent.

    Whatever happens here, it changes no verdict, which is therefore told first. Where delivery is required it is told
    last, as every report states the exit code: incomplete, a build that would pass ends with 5. No delivery report is
    there of a run that stays here, and of a delivery that failed as a whole.
    """
    verdict = found.verdict if found.candidate.header.facts.shard is None else None
    code = PASS if verdict is None else verdict.exit_code
    if link is None:
        decided(found)
        return RunOutcome(decided=found, exit_code=code)
    if not request.require_delivery:
        decided(found)
        report = _delivered(request, link, verdict, run, say, evaluations)
        return RunOutcome(decided=found, exit_code=code, delivery=report)
    report = _delivered(request, link, verdict, run, say, evaluations)
    complete = report is not None and report.complete
    if not complete and code in (PASS, INCONCLUSIVE):
        code = INTERRUPTED
        say(f"exit code {code}: --require-delivery, and not everything is seen in Langfuse")
        found = replace(found, undelivered_code=code)
    decided(found)
    return RunOutcome(decided=found, exit_code=code, delivery=report)


def _delivered(
    request: Request,
    link: LangfuseLink,
    verdict: Verdict | None,
    run: str,
    say: Say,
    evaluations: Sequence[RunEvaluation],
) -> DeliveryReport | None:
    from scoregate.gate_run.langfuse_link import push_command

    try:
        try:
            if verdict is not None:
                link.tell_verdict(verdict, run, evaluations)
            return link.end(request.delivery_seconds)
        except KeyboardInterrupt:
            link.tell()
    except Exception as problem:  # noqa: BLE001  the verdict is told already, and its exit code must stand
        say(f"the delivery to Langfuse failed: {problem}; go on with: {push_command([run])}")
    return None
