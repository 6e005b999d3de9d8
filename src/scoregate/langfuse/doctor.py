"""What stands between this machine and a Langfuse project: one check a line, each with what to do."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from scoregate.catalog import read_catalog
from scoregate.errors import INTERRUPTED, PASS, USAGE, ConfigError, ScoregateError, ServiceError
from scoregate.files.env_file import ENV_FILE, read_env_file
from scoregate.git.checkout import run_git
from scoregate.langfuse import settings as names
from scoregate.langfuse.connection import Connection, Patience, Query, Refused, Reply
from scoregate.langfuse.project import project_of
from scoregate.langfuse.score_configs import differences, read_configs
from scoregate.langfuse.settings import Settings, find_settings
from scoregate.records import JSON

_Level = Literal["ok", "warning", "FAILED"]
_MOST_SKEW = 5.0
"""Seconds that the clocks may be apart."""
_PATIENCE = Patience(request=10.0, deadline=6.0, retry_after=10.0)
_SHOWN_OF_A_KEY = 10
_GIT_SECONDS = 5.0
_UNKNOWN = (404, 405)
_RECENT = "<an hour ago>"
_ENDPOINTS: tuple[tuple[str, str, Query], ...] = (
    ("datasets", "/v2/datasets", {}),
    ("dataset items", "/dataset-items", {}),
    ("experiments", "/experiments", {"fromStartTime": _RECENT}),
    ("experiment items", "/experiment-items", {"fromStartTime": _RECENT}),
    ("read scores", "/v3/scores", {}),
    ("score configs", "/score-configs", {}),
    ("observations", "/v2/observations", {"fromStartTime": _RECENT}),
)
"""What the gate reads: a name, a path and the query that it cannot do without."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: _Level
    message: str
    hint: str | None = None
    """What to do about it."""
    exit_code: int = PASS
    """What the command ends with because of it."""

    def to_dict(self) -> dict[str, JSON]:
        return {"check": self.name, "level": self.level, "message": self.message, "hint": self.hint}


def examine(
    root: Path,
    catalog_file: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    patience: Patience = _PATIENCE,
) -> Iterator[Check]:
    """All checks, as they are made; after one that leaves nothing to ask, the rest is left out.

    `catalog_file` holds the scores whose configs are compared, if it is there. Whatever fails is a check that did,
    and nothing is raised.
    """
    try:
        settings = find_settings(root, environ)
    except ConfigError as problem:
        yield _failed("settings", problem)
        return
    if settings is None:
        hint = (
            f"set {names.PUBLIC_KEY}, {names.SECRET_KEY} and {names.BASE_URLS[0]} in the environment or in "
            f"{ENV_FILE}; without them gates run, and nothing is sent"
        )
        yield Check("keys", "FAILED", "there are none", hint, USAGE)
        return
    yield from _settings_checks(settings, environ)
    yield from _env_file_checks(root)
    with Connection(settings, patience) as connection:
        reachable = _reachability(connection)
        yield reachable
        if reachable.level == "FAILED":
            return
        try:
            project = project_of(connection)
        except ScoregateError as problem:
            yield _failed("project", problem)
            return
        yield Check("project", "ok", f"'{project.name}' ({project.id})")
        for name, path, query in _ENDPOINTS:
            yield _endpoint(connection, name, path, query)
        yield _spans(connection)
        yield _scores(connection)
        yield _clock(connection)
        yield from _configs(connection, catalog_file)


def exit_code(checks: list[Check]) -> int:
    """0 where there are only warnings, 2 where something is set up wrongly, 5 where the service fails."""
    codes = {check.exit_code for check in checks}
    return next((code for code in (USAGE, INTERRUPTED) if code in codes), PASS)


def clock_skew(reply: Reply, sent: datetime, received: datetime) -> float | None:
    """Least seconds by which this clock must be ahead of the server's; negative where it is behind.

    The answer was written between `sent` and `received`, and its Date leaves out up to a second.
    """
    if reply.date is None:
        return None
    ahead = (sent - (reply.date + timedelta(seconds=1))).total_seconds()
    behind = (reply.date - received).total_seconds()
    return ahead if ahead > 0 else -behind if behind > 0 else 0.0


def _settings_checks(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    def source(name: str) -> str:
        return "environment" if environ.get(name, "").strip() else ENV_FILE

    public = f"{names.PUBLIC_KEY} {settings.public_key[:_SHOWN_OF_A_KEY]}… ({source(names.PUBLIC_KEY)})"
    secret = f"{names.SECRET_KEY} ({source(names.SECRET_KEY)})"
    yield Check("keys", "ok", f"{public}, {secret}, for {settings.base_url}")
    yield Check(
        "environment",
        "ok",
        f"runs go to '{settings.run_environment}', scores of live traces that are not found to "
        f"'{settings.live_environment}' ({names.ENVIRONMENT} sets both)",
    )


def _env_file_checks(root: Path) -> Iterator[Check]:
    """Whether git would commit the secret key; nothing where `.env` holds none, or there is no checkout."""
    path = root / ENV_FILE
    try:
        if names.SECRET_KEY not in read_env_file(path):
            return
        ignored = run_git(root, "check-ignore", "--quiet", ENV_FILE, seconds=_GIT_SECONDS).returncode
    except ConfigError as problem:
        yield _failed(ENV_FILE, problem)
        return
    except (OSError, subprocess.SubprocessError):
        return
    if ignored == 0:
        yield Check(ENV_FILE, "ok", "holds the secret key, and git ignores it")
    elif ignored == 1:
        message = "holds the secret key, and git does not ignore it"
        hint = f"add a line {ENV_FILE} to .gitignore, and `git rm --cached {ENV_FILE}` if it is committed"
        yield Check(ENV_FILE, "warning", message, hint)


def _reachability(connection: Connection) -> Check:
    url = connection.settings.base_url
    began = time.monotonic()
    try:
        body = connection.get("/health")
    except Refused as refusal:
        return Check(
            "server",
            "FAILED",
            f"{url} answers {refusal.status}, which no Langfuse server does here",
            f"check {names.BASE_URLS[0]}: it is the address of the page, without a path",
            USAGE,
        )
    except ServiceError as problem:
        hint = f"check {names.BASE_URLS[0]}, the network, a proxy, and that the server runs"
        return Check("server", "FAILED", problem.message, hint, INTERRUPTED)
    version = body.get("version") if isinstance(body, dict) else None
    if not version:
        return Check(
            "server",
            "warning",
            f"{url} does not tell its version",
            "is this the address of a Langfuse server?",
        )
    return Check("server", "ok", f"{url}, Langfuse {version}, {time.monotonic() - began:.2f} s an answer")


def _endpoint(connection: Connection, name: str, path: str, query: Query) -> Check:
    sent = {key: _recently() if value == _RECENT else value for key, value in query.items()}
    try:
        connection.get(path, {**sent, "limit": 1})
    except (Refused, ServiceError) as problem:
        return _failed(name, problem)
    return Check(name, "ok", f"GET {path} answers")


def _recently() -> str:
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _spans(connection: Connection) -> Check:
    """An export of nothing, in the form in which spans are sent."""
    headers = {"content-type": "application/x-protobuf", "x-langfuse-ingestion-version": "4"}
    try:
        connection.request("POST", "/otel/v1/traces", content=b"", headers=headers)
    except (Refused, ServiceError) as problem:
        return _failed("send spans", problem)
    return Check("send spans", "ok", "POST /otel/v1/traces answers")


def _scores(connection: Connection) -> Check:
    """A list of no scores: a server that takes one score at a time refuses the list, and has understood it."""
    try:
        reply = connection.post("/scores", [], wanted=(400,))
    except (Refused, ServiceError) as problem:
        return _failed("send scores", problem)
    how = "one at a time (batches came with Langfuse 4.59)" if reply.status == 400 else "in batches"
    return Check("send scores", "ok", f"POST /scores answers and takes scores {how}")


def _clock(connection: Connection) -> Check:
    began = datetime.now(UTC)
    try:
        reply = connection.request("GET", "/health")
    except (Refused, ServiceError) as problem:
        return _failed("clock", problem)
    skew = clock_skew(reply, began, datetime.now(UTC))
    if skew is None:
        return Check("clock", "warning", "the server does not tell its time, so it could not be compared")
    if abs(skew) <= _MOST_SKEW:
        return Check("clock", "ok", f"within {_MOST_SKEW:g} s of the server's")
    where = "ahead of" if skew > 0 else "behind"
    return Check(
        "clock",
        "warning",
        f"this machine is at least {abs(skew):,.0f} s {where} the server",
        "set the clock, such as by NTP: runs are looked for by the time at which they began",
    )


def _configs(connection: Connection, catalog_file: Path) -> Iterator[Check]:
    if not catalog_file.exists():
        yield Check("configs", "ok", "the project has no score catalog, so there is none to compare")
        return
    try:
        catalog = read_catalog(catalog_file)
        differing = differences(catalog, read_configs(connection))
    except ScoregateError as problem:
        yield _failed("configs", problem)
        return
    if not differing:
        yield Check("configs", "ok", f"all of the catalog's {len(catalog.contracts)} scores have theirs")
    for state in differing:
        by_hand = state.standing in ("conflict", "refused", "same")
        yield Check(
            "configs", "warning", state.line, None if by_hand else "`scoregate scores sync` sets it right"
        )


def _failed(name: str, problem: ScoregateError) -> Check:
    """A check that ended with an error."""
    if isinstance(problem, Refused) and problem.status in _UNKNOWN:
        message = f"{problem.where or name}: this server does not have it ({problem.status})"
        update = (
            "runs as experiments need Langfuse 4: update the server, or check that the address has no path"
        )
        return Check(name, "FAILED", message, update, USAGE)
    where = f"{problem.where}: " if problem.where else ""
    again = "try again; if it stays so, look at the server's logs"
    hint = again if isinstance(problem, ServiceError) else problem.hint
    return Check(name, "FAILED", f"{where}{problem.message}", hint, problem.exit_code)
