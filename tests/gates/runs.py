"""Small runs, written as a person would tell them."""

from collections.abc import Mapping, Sequence

from scoregate.records import Run, RunHeader, RunItem, Score, ScoreValue

Cells = Mapping[str, ScoreValue | Sequence[ScoreValue]]


class RunMaker:
    """`make("baseline", correct={"a": True, "b": [True, False]})`: score -> item -> value, or one a trial.

    The value "n/a" is a cell that does not apply, None one that failed.
    """

    def __call__(
        self,
        run: str,
        many: Mapping[str, Cells] | None = None,
        *,
        clusters: Mapping[str, str] | None = None,
        expected: int | None = None,
        header: Mapping[str, object] | None = None,
        **scores: Cells,
    ) -> Run:
        cells = {
            name: {item: list(v) if isinstance(v, list) else [v] for item, v in values.items()}
            for name, values in {**(many or {}), **scores}.items()
        }
        items = sorted({item for values in cells.values() for item in values})
        trials = max((len(v) for values in cells.values() for v in values.values()), default=1)
        fields = {"dataset": "cases", "candidate": f"{run}-version", **(header or {})}
        return Run(
            RunHeader(run=run, expected_items=expected or len(items), trials=trials, **fields),  # type: ignore[arg-type]
            tuple(
                RunItem(item, trial, "ok", cluster=(clusters or {}).get(item))
                for item in items
                for trial in range(trials)
            ),
            tuple(
                self._score(name, item, trial, value)
                for name, values in cells.items()
                for item, trial_values in values.items()
                for trial, value in enumerate(trial_values)
            ),
        )

    @staticmethod
    def _score(name: str, item: str, trial: int, value: ScoreValue) -> Score:
        if value == "n/a":
            return Score(item, trial, name, None, "not_applicable")
        if value is None:
            return Score(item, trial, name, None, "error", "the scorer failed")
        return Score(item, trial, name, value)


def passing(count: int, failing: int = 0) -> dict[str, ScoreValue]:
    """`count` items named q000…, of which the first `failing` fail."""
    return {f"q{i:03d}": i >= failing for i in range(count)}
