"""How a gate calls its candidate, and what a run of it may use: the tables `[candidate]` and `[limits]`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scoregate.config.keys import Flag, Integer, Keys, Number, Table, Text, Texts
from scoregate.config.table import ConfigTable

_SOURCES = ("python", "command", "http", "replay")
CANDIDATE_KEYS: Keys = {
    "python": Text(),
    "command": Texts(or_text=True),
    "http": Text(pattern=r"https?://[\s\S]*"),
    "replay": Text(),
    "answer": Text(),
    "headers": Table(others=Text()),
    "version": Text(),
    "isolate": Flag(),
}
LIMIT_KEYS: Keys = {
    "concurrency": Integer(at_least=1),
    "timeout_seconds": Number(above=0),
    "retries": Integer(at_least=0),
    "max_cost_usd": Number(above=0),
    "max_calls": Integer(at_least=1),
    "max_seconds": Number(above=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSpec:
    """How the candidate is called: exactly one of `python`, `command`, `http`, `replay`."""

    python: str | None = None
    """Path of a Python file that defines `task`."""
    command: tuple[str, ...] = ()
    http: str | None = None
    """URL that is POSTed to."""
    replay: str | None = None
    """Path of recorded outputs (JSONL with `id` and `output`)."""
    answer: str | None = None
    """Dotted path of the answer in an HTTP reply; the whole reply if absent."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """HTTP headers; `${NAME}` is taken from the environment."""
    version: str | None = None
    """Version label; else the experiment's own, else the commit."""
    isolate: bool = False
    """Python only: one process a call, so that a crash costs one item and not the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use. None means no limit."""

    concurrency: int = 16
    timeout_seconds: float | None = 120.0
    """Time limit of one call of the candidate, and of one scorer."""
    retries: int = 2
    """Further calls after a transient error."""
    max_cost_usd: float | None = None
    max_calls: int | None = None
    max_seconds: float | None = None


def read_candidate(top: ConfigTable, root: Path) -> CandidateSpec | None:
    """The candidate of a gate: its `[candidate]` table, or `experiment`, which is short for `python`.

    None for a gate that only checks results made elsewhere. Raises ConfigError.
    """
    experiment, table = top.file("experiment", root), top.table("candidate")
    if table is None:
        return CandidateSpec(python=experiment) if experiment is not None else None
    table = table.declared(CANDIDATE_KEYS)
    sources = [key for key in _SOURCES if table.has(key)]
    if experiment is not None:
        sources.insert(0, "experiment")
    if not sources:
        raise table.error(None, "does not say what to call", hint=f"give one of {', '.join(_SOURCES)}")
    if len(sources) > 1:
        owner = top if sources[0] == "experiment" else table
        raise owner.error(
            sources[0], f"cannot stand beside '{sources[1]}'", hint="keep one way to call the candidate"
        )
    for key, needed in (("answer", "http"), ("headers", "http"), ("isolate", "python")):
        if table.has(key) and needed != ("python" if sources == ["experiment"] else sources[0]):
            raise table.error(
                key, f"goes with '{needed}' only, and this candidate is called by '{sources[0]}'"
            )
    headers = table.table("headers")
    return CandidateSpec(
        python=experiment or table.file("python", root),
        command=_read_command(table),
        http=_read_url(table),
        replay=table.file("replay", root),
        answer=table.text("answer"),
        headers=headers.text_values() if headers else {},
        version=table.text("version"),
        isolate=table.flag("isolate") or False,
    )


def read_limits(table: ConfigTable | None) -> Limits:
    """The `[limits]` table, with the defaults of `Limits` for what it leaves out. Raises ConfigError."""
    if table is None:
        return Limits()
    table = table.declared(LIMIT_KEYS)
    default = Limits()
    retries = table.integer("retries")
    return Limits(
        concurrency=table.integer("concurrency") or default.concurrency,
        timeout_seconds=table.number("timeout_seconds") or default.timeout_seconds,
        retries=default.retries if retries is None else retries,
        max_cost_usd=table.number("max_cost_usd"),
        max_calls=table.integer("max_calls"),
        max_seconds=table.number("max_seconds"),
    )


def _read_command(table: ConfigTable) -> tuple[str, ...]:
    """A list of arguments as it is; one text is split as a shell would, though no shell runs it."""
    if not isinstance(table.values.get("command"), str):
        return table.texts("command")
    try:
        words = shlex.split(table.text("command") or "")
    except ValueError as error:
        raise table.error(
            "command", f"cannot be split into words: {error}", hint="give a list of texts"
        ) from error
    return tuple(words)


def _read_url(table: ConfigTable) -> str | None:
    url = table.text("http")
    if url is not None and not url.startswith(("http://", "https://")):
        raise table.error("http", f'is "{url}", which is no URL', hint="begin it with http:// or https://")
    return url
