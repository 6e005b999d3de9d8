"""What stands between a run and Langfuse: found keys, a checked project, and the delivery beside the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue

from scoregate.catalog import Catalog
from scoregate.errors import ScoregateError, ServiceError
from scoregate.judging.asking import ModelCall
from scoregate.judging.judge import Judge
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.delivery import Delivery, DeliveryReport
from scoregate.langfuse.experiments import experiment_of_id
from scoregate.langfuse.project import Project, experiment_url, project_of
from scoregate.langfuse.score_body import verdict_scores
from scoregate.langfuse.sending import run_environment
from scoregate.langfuse.settings import Settings
from scoregate.langfuse.spans import SpanWriter, judge_span
from scoregate.langfuse.tracing import ItemTracing
from scoregate.records import JSON, ScoreValue, Verdict
from scoregate.runner.candidates.script import RunEvaluation
from scoregate.store import Store
from scoregate.store.outbox import Delivered
from scoregate.wording import Say, proposed_command

_FIRST_CHECK = Patience(request=5.0, deadline=5.0)
"""For the question whether the keys are any good, which a person waits for."""
_SILENT_SECONDS = 3.0
"""A delivery that takes longer says so."""
_FLUSH_SECONDS = 10.0
_LEAVE_SECONDS = 1.0
"""How long spans of the candidate may take to be kept: at the end of a run, and when it was interrupted."""
_IN_THE_BACKGROUND = Patience(request=20.0, deadline=20.0)
"""For a request of the delivery, which makes another pass for what has failed."""


class LangfuseLink:
    """One project and the runs that go there. Closes as a context manager; what was not sent stays in the store."""

    def __init__(self, settings: Settings, store_path: Path, catalog: Catalog, say: Say) -> None:
        self._settings = settings
        self._store = Store.open(store_path)  # one of its own: the engine never waits for a delivery
        self._say = say
        self._stop = threading.Event()
        self._connection = Connection(settings, _IN_THE_BACKGROUND, stop=self._stop)
        self._delivery = Delivery(
            self._store, self._connection, catalog, stop=self._stop, spending=self._spending
        )
        self._project: Project | None = None
        self._runs: list[str] = []
        self._environments: dict[str, str] = {}
        self._beside: dict[str, str] = {}
        """Run -> the experiment that it is shown beside."""
        self._tracing: ItemTracing | None = None
        self._calls: SimpleQueue[tuple[ModelCall, str, str, str] | None] | None = None
        self._calls_kept = threading.Event()

    def __enter__(self) -> LangfuseLink:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._tracing is not None:
            # What the candidate has traced is kept, however the run ended.
            self._tracing.close(_LEAVE_SECONDS)
        self._keep_the_last_calls(_LEAVE_SECONDS)
        self._delivery.abandon()
        self._connection.close()
        self._store.close()

    def connect(self, otherwise: str) -> None:
        """Raises Refused for keys that are no good. Of a server that does not serve it is said what is done instead."""
        try:
            with Connection(self._settings, _FIRST_CHECK) as connection:
                self._project = project_of(connection)
        except ServiceError as problem:
            self._say(f"{problem.message}; {otherwise}")

    def add(self, run: str, *, live: bool = True) -> None:
        """Deliver this run: `live` from now on, else when `end` is called."""
        if run in self._runs:
            return
        self._runs.append(run)
        self._delivery.add(run)
        if live:
            self._delivery.start()

    def tracing(self) -> ItemTracing:
        """The engine's hook, by which the candidate's own spans stand under their run item and go the same way."""
        if self._tracing is None:
            self._tracing = ItemTracing(self._settings, self._keep_spans, self._experiment)
        return self._tracing

    def watch(self, judge: Judge) -> None:
        """Have every call of a judge's model seen under the run item that it judges."""
        spec = judge.spec
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=self._keep_calls, args=(self._calls,), daemon=True).start()
        calls = self._calls
        judge.traced = lambda call: calls.put((call, spec.name, spec.model, judge.version))

    def _keep_calls(self, calls: SimpleQueue[tuple[ModelCall, str, str, str] | None]) -> None:
        """In a thread of its own: the event loop that calls the model must not wait for the store."""
        while (kept := calls.get()) is not None:
            call, score, model, version = kept
            run = call.run or self._runs[0]
            try:
                experiment = self._experiment(run, call.draw.trial)
                span = judge_span(call, run, score=score, model=model, version=version, experiment=experiment)
                self._store.outbox.put_spans(run, self._settings.target, span, 1)
            except Exception as problem:  # noqa: BLE001  the end of a thread: it must be told, not lost
                self._say(f"a call of the judge '{score}' could not be kept for Langfuse: {problem}")
                return
        self._calls_kept.set()

    def _keep_the_last_calls(self, seconds: float) -> None:
        if self._calls is not None:
            self._calls.put(None)
            self._calls_kept.wait(seconds)

    def _keep_spans(self, payload: bytes, size: int) -> None:
        self._store.outbox.put_spans(self._runs[0], self._settings.target, payload, size)

    def _experiment(self, run: str, trial: int) -> Mapping[str, str]:
        writer = SpanWriter(self._store.header(run), {}, self._environment_of(run))
        return writer.experiment_attributes(trial)

    def tell_verdict(self, verdict: Verdict, run: str, evaluations: Sequence[RunEvaluation] = ()) -> None:
        """Keep the verdict's run scores for delivery, with the evaluations of the candidate's own script.

        Raises ScoregateError where they cannot be kept.
        """
        header, environment = self._store.header(run), self._environment_of(run)
        own: dict[str, tuple[ScoreValue, str | None]] = {}
        for one in evaluations:
            told: dict[str, tuple[ScoreValue, str | None]] = {one.name: (one.value, one.comment)}
            try:
                verdict_scores(verdict, header, environment, told)
            except ScoregateError as problem:
                self._say(f"the script's run evaluation {one.name} is not delivered: {problem.message}")
            else:
                own |= told
        self._store.outbox.keep_run_scores(run, verdict_scores(verdict, header, environment, own))

    def _spending(self, traces: Sequence[str]) -> Collection[str]:
        return self._tracing.spending(traces) if self._tracing is not None else ()

    def _environment_of(self, run: str) -> str:
        if run not in self._environments:
            self._environments[run] = run_environment(self._connection, self._store, run)
        return self._environments[run]

    def recheck(self, seconds: float) -> None:
        """Make due what is not there or was rejected, whatever was seen before. Raises Refused, ServiceError."""
        self._connection.end_by(time.monotonic() + seconds)
        self._delivery.recheck()

    def end(self, seconds: float) -> DeliveryReport:
        """Deliver the rest within so many seconds, and say what became of it. Raises StoreError."""
        if self._tracing is not None:
            if not self._tracing.close(min(seconds, _FLUSH_SECONDS)):
                self._say(f"{self._tracing.waiting} spans of the candidate could not be kept for delivery")
            for problem in self._tracing.problems:
                self._say(problem)
        self._keep_the_last_calls(min(seconds, _FLUSH_SECONDS))
        waiting = f"delivering to Langfuse, until everything is seen there; at most {seconds:g} s"
        timers = [
            threading.Timer(seconds, self._stop.set),
            threading.Timer(_SILENT_SECONDS, self._say, (waiting,)),
        ]
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            report = self._delivery.finish(seconds)
        finally:
            for timer in timers:
                timer.cancel()
        self.tell(report)
        return report

    def url(self, run: str) -> str | None:
        """Where the run's first trial is seen, beside its baseline where that is known; None without a project."""
        if self._project is None:
            return None
        return experiment_url(self._settings.base_url, self._project, run, self._beside.get(run))

    def compare(self, run: str, baseline: str) -> None:
        """Have the run seen beside this other one, where that is an experiment of the project or becomes one."""
        ours = ids.experiment_id(baseline, 0)
        if baseline in self._runs:
            self._beside[run] = ours
        elif self._project is not None:
            # Whichever it is: one that was delivered from somewhere, or one of the SDK's, whose id is the run's.
            with suppress(ScoregateError), Connection(self._settings, _FIRST_CHECK) as connection:
                found = experiment_of_id(connection, ours) or experiment_of_id(connection, baseline)
                if found is not None:
                    self._beside[run] = found.id

    def tell(self, report: DeliveryReport | None = None) -> None:
        """Say where the delivery stands."""
        report = report or self._delivery.report()
        self._say(_delivery_line(report, self.url(self._runs[0])))
        for line in _rejections(report):
            self._say(line)

    @property
    def drained(self) -> float:
        """When everything was handed over, by `time.perf_counter`; known once `end` is over."""
        assert self._delivery.drained is not None
        return self._delivery.drained


def _delivery_line(report: DeliveryReport, url: str | None) -> str:
    """One line: how much of everything was seen on the server, and what to do about the rest."""
    tallies = [run.tally for run in report.runs]
    items, scores = sum(t.items for t in tallies), sum(t.scores for t in tallies)
    items_seen, scores_seen = sum(t.items_seen for t in tallies), sum(t.scores_seen for t in tallies)
    line = f"delivered {items_seen} of {items} items, {scores_seen} of {scores} scores"
    if report.complete:
        return f"{line}: {url}" if url else line
    accepted = sum(t.items_accepted + t.scores_accepted - t.items_seen - t.scores_seen for t in tallies)
    rejected = sum(bool(entry.item) for run in report.runs for entry in run.rejected)
    waiting = items + scores - items_seen - scores_seen - accepted - rejected
    spans = sum(t.spans_waiting for t in tallies)
    of_run = sum(t.run_scores - t.run_scores_seen for t in tallies)
    parts = [
        f"{accepted} were accepted and are not to be seen yet" if accepted else "",
        f"{rejected} were rejected" if rejected else "",
        f"{waiting} are still to be sent" if waiting else "",
        f"{spans} of the candidate's spans are still to be sent" if spans else "",
        "the verdict is not to be seen yet" if of_run else "",
    ]
    why = f" ({report.trouble})" if report.trouble else ""
    later = push_command([run.run for run in report.runs if not run.complete])
    why_less = ", ".join(filter(None, parts))
    return f"{line}{'; ' if why_less else ''}{why_less}{why}; go on with: {later}"


_MOST_NAMED = 5


def _rejections(report: DeliveryReport) -> list[str]:
    """A line for each thing that was rejected, up to a few, with the reason."""
    found = [entry for run in report.runs for entry in run.rejected]
    lines = [
        f"rejected: {_what(entry)}{f', trial {entry.trial + 1}' if entry.trial else ''}: {entry.reason}"
        for entry in found[:_MOST_NAMED]
    ]
    if len(found) > _MOST_NAMED:
        lines.append(f"and {len(found) - _MOST_NAMED} more were rejected")
    refused = sum(run.tally.spans_refused for run in report.runs)
    if refused:
        lines.append(f"rejected: {refused} of the candidate's spans; they are kept here")
    return lines


def _what(entry: Delivered) -> str:
    if not entry.item:
        return "a score of the whole run"
    return f"score {entry.score} of item {entry.item}" if entry.score else f"item {entry.item}"


def push_command(runs: Sequence[str]) -> str:
    return proposed_command("runs", "push", *runs)


def as_json_values(report: DeliveryReport) -> JSON:
    """A report for programs."""
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
