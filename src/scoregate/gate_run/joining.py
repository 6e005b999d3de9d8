"""Shards as one run: whether they are the parts of one, each there once, and the run that they make together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from math import fsum
from operator import attrgetter

from scoregate.records import JSON, Run, RunHeader
from scoregate.records.run_facts import RunFacts, Shard
from scoregate.store.judging import RunUsage
from scoregate.wording import count

_MOST_NAMED = 5
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Part:
    """A shard, and where its results come from."""

    source: str
    """As a person named it."""
    run: Run
    shard: Shard

    def __str__(self) -> str:
        return f"{self.shard} ({self.source})"


def why_not_one(parts: Sequence[Part], gate: str) -> list[str]:
    """What keeps these shards from being one whole run of this gate, a clause each; empty where nothing does."""
    return [
        *(
            f"{part} is of the gate '{other}'"
            for part in parts
            if (other := part.run.header.facts.gate) != gate
        ),
        *_different(parts),
        *_twice(parts),
        *_missing(parts),
        *(
            f"{part} did not come to its end, at {count(len(part.run.items), 'run item')}"
            for part in parts
            if part.run.header.finished_at is None
        ),
        *_not_covered(parts),
    ]


def _header_facts(header: RunHeader) -> dict[str, JSON]:
    """What the shards of one run have in common, by its name in a sentence."""
    facts = header.facts
    return {
        "dataset": header.dataset,
        "content of the dataset": header.dataset_fingerprint,
        "version of the dataset": header.dataset_version,
        "candidate": header.candidate,
        "commit": header.commit,
        "uncommitted changes": facts.dirty,
        "program": facts.program,
        "trials": header.trials,
        "time limit": facts.timeout_seconds,
        "scores from Langfuse": ", ".join(facts.wait_for) or None,
        "number of items": facts.shard and facts.shard.items,
    }


def _different(parts: Sequence[Part]) -> Iterator[str]:
    """The shards that are not of the same dataset, candidate, scorers … as most of the others, the first of a tie."""
    said = [_header_facts(part.run.header) for part in parts]
    for part, facts in zip(parts, said, strict=True):
        facts |= {f"scorer of {name}": version for name, version in part.run.header.scorers.items()}
    for what in dict.fromkeys(name for facts in said for name in facts):
        values = [facts.get(what) for facts in said]
        usual = Counter(values).most_common(1)[0][0]
        others = [(part, value) for part, value in zip(parts, values, strict=True) if value != usual]
        for part, value in others[:_MOST_NAMED]:
            yield f"{part}: {what} {_shown(value)}, of the others {_shown(usual)}"


def _shown(value: JSON) -> str:
    words = {None: "unknown", True: "yes", False: "no"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = str(value)
    return text[:_DIGITS] if len(text) >= 40 and " " not in text else text


def _twice(parts: Sequence[Part]) -> Iterator[str]:
    """Shards that are there twice, and items that two shards hold."""
    cells = [_cells(part.run) for part in parts]
    for (one, first), (other, second) in combinations(zip(parts, cells, strict=True), 2):
        common = sorted(first.keys() & second.keys())
        changed = [item for item in common if first[item] != second[item]]
        answer = f", with another answer to item '{changed[0]}'" if changed else ""
        if one.shard == other.shard:
            yield f"{one.shard} is there twice ({one.source}, {other.source}){answer}"
        elif common:
            item = (changed or common)[0]
            more = f" and {len(common) - 1:,} more" if len(common) > 1 else ""
            answer = ", with another answer" if changed else ""
            yield f"item '{item}'{more} is both in {one} and in {other}{answer}"


def _cells(run: Run) -> Mapping[str, JSON]:
    """Item id -> what the run has of it that a verdict looks at."""
    found: dict[str, list[JSON]] = {}
    for item in run.items:
        found.setdefault(item.item, []).append((item.trial, item.status, item.error, item.output))
    for score in run.scores:
        found.setdefault(score.item, []).append((score.trial, score.score, score.status, score.value))
    return found


def _missing(parts: Sequence[Part]) -> Iterator[str]:
    numbers = {part.shard.number for part in parts}
    of = Counter(part.shard.of for part in parts).most_common(1)[0][0]
    strays = [part for part in parts if part.shard.of != of]
    if strays:
        yield from (f"{part} is a share of {part.shard.of}, the others are of {of}" for part in strays)
        return
    absent = [str(number) for number in range(1, of + 1) if number not in numbers]
    if absent:
        more = f" and {len(absent) - _MOST_NAMED:,} more" if len(absent) > _MOST_NAMED else ""
        named = ", ".join(f"{number}/{of}" for number in absent[:_MOST_NAMED])
        yield f"shard{'s' * (len(absent) > 1)} {named}{more} {'are' if len(absent) > 1 else 'is'} missing"


def _not_covered(parts: Sequence[Part]) -> Iterator[str]:
    """Items that a shard was not asked for, and a dataset of which not every item is in a shard."""
    asked: set[str] = set()
    for part in parts:
        own = set(part.run.header.facts.selected_items or ())
        alien = sorted(_cells(part.run).keys() - own)
        if alien:
            yield f"item '{alien[0]}' is in {part}, which was not to run it"
        asked |= own
    whole = parts[0].shard.items
    if len({part.shard for part in parts}) == parts[0].shard.of and len(asked) != whole:
        yield f"together they were to run {len(asked):,} of {whole:,} items: were they shared out by one baseline?"


def joined(parts: Sequence[Part]) -> Run:
    """The run that shards make together, of which `why_not_one` says nothing.

    Its id is the same for the same shards, whatever their order.
    """
    parts = sorted(parts, key=lambda part: part.shard.number)
    runs = [part.run for part in parts]
    headers = [run.header for run in runs]
    ids = tuple(header.run for header in headers)
    started = min((header.started_at for header in headers if header.started_at), default=None)
    facts = headers[0].facts.without("selection", "selected_items", "shard", "held_up", "judge_usage")
    header = replace(
        headers[0],
        run=_id(str(facts.gate), started, ids),
        expected_items=sum(header.expected_items for header in headers),
        started_at=started,
        finished_at=max(header.finished_at or "" for header in headers) or None,
    ).with_facts(replace(facts, origin=_in_common([one.facts for one in headers]), merged_from=ids))
    return Run(
        header,
        tuple(sorted((item for run in runs for item in run.items), key=attrgetter("item", "trial"))),
        tuple(
            sorted((score for run in runs for score in run.scores), key=attrgetter("item", "trial", "score"))
        ),
    )


def judge_usage(parts: Sequence[Part]) -> list[RunUsage]:
    """What the judges took of all shards together, as far as they say it."""
    said = [part.run.header.facts.judge_usage for part in parts]
    found = []
    for score in sorted({name for judges in said for name in judges}):
        entries = [entry for judges in said if isinstance(entry := judges.get(score), dict)]
        costs = [cost for entry in entries if isinstance(cost := entry.get("cost_usd"), int | float)]
        counts = {
            name: sum(number for entry in entries if isinstance(number := entry.get(name), int))
            for name in ("replies", "from_cache", "calls")
        }
        found.append(RunUsage(score=score, cost_usd=fsum(costs) if costs else None, **counts))
    return found


def _in_common(facts: Sequence[RunFacts]) -> Mapping[str, JSON]:
    """Where the run comes from, without what differs from job to job."""
    first, *others = (one.origin for one in facts)
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _id(gate: str, started: str | None, shards: Sequence[str]) -> str:
    """Made as the id of any run is, so that a report is laid out alike; of none of the shards."""
    when = f"{datetime.fromisoformat(started):%Y%m%d-%H%M%S}-" if started else ""
    digits = hashlib.sha256("\0".join(shards).encode("utf-8", "surrogatepass")).hexdigest()
    ids = (f"{gate}-{when}{digits[place : place + 4]}" for place in range(len(digits) - 3))
    return next(id for id in ids if id not in shards)
