from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from textwrap import dedent

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec
from scoregate.records import DatasetItem
from scoregate.runner.candidates import Candidate, CandidateError, TransientError, build_candidate


def candidate(folder: Path, source: str, **files: str) -> Candidate:
    for name, content in files.items():
        (folder / f"{name}.py").write_text(dedent(content))
    (folder / "experiment.py").write_text(dedent(source))
    return build_candidate(CandidateSpec(python="experiment.py"), root=folder, timeout=None)


def ask(candidate: Candidate, item: DatasetItem) -> object:
    returned = candidate.call(item, 0)
    assert inspect.isawaitable(returned) is candidate.is_async
    return asyncio.run(returned) if candidate.is_async else returned


def failure(candidate: Candidate, item: DatasetItem) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        ask(candidate, item)
    return caught.value


def config_error(folder: Path, source: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        candidate(folder, source)
    return caught.value


def test_the_item_gives_attributes_and_keys(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        def task(*, item, **kwargs):
            return [item.input["question"], item["expected_output"], item.metadata["intent"], kwargs]
    """
    assert ask(candidate(tmp_path, source), item) == ["Where is it? ü", "on its way", "shipping", {}]


@pytest.mark.parametrize(
    ("source", "is_async"),
    [
        ("def task(*, item, **kwargs): return item.id", False),
        ("async def task(*, item, **kwargs): return item.id", True),
        ("def task(item): return item.id", False),
        ("task = lambda *, item: item.id", False),
        (
            """
            from functools import partial
            async def ask(suffix, *, item): return item.id + suffix
            task = partial(partial(ask), "")
            """,
            True,
        ),
        (
            """
            class Agent:
                async def __call__(self, *, item, **kwargs): return item.id
            task = Agent()
            """,
            True,
        ),
        (
            """
            class Agent:
                def __call__(self, *, item, **kwargs): return item.id
            task = Agent()
            """,
            False,
        ),
        (
            """
            class Agent:
                async def answer(self, *, item, **kwargs): return item.id
            task = Agent().answer
            """,
            True,
        ),
    ],
)
def test_functions_objects_methods_and_partials_are_tasks(
    tmp_path: Path, item: DatasetItem, source: str, is_async: bool
) -> None:
    made = candidate(tmp_path, source)
    assert made.kind == "python"
    assert made.is_async is is_async
    assert ask(made, item) == "order-1"


def test_evaluators_and_version_come_from_the_file(tmp_path: Path) -> None:
    source = """
        VERSION = "agent-7"
        def task(*, item, **kwargs): ...
        def length(*, output, **kwargs): return len(output)
        evaluators = [length]
    """
    made = candidate(tmp_path, source)
    assert made.version == "agent-7"
    assert [evaluator(output="four") for evaluator in made.evaluators] == [4]


def test_the_gate_s_version_label_wins(tmp_path: Path) -> None:
    (tmp_path / "e.py").write_text("version = 'own'\ndef task(*, item): ...")
    made = build_candidate(CandidateSpec(python="e.py", version="from the gate"), root=tmp_path, timeout=None)
    assert made.version == "from the gate"


def test_an_imported_function_called_version_is_no_label(tmp_path: Path) -> None:
    source = "from importlib.metadata import version\ndef task(*, item): ..."
    assert candidate(tmp_path, source).version == "unversioned"


def test_modules_beside_the_file_are_imported(tmp_path: Path, item: DatasetItem) -> None:
    source = "import agent_beside\ndef task(*, item): return agent_beside.ANSWER"
    assert ask(candidate(tmp_path, source, agent_beside="ANSWER = 'beside'"), item) == "beside"


def test_two_versions_with_modules_of_the_same_name_do_not_mix(tmp_path: Path, item: DatasetItem) -> None:
    made = []
    for version in ("one", "two"):
        folder = tmp_path / version
        folder.mkdir()
        source = "from agent_twin import ANSWER\ndef task(*, item): return ANSWER"
        made.append(candidate(folder, source, agent_twin=f"ANSWER = {version!r}"))
    assert [ask(each, item) for each in made] == ["one", "two"]


def test_classes_of_the_file_can_be_dataclasses(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        from __future__ import annotations
        from dataclasses import dataclass
        @dataclass
        class Reply:
            text: str
        def task(*, item): return Reply("hello").text
    """
    assert ask(candidate(tmp_path, source), item) == "hello"


def test_an_error_of_the_task_goes_through_as_it_is(tmp_path: Path, item: DatasetItem) -> None:
    with pytest.raises(KeyError):
        ask(candidate(tmp_path, "def task(*, item): return item.input['order']"), item)


@pytest.mark.parametrize("define", ["def", "async def"])
def test_exit_costs_one_item(tmp_path: Path, item: DatasetItem, define: str) -> None:
    error = failure(candidate(tmp_path, f"import sys\n{define} task(*, item): sys.exit(3)"), item)
    assert str(error) == "the candidate called exit(3)"


def test_stop_iteration_of_a_sync_task_cannot_hang_a_future(tmp_path: Path, item: DatasetItem) -> None:
    made = candidate(tmp_path, "def task(*, item): return next(iter([]))")

    async def in_a_thread() -> object:
        return await asyncio.wait_for(asyncio.to_thread(made.call, item, 0), 5)

    with pytest.raises(CandidateError, match=r"^StopIteration$"):
        asyncio.run(in_a_thread())


def test_a_task_that_cancels_itself_fails_its_item(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        import asyncio
        async def task(*, item):
            inner = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(inner.cancel)
            await inner
    """
    assert str(failure(candidate(tmp_path, source), item)) == "task was cancelled by its own code"


def test_a_cancellation_from_outside_stays_one(tmp_path: Path, item: DatasetItem) -> None:
    made = candidate(tmp_path, "import asyncio\nasync def task(*, item): await asyncio.sleep(60)")

    async def limited() -> object:
        async with asyncio.timeout(0.01):
            return await made.call(item, 0)

    with pytest.raises(TimeoutError):
        asyncio.run(limited())


def test_a_sync_task_that_returns_a_coroutine_is_told_to_be_async(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        async def ask(item): return item.id
        def task(*, item): return ask(item)
    """
    assert "make it `async def`" in str(failure(candidate(tmp_path, source), item))


def test_a_module_beside_the_file_that_is_imported_late_is_explained(
    tmp_path: Path, item: DatasetItem
) -> None:
    source = """
        def task(*, item):
            import late_agent
    """
    error = failure(candidate(tmp_path, source, late_agent=""), item)
    assert "No module named 'late_agent' (import it at the top of experiment.py" in str(error)


def test_a_task_says_itself_that_an_error_is_transient(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        from scoregate.runner.candidates import TransientError
        def task(*, item): raise TransientError("busy", retry_after=2.0)
    """
    error = failure(candidate(tmp_path, source), item)
    assert isinstance(error, TransientError)
    assert error.retry_after == 2.0


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "support_agent.py").write_text("")
    with pytest.raises(ConfigError, match=r"no such file \(did you mean 'support_agent.py'\?\)"):
        build_candidate(CandidateSpec(python="suport_agent.py"), root=tmp_path, timeout=None)


def test_a_file_without_a_task_lists_what_it_defines(tmp_path: Path) -> None:
    error = config_error(tmp_path, "from json import dumps\ndef tasks(*, item): ...\ndef helper(): ...")
    assert "defines no `task`" in str(error)
    assert "did you mean 'tasks'?" in str(error)
    assert "the file defines helper, tasks" in str(error)


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("import os\nimport surely_not_there", 2, "ModuleNotFoundError: No module named 'surely_not_there'"),
        ("def task(*, item:\n", 1, "SyntaxError: '(' was never closed"),
        ("\n\nimport json\njson.loads('{')", 4, "JSONDecodeError: Expecting property name"),
        ("import sys\nsys.exit(1)", 2, "the candidate called exit(1)"),
    ],
)
def test_an_import_error_names_the_user_s_own_line(
    tmp_path: Path, source: str, line: int, reason: str
) -> None:
    error = config_error(tmp_path, source)
    assert error.where == f"{tmp_path.resolve() / 'experiment.py'}:{line}"
    assert error.message.startswith(f"cannot be imported: {reason}")
    assert "\n" not in str(error)


def test_an_error_in_a_module_beside_the_file_names_that_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        candidate(tmp_path, "import broken_beside", broken_beside="\n1 / 0\n")
    assert caught.value.where == f"{tmp_path.resolve() / 'broken_beside.py'}:2"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("task = 3", "`task` is no function but int"),
        ("def task(context): ...", "`task` cannot be called as task(item=...)"),
        ("def task(*, item): ...\nevaluators = len", "`evaluators` is a list of functions"),
        ("def task(*, item): ...\nevaluators = [len, 'exact']", "evaluators[1] is no function: 'exact'"),
        ("def task(*, item): ...\nVERSION = 3", "`VERSION` is a text that is not empty, not 3"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(tmp_path: Path, source: str, reason: str) -> None:
    assert reason in str(config_error(tmp_path, source))
