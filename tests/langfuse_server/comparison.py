"""How a server's answers are held to the recorded ones: what is compared, what is left out, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.langfuse_server.recordings import Exchange
from tests.langfuse_server.replay import Replay
from tests.langfuse_server.shapes import differences, unequal_values

UNUSED = "endpoints that neither the client nor a run of the SDK calls: annotation queues, comments, metrics"
UNUSED_PATHS = ("/api/public/annotation-queues", "/api/public/comments", "/api/public/v2/metrics")
UNMERGED = "rows that the real server's storage had not merged yet; the stand-in merges at once"
LATE = "spans that dual mode shows twelve minutes late and stripped; the stand-in never shows them"
OMITTED = "the request's body is not in the recordings"
ELSEWHERE = "what it asks about (a score, a cursor) came from an exchange that is not in the recordings"
UNORDERED = "one score of several asked for: which one is not set, and their types differ"
OLD_READS = "reads of older servers that exist in dual mode, which SDK 5 and the client do not call"

# By run, and by the start of the scenario's name.
LEFT_OUT: dict[str, dict[str, str]] = {
    "events_only.stock": {
        "4.resend.identical.just-after.observations": UNMERGED,
        "4.resend.same-span-other-experiment.A.experiments.all-fields": UNMERGED,
        "4.resend.same-span-other-experiment.A.items.all-fields": UNMERGED,
        "4.resend.fewer-attributes.observations": UNMERGED,
        "4.resend.same-span-other-experiment.observations": UNMERGED,
        "3.items.scores.scoreLimit1": UNORDERED,
        "4.refused.garbage-protobuf": OMITTED,
        "8.body-6mb.otel": OMITTED,
        "8.body-4.4mb.ingestion": OMITTED,
    },
    "events_only.patched": {
        "3.items.scores.scoreLimit1": UNORDERED,
        "5.read.right-after-delete": ELSEWHERE,
        "5.read.after-delete": ELSEWHERE,
    },
    "dual.patched": {
        "2.legacy.": OLD_READS,
        "3.legacy.": OLD_READS,
        "5.read.legacy.": OLD_READS,
        "3.scores.paging.limit5.page3": ELSEWHERE,
        "3.observations.paging.limit3.page2": ELSEWHERE,
        "4.resend.identical.just-after.observations": UNMERGED,
        **{
            f"4.full.{kind}.after-12-minutes.{read}": LATE
            for kind in ("noheader.plain", "noheader.gzip", "noheader.sdk-experiment-env", "v3header.plain")
            for read in ("observations", "legacy-trace")
        },
    },
}
# Answers that are held to their shape only, and why.
SHAPE_ONLY: dict[str, str] = {
    "3.experiments.paging.limit1": "experiments with the same last time come in no set order",
    "5.read.array-6": "one id twice in an array: which one wins is not set",
    "5.read.ingestion.update.same-timestamp": "two events of one time: which one wins is not set",
    "5.read.recreated-after-delete": "read before the score that was sent again was visible",
}
# Keys whose values a server makes up, or words in its own way.
MADE_UP = frozenset(
    {"createdAt", "updatedAt", "timestamp", "cursor", "id", "datasetRunId", "message", "error"}
)


@dataclass(slots=True)
class Comparison:
    """What came of a replay. Counts are by area."""

    run: str
    compared: Counter[str] = field(default_factory=Counter)
    equal: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, replay: Replay, exchange: Exchange, *, strict: bool) -> None:
        """Replay an exchange and compare, unless it is left out.

        Strictly, rows come in the recorded order and have the recorded values; else their shapes are enough.
        """
        reason = left_out(exchange)
        if reason is not None:
            self.left_out[reason] += 1
            return
        problems = self._problems(replay, exchange, strict)
        self.compared[exchange.area] += 1
        self.failures += [f"#{exchange.sequence} {exchange.scenario}: {problem}" for problem in problems]

    def _problems(self, replay: Replay, exchange: Exchange, strict: bool) -> list[str]:
        status, kind, body = replay.send(exchange)
        expected = replay.expected(exchange)
        if status != exchange.status:
            return [f"status {exchange.status} recorded, {status} here: {str(body)[:200]}"]
        if kind != exchange.content_type:
            return [f"content type {exchange.content_type} recorded, {kind} here"]
        if not (kind or "").startswith("application/json"):
            return []
        problems = list(differences(expected, body, ordered=strict))
        if strict and not problems and _has_set_values(exchange):
            self.equal[exchange.area] += 1
            problems = list(unequal_values(expected, body, MADE_UP))
        return problems

    def __str__(self) -> str:
        areas = ", ".join(f"{area} {count}" for area, count in sorted(self.compared.items()))
        lines = [
            f"{self.run}: {self.compared.total()} exchanges compared ({areas}), "
            f"{self.equal.total()} of them value by value; {self.left_out.total()} left out:"
        ]
        return "\n".join(lines + [f"  {count:4} {reason}" for reason, count in self.left_out.most_common()])


def left_out(exchange: Exchange) -> str | None:
    """Why an exchange is left out; None where it is replayed."""
    if exchange.path.startswith(UNUSED_PATHS):
        return UNUSED
    found = (why for start, why in LEFT_OUT[exchange.run].items() if exchange.scenario.startswith(start))
    return next(found, None)


def _has_set_values(exchange: Exchange) -> bool:
    """Whether the values are compared too: not in errors, nor in the queue's job that answers an export."""
    if exchange.status >= 400 or exchange.path.endswith("/otel/v1/traces"):
        return False
    return not exchange.scenario.startswith(tuple(SHAPE_ONLY))
