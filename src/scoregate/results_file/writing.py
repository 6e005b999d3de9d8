"""A run as the lines of a results file or of a lock file, and those lines as a file. Equal runs give equal lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from scoregate.errors import ResultsError
from scoregate.files.writing import atomic_file
from scoregate.own import json_codec
from scoregate.records import JSON, Attempt, Run, RunHeader, RunItem, Score
from scoregate.results_file.reading import SCHEMA, check_value
from scoregate.results_file.seal import sealed

Object = dict[str, JSON]

_cell = attrgetter("item", "trial")
_score_key = attrgetter("item", "trial", "score")


def iterate_lines(run: Run) -> Iterator[str]:
    """The lines of a results file, without line ends: header, then item by item, each with its scores.

    Raises ResultsError, naming the item, for what could not be read back: two records for one cell, a
    trial out of range, NaN, a value that does not fit its status, an output that is no JSON.
    """
    yield _line(_header(run.header), "the run header")
    for where, item, scores in _cells(run):
        if item is not None:
            yield _line(_item(item), where)
        for score in scores:
            yield _line(_score(score), where)


def iterate_lock_lines(run: Run) -> Iterator[str]:
    """The lines of a lock file, without line ends: the header, then one line an item × trial.

    What a comparison, a report and a rescoring need is kept: status, error, output, cluster, slices, digest of
    the content, and scores. Latency, the time of the call, cost, tokens, trace id, attempts and the comments of
    ok scores are left out, so that a pull request shows what changed and no noise. Raises ResultsError as
    `iterate_lines` does.
    """
    yield _line(_header(run.header), "the run header")
    for where, item, scores in _cells(run):
        if item is not None:
            yield _line(_locked_item(item, scores), where)
        else:
            for score in scores:
                yield _line(_score(score), where)


def _cells(run: Run) -> Iterator[tuple[str, RunItem | None, list[Score]]]:
    """Every item × trial in order, with its scores in order; the item is None where only scores exist."""
    items: dict[tuple[str, int], RunItem] = {}
    for item in run.items:
        if items.setdefault(_cell(item), item) is not item:
            raise ResultsError("the run has it twice", where=_place(item))
    ordered = sorted(run.scores, key=_score_key)
    scores = {key: list(group) for key, group in groupby(ordered, key=_cell)}
    for key in sorted(items.keys() | scores.keys()):
        own = scores.get(key, [])
        where = _place(own[0] if own else items[key])
        if not 0 <= key[1] < run.header.trials:
            raise ResultsError(f"not one of the run's trials, 0 to {run.header.trials - 1}", where=where)
        for position, score in enumerate(own):
            if position and own[position - 1].score == score.score:
                raise ResultsError(f"the run has score '{score.score}' twice", where=where)
            try:
                check_value(score.status, score.value)
            except ResultsError as error:
                raise ResultsError(f"score '{score.score}': {error.message}", where=where) from None
        yield where, items.get(key), own


def _place(record: RunItem | Score) -> str:
    return f"item '{record.item}' trial {record.trial}"


def _header(header: RunHeader) -> Object:
    return {
        "kind": "run",
        "schema": SCHEMA,
        "run": header.run,
        "dataset": header.dataset,
        "dataset_fingerprint": header.dataset_fingerprint,
        "dataset_version": header.dataset_version,
        "candidate": header.candidate,
        "commit": header.commit,
        "trials": header.trials,
        "expected_items": header.expected_items,
        "scorers": dict(sorted(header.scorers.items())),
        "started_at": header.started_at,
        "finished_at": header.finished_at,
        "metadata": dict(sorted(header.facts.to_metadata().items())),
    }


def _item(item: RunItem) -> Object:
    line: Object = {
        "kind": "item",
        "item": item.item,
        "trial": item.trial,
        "status": item.status,
        "error": item.error,
    }
    if item.has_output or item.output is not None:
        line["output"] = item.output
    line |= {
        "latency_seconds": item.latency_seconds,
        "cost_usd": item.cost_usd,
        "tokens": {"input": item.tokens.input, "output": item.tokens.output} if item.tokens else None,
        "trace_id": item.trace_id,
        "cluster": item.cluster,
        "slices": dict(sorted(item.slices.items())),
    }
    if item.attempts:
        line["attempts"] = [_attempt(attempt) for attempt in item.attempts]
    if item.content is not None:
        line["content"] = item.content
    if item.started_at is not None:
        line["started_at"] = item.started_at
    return line


def _attempt(attempt: Attempt) -> Object:
    return {
        "number": attempt.number,
        "status": attempt.status,
        "error": attempt.error,
        "latency_seconds": attempt.latency_seconds,
    }


def _score(score: Score) -> Object:
    return {
        "kind": "score",
        "item": score.item,
        "trial": score.trial,
        "score": score.score,
        "value": score.value,
        "status": score.status,
        "comment": score.comment,
        "source": score.source,
    }


def _locked_item(item: RunItem, scores: list[Score]) -> Object:
    line: Object = {"kind": "item", "item": item.item, "trial": item.trial, "status": item.status}
    if item.error is not None:
        line["error"] = item.error
    line["scores"] = {score.score: _locked_score(score) for score in scores}
    if item.cluster is not None:
        line["cluster"] = item.cluster
    if item.slices:
        line["slices"] = dict(sorted(item.slices.items()))
    if item.content is not None:
        line["content"] = item.content
    if item.has_output or item.output is not None:
        line["output"] = item.output
    return line


def _locked_score(score: Score) -> JSON:
    if score.status == "ok":
        return score.value if score.source == "code" else {"value": score.value, "source": score.source}
    entry: Object = {"status": score.status}
    if score.comment is not None:
        entry["comment"] = score.comment
    if score.source != "code":
        entry["source"] = score.source
    return entry


def _line(record: Object, where: str) -> str:
    try:
        line = json_codec.dumps(record, ensure_ascii=False, allow_nan=False)
        if not line.isascii():
            line.encode("utf-8")
    except UnicodeEncodeError:
        # Half of a surrogate pair, as a cut-off answer of a model may end in: only an escape can carry it.
        return json_codec.dumps(record, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultsError(f"cannot be written as JSON: {error}", where=where) from None
    return line


def write_results(run: Run, path: Path) -> None:
    """Write a results file, packed where the name ends in `.gz`.

    Raises ResultsError where the place cannot be written to or the run cannot be read back (see
    `iterate_lines`); a file that was there before is then still there.
    """
    _write(iterate_lines(run), Path(path))


def write_lock(run: Run, path: Path) -> None:
    """Write a lock file (see `iterate_lock_lines` for what it keeps), with the digest of its lines in the first.

    Raises as `write_results` does.
    """
    _write(sealed(iterate_lock_lines(run)), Path(path))


def _write(lines: Iterable[str], path: Path) -> None:
    with atomic_file(path, ResultsError) as file:
        if path.name.lower().endswith(".gz"):
            # No name and no time inside, so that the same run gives the same bytes.
            import gzip

            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                for line in lines:
                    packed.write(line.encode("utf-8") + b"\n")
        else:
            for line in lines:
                file.write(line.encode("utf-8") + b"\n")
