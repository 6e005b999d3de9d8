"""What is in a run's metadata: every fact that a run notes about itself beside the fields of its header.

A results file and the store keep them as one JSON object, `metadata`; `RunFacts` alone turns that into facts and back.
In Langfuse some of them travel as attributes (`langfuse.spans`). Results files come from other tools as well: a fact of
another type than its own counts as absent, and what nobody changes, known here or not, goes back as it stood. (Two
queries of the store name `gate` and `wait_for` in SQL.)

Who sets them: `gate_run.begin.start_run` what every run notes (gate, and origin to scored_by_more),
`gate_run.session` what tells the runs of a session apart (session, arm, against, round), `gate_run.rescored_first`
scored_again, `gate_run.stopped` failed_alike and held_up, `gate_run.rescore` rescored_from and rescored (and gate),
`gate_run.alone` script, `gate_run.shards` shard and judge_usage, `gate_run.joining` merged_from, `gates.acceptance` and
`baselines` accepted and run_shifts, `gate_run.enforce` sdk_experiment (and gate and dirty), and of a run that is read
from Langfuse `langfuse.experiment_runs` and `langfuse.delivered_run` experiment, origin and langfuse_dataset_id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

_LARGEST_SHIFT = 10.0
"""Runs that lie further apart than this, 22,000 times, tell nothing."""
JSON = Any
"""A JSON value, as in `records`, which this file is beneath."""
ArmName = Literal["baseline", "candidate"]
"""A version of a side-by-side session."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted a baseline, when, and why. None stands only where somebody else's file does not say."""

    who: str | None
    when: str | None
    """ISO time."""
    why: str | None
    forced: tuple[str, ...] = ()
    """What spoke against it and was overruled."""
    best_of: int | None = None
    """The run was chosen among so many equal ones, and scores better than the first of them."""

    def to_json(self) -> dict[str, JSON]:
        said: dict[str, JSON] = {
            "who": self.who,
            "when": self.when,
            "why": self.why,
            "forced": list(self.forced),
        }
        return said if self.best_of is None else {**said, "best_of": self.best_of}


@dataclass(frozen=True, slots=True)
class RunShift:
    """How far runs of one version lie apart as a whole, in a measured score."""

    sd: float
    """Standard deviation of a run's mean logarithm; 0.19 is about 19 %."""
    runs: int
    """It was told from; at least 2."""

    def to_json(self) -> dict[str, JSON]:
        return {"sd": self.sd, "runs": self.runs}


@dataclass(frozen=True, slots=True)
class Rescored:
    """Who scored a run's outputs again, and when (ISO time). None where somebody else's file does not say."""

    who: str | None
    when: str | None

    def to_json(self) -> dict[str, JSON]:
        return {"who": self.who, "when": self.when}


@dataclass(frozen=True, slots=True)
class ScriptSaid:
    """What the candidate's own script had against the run."""

    outcome: Literal["regression", "invalid"]
    reason: str

    def to_json(self) -> dict[str, JSON]:
        return {"outcome": self.outcome, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Shard:
    """Which share of a run this is: `number` 1 is the first of `of`, and all of them have `items` items together."""

    number: int
    of: int
    items: int

    def __str__(self) -> str:
        return f"shard {self.number}/{self.of}"

    def to_json(self) -> dict[str, JSON]:
        return {"number": self.number, "of": self.of, "items": self.items}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The facts of one run. A field's name is its key in `metadata`; a fact that is not known is left out there.

    `header.facts` reads them, `header.with_facts(replace(header.facts, dirty=True))` changes one and keeps the rest.
    Facts that are new to a header are written behind those that it has, in the order of these fields.
    """

    gate: str | None = None
    """Name of the gate that the run was made or scored again for."""
    experiment: Mapping[str, JSON] | None = None
    """`name` and `metadata` of the experiment in Langfuse that the run was read from, which scoregate did not make."""
    sdk_experiment: Mapping[str, JSON] | None = None
    """`id` and `name` of the experiment of Langfuse's SDK whose result the run is."""
    origin: Mapping[str, JSON] = field(default_factory=dict)
    """`branch`, `pull_request` and `ci_job` (a web address or a name), as far as they are known."""
    dirty: bool | None = None
    """Whether the candidate ran from a working tree with uncommitted changes; None where nothing says it.

    Whatever is true in JSON's or Python's sense (1, "yes") counts as true: no file is cleaner than it says.
    """
    uncommitted: tuple[str, ...] = ()
    """The first files that were not committed, where `dirty` is true and they are known."""
    timeout_seconds: float | None = None
    """Time limit of a call in seconds, above 0, which is the latency of every call that timed out."""
    program: str | None = None
    """The Python file that is called, and 12 digits of a hash of its content."""
    langfuse_dataset_id: str | None = None
    """Id of the dataset in Langfuse."""
    wait_for: tuple[str, ...] = ()
    """Scores that evaluators in Langfuse write: they are read from there, and never sent."""
    selection: str | None = None
    """Why the run covers only a part of the dataset, in words; None for the whole. Such a run never passes.

    Whatever is true in Python's sense counts as a selection, and is shown as it is.
    """
    selected_items: tuple[str, ...] | None = None
    """Ids of the items that a partial run was asked for; None where the whole dataset was, or it is not told."""
    shard: Shard | None = None
    """Which share of the whole run it is, where jobs run the dataset in parts; such a run is partial as well."""
    judge_usage: Mapping[str, JSON] = field(default_factory=dict)
    """Judged score -> `replies`, `from_cache`, `calls` and `cost_usd` of its judge, in a shard, whose store is not
    where it is merged. Of any other run the store knows them."""
    scored_by_more: tuple[str, ...] = ()
    """Scores whose scorers look at more than the item and its answer: at latency, cost, tokens or the trial."""
    script: ScriptSaid | None = None
    """What the candidate's own script had against the run; None where it had nothing, or the candidate is none."""
    session: str | None = None
    """Id of the side-by-side session that the run belongs to, which is the id of the candidate's run."""
    arm: ArmName | None = None
    """Which of the two versions of its session the run is of."""
    against: str | None = None
    """The baseline that its session was asked for: `git:REF`, or the full path of a file."""
    round: str | None = None
    """Letter of the round of fresh trials that the run was made for. Its trials are numbered from 0 again."""
    failed_alike: str | None = None
    """The error with which all of its first calls failed, where that ended it; what failed is tried again then."""
    held_up: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(item, trial) -> the scorer, or "" for the candidate, whose call held up the process of an earlier session until
    it was ended. Where the run is gone on with, such a call is not made in the run's process again."""
    merged_from: tuple[str, ...] = ()
    """Ids of the shards that were merged into the run."""
    scored_again: tuple[str, ...] = ()
    """Ids of the runs that were scored again for this one, whose cost counts towards its cap."""
    rescored_from: str | None = None
    """Id of the run that was made and whose outputs these are, however often it was scored again since."""
    rescored: Rescored | None = None
    """Who scored these outputs again, and when; None for a run that was made."""
    accepted: Acceptance | None = None
    """Who accepted the run as a baseline, when and why; None for a run that nobody accepted."""
    run_shifts: Mapping[str, RunShift] = field(default_factory=dict)
    """Measured score -> how far this gate's runs of one version lay apart when the run was accepted."""

    as_read: Mapping[str, JSON] = field(default_factory=dict, repr=False, compare=False)
    """The metadata that the facts were read from."""

    @classmethod
    def of(cls, metadata: Mapping[str, JSON]) -> RunFacts:
        """The facts in a run's metadata. Raises nothing: what is not of its type counts as absent."""
        arm, best = metadata.get("arm"), _object(metadata.get("accepted"))
        again, selection = _object(metadata.get("rescored")), metadata.get("selection")
        chosen = metadata.get("selected_items")
        return cls(
            gate=_text(metadata.get("gate")),
            experiment=_object(metadata.get("experiment")),
            sdk_experiment=_object(metadata.get("sdk_experiment")),
            origin=_object(metadata.get("origin")) or {},
            dirty=_dirty(metadata.get("dirty")),
            uncommitted=_texts(metadata.get("uncommitted")),
            timeout_seconds=_seconds(metadata.get("timeout_seconds")),
            program=_text(metadata.get("program")),
            langfuse_dataset_id=_text(metadata.get("langfuse_dataset_id")),
            wait_for=_texts(metadata.get("wait_for")),
            selection=str(selection) if selection else None,
            # Ids are texts, so that anything else among them is the id of no item.
            selected_items=tuple(id for id in chosen if isinstance(id, str))
            if isinstance(chosen, list)
            else None,
            shard=_shard(_object(metadata.get("shard")) or {}),
            judge_usage=_object(metadata.get("judge_usage")) or {},
            scored_by_more=_texts(metadata.get("scored_by_more")),
            script=_script(_object(metadata.get("script"))),
            session=_text(metadata.get("session")),
            arm=arm if arm in ("baseline", "candidate") else None,
            against=_text(metadata.get("against")),
            round=_text(metadata.get("round")),
            failed_alike=_text(metadata.get("failed_alike")),
            held_up=_held_up(metadata.get("held_up")),
            merged_from=_texts(metadata.get("merged_from")),
            scored_again=_texts(metadata.get("scored_again")),
            rescored_from=_text(metadata.get("rescored_from")),
            rescored=None if again is None else Rescored(_text(again.get("who")), _text(again.get("when"))),
            accepted=None if best is None else _acceptance(best),
            run_shifts=_shifts(_object(metadata.get("run_shifts")) or {}),
            as_read=metadata,
        )

    @property
    def uncommitted_changes(self) -> str:
        """`uncommitted changes`, and in which files as far as that is known."""
        where = f" in {', '.join(self.uncommitted)}" if self.uncommitted else ""
        return f"uncommitted changes{where}"

    @property
    def branch(self) -> str | None:
        """The branch that the run was made on."""
        return _text(self.origin.get("branch"))

    def to_metadata(self) -> dict[str, JSON]:
        """The JSON object that is kept: what was read, with the facts that have been changed since."""
        metadata, before = dict(self.as_read), RunFacts.of(self.as_read)
        for name, default in _DEFAULTS.items():
            now = getattr(self, name)
            if now == getattr(before, name):
                continue
            if now == default:
                del metadata[name]
            else:
                metadata[name] = _calls(now) if name == "held_up" else _as_json(now)
        return metadata

    def without(self, *names: str) -> RunFacts:
        """The same without these facts, whatever stood there. Raises KeyError for the name of no fact."""
        for name in names:
            _DEFAULTS[name]
        return RunFacts.of({key: value for key, value in self.to_metadata().items() if key not in names})

    def accepted_as(self, other: RunFacts) -> RunFacts:
        """The same with the acceptance of `other`, word for word; unchanged where nobody accepted that one."""
        said = other.to_metadata().get("accepted")
        return self if said is None else RunFacts.of({**self.to_metadata(), "accepted": said})


_DEFAULTS: Mapping[str, object] = {
    one.name: getattr(RunFacts(), one.name) for one in fields(RunFacts) if one.name != "as_read"
}
"""Fact -> what it is where metadata do not say it, in the order in which new facts are written."""


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _object(value: JSON) -> Mapping[str, JSON] | None:
    return value if isinstance(value, dict) else None


def _dirty(value: JSON) -> bool | None:
    return value if isinstance(value, bool) else True if value else None


def _seconds(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return value


def _script(said: Mapping[str, JSON] | None) -> ScriptSaid | None:
    outcome = None if said is None else said.get("outcome")
    if said is None or outcome not in ("regression", "invalid"):
        return None
    return ScriptSaid(outcome, _text(said.get("reason")) or "")


def _shard(said: Mapping[str, JSON]) -> Shard | None:
    number, of, items = (said.get(key) for key in ("number", "of", "items"))
    if type(number) is not int or type(of) is not int or type(items) is not int:
        return None
    return Shard(number, of, items) if 1 <= number <= of and items >= 0 else None


def _held_up(said: JSON) -> Mapping[tuple[str, int], str]:
    calls = [_object(call) or {} for call in said] if isinstance(said, list) else []
    return {
        (call["item"], call["trial"]): _text(call.get("scorer")) or ""
        for call in calls
        if isinstance(call.get("item"), str) and isinstance(call.get("trial"), int)
    }


def _acceptance(said: Mapping[str, JSON]) -> Acceptance:
    best_of = said.get("best_of")
    return Acceptance(
        who=_text(said.get("who")),
        when=_text(said.get("when")),
        why=_text(said.get("why")),
        forced=_texts(said.get("forced")),
        best_of=best_of if isinstance(best_of, int) and not isinstance(best_of, bool) else None,
    )


def _calls(held_up: Mapping[tuple[str, int], str]) -> JSON:
    return [{"item": item, "trial": trial, "scorer": scorer} for (item, trial), scorer in held_up.items()]


def _shifts(said: Mapping[str, JSON]) -> dict[str, RunShift]:
    """Those that can be: a standard deviation that is finite, of at least two runs."""
    found = {}
    for score, one in said.items():
        shift = _object(one) or {}
        sd, runs = shift.get("sd"), shift.get("runs")
        if isinstance(sd, bool) or not isinstance(sd, int | float) or type(runs) is not int:
            continue
        if 0 <= sd < _LARGEST_SHIFT and runs >= 2:
            found[score] = RunShift(float(sd), runs)
    return found


def _as_json(fact: Any) -> JSON:
    if isinstance(fact, Acceptance | Rescored | RunShift | ScriptSaid | Shard):
        return fact.to_json()
    if isinstance(fact, Mapping):
        return {key: _as_json(value) for key, value in fact.items()}
    if isinstance(fact, tuple):
        return list(fact)
    return fact
