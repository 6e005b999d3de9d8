"""The baseline and the anchor that a gate or a command line names: a lock file, a results file, a stored run, or a
run in Langfuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from scoregate.errors import (
    BaselineError,
    ConfigError,
    EditedBaseline,
    NoBaseline,
    ResultsError,
    StoreError,
    did_you_mean,
)
from scoregate.files.reading import shown_path
from scoregate.gate_file import NO_GATES, Gate, read_gate
from scoregate.gate_file.source import File, GitRevision, LangfuseExperiment, RunId, Source, named_source
from scoregate.gates.provenance import run_that_was_made
from scoregate.records import Dataset, Run
from scoregate.results_file import holds_digest, read_results, read_sealed
from scoregate.sources import find_root
from scoregate.store import Store
from scoregate.wording import proposed_command

_T = TypeVar("_T")
_PARTS = ("baseline", "anchor", "candidate")
_BY_SCORE = ("best", "best-so-far", "highest", "max", "top")


def load_baseline(
    gate: Gate, spec: str | None, store: Store | None, scorers: Mapping[str, str] | None = None
) -> Run:
    """The gate's baseline, or the one that `spec` names (a path, a run id, `run:ID`, `langfuse:EXPERIMENT`).

    `scorers` are the versions that the candidate is scored by: of a run in the store or in Langfuse that they did not
    score, the newest run is taken that has its outputs scored again by them (`runs rescore`). A file is what it is.

    Raises NoBaseline where there is none yet, ConfigError where a name leads nowhere or is a git ref, of which no
    results are stored, and BaselineError where it cannot be read; for Langfuse also Refused and ServiceError.
    """
    source = gate.baseline_source if spec is None else named_source(spec, "--baseline")
    match source:
        case None:
            raise NoBaseline(
                "the gate names no baseline, so there is nothing to compare with",
                where=gate.place,
                hint=f'add baseline = "gates/{gate.name}.baseline.jsonl" and accept a run',
            )
        case GitRevision():
            raise ConfigError(
                f"the baseline {source} is run beside the candidate by `scoregate run`, so there are no results of it "
                "yet",
                where=gate.place if spec is None else "--baseline",
                hint="`scoregate check --baseline FILE|RUN` decides from results that exist",
            )
        case File() if spec is None:
            return _own_file(gate, source.path)
        case File():
            return _named_file(source, gate)
        case RunId() | LangfuseExperiment():
            run = _of_source(source, store, "baseline" if spec is None else "--baseline", gate)
            return scored_alike(gate, run, store, scorers)


def _named_file(source: File, gate: Gate) -> Run:
    """The file that a command line names as the baseline."""
    hint = "give another --baseline"
    if not source.path.is_file():
        return _trusted(lambda: _of_file(source, "--baseline"), hint)
    return intact(source.path, hint, gate)


def _own_file(gate: Gate, path: Path) -> Run:
    """The results file or lock file that the gate names as its baseline."""
    if path.exists():
        return intact(path, "restore the file from git, or accept a run anew", gate)
    _refuse_choice_by_score(path.name, f"{gate.place}: baseline")
    if "." not in path.name:
        ref = path.name.removeprefix("git ")
        raise ConfigError(
            f"the baseline '{path.name}' is no results file",
            where=gate.place,
            hint=f'a results file ends in .jsonl; a git ref is written "{GitRevision(ref)}"',
        )
    raise NoBaseline(
        "there is no baseline yet, so nothing was compared",
        where=shown_path(path),
        hint=f"accept a run: {proposed_command('baseline', 'accept', gate.place, 'RUN', why=True)}",
    )


def load_anchor(gate: Gate, store: Store | None, scorers: Mapping[str, str] | None = None) -> Run | None:
    """The second, fixed baseline that the gate names, None where it names none. `scorers` as in `load_baseline`.

    Raises BaselineError where its file is gone or cannot be read, ConfigError where its run is not stored.
    """
    source = gate.anchor_source
    if source is None:
        return None
    if not isinstance(source, File):
        run = _of_source(source, store, f"{gate.place}: anchor", gate)
        return scored_alike(gate, run, store, scorers)
    path = source.path
    if not path.exists():
        _refuse_choice_by_score(path.name, f"{gate.place}: anchor")
        raise BaselineError(
            f"the anchor of {gate.place} is not there, so drops since then cannot be seen",
            where=shown_path(path),
            hint=f"write it: scoregate runs export RUN -o {shown_path(path)}; or take `anchor` out of the gate",
        )
    hint = "restore the file from git, or export a run anew"
    return intact(path, hint, gate, "anchor")


def _trusted(read: Callable[[], _T], hint: str, what: str = "baseline") -> _T:
    """A baseline or an anchor that is there but cannot be read makes the comparison invalid, whoever named it."""
    try:
        return read()
    except ResultsError as error:
        raise BaselineError(
            f"the {what} cannot be read: {error.message}", where=error.where, hint=hint
        ) from error


def intact(path: Path, hint: str, gate: Gate, what: str = "baseline") -> Run:
    """The run of a file that nobody has edited since it was accepted, as far as the file can tell.

    Raises BaselineError, with `hint` where it cannot be read.
    """
    run, unchanged = _trusted(lambda: read_sealed(path), hint, what)
    if unchanged is False:
        raise EditedBaseline(
            f"the {what} was edited since it was accepted: its lines are not those of its digest",
            where=shown_path(path),
            hint=f'restore the file from git, or accept a run: scoregate baseline accept {gate.place} RUN --why "…"',
        )
    return run


def unsealed(gate: Gate, baseline: Run) -> str | None:
    """A sentence where the gate's lock file cannot tell whether it was edited, as it was accepted before it could."""
    source = gate.baseline_source
    if baseline.header.facts.accepted is None or not isinstance(source, File):
        return None
    if not source.path.is_file() or holds_digest(source.path):
        return None
    return (
        f"{shown_path(source.path)} holds no digest, as an earlier version wrote it, so that an edit by hand is not "
        "noticed; accept its run again to have one"
    )


def load_run(name: str, store: Store | None, option: str, gate: Gate | None = None) -> Run:
    """A results file, a stored run (a unique beginning of its id is enough) or `langfuse:EXPERIMENT`.

    `gate` is the one that the run is for. Raises ConfigError, ResultsError; for Langfuse also BaselineError, Refused
    and ServiceError.
    """
    return _of_source(named_source(name, option), store, option, gate)


def _of_source(source: Source, store: Store | None, option: str, gate: Gate | None) -> Run:
    match source:
        case LangfuseExperiment():
            return _of_langfuse(source, option, gate)
        case File():
            return _of_file(source, option)
        case RunId(id, bare):
            return _of_store(id, store, option, f"there is no file '{id}', and " if bare else "")
        case GitRevision():  # of which no results are stored
            return _of_store(str(source), store, option, f"there is no file '{source}', and ")


def _of_langfuse(source: LangfuseExperiment, option: str, gate: Gate | None) -> Run:
    _refuse_choice_by_score(source.name or "", option)
    root = gate.root if gate is not None else find_root()
    what = {"--candidate": "candidate", "--baseline": "baseline"}.get(option, option.rpartition(": ")[2])
    from scoregate.baselines.langfuse_runs import read_langfuse_run

    return read_langfuse_run(source, root, gate, what if what in _PARTS else "run")


def _of_file(source: File, option: str) -> Run:
    path = source.path
    if not path.exists():
        raise ConfigError(f"{option}: there is no file '{source}'", hint=_files_near(path))
    if path.is_dir() or not source.is_named_as_results:
        raise ConfigError(f"{option}: '{source}' is no results file", hint=_files_near(path))
    return read_results(path)


def _of_store(run: str, store: Store | None, option: str, no_file: str) -> Run:
    _refuse_choice_by_score(run, option)
    if store is None:
        raise ConfigError(
            f"{option}: {no_file}this project has no stored runs",
            hint="give a results file (.jsonl), or run a gate first",
        )
    try:
        return store.load_run(store.find_run(run))
    except StoreError as error:
        raise ConfigError(f"{option}: {no_file}{error.message}", hint=error.hint) from error


def _refuse_choice_by_score(name: str, option: str) -> None:
    if name.lower() in _BY_SCORE:
        raise ConfigError(
            f"{option}: '{name}' names no run, and nothing to compare with is chosen by its score: "
            "the best of several runs owes some of it to luck, so that an unchanged candidate looks worse",
            hint='name a run by its id, or take baseline = "git:merge-base", the version it descends from',
        )


def why_stale(
    gate: Gate, baseline: Run, dataset: Dataset, scorers: Mapping[str, str], what: str = "baseline"
) -> str | None:
    """Why a run of the present dataset and scorers could not be compared with this baseline, or anchor, or None.

    The comparison says it too, with the items; this is for saying it before a call is paid for.
    """
    then = baseline.header
    if then.dataset_fingerprint and then.dataset_fingerprint != dataset.fingerprint:
        changed_items = _changed_too_much(gate, baseline, dataset)
        if changed_items is not None:
            return f"the dataset changed since the {what} was made{changed_items}"
    changed = changed_scorers(gate, then.scorers, scorers)
    return f"the scorer of {', '.join(changed)} changed since the {what} was made" if changed else None


def _changed_too_much(gate: Gate, baseline: Run, dataset: Dataset) -> str | None:
    """Which items of the baseline are gone or not known to be the same, where the gate refuses that, or None."""
    if gate.on_dataset_change != "additions":
        return "" if gate.on_dataset_change == "invalid" else None
    from scoregate.datasets import content_digest
    from scoregate.gates.sentences import named_ids

    now = {item.id: item for item in dataset.items}
    contents = {item.item: item.content for item in baseline.items}
    gone = contents.keys() - now.keys()
    changed = [item for item in contents.keys() & now.keys() if contents[item] != content_digest(now[item])]
    groups = ((gone, "gone"), (changed, "changed"))
    named = [f"{len(ids):,} {word} ({named_ids(sorted(ids))})" for ids, word in groups if ids]
    return f": {', '.join(named)}" if named else None


def _files_near(path: Path) -> str | None:
    folder = path.parent
    found = [str(folder / entry.name) for entry in folder.glob("*.jsonl*")] if folder.is_dir() else []
    return (
        did_you_mean(str(path), found)
        or "a results file ends in .jsonl; `scoregate runs list` shows stored runs"
    )


def lock_path(gate: Gate) -> Path:
    """Where an accepted baseline of this gate is written. Raises ConfigError where that is no lock file."""
    match gate.baseline_source:
        case File(path=path):
            return path
        case GitRevision():
            raise ConfigError(
                f"the baseline is {gate.baseline}, which is run beside every candidate: there is nothing to accept",
                where=gate.place,
                hint=f'for a stored one set baseline = "gates/{gate.name}.baseline.jsonl"',
            )
        case None | RunId() | LangfuseExperiment():
            raise ConfigError(
                "the gate names no lock file for its baseline",
                where=gate.place,
                hint=f'set baseline = "gates/{gate.name}.baseline.jsonl"',
            )


def changed_scorers(gate: Gate, then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The gate's scores that two versions of a scorer made."""
    return [
        name for name, version in now.items() if name in gate.rules and then.get(name, version) != version
    ]


def scored_alike(gate: Gate, run: Run, store: Store | None, scorers: Mapping[str, str] | None) -> Run:
    """The newest stored run with the outputs of `run` that was scored by these scorers; else `run` itself.

    `scorers` are the versions that the candidate was scored by, None where it is not known.
    """
    if store is None or scorers is None or not changed_scorers(gate, run.header.scorers, scorers):
        return run
    origin = run_that_was_made(run.header)
    for summary in store.list_runs():
        again = summary.rescored_from == origin and summary.finished_at is not None
        if (again or summary.run == origin) and summary.run != run.id:
            header = store.header(summary.run)
            if not changed_scorers(gate, header.scorers, scorers):
                found = store.load_run(summary.run)
                facts = header.facts.accepted_as(run.header.facts)
                return replace(found, header=header.with_facts(facts))
    return run


def protected_runs(root: Path, store: Store) -> set[str]:
    """Ids of the stored runs that gates under `gates/` compare with.

    Raises ConfigError if a gate cannot be read: what it names would be deleted unseen.
    """
    protected = set()
    for path in sorted((root / "gates").glob("*.toml")):
        if path.name in NO_GATES:
            continue
        try:
            gate = read_gate(path)
        except ConfigError as error:
            raise ConfigError(
                f"a gate cannot be read, so its baseline cannot be protected: {error.message}",
                where=error.where,
                hint="mend or remove the gate first",
            ) from error
        for source in (gate.baseline_source, gate.anchor_source):
            if not isinstance(source, RunId):
                continue
            try:
                run = store.find_run(source.id)
                protected.add(run)
                protected |= {s.run for s in store.list_runs() if s.rescored_from == run}
            except StoreError:
                continue  # It is gone already; the gate says so itself when it is run.
    return protected
