"""Results of an experiment in the SDK's form and in ours: `ExperimentResult` from a run, and a run from one.

Which dataset item is meant is told by its id where it has one, else by what it asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import Literal

from langfuse import Evaluation, RegressionError
from langfuse.experiment import ExperimentItemResult, ExperimentResult

from scoregate.catalog import SCORED
from scoregate.datasets import cluster_of, content_digest, slices_of
from scoregate.datasets.fingerprint import canonical
from scoregate.errors import ResultsError
from scoregate.gate_file import Gate
from scoregate.langfuse import ids
from scoregate.own.json_codec import own_copy
from scoregate.records import JSON, Dataset, DatasetItem, Run, RunHeader, RunItem, Score, ScoreValue
from scoregate.runner.candidates.candidate import CandidateError, as_answer
from scoregate.runner.committer import MEASURED, complete_cells
from scoregate.scorers.scorer import Scorer, score_item

_EXPERIMENT = (
    "experiment_id"
    if "experiment_id" in signature(ExperimentItemResult.__init__).parameters
    else "dataset_run_id"
)
"""What SDK 5, and 4, call the experiment of an item's result."""
_ABSENT = "the experiment's result does not hold it: the SDK leaves out items that failed"


def sdk_result(
    run: Run, items: Sequence[DatasetItem], *, name: str, run_name: str | None, description: str | None
) -> ExperimentResult:
    """A run as the SDK's `run_experiment` returns it, without run evaluations.

    One item result for every run item that is ok, in the order of the dataset and its trials: what failed is left
    out, as by the SDK. Its evaluations are the scores with a value, sorted by name, without the measured ones.
    The ids are those that traces and experiments have in Langfuse, where the run is delivered. Nothing in it is shared
    with the run.
    """
    position = {item.id: (number, item) for number, item in enumerate(items)}
    scores: dict[tuple[str, int], list[Score]] = {}
    for score in run.scores:
        if score.status == "ok" and score.score not in MEASURED:
            scores.setdefault((score.item, score.trial), []).append(score)
    answered = [one for one in run.items if one.status == "ok"]
    answered.sort(key=lambda one: (position[one.item][0], one.trial))
    return ExperimentResult(
        name=name,
        run_name=run_name or run.id,
        description=description,
        item_results=[
            ExperimentItemResult(
                item=position[one.item][1].own_copy(),  # type: ignore[arg-type]  # reads like an item of the SDK
                output=own_copy(one.output),
                evaluations=[_evaluation(score) for score in scores.get((one.item, one.trial), ())],
                trace_id=ids.trace_id(run.id, one.item, one.trial),
                **{_EXPERIMENT: ids.experiment_id(run.id, one.trial)},
            )
            for one in answered
        ],
        run_evaluations=[],
        experiment_id=ids.experiment_id(run.id, 0),
    )


def _evaluation(score: Score) -> Evaluation:
    assert score.value is not None  # its status is ok
    return Evaluation(
        name=score.score, value=score.value, comment=score.comment, data_type=_data_type(score.value)
    )


def _data_type(value: ScoreValue) -> Literal["BOOLEAN", "CATEGORICAL"] | None:
    """What the SDK takes for a number unless it is told."""
    if isinstance(value, bool):
        return "BOOLEAN"
    return "CATEGORICAL" if isinstance(value, str) else None


def run_from(
    result: ExperimentResult, gate: Gate, dataset: Dataset | None, *, header: Mapping[str, JSON]
) -> tuple[Run, tuple[DatasetItem, ...]]:
    """The SDK's result as a run, and the dataset items that it is of.

    `header` gives the fields of the run's header that a result does not tell (`run`, `candidate` and the like).
    Items that the dataset has and the result lacks are run items that failed, and so is every expected cell of
    theirs an error; where all are there several times, each time is a trial. Without a dataset the items are those
    of the result, which then must have ids: what is missing, only the baseline can tell.

    Raises ResultsError for an item that is not the dataset's, is ambiguous, or has no id (see `matched`), and for one
    that is there more often than the others.
    """
    given = [one.item for one in result.item_results]
    if dataset is None:
        items = _named(given)
        everything = tuple({item.id: item for item in items}.values())
    else:
        items = matched(given, dataset)
        everything = dataset.items
    _check_times(Counter(item.id for item in items), gate)
    answers: dict[tuple[str, int], ExperimentItemResult] = {}
    seen: Counter[str] = Counter()
    for item, one in zip(items, result.item_results, strict=True):
        answers[item.id, seen[item.id]] = one
        seen[item.id] += 1
    trials = max(seen.values(), default=1)
    cells = list(_cells(everything, answers, trials, gate))
    about = RunHeader(
        dataset=dataset.name if dataset else result.name,
        dataset_fingerprint=dataset.fingerprint if dataset else None,
        dataset_version=dataset.version if dataset else None,
        expected_items=len(everything),
        trials=trials,
        **header,
    )
    scores = tuple(score for _, made in cells for score in made)
    return Run(about, tuple(run_item for run_item, _ in cells), scores), everything


def _check_times(times: Counter[str], gate: Gate) -> None:
    """Refuse an item that is there more often than the gate's trials and most of the others.

    It would make every other item lack trials that nobody has asked for.
    """
    usual = Counter(times.values()).most_common(1)
    most = max([gate.trials, *(number for number, _ in usual)])
    twice = [(item, number) for item, number in times.items() if number > most]
    if twice:
        item, number = twice[0]
        more = f", and {len(twice) - 1:,} more items likewise" if twice[1:] else ""
        raise ResultsError(
            f"item '{item}' is there {number} times in the experiment's result, and most items {most}{more}",
            hint="take the duplicate out of the experiment's data; trials repeat every item",
        )


def _named(given: Sequence[object]) -> list[DatasetItem]:
    items = [_as_item(one) for one in given]
    nameless = next((number for number, item in enumerate(items) if not item.id), None)
    if nameless is not None:
        raise ResultsError(
            f"item {nameless + 1} of the experiment's data has no id, and the gate names no dataset to know it by",
            hint='name the dataset in the gate (dataset = "…"), or give each item an "id"',
        )
    return items


def _cells(
    items: Sequence[DatasetItem],
    answers: Mapping[tuple[str, int], ExperimentItemResult],
    trials: int,
    gate: Gate,
) -> Iterator[tuple[RunItem, tuple[Score, ...]]]:
    expected = [name for name in gate.rules if name != SCORED]
    for item in items:
        cluster = cluster_of(item, gate.cluster) if gate.cluster else None
        slices, content = slices_of(item, gate.slices), content_digest(item)
        for trial in range(trials):
            answer = answers.get((item.id, trial))
            run_item = RunItem(
                item.id,
                trial,
                "ok" if answer else "error",
                error=None if answer else _ABSENT,
                output=_output(answer.output) if answer else None,
                trace_id=answer.trace_id if answer else None,
                cluster=cluster,
                slices=slices,
                content=content,
            )
            scores = _scores(answer, item, run_item, gate) if answer else []
            yield run_item, complete_cells(run_item, scores, expected, gate.catalog)


def _scores(answer: ExperimentItemResult, item: DatasetItem, run_item: RunItem, gate: Gate) -> list[Score]:
    """The evaluations, read and checked as those of an evaluator that the engine has called."""
    evaluations = list(answer.evaluations)
    if not evaluations:
        return []
    reader = Scorer(name="evaluation", version="", call=lambda **_: evaluations)
    return score_item(reader, item, run_item, catalog=gate.catalog)


def _output(output: object) -> JSON:
    """The output, or a text of it where it is no JSON: a task that the SDK runs may return any object."""
    try:
        return as_answer(output).output
    except CandidateError:
        return repr(output)


def regression_error(result: ExperimentResult, message: str) -> RegressionError:
    """The SDK's own error, by which Langfuse's action knows a regression."""
    return RegressionError(result=result, message=message)


def matched(given: Sequence[object], dataset: Dataset) -> list[DatasetItem]:
    """The dataset's item for each of the given ones: objects or mappings with `input` and perhaps an id.

    An id is that of the item (`id`) or in its metadata. Of several dataset items that ask the same, the one with
    the same expected output and metadata is meant. Raises ResultsError, with what to do, for an item that none
    fits, that several fit, or that asks something else than the dataset's item of its id.
    """
    by_id = {item.id: item for item in dataset.items}
    by_input: dict[bytes, list[DatasetItem]] = {}
    for item in dataset.items:
        by_input.setdefault(_input_of(item), []).append(item)
    return [_match(_as_item(one), number, by_id, by_input, dataset) for number, one in enumerate(given)]


def _as_item(given: object) -> DatasetItem:
    """An item of the SDK, local or from a dataset, as one of ours; its id is empty where it has none."""
    metadata = _member(given, "metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    own = _member(given, "id")
    if own is None:
        own = metadata.get("id")
    named = isinstance(own, str | int) and not isinstance(own, bool)
    return DatasetItem(
        str(own) if named else "", _member(given, "input"), _member(given, "expected_output"), metadata
    )


def _match(
    item: DatasetItem,
    number: int,
    by_id: Mapping[str, DatasetItem],
    by_input: Mapping[bytes, Sequence[DatasetItem]],
    dataset: Dataset,
) -> DatasetItem:
    named = by_id.get(item.id)
    if named is not None:
        if not _asks_the_same(item, named):
            raise ResultsError(
                f"item '{item.id}' is not what the gate's dataset '{dataset.name}' says it is",
                hint="run the experiment on the dataset that the gate names",
            )
        return named
    found = by_input.get(_input_of(item), ())
    if len(found) > 1:
        found = [one for one in found if _says_the_same(item, one)] or found
    if len(found) == 1:
        return found[0]
    place = f"item {number + 1} of the experiment's data" + (f" ('{item.id}')" if item.id else "")
    if not found:
        raise ResultsError(
            f"{place} is not in the gate's dataset '{dataset.name}'",
            hint="put it into the dataset, with an id, or run the experiment on the gate's dataset",
        )
    raise ResultsError(
        f"{place} asks the same as {len(found)} items of the dataset '{dataset.name}' "
        f"({', '.join(one.id for one in found[:3])}{', …' if len(found) > 3 else ''})",
        hint='give the items of the data the dataset\'s ids, as {"id": …, "input": …}',
    )


def _asks_the_same(given: DatasetItem, item: DatasetItem) -> bool:
    expects = given.expected_output is None or _content(expected_output=given.expected_output) == _content(
        expected_output=item.expected_output
    )
    return expects and _input_of(given) == _input_of(item)


def _says_the_same(given: DatasetItem, item: DatasetItem) -> bool:
    own = {key: value for key, value in given.metadata.items() if key != "id"}
    return _asks_the_same(given, item) and _content(metadata=own) == _content(metadata=item.metadata)


def _input_of(item: DatasetItem) -> bytes:
    return canonical(DatasetItem("", item.input))


def _content(*, expected_output: JSON = None, metadata: Mapping[str, JSON] | None = None) -> bytes:
    return canonical(DatasetItem("", None, expected_output, metadata or {}))


def _member(given: object, name: str) -> JSON:
    return given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)
