"""What the store says of its runs without loading them: counts, lists, the run that a prefix means."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scoregate.errors import StoreError
from scoregate.own import json_codec
from scoregate.records import Run
from scoregate.records.run_facts import RunFacts

_NEWEST_FIRST = "ORDER BY julianday(started_at) DESC, key DESC"


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of one run, or of several taken together (`+`)."""

    ok: int = 0
    error: int = 0
    timeout: int = 0
    skipped: int = 0
    scores_ok: int = 0
    """Cells with a value, or not applicable."""
    scores_error: int = 0
    calls: int = 0
    """Calls of the candidate that finished run items took, retries included."""
    cost_usd: float | None = None
    """Of the candidate and of the judges that this run paid for; None if neither says what it cost."""
    services_usd: float | None = None
    """Of this, what the judges cost; None if none says."""
    latency_seconds: float = 0.0
    """Sum over the run items."""

    @property
    def items(self) -> int:
        return self.ok + self.error + self.timeout + self.skipped

    @classmethod
    def of_run(cls, run: Run) -> Totals | None:
        """Of a run from elsewhere, such as a baseline that was checked out; None where it does not say how long calls
        took. A lock file says that, and what they cost, in the measured scores that the gate has a rule on."""
        seconds = _measured(run, "latency_seconds")
        if not seconds or not run.items:
            return None
        statuses = Counter(item.status for item in run.items)
        failed = sum(score.status == "error" for score in run.scores)
        costs = _measured(run, "cost_usd")
        return cls(
            ok=statuses["ok"],
            error=statuses["error"],
            timeout=statuses["timeout"],
            skipped=statuses["skipped"],
            scores_ok=len(run.scores) - failed,
            scores_error=failed,
            calls=sum(max(1, len(item.attempts)) for item in run.items),
            cost_usd=len(run.items) * sum(costs) / len(costs) if costs else None,
            latency_seconds=len(run.items) * sum(seconds) / len(seconds),
        )

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            ok=self.ok + other.ok,
            error=self.error + other.error,
            timeout=self.timeout + other.timeout,
            skipped=self.skipped + other.skipped,
            scores_ok=self.scores_ok + other.scores_ok,
            scores_error=self.scores_error + other.scores_error,
            calls=self.calls + other.calls,
            cost_usd=_sum(self.cost_usd, other.cost_usd),
            services_usd=_sum(self.services_usd, other.services_usd),
            latency_seconds=self.latency_seconds + other.latency_seconds,
        )


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of `runs list`."""

    run: str
    gate: str | None
    dataset: str
    candidate: str
    commit: str | None
    started_at: str | None
    finished_at: str | None
    expected: int
    """Run items that a whole run has: items × trials."""
    done: int
    failed: int
    """Done, with a status other than "ok"."""
    cost_usd: float | None
    selection: str | None
    """Why the run is partial, if it is."""
    session: str | None = None
    """The side-by-side session that it belongs to, which has the id of its candidate's run."""
    rescored_from: str | None = None
    """The run whose outputs it holds, scored again; its calls were made there."""

    @property
    def companion(self) -> bool:
        """Whether it only stands beside another run: a session's baseline, fresh trials of some items, or outputs of
        a run that were scored again."""
        return self.rescored_from is not None or (self.session is not None and self.session != self.run)


def _measured(run: Run, name: str) -> list[float]:
    """What was measured of those run items that say it, by themselves or by the score of that name."""
    own = [value for item in run.items if (value := getattr(item, name)) is not None]
    return own or [
        float(score.value)
        for score in run.scores
        if score.score == name and isinstance(score.value, int | float)
    ]


def totals_of(connection: sqlite3.Connection, key: int, trials: Sequence[int] | None = None) -> Totals:
    """Counts of a run, or of those of its trials alone."""
    here = "run = :run AND (:trials IS NULL OR trial IN (SELECT value FROM json_each(:trials)))"
    which = {"run": key, "trials": None if trials is None else json_codec.dumps(list(trials))}
    statuses = dict(
        connection.execute(f"SELECT status, count(*) FROM run_items WHERE {here} GROUP BY status", which)
    )
    cells = dict(
        connection.execute(
            f"SELECT status = 'error', count(*) FROM scores WHERE {here} GROUP BY status = 'error'", which
        )
    )
    cost, latency, items = connection.execute(
        f"SELECT sum(cost_usd), total(latency_seconds), count(*) FROM run_items WHERE {here}", which
    ).fetchone()
    (judged,) = connection.execute(f"SELECT sum(cost_usd) FROM judge_usage WHERE {here}", which).fetchone()
    # Attempts are only kept where there were several.
    (retries,) = connection.execute(
        f"SELECT count(*) FROM attempts WHERE {here} AND number > 1", which
    ).fetchone()
    return Totals(
        ok=statuses.get("ok", 0),
        error=statuses.get("error", 0),
        timeout=statuses.get("timeout", 0),
        skipped=statuses.get("skipped", 0),
        scores_ok=cells.get(0, 0),
        scores_error=cells.get(1, 0),
        calls=items + retries,
        cost_usd=_sum(cost, judged),
        services_usd=judged,
        latency_seconds=latency,
    )


_SUMMARY_COLUMNS = {
    "run": "run",
    "dataset": "dataset",
    "candidate": "candidate",
    "commit": "commit_id",
    "started_at": "started_at",
    "finished_at": "finished_at",
    "expected": "expected_items * trials",
    "done": "(SELECT count(*) FROM run_items WHERE run = runs.key)",
    "failed": "(SELECT count(*) FROM run_items WHERE run = runs.key AND status != 'ok')",
}
"""Field of a summary -> what is selected for it, where that is all there is to it."""


def list_runs(connection: sqlite3.Connection, limit: int | None, gate: str | None) -> list[RunSummary]:
    """Newest first."""
    rows = connection.execute(
        f"""SELECT {", ".join(_SUMMARY_COLUMNS.values())}, metadata,
            (SELECT sum(cost_usd) FROM run_items WHERE run = runs.key),
            (SELECT sum(cost_usd) FROM judge_usage WHERE run = runs.key)
        FROM runs WHERE :gate IS NULL OR json_extract(metadata, '$.gate') = :gate
        {_NEWEST_FIRST} LIMIT :limit""",
        {"gate": gate, "limit": -1 if limit is None else limit},
    )
    return [_summary(row) for row in rows]


def _summary(row: tuple[Any, ...]) -> RunSummary:
    *plain, metadata, cost, judged = row
    facts = RunFacts.of(json_codec.loads(metadata))
    return RunSummary(
        **dict(zip(_SUMMARY_COLUMNS, plain, strict=True)),
        gate=facts.gate,
        cost_usd=_sum(cost, judged),
        selection=facts.selection,
        session=facts.session,
        rescored_from=facts.rescored_from,
    )


def find_run(connection: sqlite3.Connection, prefix: str, where: str) -> str:
    """The one run whose id begins so. Raises StoreError, naming the runs that could be meant."""
    found = [
        str(row[0])
        for row in connection.execute(
            f"SELECT run FROM runs WHERE substr(run, 1, length(:p)) = :p {_NEWEST_FIRST}", {"p": prefix}
        )
    ]
    if prefix in found:
        return prefix
    # The runs of a session all begin with the id of its candidate's run, which is then the one that is meant.
    shortest = min(found, key=len, default=None)
    if shortest is not None and prefix and all(f"{run}-".startswith(f"{shortest}-") for run in found):
        return shortest
    if found and prefix:
        raise StoreError(f"'{prefix}' begins the ids of {len(found)} runs: {_some(found)}", where=where)
    known = [str(row[0]) for row in connection.execute(f"SELECT run FROM runs {_NEWEST_FIRST}")]
    hint = f"the latest are: {_some(known)}" if known else "the store holds no runs"
    raise StoreError(f"there is no run '{prefix}'", where=where, hint=hint)


def runs_to_prune(
    connection: sqlite3.Connection, keep: int | None, before: str | None, protect: frozenset[str]
) -> list[str]:
    """Runs beyond the newest `keep`, and of those only the ones started before the ISO time `before`."""
    rows = connection.execute(
        f"""SELECT run, :before IS NULL OR julianday(started_at) < julianday(:before)
        FROM runs {_NEWEST_FIRST} LIMIT -1 OFFSET :keep""",
        {"before": before, "keep": keep or 0},
    )
    return [run for run, is_old in rows if is_old and run not in protect]


def _sum(*costs: float | None) -> float | None:
    """Of what is known; None where nothing is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _some(runs: list[str]) -> str:
    return ", ".join(runs[:5]) + (", …" if len(runs) > 5 else "")
