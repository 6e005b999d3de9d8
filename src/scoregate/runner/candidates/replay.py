"""A candidate that gives again what was recorded: outputs from elsewhere, or the results of an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from scoregate.errors import ConfigError, ResultsError
from scoregate.files.reading import (
    JsonProblem,
    check_input_file,
    decode_utf8,
    open_bytes,
    parse_json,
    reading,
)
from scoregate.git.version import Version, version_of
from scoregate.records import JSON, DatasetItem, RunHeader, RunItem
from scoregate.runner.candidates.candidate import Answer, Candidate, CandidateError, as_answer
from scoregate.runner.candidates.wire import measures_of

SUFFIXES = (".jsonl", ".jsonl.gz")

Recorded = Answer | CandidateError
"""What one call gives: an answer, or the error that was recorded in its place."""


@dataclass(frozen=True, slots=True)
class _Recording:
    """Recorded answers by item and trial; trial None serves every trial that has no record of its own."""

    answers: dict[tuple[str, int | None], Recorded]
    header: RunHeader | None = None
    """The run's header, if the file is a results file."""
    items: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", frozenset(item for item, _ in self.answers))

    def answer(self, item: str, trial: int) -> Answer:
        """Raises CandidateError where nothing, or an error, was recorded."""
        recorded = self.answers.get((item, trial)) or self.answers.get((item, None))
        if recorded is None:
            which = f" for trial {trial}" if item in self.items else ""
            raise CandidateError(f"no recorded output{which}")
        if isinstance(recorded, CandidateError):
            raise CandidateError(str(recorded))
        return recorded


def replay_candidate(
    path: Path, *, root: Path, label: str | None, aside: Callable[[], Collection[Path]] = tuple
) -> Candidate:
    """A candidate that replays a `.jsonl` or `.jsonl.gz` file of one of two kinds.

    Recorded outputs: a line an item, with `id` and `output`, optionally `trial`, `cost_usd`, `tokens` and
    `trace_id`; other keys are passed over. A line without `trial` serves every trial that has no line of its
    own; a line with one serves that trial alone. Or a results file, whose items without an output fail again
    with the error that is recorded there. A recorded latency is not used: it was not measured here.

    The label defaults to the results file's candidate, else to the file's name (without a leading `outputs.`).
    Raises ConfigError with file and line, among others for a second record of one item and trial.
    """
    check_input_file(path, SUFFIXES, ConfigError)
    recording = _read_recording(path)
    version = _version(recording.header, path, root, label, aside)

    async def call(item: DatasetItem, trial: int) -> Answer:
        return recording.answer(item.id, trial)

    return Candidate(version.label, version.commit, version.dirty, "replay", call, is_async=True)


def _read_recording(path: Path) -> _Recording:
    """The recorded answers of a file of either kind. Raises ConfigError."""
    lines: dict[tuple[str, int | None], int] = {}
    answers: dict[tuple[str, int | None], Recorded] = {}
    with reading(path, ConfigError), open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}:{number}"
            record = _record(line, where)
            if record is None:
                continue
            if not lines and record.get("kind") == "run" and "id" not in record:
                return _from_results(path)
            key = _key(record, where)
            first = lines.setdefault(key, number)
            if first != number:
                trial = "" if key[1] is None else f", trial {key[1]},"
                raise ConfigError(f"item '{key[0]}'{trial} was already recorded in line {first}", where=where)
            answers[key] = _answer(record, where)
    if not answers:
        raise ConfigError("holds no recorded outputs", where=str(path))
    return _Recording(answers)


def _record(line: bytes, where: str) -> dict[str, JSON] | None:
    if not line.strip():
        return None
    try:
        record = parse_json(decode_utf8(line))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"not UTF-8: byte 0x{line[error.start]:02x} at offset {error.start} of the line", where=where
        ) from None
    except JsonProblem as problem:
        raise ConfigError(str(problem), where=where) from None
    if not isinstance(record, dict):
        raise ConfigError("a line is a JSON object", where=where, hint='{"id": "...", "output": ...}')
    return record


def _key(record: dict[str, JSON], where: str) -> tuple[str, int | None]:
    name = record.get("id")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)  # as in a dataset, where an integer stands for its decimal text
    if not isinstance(name, str) or not name:
        raise ConfigError("a record has no id", where=where, hint="the id of its dataset item")
    trial = record.get("trial")
    if trial is not None and (not isinstance(trial, int) or isinstance(trial, bool) or trial < 0):
        raise ConfigError(f"the trial of item '{name}' is {trial!r:.60}", where=where, hint="0 is the first")
    return name, trial


def _answer(record: dict[str, JSON], where: str) -> Answer:
    if "output" not in record:
        raise ConfigError("a record has no output", where=where, hint="null is one, an absent key is none")
    try:
        return as_answer(measures_of(record["output"], record))
    except CandidateError as error:
        raise ConfigError(str(error), where=where) from None


def _from_results(path: Path) -> _Recording:
    from scoregate.results_file import read_results

    try:
        run = read_results(path)
    except ResultsError as error:
        raise ConfigError(error.message, where=error.where, hint=error.hint) from None
    if not any(item.has_output for item in run.items):
        raise ConfigError(
            "the results file holds no outputs", where=str(path), hint="`item.output` was left out of it"
        )
    return _Recording({(item.item, item.trial): _recorded(item) for item in run.items}, run.header)


def _recorded(item: RunItem) -> Recorded:
    if item.status != "ok":
        return CandidateError(f"recorded as {item.status}: {item.error or 'no reason given'}")
    if not item.has_output:
        return CandidateError("its output was left out of the results file")
    return Answer(item.output, item.cost_usd, item.tokens, item.trace_id)


def _version(
    header: RunHeader | None,
    path: Path,
    root: Path,
    label: str | None,
    aside: Callable[[], Collection[Path]],
) -> Version:
    if header is not None:
        # The outputs are those of the recorded commit, whatever is checked out now.
        return Version(label or header.candidate, header.commit, header.facts.dirty)
    name = path.name.lower()
    suffix = next(suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix))
    return version_of(root, label, path.name[: -len(suffix)].removeprefix("outputs."), aside=aside)
