"""Two runs of two states of a dataset: what both hold alike is compared, what the candidate alone holds still counts.

A comparison needs both runs, so it is made on the items that are the same in both. A floor, a critical item and a
missing score need no baseline: there every item of the candidate counts, or a new one could fail unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from scoregate.gates.evidence import Evidence
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import PairedScore, Universe, paired_score, universe_of
from scoregate.gates.sentences import named_ids
from scoregate.gates.table import RunTable
from scoregate.wording import count

_LEAST_SHARE = 0.5
"""Of the baseline's items. What is the same in fewer says too little of the dataset as it is now."""
MENDING = "run the baseline's version on the present dataset and accept it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intersection:
    """Items by id, sorted. What the candidate should have comes from its dataset where that is known, so that an item
    does not leave the comparison because it has no run item.
    """

    same: tuple[str, ...]
    """In both, with the same content as far as the runs say what it was."""
    by_id: str | None
    """Why some of them were recognised by their id alone; None where every content is known."""
    new: tuple[str, ...]
    gone: tuple[str, ...]
    """Not known, and empty, for a candidate that ran a selection of a dataset that is not at hand."""
    changed: tuple[str, ...]
    """In both, with other content."""
    unnamed: int
    """Items expected of the candidate of which only the number is known."""
    baseline_items: int
    """That the baseline expected."""
    baseline_missing: int
    """Of these, without any trace in its run."""
    partial: bool
    names: str
    """The datasets' names where they differ, in brackets."""

    @property
    def differ(self) -> frozenset[str]:
        """Items of the candidate that the baseline cannot be asked about."""
        return frozenset((*self.new, *self.changed))

    @property
    def only_additions(self) -> bool:
        """Whether every item of the baseline is known to be in the candidate's dataset as it was."""
        return not (self.gone or self.changed or self.by_id)

    @property
    def own(self) -> tuple[str, ...]:
        """Every item of the candidate that has a name."""
        return tuple(sorted((*self.same, *self.new, *self.changed)))

    def compared(self, baseline: RunTable, candidate: RunTable) -> Universe:
        """The items to compare: missing cells among them count as they do in one dataset."""
        return universe_of(self.same, len(self.same), baseline, candidate)

    def candidates_own(self, baseline: RunTable, candidate: RunTable) -> Universe:
        """All items of the candidate, for what needs no baseline. A changed item has the cluster that it has now."""
        shared = set(self.same)
        clusters = {item: cluster for item, cluster in baseline.clusters.items() if item in shared}
        before = replace(baseline, clusters=clusters)
        return universe_of(self.own, len(self.own) + self.unnamed, before, candidate)

    def difference(self) -> str:
        """`5 new (a, b), 2 gone (c, d), 3 changed (e, f, g)`."""
        groups = (("new", self.new), ("gone", self.gone), ("changed", self.changed))
        parts = [f"{len(ids):,} {word} ({named_ids(ids)})" for word, ids in groups if ids]
        if self.unnamed:
            parts.append(f"{count(self.unnamed, 'item')} without a name that the candidate's run lacks")
        return ", ".join(parts) or "the same ids, and nothing says which of them hold something else"

    def notes(self, what: str = "baseline") -> tuple[str, ...]:
        """What was compared, how the datasets differ, and what else was counted; `what` is "baseline" or "anchor"."""
        how = f" ({self.by_id})" if self.by_id else ""
        lacking = ""
        if self.baseline_missing:
            lacking = f"; the {what}'s run lacks {count(self.baseline_missing, 'item')} of its dataset"
        compared = (
            f"the dataset changed since the {what} was made{self.names}: compared on the "
            f"{count(len(self.same), 'item')} that {'is' if len(self.same) == 1 else 'are'} the same in both{how}; "
            f"{self.difference()}{lacking}"
        )
        if what != "baseline" or not (self.differ or self.unnamed):
            return (compared,)
        whole = len(self.own) + self.unnamed
        return (
            compared,
            f"floors, critical items and missing scores count all {count(whole, 'item')} of the candidate's dataset, "
            "new and changed ones included; every other number is of the items that were compared",
        )


def intersection(baseline: RunTable, candidate: RunTable) -> Intersection:
    """How the items of two runs relate whose datasets differ."""
    then, now = baseline.contents, {**candidate.contents, **(candidate.dataset or {})}
    before, here = set(baseline.items), {*candidate.items, *(candidate.dataset or ())}
    both = sorted(before & here)
    known = [item for item in both if item in then and item in now]
    changed = {item for item in known if then[item] != now[item]}
    same = [item for item in both if item not in changed]
    names = baseline.header.dataset, candidate.header.dataset
    expected = max(baseline.header.expected_items, len(before))
    partial = candidate.header.partial
    return Intersection(
        same=tuple(same),
        by_id=_by_id(same, baseline, unknown=sorted({*same} - {*known})),
        new=tuple(sorted(here - before)),
        gone=() if partial else tuple(sorted(before - here)),
        changed=tuple(sorted(changed)),
        unnamed=max(0, candidate.header.expected_items - len(here)),
        baseline_items=expected,
        baseline_missing=expected - len(before),
        partial=partial,
        names=" ('{}' then, '{}' now)".format(*names) if names[0] != names[1] else "",
    )


def too_little_in_common(found: Intersection, max_failed_items: float) -> str | None:
    """Why a comparison on the intersection would mean nothing, or None."""
    wanted = len(found.own) if found.partial else found.baseline_items
    if not found.same or len(found.same) < _LEAST_SHARE * wanted:
        whose = "the items that were selected" if found.partial else "the baseline's items"
        return (
            f"the dataset changed since the baseline was made{found.names}, and only {len(found.same):,} of "
            f"{whose} ({wanted:,}) {'is' if len(found.same) == 1 else 'are'} the same in both, less than half "
            f"({found.difference()}); {MENDING}"
        )
    if found.unnamed and found.gone:
        return (
            f"the dataset changed since the baseline was made{found.names}, and the candidate's run lacks "
            f"{count(found.unnamed, 'item')}, so that it cannot be told which of {named_ids(found.gone)} left the "
            "dataset and which were lost in the run; finish the run (scoregate run GATE --resume), or decide it where "
            "its dataset is at hand"
        )
    if found.baseline_missing > max_failed_items * found.baseline_items:
        return (
            f"the baseline's run lacks {count(found.baseline_missing, 'item')} of {found.baseline_items:,} "
            f"(max_failed_items = {max_failed_items:g} allows fewer); {MENDING}"
        )
    return None


def _by_id(same: list[str], baseline: RunTable, *, unknown: list[str]) -> str | None:
    if not unknown:
        return None
    silent = "baseline" if any(item not in baseline.contents for item in unknown) else "candidate"
    of = "" if len(unknown) == len(same) else f"{len(unknown):,} of them "
    return f"{of}by id, as the {silent} does not say what its items held"


@dataclass(frozen=True, slots=True)
class Own:
    """One score of the candidate on all of its items and trials."""

    evidence: Evidence
    undecidable: tuple[str, ...] = ()
    """Critical items, new or changed, that fail in every trial: nothing says whether they failed before."""


@dataclass(frozen=True, slots=True)
class CandidatesOwn:
    """Every score of the candidate on all of its items and trials."""

    everything: Universe
    scores: Mapping[str, Own]

    def of(self, measured: Collection[Evidence]) -> list[Evidence]:
        """The same scores, on all of the candidate's items."""
        return [self.scores[evidence.name].evidence for evidence in measured]


def candidates_own(
    measured: Collection[Evidence],
    everything: Universe,
    new_or_changed: Collection[str],
    baseline: RunTable,
    candidate: RunTable,
    *,
    alpha: float,
    level: float,
) -> CandidatesOwn:
    """Measure these scores again on all of the candidate's items and trials.

    `everything` are its items, `new_or_changed` those of them that the baseline cannot be asked about. Levels as of
    `gather`, which this may raise as.
    """
    scores = {}
    for seen in measured:
        pair = paired_score(
            seen.name, seen.contract, everything, baseline, candidate, seen.rule.statistic, seen.rule.absent
        )
        alone = _without_baseline(pair, everything, new_or_changed)
        evidence = gather(seen.name, alone, seen.contract, seen.rule, everything, alpha=alpha, level=level)
        scores[seen.name] = Own(evidence, _undecidable(evidence, everything, new_or_changed))
    return CandidatesOwn(everything, scores)


def _without_baseline(
    pair: PairedScore, everything: Universe, new_or_changed: Collection[str]
) -> PairedScore:
    """The pair with nothing in the baseline for these items: the score did not apply to them there."""
    rows = np.array([item in new_or_changed for item in everything.ids], dtype=bool)
    blank = np.concatenate([rows, np.ones(everything.anonymous, dtype=bool)])[:, None]
    before = pair.baseline
    values = np.where(blank, np.nan, before.values)
    return replace(
        pair, baseline=replace(before, values=values, not_applicable=before.not_applicable | blank)
    )


def _undecidable(
    evidence: Evidence, everything: Universe, new_or_changed: Collection[str]
) -> tuple[str, ...]:
    if not evidence.rule.critical:
        return ()
    passes = np.rint(evidence.cells[1] - evidence.pair.low)
    fails = ((passes == 0).all(axis=1) & evidence.coded.counted).tolist()
    return tuple(
        item
        for item, failing in zip(everything.ids, fails, strict=False)
        if failing and item in new_or_changed
    )
