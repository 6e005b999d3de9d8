"""Accepted baselines in Langfuse: a run score on the experiment of every trial, which says who, when and why.

A newer acceptance of another run moves the baseline; a value of false, which anybody can set, takes it back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scoregate.errors import ServiceError
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiments import Experiment
from scoregate.langfuse.score_body import ScoreParent, score_body
from scoregate.langfuse.score_places import environment_of_run
from scoregate.langfuse.score_sending import send_scores
from scoregate.own import json_codec
from scoregate.records import JSON
from scoregate.records.run_facts import Acceptance

_ACCEPTED = "accepted_baseline"
"""Name of the run score."""
_SEEN_WITHIN = 30.0
"""Seconds in which an accepted baseline should be seen; a server takes about six."""
_LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One acceptance, as it stands on an experiment."""

    experiment: str
    """Its id."""
    who: str
    when: str
    """ISO time."""
    why: str
    forced: tuple[str, ...] = ()
    best_of: int | None = None
    gate: str | None = None
    branch: str | None = None
    commit: str | None = None
    taken_back: bool = False

    @property
    def acceptance(self) -> Acceptance:
        """As it stands in a run's header."""
        return Acceptance(self.who, self.when, self.why, self.forced, self.best_of)


def marks(connection: Connection, experiment: str | None = None) -> list[Mark]:
    """The acceptances of the project, or of one experiment (by id), the last one first; none that was taken back.

    Raises Refused, ServiceError.
    """
    query = {"name": _ACCEPTED, "fields": "subject,details", "experimentId": experiment}
    found = [_mark(entry) for entry in connection.cursor("/v3/scores", query)]
    return sorted(
        (mark for mark in found if mark is not None and not mark.taken_back),
        key=lambda mark: mark.when,
        reverse=True,
    )


def write_marks(
    connection: Connection,
    run: str,
    trials: Sequence[Experiment],
    accepted: Mapping[str, JSON],
    *,
    gate: str,
    branch: str | None,
    commit: str | None,
    seen_within: float = _SEEN_WITHIN,
) -> bool:
    """Mark the experiments of all trials of a run as accepted; whether all marks were seen on the server in time.

    `accepted` is what a header holds under that key (who, when, why, forced, best_of). Raises ServiceError, Refused
    where the server does not take a mark, ContractError, ConfigError where it cannot be written.
    """
    # All values are texts: the server keeps no other.
    said = {
        "by": accepted["who"],
        "when": accepted["when"],
        "gate": gate,
        "branch": branch or "",
        "commit": commit or "",
        "forced": json_codec.dumps(accepted.get("forced") or [], ensure_ascii=False),
        "best_of": str(accepted.get("best_of") or ""),
    }
    place = environment_of_run(connection, trials[0].id) if trials else None
    bodies = [
        score_body(
            _ACCEPTED,
            True,
            contract=None,
            parent=ScoreParent.run(experiment.id),
            score_id=ids.run_score_id(run, trial, f"{_ACCEPTED} {gate}"),
            environment=place or connection.settings.run_environment,
            comment=str(accepted["why"]),
            metadata=said,
        )
        for trial, experiment in enumerate(trials)
    ]
    for sent in send_scores(connection, bodies):
        if sent.error is not None:
            raise sent.error
        if sent.state != "accepted":
            raise ServiceError(f"Langfuse did not take the score {sent.name}: {sent.reason}")
    return _seen(connection, [one.id for one in trials], str(accepted["when"]), seen_within)


def _seen(connection: Connection, experiments: Iterable[str], when: str, within: float) -> bool:
    waiting = list(experiments)
    deadline = time.monotonic() + within
    while True:
        waiting = [
            one for one in waiting if all(mark.when != when for mark in marks(connection, experiment=one))
        ]
        if not waiting or time.monotonic() + _LOOK_EVERY > deadline:
            return not waiting
        time.sleep(_LOOK_EVERY)


def _mark(entry: Mapping[str, JSON]) -> Mark | None:
    subject = entry.get("subject") or {}
    if subject.get("kind") != "experiment":
        return None
    said = entry.get("metadata") or {}
    return Mark(
        experiment=str(subject.get("id")),
        # Somebody may have set the score by hand, and then only the server's own fields are there.
        who=str(said.get("by") or "somebody"),
        when=str(said.get("when") or entry.get("timestamp")),
        why=str(entry.get("comment") or "no reason was given"),
        forced=_texts(said.get("forced")),
        best_of=int(said["best_of"]) if str(said.get("best_of") or "").isdecimal() else None,
        gate=str(said["gate"]) if said.get("gate") else None,
        branch=str(said["branch"]) if said.get("branch") else None,
        commit=str(said["commit"]) if said.get("commit") else None,
        taken_back=entry.get("value") not in (True, 1),
    )


def _texts(value: JSON) -> tuple[str, ...]:
    """A list of texts, that may have come back as JSON text."""
    try:
        found = json_codec.loads(value) if isinstance(value, str) else value
    except ValueError:
        return (str(value),)
    return tuple(map(str, found)) if isinstance(found, list) else ()
