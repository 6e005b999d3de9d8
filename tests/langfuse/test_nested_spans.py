"""What the candidate traces with the real SDK lands under its run item's root observation, and in the sink."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from scoregate.langfuse import ids
from scoregate.langfuse.settings import Settings
from scoregate.langfuse.tracing import prepare_environment
from tests.cli.project import ended
from tests.fork_server.process import start_python, usual_environment

PROGRAM = Path(__file__).with_name("traced_run.py")

Span = dict[str, Any]


class TracedRun:
    """What `traced_run.py` printed."""

    def __init__(self, printed: dict[str, Any]) -> None:
        self.spans: list[Span] = printed["spans"]
        self.items: dict[str, str | None] = printed["items"]
        self.outputs: dict[str, Any] = printed["outputs"]
        self.flushed: bool = printed["flushed"]
        self.problems: list[str] = printed["problems"]
        self.spending: list[str] = printed["spending"]
        self.sdk_loaded: list[str] = printed["sdk_loaded"]
        self.said: Any = printed["said"]

    def of(self, item: str, name: str) -> list[Span]:
        """The spans of a name in a run item's trace."""
        trace = ids.trace_id("run-1", item, 0)
        return [span for span in self.spans if span["trace"] == trace and span["name"] == name]

    def one(self, item: str, name: str) -> Span:
        (span,) = self.of(item, name)
        return span


def traced_run(
    folder: Path, experiment: str, items: int = 3, cold: bool = False, **variables: str
) -> TracedRun:
    """With `cold` nothing has imported the SDK before the experiment does."""
    file = folder / "experiment.py"
    file.write_text(dedent(experiment))
    settings = ("LANGFUSE_", "OTEL_", "TRACEPARENT")
    usual = {name: value for name, value in usual_environment().items() if not name.startswith(settings)}
    environment = {**usual, "LANGFUSE_TIMEOUT": "1", **variables}
    words = (str(PROGRAM), str(file), str(items))
    done = ended(start_python(words, folder=folder, environment=environment, cold=cold))
    assert done.code == 0, done.err
    return TracedRun(json.loads(done.out.splitlines()[-1]))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> TracedRun:
    """An async task with everything that people do: decorators, a manual span, threads, attributes, a crash."""
    return traced_run(
        tmp_path_factory.mktemp("usual"),
        """
        import asyncio, contextvars, threading
        from langfuse import get_client, observe, propagate_attributes

        @observe()
        def tool(number):
            return number

        @observe()
        async def step(number):
            await asyncio.sleep(0.001)
            return number

        @observe(as_type="agent")
        async def agent(number):
            await asyncio.gather(step(number), step(number))
            await asyncio.to_thread(tool, number)
            thread = threading.Thread(target=contextvars.copy_context().run, args=(tool, number))
            thread.start()
            thread.join()
            if number == 2:
                raise ValueError("no such order")
            return number

        async def task(*, item, **kwargs):
            with get_client().start_as_current_observation(name="manual"):
                with propagate_attributes(user_id="user-1", session_id="session-1", tags=["a"]):
                    return await agent(item.input)
        """,
        items=30,
    )


def test_the_first_span_of_a_call_has_the_root_observation_as_its_parent(usual: TracedRun) -> None:
    for item in usual.items:
        assert usual.one(item, "manual")["parent"] == ids.root_span_id("run-1", item, 0)


def test_spans_of_decorated_functions_nest_as_they_were_called(usual: TracedRun) -> None:
    for item in usual.items:
        agent = usual.one(item, "agent")
        assert agent["parent"] == usual.one(item, "manual")["id"]
        assert [span["parent"] for span in usual.of(item, "step")] == [agent["id"]] * 2


def test_threads_with_a_copied_context_stay_in_the_trace(usual: TracedRun) -> None:
    for item in usual.items:
        agent = usual.one(item, "agent")
        assert [span["parent"] for span in usual.of(item, "tool")] == [agent["id"]] * 2


def test_nothing_is_traced_outside_the_run_items_and_nothing_is_twice(usual: TracedRun) -> None:
    assert {span["trace"] for span in usual.spans} == {ids.trace_id("run-1", item, 0) for item in usual.items}
    assert len({span["id"] for span in usual.spans}) == len(usual.spans) == 6 * 30
    assert usual.flushed
    assert usual.problems == []


def test_every_span_says_of_which_run_item_and_experiment_it_is(usual: TracedRun) -> None:
    for item in usual.items:
        for name in ("manual", "agent", "step", "tool"):
            for span in usual.of(item, name):
                assert (
                    span["attributes"].items()
                    >= {
                        "langfuse.environment": "ci",
                        "langfuse.experiment.id": "experiment-1",
                        "langfuse.experiment.item.id": item,
                        "langfuse.experiment.item.metadata": f'{{"case":{item.removeprefix("item-")}}}',
                        "langfuse.experiment.item.root_observation_id": ids.root_span_id("run-1", item, 0),
                    }.items()
                )


def test_no_attribute_is_twice_and_no_span_takes_itself_for_the_root(usual: TracedRun) -> None:
    for span in usual.spans:
        assert len(span["keys"]) == len(set(span["keys"]))
        assert "langfuse.internal.is_app_root" not in span["attributes"]


def test_session_user_and_tags_of_the_candidate_are_kept(usual: TracedRun) -> None:
    attributes = usual.one("item-0", "agent")["attributes"]
    assert attributes["user.id"] == "user-1"
    assert attributes["session.id"] == "session-1"
    assert attributes["langfuse.trace.tags"] == ["a"]


def test_a_call_that_raises_leaves_its_spans_as_errors(usual: TracedRun) -> None:
    assert usual.items["item-2"] == "ValueError: no such order"
    attributes = usual.one("item-2", "agent")["attributes"]
    assert attributes["langfuse.observation.level"] == "ERROR"
    assert "no such order" in attributes["langfuse.observation.status_message"]


def test_ten_thousand_spans_all_arrive(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import get_client
        client = get_client()

        async def task(*, item, **kwargs):
            for number in range(20):
                with client.start_as_current_observation(name=f"span-{number}"):
                    pass
        """,
        items=500,
    )
    assert run.flushed
    assert len({(span["trace"], span["id"]) for span in run.spans}) == len(run.spans) == 10_000


def test_a_client_keeps_the_mask_and_the_provider_that_the_candidate_gave_it(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import Langfuse, observe
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        own = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(own))
        trace.set_tracer_provider(provider)
        langfuse = Langfuse(mask=lambda data, **_: "***")
        said = []

        @observe()
        def task(*, item, **kwargs):
            said.append(len(own.get_finished_spans()))
            return "a secret"
        """,
    )
    assert [run.one(item, "task")["attributes"]["langfuse.observation.output"] for item in run.items] == [
        "***"
    ] * 3
    assert max(run.said) > 0


def test_a_client_that_is_made_within_a_call_is_found(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        def task(*, item, **kwargs):
            from langfuse import Langfuse

            client = Langfuse(mask=lambda data, **_: "***")
            with client.start_as_current_observation(name="step", input="a secret"):
                return 1
        """,
        cold=True,
    )
    for item in run.items:
        step = run.one(item, "step")
        assert step["parent"] == ids.root_span_id("run-1", item, 0)
        assert step["attributes"]["langfuse.observation.input"] == "***"


def test_a_client_is_found_while_the_call_that_made_it_goes_on(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        import time
        from langfuse import observe

        @observe()
        def inner():
            return 1

        def task(*, item, **kwargs):
            inner()
            time.sleep(0.8)  # longer than the SDK keeps a finished span back
            return 1
        """,
        items=1,
        cold=True,
    )
    assert run.one("item-0", "inner")["attributes"]["langfuse.experiment.item.id"] == "item-0"


def test_a_client_of_another_project_is_left_alone_and_named(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import Langfuse
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        own = InMemorySpanExporter()
        client = Langfuse(public_key="pk-lf-other", secret_key="sk-lf-other", span_exporter=own)

        def task(*, item, **kwargs):
            with client.start_as_current_observation(name="step"):
                return 1
        """,
    )
    assert run.spans == []
    assert len(run.problems) == 1
    assert "another project" in run.problems[0]


def test_what_the_sink_refuses_is_offered_again(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import observe

        @observe()
        def task(*, item, **kwargs):
            return 1
        """,
        REFUSALS="2",
    )
    assert len(run.spans) == 3
    assert run.flushed


def test_a_candidate_that_traces_nothing_does_not_load_the_sdk(tmp_path: Path) -> None:
    run = traced_run(tmp_path, "def task(*, item, **kwargs):\n    return 1\n", cold=True)
    assert run.sdk_loaded == []
    assert run.flushed


def test_a_candidate_whose_tracing_is_switched_off_runs_without(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import observe

        @observe()
        def task(*, item, **kwargs):
            return 1
        """,
        LANGFUSE_TRACING_ENABLED="false",
    )
    assert run.outputs == {"item-0": 1, "item-1": 1, "item-2": 1}
    assert (run.spans, run.problems) == ([], [])


def test_sampling_thins_out_the_candidates_spans_trace_by_trace(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import observe

        @observe()
        def inner():
            return 1

        @observe()
        def task(*, item, **kwargs):
            return inner()
        """,
        items=40,
        LANGFUSE_SAMPLE_RATE="0.5",
    )
    assert 0 < len(run.spans) < 80
    assert all(len(run.of(item, "inner")) == len(run.of(item, "task")) for item in run.items)


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_process_of_its_own_is_told_the_parent(tmp_path: Path, kind: str) -> None:
    run = traced_run(
        tmp_path,
        f"""
        from opentelemetry import trace

        {kind} task(*, item, **kwargs):
            parent = trace.get_current_span().get_span_context()
            return [f"{{parent.trace_id:032x}}", f"{{parent.span_id:016x}}"]
        """,
        items=2,
        ISOLATED="1",
    )
    assert run.outputs == {
        item: [ids.trace_id("run-1", item, 0), ids.root_span_id("run-1", item, 0)]
        for item in ("item-0", "item-1")
    }


def test_it_is_known_which_calls_say_their_tokens_or_their_cost_themselves(tmp_path: Path) -> None:
    run = traced_run(
        tmp_path,
        """
        from langfuse import get_client

        SAID = {
            0: {"usage_details": {"input": 3, "output": 4}},
            1: {"cost_details": {"total": 0.1}},
            2: {"metadata": {"tokens": 7}},
        }

        def task(*, item, **kwargs):
            client = get_client()
            with client.start_as_current_observation(name="model", as_type="generation", **SAID[item.input]):
                return "answer"
        """,
    )
    assert run.spending == ["item-0", "item-1"]


def test_what_the_user_has_set_is_left_and_the_rest_is_filled_in() -> None:
    environ = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "OTEL_BSP_SCHEDULE_DELAY": "7000", "LANGFUSE_BASE_URL": " "}
    prepare_environment(Settings("pk-lf-1", "sk-lf-1", "https://example.org", "ci"), environ)
    assert environ == {
        "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
        "LANGFUSE_SECRET_KEY": "sk-lf-1",
        "LANGFUSE_BASE_URL": "https://example.org",
        "LANGFUSE_TRACING_ENVIRONMENT": "ci",
        "OTEL_BSP_MAX_QUEUE_SIZE": "1000000",
        "OTEL_BSP_SCHEDULE_DELAY": "7000",
    }
