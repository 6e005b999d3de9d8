"""Scores of the moment after an answer was given: feedback, a review, how a conversation ended.

Written over HTTP and answered by the server before a method returns. The SDK has no part in it, so its switches
have none either: with LANGFUSE_TRACING_ENABLED=false, where its own `create_score` drops every score without a word,
scores are still sent. Nothing is connected before the first score, and importing this needs no network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

from scoregate.catalog import SCORED, Catalog, Contract, Parent, built_in_contract
from scoregate.errors import ConfigError, ContractError, ScoregateError, did_you_mean
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.feedback import USER_FEEDBACK, FeedbackEvent
from scoregate.langfuse.score_body import ScoreParent, data_type, score_body
from scoregate.langfuse.score_configs import ScoreConfig, read_configs, usable_config
from scoregate.langfuse.score_places import (
    StandingScore,
    delete_score,
    environment_of,
    find_observation,
    find_run,
    find_run_item,
    standing_scores,
)
from scoregate.langfuse.score_sending import send_scores
from scoregate.langfuse.settings import Settings, check_environment
from scoregate.records import JSON, ScoreValue
from scoregate.wording import Say

SessionOutcome = Literal["resolved", "escalated", "abandoned", "unknown"]
OUTCOMES: tuple[SessionOutcome, ...] = get_args(SessionOutcome)
CORRECTNESS, POLICY, SESSION = "answer_correctness", "policy_compliance", "session_resolution"
_OWN = {
    contract.name: contract
    for contract in (
        Contract(
            name=USER_FEEDBACK,
            type="categorical",
            parent="trace",
            categories=("positive", "negative"),
            rubric="user-feedback-v1",
        ),
        Contract(name=CORRECTNESS, type="boolean", parent="trace", rubric="answer-correctness-v1"),
        Contract(
            name=POLICY,
            type="categorical",
            parent="trace",
            categories=("pass", "fail", "not_applicable"),
            rubric="policy-compliance-v1",
        ),
        Contract(
            name=SESSION,
            type="categorical",
            parent="session",
            categories=OUTCOMES,
            rubric="session-resolution-v1",
        ),
    )
}
"""The contracts of the scores with a method of their own; the catalog's entry, where it has one, goes before."""
_UNKNOWN = (404, 405)
"""Of a server that does not have an endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenScore:
    """A score that the server accepted."""

    id: str
    name: str
    value: ScoreValue
    parent: ScoreParent
    environment: str
    config_id: str | None = None
    deleted: tuple[StandingScore, ...] = ()
    """Scores of another environment whose place it took, which the server will delete."""

    def __str__(self) -> str:
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.name} = {value} on {self.parent} in environment {self.environment}"


class ScoreWriter:
    """Writes scores to one project. A method returns once the server accepted the score.

    They raise ContractError for a value or a parent that its contract does not allow, ConfigError for a score that has
    no contract or a config in Langfuse that stands in the way (both before anything is sent), Refused with the
    server's reason, and ServiceError where the server does not serve. Sending a score again replaces it.

    Where neither `environment` nor the settings say one, a score goes where it stands already, else where its parent
    is.
    """

    def __init__(
        self,
        target: Settings | Connection,
        catalog: Catalog | None = None,
        environment: str | None = None,
        say: Say = lambda _: None,
    ) -> None:
        """`environment` instead of the settings' own. A connection that is given is not closed here.

        `say` hears, before it is done, that a score of another environment is deleted.
        """
        self._target = target
        self._catalog = catalog or Catalog()
        self._say = say
        self._settings = target.settings if isinstance(target, Connection) else target
        self._asked = environment
        if environment is not None:
            check_environment(environment)

    def __enter__(self) -> ScoreWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if not isinstance(self._target, Connection) and "connection" in self.__dict__:
            self.connection.close()

    @cached_property
    def connection(self) -> Connection:
        """Made when it is first needed."""
        return self._target if isinstance(self._target, Connection) else Connection(self._target)

    def feedback(self, event: FeedbackEvent, *, trace_id: str) -> WrittenScore:
        """What a user said of an answer, on the answer's trace; one score an interaction."""
        return self._own(
            USER_FEEDBACK,
            event.value,
            ScoreParent.trace(trace_id),
            f"{trace_id}:{USER_FEEDBACK}:{event.interaction_id}",
            event.metadata(),
        )

    def correctness(self, *, trace_id: str, correct: bool) -> WrittenScore:
        """Whether an answer is right, on its trace."""
        return self._own(CORRECTNESS, correct, ScoreParent.trace(trace_id))

    def policy(self, *, trace_id: str, used_unauthorized_document: bool) -> WrittenScore:
        """Whether an answer kept to what its user may read, on its trace."""
        return self._own(
            POLICY, "fail" if used_unauthorized_document else "pass", ScoreParent.trace(trace_id)
        )

    def session(self, *, session_id: str, outcome: SessionOutcome) -> WrittenScore:
        """How a conversation ended."""
        return self._own(SESSION, outcome, ScoreParent.session(session_id))

    def set(
        self,
        name: str,
        value: ScoreValue,
        parent: ScoreParent,
        *,
        comment: str | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> WrittenScore:
        """Any score that has a contract, at the parent that its contract names; one a parent and name."""
        contract = self.contract(name)
        if contract.parent == "run_item":
            parent = self._as_run_item(contract, parent)
        said = [f"rubric={contract.rubric}"] if contract.rubric else []
        said += [comment] if comment else []
        return self._write(
            contract, value, parent, f"{parent.id}:{name}", comment="; ".join(said) or None, metadata=metadata
        )

    def contract(self, name: str) -> Contract:
        """A score's contract: the catalog's, else the built-in one. Raises ConfigError where there is none."""
        found = self._catalog.get(name) or _OWN.get(name)
        if found is None and name != SCORED:
            found = built_in_contract(name)
        if found is None:
            where = self._catalog.where or "the score catalog"
            known = did_you_mean(name, {*self._catalog.contracts, *_OWN})
            raise ConfigError(f"there is no score '{name}' in {where}", hint=known)
        return found

    def run(self, experiment: str) -> ScoreParent:
        """An experiment by its id or name, as a parent. Raises ConfigError where there is not exactly one."""
        return find_run(self.connection, experiment)

    def run_item(self, experiment: str, item: str) -> ScoreParent:
        """A run item by its experiment and its dataset item's id, as a parent. Raises ConfigError as `run`."""
        return find_run_item(self.connection, self.run(experiment), item)

    def warning(self, written: WrittenScore) -> str | None:
        """Why the score may not be seen where it is looked for, or None.

        The usual reason is an environment that is not the trace's own. Raises nothing: the score is written.
        """
        parent = written.parent
        what = f"session {parent.id}" if parent.kind == "session" else f"trace {parent.trace_id}"
        if parent.kind == "run":
            return None  # It was looked up by its name.
        observation = parent.id if parent.kind == "observation" else None
        try:
            there = environment_of(self.connection, parent)
            lacks = (
                there
                and observation
                and not find_observation(self.connection, parent.trace_id or "", observation)
            )
        except ScoregateError as problem:
            return f"whether {what} is in environment {written.environment} could not be checked: {problem}"
        if there is None and parent.kind == "session":
            return (
                f"session {parent.id} is in no trace of this project, or not yet: the score waits for it there "
                "(check that it is the id of a session and not of a trace)"
            )
        if there is None:
            return (
                f"{what} is not in this project, or not yet: the score waits for it there "
                "(check that it is the id of a trace and not of a session)"
            )
        if lacks:
            return (
                f"{what} has no observation {observation}, or not yet: the score waits for it there "
                "(check the id)"
            )
        if there != written.environment:
            return (
                f"the {what.split()[0]} is in '{there}' and the score in '{written.environment}': a view of one "
                "environment shows one of them only, and the server never moves a score (with --environment "
                f"{there} it is written there under another id, and this one deleted)"
            )
        return None

    @cached_property
    def _configs(self) -> list[ScoreConfig]:
        return read_configs(self.connection)

    def _own(
        self,
        name: str,
        value: ScoreValue,
        parent: ScoreParent,
        score_id: str | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> WrittenScore:
        contract, own = self.contract(name), _OWN[name]
        if contract.type != own.type:
            raise ContractError(
                f"it is {contract.type} by its contract at {contract.where or 'the catalog'}, and this writes "
                f"the {own.type} one ({', '.join(own.categories) or 'true, false'})",
                where=name,
                hint=f"`scoregate score set {name} VALUE` writes it as the contract says",
            )
        if contract.parent != parent.kind:
            _check_written_on(contract, parent.kind)
            contract = replace(contract, parent=parent.kind)
        return self._write(
            contract,
            value,
            parent,
            score_id or f"{parent.id}:{name}",
            comment=f"rubric={contract.rubric or own.rubric}",
            metadata=metadata,
        )

    def _as_run_item(self, contract: Contract, parent: ScoreParent) -> ScoreParent:
        """What is to have the score of a run item: the run item itself, or the one whose root observation is meant."""
        if parent.kind == "observation" and parent.trace_id and parent.id.strip():
            found = find_observation(self.connection, parent.trace_id, parent.id)
            if found is not None and found.is_root:
                return ScoreParent.run_item(parent.trace_id, parent.id)
            what = (
                "an observation that is not the root of its trace"
                if found
                else "an observation that is not there"
            )
        elif parent.kind == "run_item":
            return parent
        else:
            what = f"a {parent.kind}"
        raise ContractError(
            f"it belongs to a run item and not to {what}",
            where=contract.name,
            hint=f'its contract at {contract.where or "the catalog"} says parent = "run_item": give '
            "--run EXPERIMENT --item ID, or --trace-id with --observation-id of its root observation",
        )

    def _write(
        self,
        contract: Contract,
        value: ScoreValue,
        parent: ScoreParent,
        score_id: str,
        *,
        comment: str | None,
        metadata: Mapping[str, JSON] | None,
    ) -> WrittenScore:
        def body(config: ScoreConfig | None, under: str, environment: str) -> dict[str, JSON]:
            return score_body(
                contract.name,
                value,
                contract=contract,
                parent=parent,
                score_id=under,
                environment=environment,
                comment=comment,
                metadata=metadata,
                config=config,
            )

        # What is wrong by itself is told before the server is asked for anything.
        body(None, score_id, self._asked or self._settings.live_environment)
        under, environment, left = self._place(contract.name, parent, score_id)
        config = usable_config(contract.name, data_type(value, contract), self._configs)
        made = body(config, under, environment)
        for one in left:
            self._say(
                f"the score stands in '{one.environment}' (id {one.id}), and the server never moves one: it is "
                f"written in '{environment}' under the id {under}, and the other one deleted within minutes"
            )
        sent = send_scores(self.connection, [made])[0]
        if sent.state != "accepted":
            raise sent.error or ContractError(sent.reason or "it cannot be sent", where=contract.name)
        for one in left:
            delete_score(self.connection, one.id)
        return WrittenScore(
            id=under,
            name=contract.name,
            value=value,
            parent=parent,
            environment=environment,
            config_id=config.id if config else None,
            deleted=left,
        )

    def _place(
        self, name: str, parent: ScoreParent, score_id: str
    ) -> tuple[str, str, tuple[StandingScore, ...]]:
        """The id and the environment of a score, and what stands elsewhere and is to be deleted for it.

        A score that stands in the environment that is asked for keeps its id, whoever chose that.
        """
        asked = self._asked or self._settings.environment
        elsewhere = f"{score_id}@{asked}" if asked else score_id
        standing = self._standing(parent, name, {score_id, elsewhere})
        environment = asked or (standing[0].environment if standing else None)
        if environment is None:
            environment = self._environment_of(parent) or self._settings.live_environment
        here = [one.id for one in standing if one.environment == environment]
        if here:
            return (score_id if score_id in here else here[0]), environment, ()
        # Under the usual id there may be one that the server does not show yet.
        other = self._asked is not None and self._asked != self._settings.environment
        return (elsewhere if other or standing else score_id), environment, tuple(standing)

    def _standing(self, parent: ScoreParent, name: str, ids: Collection[str]) -> list[StandingScore]:
        try:
            return standing_scores(self.connection, parent, name, ids)
        except Refused as refusal:
            if refusal.status not in _UNKNOWN:
                raise
            self._say(f"whether the score stands in another environment could not be checked: {refusal}")
            return []

    def _environment_of(self, parent: ScoreParent) -> str | None:
        try:
            return environment_of(self.connection, parent)
        except Refused as refusal:
            if refusal.status not in _UNKNOWN:
                raise
            return None  # `warning` asks again, and says so


def _check_written_on(contract: Contract, kind: Parent) -> None:
    """Raise ContractError for a score that the catalog has at another parent than this one.

    A run item is a trace too, so a criterion of a gate's run items can be judged of a production trace.
    """
    if contract.parent == "run_item" and kind == "trace":
        return
    place = contract.where or "the catalog"
    raise ContractError(
        f'it is written on a {kind}, and its contract at {place} says parent = "{contract.parent}"',
        where=contract.name,
        hint=f'make it parent = "{kind}", or write it with `scoregate score set {contract.name}`',
    )
