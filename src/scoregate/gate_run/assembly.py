"""A gate's parts, read and checked before anything is called: dataset, candidate, scorers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.catalog import MEASURED_UNITS, SCORED
from scoregate.datasets import cluster_of, content_digest, slices_of
from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import CandidateSpec, Gate
from scoregate.records import Dataset, DatasetItem
from scoregate.runner.candidates import Candidate, build_candidate, evaluators_of
from scoregate.scorers.scorer import Scorer
from scoregate.sources import files_of_other_gates, read_gate_dataset

if TYPE_CHECKING:
    from scoregate.judging.judge import Judge
    from scoregate.runner.candidates.script import Handed, Script


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that a run of this gate needs."""

    gate: Gate
    dataset: Dataset
    candidate: Candidate
    scorers: tuple[Scorer, ...]
    use_cache: bool = True
    """Whether judges take the replies that the store has."""

    @property
    def expected_scores(self) -> tuple[str, ...]:
        """Scores that every run item gets a cell of: the gated ones and those that scorers announce."""
        announced = [name for scorer in self.scorers for name in scorer.scores or ()]
        gated = [name for name in self.gate.rules if name != SCORED and name not in self.gate.wait_for]
        return tuple(dict.fromkeys([*gated, *announced]))

    @property
    def in_loops_thread(self) -> bool:
        """Whether blocking code of the user's runs one after another in the thread that imported it.

        As the gate says it, and else where nothing is to be side by side: in scripts, which the SDK runs so, and with
        one call at a time.
        """
        said = self.gate.candidate.threads if self.gate.candidate is not None else None
        if said is not None:
            return said == "main"
        alone = self.candidate.script is not None or self.gate.limits.concurrency == 1
        return alone and self.candidate.in_process

    @property
    def judges(self) -> list[Judge]:
        """The scorers that call a model."""
        if not self.gate.has_judges:
            return []
        from scoregate.judge_trust.judges import judges_of

        return judges_of(self.scorers)

    @property
    def scorer_versions(self) -> dict[str, str]:
        """Score name -> version of what makes it; a scorer that names its scores later stands under its own."""
        return {name: s.version for s in self.scorers for name in s.scores or (s.name,)}

    @property
    def scored_by_more(self) -> tuple[str, ...]:
        """Scores whose scorers look at more than the item and its answer, so that equal answers may differ in them."""
        more = {"latency_seconds", "cost_usd", "tokens", "trial"}
        named = (s for s in self.scorers if s.accepts is not None and not more.isdisjoint(s.accepts))
        return tuple(name for s in named for name in s.scores or (s.name,))

    @property
    def doubtful_scores(self) -> list[str]:
        """A sentence for every gated score that no scorer announces while one has nearly that name.

        It is probably misspelt, but an evaluator may give its scores other names than its own.
        """
        announced = {name for scorer in self.scorers for name in scorer.scores or ()}
        open_ended = [scorer.name for scorer in self.scorers if scorer.scores is None]
        doubtful = []
        for name, rule in self.gate.rules.items():
            if name in announced or name == SCORED or name in MEASURED_UNITS or name in self.gate.wait_for:
                continue
            hint = did_you_mean(name, open_ended)
            if hint and hint.startswith("did you mean"):
                where = f"{rule.where}: " if rule.where else ""
                doubtful.append(f"{where}no scorer says that it makes the score '{name}' ({hint})")
        return doubtful

    def places(self, items: Sequence[DatasetItem]) -> dict[str, tuple[str | None, Mapping[str, str]]]:
        """Item id -> cluster and slices."""
        gate = self.gate
        return {
            item.id: (
                cluster_of(item, gate.cluster) if gate.cluster else None,
                slices_of(item, gate.slices),
            )
            for item in items
        }

    @staticmethod
    def contents(items: Sequence[DatasetItem]) -> dict[str, str]:
        """Item id -> digest of its content."""
        return {item.id: content_digest(item) for item in items}


def assemble(gate: Gate, candidate: CandidateSpec | None = None) -> Assembly:
    """Read the dataset, load the candidate, build the scorers. `candidate` stands in for the gate's own.

    Raises ConfigError where the gate asks for a score that nothing makes.
    """
    spec = candidate or gate.candidate
    if spec is None:
        raise ConfigError(
            "the gate says nothing about the candidate",
            where=gate.place,
            hint='add experiment = "experiments/….py", or use `scoregate check` on results that exist',
        )
    dataset = read_gate_dataset(gate)
    timeout = gate.limits.timeout_seconds
    built = build_candidate(
        spec,
        root=gate.root,
        timeout=timeout,
        begin=partial(_begin_script, gate, dataset),
        aside=partial(files_of_other_gates, gate),
    )
    gate = _with_the_scripts_limit(gate, built)
    return _checked(Assembly(gate, dataset, built, _scorers(gate, built)))


def assemble_scorers(gate: Gate) -> Assembly:
    """`assemble` for outputs that exist: the evaluators of a Python candidate are loaded, and nothing can be called.

    Raises as `assemble`.
    """
    dataset, spec = read_gate_dataset(gate), gate.candidate
    if spec is None or spec.python is None:
        evaluators = evaluators_of(spec, gate.root) if spec is not None else ()
        candidate = Candidate("", None, None, "none", _never_called, is_async=False, evaluators=evaluators)
    else:
        begin = partial(_begin_script, gate, dataset)
        candidate = build_candidate(spec, root=gate.root, timeout=gate.limits.timeout_seconds, begin=begin)
    return _checked(Assembly(gate, dataset, candidate, _scorers(gate, candidate)))


def _with_the_scripts_limit(gate: Gate, candidate: Candidate) -> Gate:
    """A script that says how many calls it bears at once is given no more."""
    handed = candidate.script.handed if candidate.script is not None else None
    if handed is None or handed.max_concurrency is None:
        return gate
    at_once = max(1, min(gate.limits.concurrency, handed.max_concurrency))
    return replace(gate, limits=replace(gate.limits, concurrency=at_once))


def _begin_script(gate: Gate, dataset: Dataset, script: Script) -> Handed:
    """Begin a script with the SDK's context on this dataset; what it hands over."""
    from scoregate.langfuse.sdk import check_sdk

    check_sdk()
    from scoregate.langfuse.scripts import ScriptContext

    return script.begin(ScriptContext(script, gate, dataset))


def _checked(assembly: Assembly) -> Assembly:
    """Raises ConfigError for an item that lacks what a judge's prompt asks for."""
    for judge in assembly.judges:
        judge.spec.template.check(assembly.dataset.items)
    return assembly


def _never_called(item: DatasetItem, trial: int) -> None:
    raise RuntimeError(f"'{item.id}' (trial {trial}) is scored only: no candidate is called")


def with_experiment(
    gate: Gate, path: Path | None, *, replay: Path | None, version: str | None
) -> CandidateSpec | None:
    """The gate's candidate with what the command line puts in its place; None if that changes nothing."""
    if path is not None and replay is not None:
        raise ConfigError("--experiment and --replay both name the candidate", hint="give one of them")
    if path is not None:
        own = gate.candidate
        isolate, beside = (own.isolate, own.evaluators) if own is not None else (False, None)
        return CandidateSpec(python=str(path.resolve()), evaluators=beside, version=version, isolate=isolate)
    if replay is not None:
        beside = gate.candidate.evaluators if gate.candidate is not None else None
        return CandidateSpec(replay=str(replay.resolve()), evaluators=beside, version=version)
    if version is not None and gate.candidate is not None:
        return replace(gate.candidate, version=version)
    return None


_EXPERIMENT = re.compile(
    r"^def +experiment\b|^experiment *[:=]|^from .* import .*\bexperiment\b", re.MULTILINE
)


def may_be_script(gate: Gate, candidate: CandidateSpec | None) -> bool:
    """Whether the candidate is a file whose text speaks of an `experiment` of its own: a script, and no async one.

    An async one has an event loop running, in whose thread there cannot be another: it is called in its own thread, and
    what it passes on in the session's, as in the SDK. `candidate` is that of `assemble`.
    """
    spec = candidate or gate.candidate
    if spec is None or spec.python is None or spec.isolate:
        return False
    try:
        return _EXPERIMENT.search((gate.root / spec.python).read_text(encoding="utf-8")) is not None
    except (OSError, ValueError):
        return False  # whoever imports it says why


def _scorers(gate: Gate, candidate: Candidate) -> tuple[Scorer, ...]:
    known = {name for name in gate.rules if name != SCORED} | set(gate.catalog.contracts)
    scorers: list[Scorer] = []
    if gate.scorers:
        from scoregate.scorers.library import build

        scorers += [build(spec, root=gate.root) for spec in gate.scorers if not spec.is_judge]
    if candidate.evaluators:
        from scoregate.scorers.evaluators import from_function

        scorers += [from_function(function, known=known) for function in candidate.evaluators]
    if gate.has_judges:
        from scoregate.judge_trust.judges import judge_scorers

        scorers += judge_scorers(gate, scorers)
    made: dict[str, Scorer] = {}
    for scorer in scorers:
        for name in scorer.scores or ():
            if name in made:
                raise ConfigError(
                    f"two scorers make the score '{name}'",
                    where=gate.place,
                    hint="keep either the [scorers] table or the experiment's evaluator of that name",
                )
            made[name] = scorer
    for name in gate.wait_for:
        if name in made:
            raise ConfigError(
                f"wait_for names '{name}', which a scorer makes here",
                where=gate.place,
                hint="take it out of wait_for, or remove the scorer",
            )
    open_ended = any(scorer.scores is None for scorer in scorers)
    for name, rule in gate.rules.items():
        if name in gate.wait_for:
            continue
        # The engine measures latency, cost and tokens itself, of failed items too.
        if name not in made and name != SCORED and name not in MEASURED_UNITS and not open_ended:
            raise ConfigError(
                f"nothing makes the score '{name}'",
                where=rule.where,
                hint=did_you_mean(name, made)
                or f"add a [scorers.{name}] table or an evaluator of that name to {_place_of_evaluators(gate)}",
            )
    return tuple(scorers)


def _place_of_evaluators(gate: Gate) -> str:
    spec = gate.candidate
    if spec is None or spec.python is not None:
        return "the experiment"
    return "a Python file that `evaluators` in [candidate] names"
