"""One call of a scorer: what it is given, and the cells that come out whatever it does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import pytest
from langfuse import Evaluation

from scoregate.catalog import Catalog, Contract
from scoregate.records import JSON, DatasetItem, RunItem, Score, Tokens
from scoregate.runner.candidates.python_file import load_experiment
from scoregate.scorers import Scorer, from_function, not_applicable, score_item, score_item_async
from scoregate.scorers.scorer import error_scores

ITEM = DatasetItem(id="case-1", input="Where is it?", expected_output="late", metadata={"intent": "parcel"})
RUN_ITEM = RunItem(
    item="case-1",
    trial=2,
    status="ok",
    output="It is late.",
    latency_seconds=1.5,
    cost_usd=0.01,
    tokens=Tokens(input=10, output=20),
)


def cells(evaluator: Callable[..., Any], **options: Any) -> list[Score]:
    return score_item(from_function(evaluator), ITEM, RUN_ITEM, **options)


def ok(name: str, value: JSON, comment: str | None = None) -> Score:
    return Score("case-1", 2, name, value, "ok", comment)


def error(name: str, reason: str) -> Score:
    return Score("case-1", 2, name, None, "error", reason)


def test_an_evaluator_of_langfuse_works_unchanged() -> None:
    def accuracy(
        *, input: JSON, output: JSON, expected_output: JSON, metadata: JSON, **kwargs: Any
    ) -> Evaluation:
        assert (input, metadata, kwargs) == ("Where is it?", {"intent": "parcel"}, {})
        return Evaluation(name="accuracy", value=float(expected_output in output), comment="found")

    assert cells(accuracy) == [ok("accuracy", 1.0, "found")]


def test_an_evaluator_gets_only_what_it_accepts() -> None:
    def brief(*, output: JSON) -> bool:
        return len(output) < 20

    assert cells(brief) == [ok("brief", True)]


def test_measured_facts_are_given_to_who_names_them() -> None:
    def facts(
        output: JSON, latency_seconds: float, cost_usd: float, tokens: Tokens, item: Any, trial: int
    ) -> str:
        return f"{latency_seconds} {cost_usd} {tokens.total} {item['metadata']['intent']} {trial}"

    assert cells(facts) == [ok("facts", "1.5 0.01 30 parcel 2")]


def test_kwargs_hold_the_four_of_langfuse_and_what_is_named_besides() -> None:
    def names(*, trial: int, **kwargs: Any) -> str:
        return ",".join(sorted(kwargs))

    assert cells(names) == [ok("names", "expected_output,input,metadata,output")]


@pytest.mark.parametrize("failure", [ValueError("no\nluck"), SystemExit(3), asyncio.CancelledError("gone")])
def test_what_a_scorer_raises_is_an_error_cell(failure: BaseException) -> None:
    def broken(**kwargs: Any) -> Never:
        raise failure

    async def broken_too(**kwargs: Any) -> Never:
        raise failure

    reason = f"{type(failure).__name__}: {str(failure).splitlines()[0]}"
    assert cells(broken) == [error("broken", reason)]
    made = asyncio.run(score_item_async(from_function(broken_too), ITEM, RUN_ITEM))
    assert made == [error("broken_too", reason)]


def test_keyboard_interrupt_comes_out() -> None:
    def interrupted(**kwargs: Any) -> Never:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cells(interrupted)


def test_a_cancelled_scorer_is_cancelled() -> None:
    started = asyncio.Event()

    async def slow(**kwargs: Any) -> None:
        started.set()
        await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.create_task(score_item_async(from_function(slow), ITEM, RUN_ITEM))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_a_scorer_with_declared_scores_fails_in_each_of_them() -> None:
    def judge(**kwargs: Any) -> Never:
        raise LookupError("no model")

    scorer = Scorer("judge", "1", judge, scores=("tone", "facts"))
    reason = "LookupError: no model"
    assert score_item(scorer, ITEM, RUN_ITEM) == [error("tone", reason), error("facts", reason)]


def test_a_declared_score_that_is_not_returned_is_an_error_cell() -> None:
    scorer = Scorer("judge", "1", lambda **_: {"name": "tone", "value": 1}, scores=("tone", "facts"))
    reason = "scorer 'judge' returned no score of this name"
    assert score_item(scorer, ITEM, RUN_ITEM) == [ok("tone", 1), error("facts", reason)]


def test_not_applicable_holds_for_all_declared_scores() -> None:
    scorer = Scorer("judge", "1", lambda **_: not_applicable("small talk"), scores=("tone", "facts"))
    made = score_item(scorer, ITEM, RUN_ITEM)
    assert [(cell.score, cell.status, cell.comment) for cell in made] == [
        ("tone", "not_applicable", "small talk"),
        ("facts", "not_applicable", "small talk"),
    ]


def test_a_value_without_a_name_is_the_one_declared_score() -> None:
    scorer = Scorer("check_tone", "1", lambda **_: 0.5, scores=("tone",))
    assert score_item(scorer, ITEM, RUN_ITEM) == [ok("tone", 0.5)]


def test_a_score_that_breaks_its_contract_is_an_error_naming_score_item_and_rule() -> None:
    catalog = Catalog({"grounded": Contract(name="grounded", type="numeric", min=0.0, max=1.0)})

    def grounded(**kwargs: Any) -> float:
        return 1.5

    (cell,) = cells(grounded, catalog=catalog)
    assert (cell.value, cell.status) == (None, "error")
    assert re.search("grounded.*case-1.*above its maximum 1", cell.comment or "")


def test_an_ignored_category_keeps_its_value() -> None:
    contract = Contract(
        name="policy",
        type="categorical",
        categories=("pass", "fail", "n/a"),
        passing=("pass",),
        ignore=("n/a",),
    )

    def policy(**kwargs: Any) -> str:
        return "n/a"

    assert cells(policy, catalog=Catalog({"policy": contract})) == [ok("policy", "n/a")]


def test_a_scorer_that_could_not_be_called_has_error_cells_too() -> None:
    scorer = Scorer("judge", "1", lambda **_: None, scores=("tone", "facts"))
    assert error_scores(scorer, RUN_ITEM, "out of time") == [
        error("tone", "out of time"),
        error("facts", "out of time"),
    ]


def test_a_score_without_a_contract_is_kept_as_it_is() -> None:
    assert cells(lambda **_: 99, catalog=Catalog()) == [ok("<lambda>", 99)]


@pytest.mark.parametrize("kind", ["coroutine", "task", "future"])
def test_any_awaitable_is_awaited(kind: str) -> None:
    async def answer() -> bool:
        await asyncio.sleep(0)
        return True

    def patient(**kwargs: Any) -> Any:
        if kind == "coroutine":
            return answer()
        if kind == "task":
            return asyncio.ensure_future(answer())
        future = asyncio.get_running_loop().create_future()
        future.set_result(True)
        return future

    made = asyncio.run(score_item_async(from_function(patient), ITEM, RUN_ITEM))
    assert made == [ok("patient", True)]


def test_a_sync_function_that_returns_a_coroutine_is_run_to_its_end() -> None:
    async def answer() -> bool:
        await asyncio.sleep(0)
        return True

    assert cells(lambda **_: answer()) == [ok("<lambda>", True)]


def test_a_coroutine_that_cannot_be_awaited_here_is_an_error_cell() -> None:
    async def answer() -> bool:
        return True

    async def on_a_loop() -> list[Score]:
        return cells(lambda **_: answer())

    reason = "TypeError: returned an awaitable: define it with 'async def'"
    assert asyncio.run(on_a_loop()) == [error("<lambda>", reason)]


def test_a_sync_scorer_works_on_an_event_loop_too() -> None:
    assert asyncio.run(score_item_async(from_function(lambda **_: 1), ITEM, RUN_ITEM)) == [ok("<lambda>", 1)]


@pytest.mark.parametrize(
    ("kind", "place"),
    [("def", "experiments/checks.py"), ("async def", "experiments/checks/__init__.py"), ("def", "checks.py")],
)
def test_a_module_that_is_imported_too_late_is_told_with_the_remedy(
    tmp_path: Path, kind: str, place: str
) -> None:
    helper, file = tmp_path / place, tmp_path / "experiments" / "agent.py"
    for folder in (helper.parent, file.parent):
        folder.mkdir(exist_ok=True, parents=True)
    helper.write_text("def is_right(output): return True")
    file.write_text(
        f"def task(*, item, **kwargs): ...\n{kind} correct(*, output, **kwargs):\n    from checks import is_right\n"
        "    return is_right(output)\nevaluators = [correct]\n"
    )
    (evaluator,) = load_experiment(file, root=tmp_path).evaluators
    (cell,) = cells(evaluator)
    told = "No module named 'checks' (import it at the top of agent.py, not inside a function)"
    assert cell == error("correct", f"ModuleNotFoundError: {told}")


def test_a_module_that_is_nowhere_is_told_as_it_is() -> None:
    def correct(**_: Any) -> bool:
        import nowhere_to_be_found  # type: ignore[import-not-found]  # noqa: F401

        return True

    assert cells(correct) == [error("correct", "ModuleNotFoundError: No module named 'nowhere_to_be_found'")]
