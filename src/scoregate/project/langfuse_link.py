"""What stands between a run and Langfuse: found keys, a checked project, and the delivery beside the run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from scoregate.catalog import Catalog
from scoregate.errors import ScoregateError, ServiceError
from scoregate.langfuse.connection import Connection, Patience, Refused
from scoregate.langfuse.delivery import Delivery, DeliveryReport
from scoregate.langfuse.project import Project, experiment_url, project_of, target_of
from scoregate.langfuse.run_scores import verdict_scores
from scoregate.langfuse.score_configs import read_configs
from scoregate.langfuse.sending import RUN_SCORE, SPANS, Sender
from scoregate.langfuse.settings import Settings
from scoregate.langfuse.spans import SpanWriter
from scoregate.langfuse.tracing import ItemTracing
from scoregate.records import JSON, Verdict
from scoregate.store import Store

Say = Callable[[str], None]
FIRST_CHECK = Patience(request=5.0, deadline=5.0)
"""For the question whether the keys are any good, which a person waits for."""
_FLUSH_SECONDS = 10.0
_LEAVE_SECONDS = 1.0
"""How long spans of the candidate may take to be kept: at the end of a run, and when it was interrupted."""
IN_THE_BACKGROUND = Patience(request=30.0, deadline=60.0, unreachable=60.0)


class LangfuseLink:
    """One project and the runs that go there. Closes as a context manager; what was not sent stays in the store."""

    def __init__(self, settings: Settings, store_path: Path, catalog: Catalog, say: Say) -> None:
        self._settings = settings
        self._store = Store.open(store_path)  # one of its own: the engine never waits for a delivery
        self._catalog = catalog
        self._say = say
        self._stop = threading.Event()
        self._connection = Connection(settings, IN_THE_BACKGROUND, stop=self._stop)
        self._project: Project | None = None
        self._delivery: Delivery | None = None
        self._runs: list[str] = []
        self._tracing: ItemTracing | None = None

    def __enter__(self) -> LangfuseLink:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._tracing is not None:
            self._tracing.close(
                _LEAVE_SECONDS
            )  # what the candidate has traced is kept, however the run ended
        if self._delivery is not None:
            self._delivery.abandon()
        self._connection.close()
        self._store.close()

    def connect(self) -> None:
        """Raises Refused for keys that are no good. A server that does not serve is said, and tried again later."""
        try:
            with Connection(self._settings, FIRST_CHECK) as connection:
                self._project = project_of(connection)
        except ServiceError as problem:
            self._say(f"{problem.message}; the run goes on without it and is delivered at its end")

    def add(self, run: str, *, live: bool = True) -> None:
        """Deliver this run: `live` from now on, else when `end` is called."""
        if run in self._runs:
            return
        self._runs.append(run)
        if live and self._delivery is None and self._project is not None:
            try:
                self._delivery = self._begin(self._project)
            except ScoregateError:
                return  # the server went away between two requests: `end` tries again
            self._delivery.start()
        if self._delivery is not None:
            self._delivery.add(run)

    def tracing(self) -> ItemTracing:
        """The engine's hook, by which the candidate's own spans stand under their run item and go the same way."""
        if self._tracing is None:
            self._tracing = ItemTracing(self._settings, self._keep_spans, self._experiment)
        return self._tracing

    def _keep_spans(self, payload: bytes, size: int) -> None:
        self._store.outbox.put(self._runs[0], SPANS, payload, size)

    def _experiment(self, run: str, trial: int) -> Mapping[str, str]:
        writer = SpanWriter(self._store.header(run), {}, self._settings.environment)
        return writer.experiment_attributes(trial)

    def tell_verdict(self, verdict: Verdict, run: str) -> None:
        """Keep the verdict's run scores for delivery."""
        for body in verdict_scores(verdict, self._store.header(run), self._settings.environment):
            content = json.dumps(body, ensure_ascii=False).encode()
            self._store.outbox.put(run, RUN_SCORE, content, 1)

    def make_due(self) -> None:
        """Make due again what was sent and is not to be seen, and what was rejected. Raises Refused, ServiceError."""
        delivery = self._delivery_now()
        delivery.look()
        for run in self._runs:
            self._store.outbox.forget_unseen(run, target_of(self._connection, self._known_project()))

    def end(self, seconds: float) -> DeliveryReport | None:
        """Deliver the rest within so many seconds and say what became of it; None where nothing could be begun."""
        if self._tracing is not None:
            if not self._tracing.close(_FLUSH_SECONDS):
                self._say(f"{self._tracing.waiting} spans of the candidate could not be kept for delivery")
            for problem in self._tracing.problems:
                self._say(problem)
        timer = threading.Timer(seconds, self._stop.set)
        timer.daemon = True
        timer.start()
        try:
            report = self._delivery_now().finish(seconds)
        except ScoregateError as problem:
            later = push_command(self._runs)
            self._say(f"nothing could be delivered to Langfuse: {problem}; go on with: {later}")
            return None
        finally:
            timer.cancel()
        url = experiment_url(self._connection, self._known_project(), self._runs[0])
        self._say(delivery_line(report, url))
        for line in rejections(report):
            self._say(line)
        return report

    @property
    def drained(self) -> float:
        """When everything was handed over, by `time.perf_counter`; known once `end` is over."""
        assert self._delivery is not None
        assert self._delivery.drained is not None
        return self._delivery.drained

    def _delivery_now(self) -> Delivery:
        """The delivery, begun now if it could not be before. Raises Refused, ServiceError."""
        if self._delivery is None:
            if self._project is None:
                self._project = project_of(self._connection)
            self._delivery = self._begin(self._project)
            for run in self._runs:
                self._delivery.add(run)
        return self._delivery

    def _begin(self, project: Project) -> Delivery:
        target = target_of(self._connection, project)
        try:
            configs = read_configs(self._connection)
        except Refused:
            configs = []  # a server without score configs, or keys that may not read them: scores refer to none
        sender = Sender(self._store, self._connection, target, self._catalog, configs)
        return Delivery(self._store, self._connection, target, sender, self._stop)

    def _known_project(self) -> Project:
        assert self._project is not None
        return self._project


def delivery_line(report: DeliveryReport, url: str) -> str:
    """One line: how much of everything was seen on the server, and what to do about the rest."""
    tallies = [run.tally for run in report.runs]
    items, scores = sum(t.items for t in tallies), sum(t.scores for t in tallies)
    items_seen, scores_seen = sum(t.items_seen for t in tallies), sum(t.scores_seen for t in tallies)
    line = f"delivered {items_seen} of {items} items, {scores_seen} of {scores} scores"
    if report.complete:
        return f"{line}: {url}"
    accepted = sum(t.items_accepted + t.scores_accepted - t.items_seen - t.scores_seen for t in tallies)
    rejected = sum(len(run.rejected) for run in report.runs)
    waiting = items + scores - items_seen - scores_seen - accepted - rejected
    parcels = sum(t.parcels for t in tallies)
    parts = [
        f"{accepted} were accepted and are not to be seen yet" if accepted else "",
        f"{rejected} were rejected" if rejected else "",
        f"{waiting} are still to be sent" if waiting else "",
        f"{parcels} of the candidate's spans and the run's scores are still to be sent" if parcels else "",
    ]
    why = f" ({report.trouble})" if report.trouble else ""
    later = push_command([run.run for run in report.runs if not run.complete])
    return f"{line}; {', '.join(filter(None, parts))}{why}; go on with: {later}"


MOST_NAMED = 5


def rejections(report: DeliveryReport) -> list[str]:
    """A line for each thing that was rejected, up to a few, with the reason."""
    found = [entry for run in report.runs for entry in run.rejected]
    lines = [
        f"rejected: {'score ' + entry.score + ' of ' if entry.score else ''}item {entry.item}"
        f"{f', trial {entry.trial + 1}' if entry.trial else ''}: {entry.reason}"
        for entry in found[:MOST_NAMED]
    ]
    if len(found) > MOST_NAMED:
        lines.append(f"and {len(found) - MOST_NAMED} more were rejected")
    refused = sum(run.tally.parcels_refused for run in report.runs)
    if refused:
        lines.append(f"rejected: {refused} of the candidate's spans and the run's scores; they are kept here")
    return lines


def push_command(runs: Sequence[str]) -> str:
    return f"scoregate runs push {' '.join(runs)}"


def as_json_values(report: DeliveryReport | None) -> JSON:
    """A report for programs; None where nothing could be begun."""
    if report is None:
        return {"complete": False, "runs": []}
    return {
        "complete": report.complete,
        "trouble": report.trouble,
        "runs": [
            {
                "run": run.run,
                "complete": run.complete,
                **asdict(run.tally),
                "rejected": [e._asdict() for e in run.rejected],
            }
            for run in report.runs
        ],
    }
