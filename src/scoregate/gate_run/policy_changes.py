"""What a change under review moves of the gate itself, in words, and whose policy decides it.

A branch can lower `max_drop`, move the baseline or take items out of the dataset in the same change that makes the
agent worse. In the build of a pull request the gate is therefore held against the one of the merge base: its rules,
its contracts, its dataset, its baseline, the files that it names, and the workflows that run it. With

    [tool.scoregate]
    policy = "base"

in the base's `pyproject.toml` the base's rules, contracts and baseline decide, whatever the change makes of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from scoregate.catalog import Catalog
from scoregate.errors import ConfigError, DatasetError, ResultsError, ScoregateError
from scoregate.gate_file import Gate, read_gate
from scoregate.gate_file.project import POLICIES, gates_below, project_table
from scoregate.gate_file.rule import Rule
from scoregate.gate_file.source import File
from scoregate.git.revisions import Revision, repository_top, resolve_ref, worktree_of
from scoregate.records import Run
from scoregate.wording import count, plural, printable

_KEYS = {"passing": "pass"}
"""Fields of a rule or a contract that a file spells otherwise."""
_OF_THE_GATE = (
    "alpha", "pass_level", "on_inconclusive", "max_failed_items", "trials", "inference", "on_dataset_change",
    "cluster", "slices", "wait_for", "wait_seconds", "max_baseline_age_days", "dataset", "baseline", "anchor",
    "input_schema", "expected_output_schema", "paths",
)  # fmt: skip
_OF_LIMITS = ("timeout_seconds", "retries", "max_calls", "max_cost_usd", "max_seconds")
"""Limits that decide which answers there are."""
_OF_THE_BASE = (
    "rules", "catalog", "alpha", "pass_level", "on_inconclusive", "max_failed_items", "trials", "inference",
    "on_dataset_change", "cluster", "slices", "wait_for", "max_baseline_age_days", "rounds", "baseline", "anchor",
)  # fmt: skip
"""What decides, of the merge base's gate under `policy = "base"`; scorers and candidate stay those of the change."""
WORKFLOWS = (
    ".github/workflows/*.y*ml",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    ".buildkite/*.y*ml",
)
"""Where the CI is told what to run, from the top of the repository."""
_UNKNOWN = "not known"
"""How the one line begins of a change that cannot be looked at."""
_LONGEST = 80
"""Characters of a value that is shown."""


@dataclass(frozen=True, slots=True)
class _Base:
    """The gate as it is at the merge base."""

    revision: Revision
    root: Path
    """The project's folder in a checkout of it."""
    gate: Gate | None
    """None where there is none, or none that can be read."""
    policy: str


def under_policy(gate: Gate, branch: str) -> Gate:
    """The gate that decides in the build of a pull request to `branch`, with what that moves of it in `policy_changes`.

    Raises ConfigError where the base's policy is to decide and is not to be had: a shallow clone, or a base without
    this gate.
    """
    try:
        base = _base_of(gate, branch)
    except ScoregateError as error:
        if _policy_in(gate.root) == "base":
            raise
        return replace(
            gate,
            policy_changes=(f"{_UNKNOWN}, for there is no merge base with {branch} to look at: {error}",),
        )
    if base.policy == "base":
        return _decided_by(base, gate)
    return replace(gate, policy_changes=tuple(_changes(base, gate)))


def known_changes(gate: Gate) -> tuple[str, ...]:
    """What is to be told before a run: without the line that nothing is known, which its report has."""
    return tuple(line for line in gate.policy_changes if not line.startswith(_UNKNOWN))


def _base_of(gate: Gate, branch: str) -> _Base:
    revision = resolve_ref(gate.root, f"merge-base:{branch}")
    root = worktree_of(gate.root, revision)
    assert gate.path is not None
    path = root / gate.path.relative_to(gate.root.resolve())
    try:
        found = read_gate(path) if path.is_file() else None
    except ScoregateError:
        found = None
    return _Base(revision, root, found, _policy_in(root))


def _policy_in(root: Path) -> str:
    """What `[tool.scoregate]` of the nearest `pyproject.toml` says, up to the top of the repository."""
    try:
        top = repository_top(root)
    except ConfigError:
        top = root  # in no repository, as in an image into which the files were copied
    found = project_table(root, top)
    return (found[0].choice("policy", POLICIES) if found is not None else None) or "head"


def _decided_by(base: _Base, gate: Gate) -> Gate:
    if base.gate is None:
        raise ConfigError(
            f'policy = "base", and there is no gate that could be read at {base.revision.label}',
            where=gate.place,
            hint="a new gate comes to decide with a change of its own",
        )
    moved = tuple(_changes(base, gate))
    if not moved:
        return gate
    note = (
        f'decided by the policy of {base.revision.label}, as policy = "base" says there; not by this change:'
    )
    decides: dict[str, Any] = {name: getattr(base.gate, name) for name in _OF_THE_BASE}
    return replace(gate, **decides, policy_changes=(note, *moved))


def _changes(base: _Base, gate: Gate) -> Iterator[str]:
    """A line for everything of the gate that is not as it is at the merge base."""
    if base.gate is None:
        yield f"the gate is new, or cannot be read at {base.revision.label}"
    else:
        yield from _of_rules(base.gate.rules, gate.rules)
        yield from _of_the_rest(base, base.gate, gate)
        yield from _of_catalog(base.gate.catalog, gate.catalog)
        yield from _of_dataset(base.gate, gate)
        yield from _of_baseline(base.gate, gate)
    yield from _of_other_gates(base.root, gate.root)
    yield from _of_workflows(base.root, gate.root)


def _of_other_gates(before: Path, now: Path) -> Iterator[str]:
    """Gates that are gone, also by another name: whatever they would have said, no report of their own says it."""
    for path in gates_below(before):
        name = path.relative_to(before)
        if not (now / name).is_file():
            yield f"gate {_shown(name.as_posix())} removed"


def _of_rules(before: Mapping[str, Rule], now: Mapping[str, Rule]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        if name not in now:
            yield f"{name}: rule removed"
        elif name not in before:
            yield f"{name}: rule added"
        else:
            yield from _of_fields(before[name], now[name], name, leave_out=("where",))


def _of_catalog(before: Catalog, now: Catalog) -> Iterator[str]:
    for name in dict.fromkeys((*before.contracts, *now.contracts)):
        old, new = before.get(name), now.get(name)
        if new is None or old is None:
            yield f"catalog: {name} {'removed' if new is None else 'added'}"
        else:
            yield from _of_fields(old, new, f"catalog: {name}", leave_out=("where", "owner", "description"))


def _of_the_rest(base: _Base, before: Gate, now: Gate) -> Iterator[str]:
    yield from _of_fields(_inside(before), _inside(now), "gate", only=_OF_THE_GATE)
    yield from _of_fields(before.limits, now.limits, "limits", only=_OF_LIMITS)
    yield from _of_fields(before.rounds, now.rounds, "rounds")
    old, new = ({spec.name: spec for spec in gate.scorers} for gate in (before, now))
    for name in dict.fromkeys((*old, *new)):
        if name not in new or name not in old:
            yield f"scorer {name} {'removed' if name not in new else 'added'}"
            continue
        given = [{"use": spec.use, **spec.arguments} for spec in (old[name], new[name])]
        yield from _of_values(given[0], given[1], f"scorer {name}")
        for key, value in given[1].items():
            yield from _of_file(base.root, now.root, value, f"scorer {name}: {key}")
    for name, rule in now.rules.items():
        yield from _of_file(base.root, now.root, rule.labels, f"{name}: labels")


def _of_dataset(before: Gate, now: Gate) -> Iterator[str]:
    from scoregate.datasets.difference import dataset_difference
    from scoregate.datasets.files import read_dataset

    sources = before.dataset_source, now.dataset_source
    if not all(isinstance(source, Path) for source in sources):
        return  # One in Langfuse is pinned by its text, or is at no revision of git.
    try:
        old, new = (read_dataset(source).items for source in sources if isinstance(source, Path))
        difference = dataset_difference(old, new)
    except DatasetError:
        return  # The run says what is wrong with the present one.
    for ids, what in (
        (difference.gone, "removed from"),
        (difference.new, "added to"),
        (tuple(difference.changed), "changed in"),
    ):
        if ids:
            yield f"dataset: {count(len(ids), 'item')} {what} it ({_some(ids)})"


def _of_baseline(before: Gate, now: Gate) -> Iterator[str]:
    from scoregate.results_file import read_sealed

    for what, was, source in (
        ("baseline", before.baseline_source, now.baseline_source),
        ("anchor", before.anchor_source, now.anchor_source),
    ):
        if not isinstance(source, File):
            continue
        there = [path for path in (was.path if isinstance(was, File) else None, source.path) if path]
        there = [path for path in there if path.is_file()]
        if not source.path.is_file():
            if there:
                yield f"{what}: {source.path.name} removed"
            continue
        if len(there) == 2 and there[0].read_bytes() == there[1].read_bytes():
            continue
        try:
            new, intact = read_sealed(source.path)
            old = read_sealed(there[0])[0] if len(there) == 2 else None
        except ResultsError as error:
            yield f"{what}: cannot be read, {error.message}"
            continue
        if intact is False:
            yield f"{what}: edited by hand since it was accepted, its lines are not those of its digest"
        yield f"{what}: {_moved(old, new, now) if old else 'new'}{_accepted(new)}"


def _moved(old: Run, new: Run, gate: Gate) -> str:
    """`12 items lower, 1 item higher` of a new baseline."""
    from scoregate.gates.compare import compare

    try:
        verdict = compare(old, new, gate)
    except ScoregateError as error:
        return f"another run, which cannot be compared with the one before: {error.message}"
    flips = verdict.flips
    counted = [
        f"{count(len({flip.item for flip in flips if flip.worse == worse}), 'item')} {word}"
        for worse, word in ((True, "lower"), (False, "higher"))
        if any(flip.worse == worse for flip in flips)
    ]
    gone = {item.item for item in old.items} - {item.item for item in new.items}
    if gone:
        counted.append(f"{count(len(gone), 'item')} fewer")
    if not counted and verdict.outcome == "invalid":
        return f"another run, which cannot be compared with the one before: {verdict.reason}"
    return ", ".join(counted) or "another run, with the same scores"


def _accepted(run: Run) -> str:
    accepted = run.header.facts.accepted
    if accepted is None:
        return ""
    return f", accepted by {_shown(accepted.who or 'nobody that it names')}" + (
        f" because {_shown(accepted.why)}" if accepted.why else ""
    )


def _of_workflows(before: Path, now: Path) -> Iterator[str]:
    """Workflows that speak of scoregate and are not as they were."""
    tops = repository_top(before), repository_top(now)
    names = {path.relative_to(top) for top in tops for one in WORKFLOWS for path in top.glob(one)}
    for name in sorted(names):
        texts = [_text(top / name) for top in tops]
        if texts[0] != texts[1] and any("scoregate" in (text or "") for text in texts):
            yield f"workflow {name.as_posix()} {_of_texts(*texts)}"


def _of_file(before: Path, now: Path, value: object, what: str) -> Iterator[str]:
    """Of a file of the project that a gate names, such as a judge's prompt, whether it holds the same."""
    if not isinstance(value, str) or not value or "\n" in value or len(value) > 1000:
        return
    texts = [_text(root / value) for root in (before, now)]
    if texts[0] != texts[1]:
        yield f"{what} {value} {_of_texts(*texts)}"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    except OSError:
        return None


def _of_texts(before: str | None, now: str | None) -> str:
    if before is None or now is None:
        return "added" if before is None else "removed"
    old, new = before.splitlines(), now.splitlines()
    # Counted, not aligned: labels of people can be files of a hundred thousand lines.
    differing = max((Counter(old) - Counter(new)).total(), (Counter(new) - Counter(old)).total())
    return f"changed ({count(differing, 'line') if differing else 'the order of its lines'})"


def _inside(gate: Gate) -> Gate:
    """The gate with the project's own paths relative to its root, as its file has them."""
    start = f"{gate.root.resolve()}{os.sep}"
    names = ("dataset", "baseline", "anchor", "input_schema", "expected_output_schema")
    inside: dict[str, Any] = {name: (getattr(gate, name) or "").removeprefix(start) or None for name in names}
    return replace(gate, **inside)


def _of_fields(
    before: Any,
    now: Any,
    what: str,
    *,
    only: Iterable[str] | None = None,
    leave_out: Iterable[str] = (),
) -> Iterator[str]:
    """A line for each field of two objects of one class that differs."""
    names = [field.name for field in fields(now) if field.name not in leave_out]
    names = [name for name in names if only is None or name in set(only)]
    old, new = ({_KEYS.get(name, name): getattr(one, name) for name in names} for one in (before, now))
    yield from _of_values(old, new, what)


def _of_values(before: Mapping[str, object], now: Mapping[str, object], what: str) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        if before.get(name) != now.get(name):
            yield f"{what}: {name} {_shown(before.get(name))} → {_shown(now.get(name))}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    text = printable(", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)) or "none"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _some(ids: tuple[str, ...]) -> str:
    shown = ", ".join(_shown(name) for name in ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more {plural(len(ids) - 5, 'item')}"
