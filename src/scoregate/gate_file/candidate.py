"""How a gate calls its candidate, and how much: the tables `[candidate]`, `[limits]` and `[rounds]`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from scoregate.config.table import (
    Anything,
    Choice,
    ConfigTable,
    Flag,
    Integer,
    Keys,
    Number,
    Table,
    Text,
    Texts,
)
from scoregate.records import JSON

THREADS: tuple[Literal["main", "pool"], ...] = ("main", "pool")
_SOURCES = ("python", "command", "http", "replay")
Reply = Literal["json", "text", "events"]
REPLIES: tuple[Reply, ...] = ("json", "text", "events")
CANDIDATE_KEYS: Keys = {
    "python": Text(),
    "command": Texts(or_text=True),
    "http": Text(pattern=r"https?://[\s\S]*"),
    "replay": Text(),
    "answer": Text(),
    "headers": Table(others=Text()),
    "body": Table(others=Anything(), fewest=1),
    "reply": Choice(REPLIES),
    "evaluators": Text(),
    "version": Text(),
    "isolate": Flag(),
    "threads": Choice(THREADS),
}
LIMIT_KEYS: Keys = {
    "concurrency": Integer(at_least=1),
    "timeout_seconds": Number(above=0),
    "retries": Integer(at_least=0),
    "patience_seconds": Number(above=0),
    "max_cost_usd": Number(above=0),
    "max_calls": Integer(at_least=1),
    "max_seconds": Number(above=0),
    "keep_going": Flag(),
}
_REPEATS = 2
"""Whole-set trials that each later round adds."""
ROUND_KEYS: Keys = {
    "suspects": Integer(at_least=0),
    "screen": Number(above=0, at_most=1),
    "confirm_trials": Integer(at_least=2),
    "max_trials": Integer(at_least=1),
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
    body: Mapping[str, JSON] | None = None
    """What is POSTed, with `{{input.question}}` for what an item holds; None: id, input, metadata and trial."""
    reply: Reply | None = None
    """json; text: the whole reply is the output; events: a stream of them. None: events by the content type."""
    evaluators: str | None = None
    """Path of a Python file with `evaluators`, for a candidate that is no Python file."""
    version: str | None = None
    """Version label; else the experiment's own, else the commit."""
    isolate: bool = False
    """Python only: one process a call, so that a crash costs one item and not the run."""
    threads: Literal["main", "pool"] | None = None
    """Python only: where code that is not async runs, one after another in the thread that imported it, or in threads
    side by side. None: "main" for scripts and where one call is made at a time, else "pool"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use. None means no limit."""

    concurrency: int = 16
    timeout_seconds: float | None = 120.0
    """Time limit of one call of the candidate, and of one scorer."""
    retries: int = 2
    """Further calls after a transient error."""
    patience_seconds: float = 60.0
    """How long a run waits for a service that asks for a pause at every call, in all."""
    max_cost_usd: float | None = None
    max_calls: int | None = None
    max_seconds: float | None = None
    keep_going: bool = False
    """Make every call, also where the first ones all failed alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Screen, confirm, repeat. The defaults are those whose error rates are published."""

    suspects: int = 3
    """Suspected drops that are confirmed by fresh trials of their own items; 0: none."""
    screen: float = 0.35
    """A drop is suspected up to this unadjusted p-value."""
    confirm_trials: int = 5
    """Fresh trials of a suspect's items in each arm."""
    max_trials: int = 5
    """Whole-set trials of each item in each arm, at most."""

    def whole_set_trials(self, first: int) -> tuple[int, ...]:
        """Trials an arm holds after each whole-set round: (1, 3, 5) for `first` = 1."""
        most = max(first, self.max_trials)
        return tuple(range(first, most + 1, _REPEATS))[:3]


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
    for key, needed in (
        ("answer", "http"), ("headers", "http"), ("body", "http"), ("reply", "http"), ("isolate", "python"),
        ("threads", "python"),
    ):  # fmt: skip
        if table.has(key) and needed != ("python" if sources == ["experiment"] else sources[0]):
            raise table.error(
                key, f"goes with '{needed}' only, and this candidate is called by '{sources[0]}'"
            )
    if table.has("evaluators") and sources[0] in ("experiment", "python"):
        raise table.error(
            "evaluators", "goes with 'command', 'http' and 'replay': a Python candidate's file has its own"
        )
    if table.text("reply") == "text" and table.has("answer"):
        raise table.error("answer", 'cannot stand beside reply = "text": a text has no places')
    headers, body = table.table("headers"), table.table("body")
    if body is not None and not body.values:
        raise table.error("body", "is empty")
    return CandidateSpec(
        python=experiment or table.file("python", root),
        command=_read_command(table),
        http=_read_url(table),
        replay=table.file("replay", root),
        answer=table.text("answer"),
        headers=headers.text_values() if headers else {},
        body=dict(body.values) if body is not None else None,
        reply=table.choice("reply", REPLIES),
        evaluators=table.file("evaluators", root),
        version=table.text("version"),
        isolate=table.flag("isolate") or False,
        threads=table.choice("threads", THREADS),
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
        patience_seconds=table.number("patience_seconds") or default.patience_seconds,
        max_cost_usd=table.number("max_cost_usd"),
        max_calls=table.integer("max_calls"),
        max_seconds=table.number("max_seconds"),
        keep_going=table.flag("keep_going") or False,
    )


def read_rounds(table: ConfigTable | None, trials: int) -> Rounds:
    """The `[rounds]` table. Raises ConfigError."""
    if table is None:
        return Rounds()
    table = table.declared(ROUND_KEYS)
    default = Rounds()
    suspects = table.integer("suspects")
    screen = table.number("screen")
    most = table.integer("max_trials")
    if most is not None and most < trials:
        raise table.error("max_trials", f"is {most}, fewer than the {trials} trials of the first round")
    return Rounds(
        suspects=default.suspects if suspects is None else suspects,
        screen=default.screen if screen is None else screen,
        confirm_trials=table.integer("confirm_trials") or default.confirm_trials,
        max_trials=most or default.max_trials,
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
