"""A score as the body of `POST /scores`, checked for everything that the server would refuse, change or drop.

The server refuses little: a value that breaks its config, an environment that it cannot use, a parent that does not
exist and an empty id all get a 200, and the score is then dropped, put elsewhere or stored under a random id.
Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scoregate.catalog import Contract, Parent
from scoregate.config.table import finite_float
from scoregate.errors import ConfigError, ContractError
from scoregate.langfuse import ids
from scoregate.langfuse.score_configs import DATA_TYPES, DataType, ScoreConfig
from scoregate.langfuse.settings import check_environment
from scoregate.own import json_codec
from scoregate.records import JSON, RunHeader, ScoreValue, Verdict
from scoregate.store.outbox import RunScore

_MOST_TEXT = 500
"""Longest value of a text score, in UTF-16 units, which is how the server counts."""
MOST_BYTES = 900_000
"""Largest score; the server takes a body of 1 MiB."""
_WRITABLE: Mapping[Parent, tuple[Parent, ...]] = {
    "observation": ("observation", "run_item"),
    "trace": ("trace", "run_item"),
    "session": ("session",),
    "run_item": ("run_item",),
    "run": ("run",),
}
"""A contract's parent -> where its scores may be written. A run item is a trace with a root observation, so what is
judged of traces and observations in production is judged of run items in a gate."""
_IN_WORDS: Mapping[Parent, str] = {
    "observation": "an observation",
    "trace": "a trace",
    "session": "a session",
    "run_item": "a run item",
    "run": "a run",
}
VERDICT = "gate_verdict"
"""Name of the score that holds the outcome."""


@dataclass(frozen=True, slots=True)
class ScoreParent:
    """What a score is about. Made by `trace`, `observation`, `session`, `run_item` and `run`."""

    kind: Parent
    id: str
    """Of the trace, observation, session or experiment itself; of a run item its root observation's."""
    trace_id: str | None = None
    """The trace that an observation is in, or a run item is."""

    @classmethod
    def trace(cls, trace_id: str) -> ScoreParent:
        return cls("trace", trace_id, trace_id)

    @classmethod
    def observation(cls, trace_id: str, observation_id: str) -> ScoreParent:
        return cls("observation", observation_id, trace_id)

    @classmethod
    def session(cls, session_id: str) -> ScoreParent:
        return cls("session", session_id)

    @classmethod
    def run_item(cls, trace_id: str, root_observation_id: str) -> ScoreParent:
        """A run item by its trace and that trace's root observation."""
        return cls("run_item", root_observation_id, trace_id)

    @classmethod
    def run(cls, experiment_id: str) -> ScoreParent:
        return cls("run", experiment_id)

    def fields(self) -> dict[str, str]:
        """The fields of a score's body that name the parent."""
        if self.kind == "session":
            return {"sessionId": self.id}
        if self.kind == "run":
            return {"datasetRunId": self.id}
        trace = {"traceId": self.trace_id or ""}
        return trace if self.kind == "trace" else {**trace, "observationId": self.id}

    def __str__(self) -> str:
        kind = self.kind.replace("_", " ")
        within = f" of trace {self.trace_id}" if self.kind in ("observation", "run_item") else ""
        return f"{kind} {self.id}{within}"


def score_body(
    name: str,
    value: ScoreValue,
    *,
    contract: Contract | None,
    parent: ScoreParent,
    score_id: str,
    environment: str,
    comment: str | None = None,
    metadata: Mapping[str, JSON] | None = None,
    config: ScoreConfig | None = None,
) -> dict[str, JSON]:
    """The body of one score.

    `score_id` makes a second writing replace the first: the server then keeps what the second leaves out, a comment
    as a whole and metadata key by key. Without a contract the value's own kind is the type. `config` is the one of
    `usable_config`, or None.

    Raises ContractError where value, name, parent or id are wrong, and ConfigError where the environment cannot be
    used or the config in Langfuse stands in the way.
    """
    _check_id(name, score_id, "its id")
    _check_parent(name, parent, contract)
    check_environment(environment)
    if contract is not None:
        contract.check(value, item=str(parent))
    kind = data_type(value, contract)
    sent = _sent(name, value, kind)
    body: dict[str, JSON] = {"id": score_id, "name": name, "value": sent, "dataType": kind}
    body |= {**parent.fields(), "environment": environment}
    if comment is not None:
        body["comment"] = comment
    if metadata:
        body["metadata"] = dict(metadata)
    if config is not None:
        _check_config(name, sent, kind, config)
        body["configId"] = config.id
    _check_size(name, body)
    return body


def data_type(value: ScoreValue, contract: Contract | None) -> DataType:
    """Langfuse's type of a value: what its contract says, else what the value is. A text is then a category."""
    if contract is not None and not (contract.inferred and isinstance(value, bool)):
        return DATA_TYPES[contract.type]
    if isinstance(value, bool):
        return "BOOLEAN"
    return "CATEGORICAL" if isinstance(value, str) else "NUMERIC"


def at_parent(contract: Contract, kind: Parent) -> Contract:
    """The contract with another parent, for a writer that knows better than the catalog where its scores belong."""
    return contract if contract.parent == kind else replace(contract, parent=kind)


def _check_config(name: str, value: str | float, kind: DataType, config: ScoreConfig) -> None:
    """Refuse a value that the server would drop, or store under another name, because of its config.

    Raises ConfigError: the contract allows the value, so it is the config that is wrong.
    """
    if config.name != name:
        broken = f"is named '{config.name}', and the score would be stored under that name"
    elif config.archived:
        broken = "is archived, and the server would drop the score"
    elif config.data_type != kind:
        broken = f"is for {config.data_type} scores and this one is {kind}; the server would drop it"
    else:
        rule = config.broken_rule(value)
        if rule is None:
            return
        broken = f"does not take {_shown(value)}, which {rule}; the server would drop the score"
    raise ConfigError(
        f"its score config in Langfuse ({config.id}) {broken}",
        where=name,
        hint="`scoregate scores list` shows both sides, `scoregate scores sync` makes the config as the catalog says",
    )


def _check_id(name: str, text: str, what: str) -> None:
    if not text.strip():
        raise ContractError(f"{what} is empty", where=name or "score")
    if text != text.strip() or not text.isprintable():
        raise ContractError(f"{what} has a space around it or a character that is not printed", where=name)


def _check_parent(name: str, parent: ScoreParent, contract: Contract | None) -> None:
    if not name.strip():
        raise ContractError("a score has no name", where=str(parent))
    _check_id(name, parent.id, f"the id of its {parent.kind.replace('_', ' ')}")
    if parent.kind in ("trace", "observation", "run_item"):
        _check_id(name, parent.trace_id or "", f"the trace id of its {parent.kind.replace('_', ' ')}")
    if contract is None or contract.inferred or parent.kind in _WRITABLE[contract.parent]:
        return
    place = f" at {contract.where}" if contract.where else ""
    wanted = _IN_WORDS[contract.parent]
    raise ContractError(
        f"it belongs to {wanted} and not to {_IN_WORDS[parent.kind]}",
        where=name,
        hint=f'its contract{place} says parent = "{contract.parent}": give {wanted}, or change that',
    )


def _sent(name: str, value: ScoreValue, kind: DataType) -> str | float:
    """The value in the form that the server takes: booleans as 1 and 0."""
    if isinstance(value, str):
        if kind == "TEXT" and not 1 <= _utf16(value) <= _MOST_TEXT:
            what = f"{_utf16(value)} characters long" if value else "empty"
            raise ContractError(
                f"its text is {what}", where=name, hint=f"Langfuse takes 1 to {_MOST_TEXT} characters"
            )
        if kind == "CATEGORICAL" and not value:
            raise ContractError("its category is the empty text", where=name)
        return value
    if value is None or finite_float(value) is None:
        raise ContractError(f"its value {_shown(value)} is not a finite number", where=name)
    return int(value) if kind == "BOOLEAN" else value


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _check_size(name: str, body: Mapping[str, JSON]) -> None:
    try:
        size = len(json_codec.dumps(body, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError) as problem:
        raise ContractError(f"it cannot be written as JSON: {problem}", where=name) from problem
    if size > MOST_BYTES:
        raise ContractError(
            f"with its comment and metadata it is {size:,} bytes long",
            where=name,
            hint=f"Langfuse takes {MOST_BYTES:,}",
        )


def _shown(value: ScoreValue) -> str:
    text = json_codec.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def verdict_scores(
    verdict: Verdict,
    header: RunHeader,
    environment: str,
    evaluations: Mapping[str, tuple[ScoreValue, str | None]] | None = None,
) -> list[RunScore]:
    """The run scores of every trial: the outcome, and what each rule found on the whole set.

    `evaluations` are those of the candidate's own script: name -> value and comment. Raises ContractError, ConfigError
    for what the server would not take.
    """
    found: dict[str, tuple[ScoreValue, str | None]] = dict(evaluations or {})
    found[VERDICT] = (verdict.outcome, verdict.reason)
    for rule in verdict.rules:
        if rule.slice is None and rule.against == "baseline" and rule.candidate_value is not None:
            comment = f"{rule.outcome}: {rule.reason}"
            found[f"{rule.score} {rule.statistic}"] = (rule.candidate_value, comment)
    return [
        _run_score(header.run, trial, name, value, comment, environment)
        for trial in range(header.trials)
        for name, (value, comment) in found.items()
    ]


def _run_score(
    run: str, trial: int, name: str, value: ScoreValue, comment: str | None, environment: str
) -> RunScore:
    score_id = ids.run_score_id(run, trial, name)
    body = score_body(
        name,
        value,
        contract=None,
        parent=ScoreParent.run(ids.experiment_id(run, trial)),
        score_id=score_id,
        environment=environment,
        comment=comment,
    )
    return RunScore(score_id, trial, json_codec.dumps(body, ensure_ascii=False))
