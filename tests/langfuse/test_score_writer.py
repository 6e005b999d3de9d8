"""Scores written at the moment after an answer was given, against a real HTTP server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from scoregate.catalog import Catalog, Contract
from scoregate.errors import ConfigError, ContractError, ServiceError
from scoregate.langfuse.connection import Connection, Patience, Refused
from scoregate.langfuse.feedback import FeedbackEvent
from scoregate.langfuse.score_body import ScoreParent
from scoregate.langfuse.score_writer import ScoreWriter
from scoregate.langfuse.settings import Settings
from tests.langfuse.put_spans import SPAN, TRACE, put_run_item, put_span, settings_of
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.score_rows import Parent, ScoreRow
from tests.langfuse_server.server import LangfuseServer

HASTY = Patience(first_pause=0.01, longest_pause=0.02, deadline=1.0)
GROUNDED = Contract(
    name="groundedness", type="numeric", parent="observation", min=0.0, max=1.0, rubric="groundedness-v1"
)
HELPFUL = Contract(name="helpful", type="boolean", parent="run_item", where="gates/scores.toml:9")
EVENT = FeedbackEvent(interaction_id="i-1", value="negative", agent_version="v7")


def writer_to(server: LangfuseServer, *contracts: Contract, environment: str = "development") -> ScoreWriter:
    catalog = Catalog({contract.name: contract for contract in contracts}, where="gates/scores.toml")
    return ScoreWriter(settings_of(server), catalog, environment)


@pytest.fixture
def writer(server: LangfuseServer) -> Iterator[ScoreWriter]:
    with writer_to(server, GROUNDED) as writer:
        yield writer


def kept(server: LangfuseServer) -> dict[str, ScoreRow]:
    return dict(server.state.kept_scores())


def test_feedback_is_a_score_of_the_trace_with_its_interaction(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    written = writer.feedback(EVENT, trace_id=TRACE)
    row = kept(server)[f"{TRACE}:user_feedback:i-1"]
    assert (row.name, row.value, row.data_type, row.environment) == (
        "user_feedback",
        "negative",
        "CATEGORICAL",
        "development",
    )
    assert row.parent == Parent(kind="trace", id=TRACE)
    assert row.comment == "rubric=user-feedback-v1"
    assert row.metadata == {"interaction_id": "i-1", "feedback_type": "user", "agent_version": "v7"}
    assert str(written) == f"user_feedback = negative on trace {TRACE} in environment development"


def test_correctness_is_a_boolean_of_the_trace(server: LangfuseServer, writer: ScoreWriter) -> None:
    writer.correctness(trace_id=TRACE, correct=False)
    row = kept(server)[f"{TRACE}:answer_correctness"]
    assert (row.value, row.data_type, row.comment) == (0, "BOOLEAN", "rubric=answer-correctness-v1")


@pytest.mark.parametrize(("broke", "value"), [(True, "fail"), (False, "pass")])
def test_policy_says_pass_or_fail(
    server: LangfuseServer, writer: ScoreWriter, broke: bool, value: str
) -> None:
    writer.policy(trace_id=TRACE, used_unauthorized_document=broke)
    row = kept(server)[f"{TRACE}:policy_compliance"]
    assert (row.value, row.comment) == (value, "rubric=policy-compliance-v1")


def test_a_sessions_end_is_a_score_of_the_session(server: LangfuseServer, writer: ScoreWriter) -> None:
    writer.session(session_id="conversation 9", outcome="escalated")
    row = kept(server)["conversation 9:session_resolution"]
    assert (row.value, row.parent) == ("escalated", Parent(kind="session", id="conversation 9"))


def test_writing_twice_leaves_one_score_with_the_last_value(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    writer.feedback(EVENT, trace_id=TRACE)
    writer.feedback(replace(EVENT, value="positive"), trace_id=TRACE)
    assert [row.value for row in kept(server).values()] == ["positive"]


def test_feedback_on_two_answers_of_a_trace_is_two_scores(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    writer.feedback(EVENT, trace_id=TRACE)
    writer.feedback(replace(EVENT, interaction_id="i-2"), trace_id=TRACE)
    assert len(kept(server)) == 2


def test_any_score_of_the_catalog_is_set_at_the_parent_of_its_contract(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    parent = ScoreParent.observation(TRACE, SPAN)
    writer.set("groundedness", 0.5, parent, comment="two of four", metadata={"by": "me"})
    row = kept(server)[f"{SPAN}:groundedness"]
    assert row.parent == Parent(kind="observation", id=SPAN, trace_id=TRACE)
    assert (row.comment, row.metadata) == ("rubric=groundedness-v1; two of four", {"by": "me"})


def test_at_another_parent_nothing_is_sent(server: LangfuseServer, writer: ScoreWriter) -> None:
    with pytest.raises(ContractError, match="it belongs to an observation and not to a trace"):
        writer.set("groundedness", 0.5, ScoreParent.trace(TRACE))
    assert not server.received


def test_a_value_that_breaks_its_contract_is_not_sent(server: LangfuseServer, writer: ScoreWriter) -> None:
    with pytest.raises(ContractError, match="above its maximum"):
        writer.set("groundedness", 2, ScoreParent.observation(TRACE, SPAN))
    assert not server.received


def test_a_score_without_a_contract_is_refused_with_the_nearest_name(writer: ScoreWriter) -> None:
    with pytest.raises(ConfigError, match=r"no score 'groundednes' in gates/scores.toml .*'groundedness'"):
        writer.set("groundednes", 1, ScoreParent.trace(TRACE))


def test_a_run_and_a_run_item_are_found_by_the_experiments_name_or_id(server: LangfuseServer) -> None:
    put_run_item(server, "e1", "night, build 7", "q1")
    with writer_to(server) as writer:
        assert writer.run("night, build 7") == writer.run("e1") == ScoreParent.run("e1")
        assert writer.run_item("night, build 7", "q1") == ScoreParent.run_item(TRACE, SPAN)


def test_an_unknown_run_or_item_is_told(server: LangfuseServer) -> None:
    put_run_item(server, "e1", "night", "q1")
    with writer_to(server) as writer:
        with pytest.raises(ConfigError, match="there is no experiment 'nigth'"):
            writer.run("nigth")
        with pytest.raises(ConfigError, match="no run item of the dataset item 'q2'"):
            writer.run_item("night", "q2")


def test_an_item_that_was_run_twice_in_an_experiment_is_not_guessed(server: LangfuseServer) -> None:
    put_run_item(server, "e1", "night", "q1")
    put_run_item(server, "e1", "night", "q1", trace="1" * 32, span="2" * 16)
    with writer_to(server) as writer, pytest.raises(ConfigError) as refused:
        writer.run_item("e1", "q1")
    assert "'q1' 2 times" in str(refused.value)
    assert f"--trace-id {TRACE} --observation-id {SPAN} or --trace-id {'1' * 32}" in str(refused.value)


def test_the_catalogs_rubric_goes_before_the_built_in_one(server: LangfuseServer) -> None:
    own = Contract(name="answer_correctness", type="boolean", parent="trace", rubric="strict-v3")
    with writer_to(server, own) as writer:
        writer.correctness(trace_id=TRACE, correct=True)
    assert kept(server)[f"{TRACE}:answer_correctness"].comment == "rubric=strict-v3"


def test_a_contract_for_run_items_is_taken_on_a_trace(server: LangfuseServer) -> None:
    own = Contract(name="answer_correctness", type="boolean", parent="run_item", where="gates/scores.toml:4")
    with writer_to(server, own) as writer:
        writer.correctness(trace_id=TRACE, correct=True)
    assert f"{TRACE}:answer_correctness" in kept(server)


def test_a_run_items_score_is_set_on_its_root_observation(server: LangfuseServer) -> None:
    put_run_item(server, "e1", "night", "q1")
    with writer_to(server, HELPFUL) as writer:
        written = writer.set("helpful", True, ScoreParent.observation(TRACE, SPAN))
        assert written.parent == writer.run_item("night", "q1")
    assert kept(server)[f"{SPAN}:helpful"].parent == Parent(kind="observation", id=SPAN, trace_id=TRACE)


def test_the_root_of_an_sdk_run_item_stands_below_another_one(server: LangfuseServer) -> None:
    put_span(server, TRACE, SPAN, name="experiment-item-run")
    put_span(server, TRACE, "2" * 16, parent=SPAN, name="experiment-item-task")
    with writer_to(server, HELPFUL) as writer:
        written = writer.set("helpful", True, ScoreParent.observation(TRACE, "2" * 16))
    assert written.parent == ScoreParent.run_item(TRACE, "2" * 16)


@pytest.mark.parametrize(
    ("parent", "what"),
    [
        (ScoreParent.observation(TRACE, "1" * 16), "an observation that is not there"),
        (ScoreParent.observation(TRACE, "2" * 16), "an observation that is not the root of its trace"),
        (ScoreParent.trace(TRACE), "a trace"),
    ],
)
def test_a_run_items_score_elsewhere_is_refused_with_what_to_give(
    server: LangfuseServer, parent: ScoreParent, what: str
) -> None:
    put_run_item(server, "e1", "night", "q1")
    put_span(server, TRACE, "2" * 16, parent=SPAN)
    with writer_to(server, HELPFUL) as writer, pytest.raises(ContractError) as refused:
        writer.set("helpful", True, parent)
    assert f"it belongs to a run item and not to {what}" in str(refused.value)
    assert "--run EXPERIMENT --item ID" in str(refused.value)
    assert not kept(server)


def test_a_contract_of_another_type_is_refused_with_the_way_out(server: LangfuseServer) -> None:
    own = Contract(name="policy_compliance", type="boolean", parent="trace", where="gates/scores.toml:4")
    with writer_to(server, own) as writer, pytest.raises(ContractError) as refused:
        writer.policy(trace_id=TRACE, used_unauthorized_document=True)
    assert "it is boolean by its contract at gates/scores.toml:4" in str(refused.value)
    assert "scoregate score set policy_compliance VALUE" in str(refused.value)
    assert not server.received


def test_a_contract_for_another_parent_is_refused_with_what_to_do(server: LangfuseServer) -> None:
    own = Contract(name="answer_correctness", type="boolean", parent="session", where="gates/scores.toml:4")
    with writer_to(server, own) as writer, pytest.raises(ContractError) as refused:
        writer.correctness(trace_id=TRACE, correct=True)
    assert 'gates/scores.toml:4 says parent = "session"' in str(refused.value)
    assert 'parent = "trace"' in str(refused.value)
    assert not server.received


def test_a_config_of_name_and_type_goes_along(server: LangfuseServer, writer: ScoreWriter) -> None:
    config = {"name": "answer_correctness", "dataType": "BOOLEAN"}
    made = writer.connection.post("/score-configs", config).body["id"]
    written = writer.correctness(trace_id=TRACE, correct=True)
    assert written.config_id == made
    assert kept(server)[written.id].config_id == made


def test_a_config_by_which_the_server_would_drop_the_score_is_told(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    writer.connection.post("/score-configs", {"name": "groundedness", "dataType": "NUMERIC", "maxValue": 0.4})
    with pytest.raises(ConfigError, match=r"does not take 0\.5.*scoregate scores sync"):
        writer.set("groundedness", 0.5, ScoreParent.observation(TRACE, SPAN))
    assert not server.state.scores.dropped


def test_a_refusal_of_the_server_is_an_error_with_its_reason(server: LangfuseServer) -> None:
    with Connection(settings_of(server), HASTY) as connection:
        writer = ScoreWriter(connection)
        server.faults.plan(Fault(status=422), share=1.0, path="/api/public/scores", method="POST")
        with pytest.raises(Refused, match="422"):
            writer.correctness(trace_id=TRACE, correct=True)


def test_a_server_that_is_away_is_an_error_of_its_own(server: LangfuseServer) -> None:
    server.stop()
    with Connection(settings_of(server), HASTY) as connection, pytest.raises(ServiceError):
        ScoreWriter(connection).correctness(trace_id=TRACE, correct=True)


def test_wrong_keys_are_refused(server: LangfuseServer) -> None:
    wrong = Settings("pk-lf-x", "sk-lf-x", server.url)
    with Connection(wrong, HASTY) as connection, pytest.raises(Refused, match="401"):
        ScoreWriter(connection).correctness(trace_id=TRACE, correct=True)


def test_a_trace_in_the_same_environment_needs_no_warning(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    put_span(server, langfuse_environment="development")
    assert writer.warning(writer.correctness(trace_id=TRACE, correct=True)) is None


def test_a_trace_in_another_environment_is_warned_of(server: LangfuseServer, writer: ScoreWriter) -> None:
    put_span(server, langfuse_environment="production")
    warning = writer.warning(writer.correctness(trace_id=TRACE, correct=True))
    assert warning is not None
    assert "the trace is in 'production' and the score in 'development'" in warning
    assert "the server never moves a score (with --environment production it is written there" in warning


def test_a_score_in_another_environment_is_another_one_and_the_old_one_is_deleted(
    server: LangfuseServer,
) -> None:
    server.behaviour.delete_lag = 0.0
    with writer_to(server) as writer:
        first = writer.correctness(trace_id=TRACE, correct=False)
    said: list[str] = []
    with ScoreWriter(settings_of(server), environment="production", say=said.append) as writer:
        again = writer.correctness(trace_id=TRACE, correct=True)
        once_more = writer.correctness(trace_id=TRACE, correct=True)
    assert said == [
        f"the score stands in 'development' (id {first.id}), and the server never moves one: it is written in "
        f"'production' under the id {again.id}, and the other one deleted within minutes"
    ]
    assert (again.environment, [one.id for one in again.deleted]) == ("production", [first.id])
    assert once_more.id == again.id
    assert {key: (row.environment, row.value) for key, row in kept(server).items()} == {
        again.id: ("production", 1)
    }


def test_a_score_that_is_not_readable_yet_is_not_taken_for_the_one_of_another_environment(
    server: LangfuseServer,
) -> None:
    server.behaviour.score_lag = 60.0
    with writer_to(server) as writer:
        first = writer.correctness(trace_id=TRACE, correct=False)
    with ScoreWriter(settings_of(server), environment="production") as writer:
        again = writer.correctness(trace_id=TRACE, correct=True)
    assert kept(server)[again.id].environment == "production"
    assert again.id != first.id


def test_a_score_without_an_environment_goes_where_it_is_or_its_parent_is(server: LangfuseServer) -> None:
    with ScoreWriter(replace(settings_of(server), environment=None)) as writer:
        assert writer.policy(trace_id=TRACE, used_unauthorized_document=False).environment == "default"
        put_span(server, langfuse_environment="production", session_id="s")
        assert writer.correctness(trace_id=TRACE, correct=True).environment == "production"
        assert writer.session(session_id="s", outcome="resolved").environment == "production"
        # It stands in the other one already, and the server never moves it.
        assert writer.policy(trace_id=TRACE, used_unauthorized_document=True).environment == "default"
    assert [row.value for row in kept(server).values() if row.name == "policy_compliance"] == ["fail"]


def test_a_session_that_is_elsewhere_or_not_there_is_warned_of(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    warning = writer.warning(writer.session(session_id="s", outcome="resolved"))
    assert warning is not None
    assert "session s is in no trace of this project, or not yet" in warning
    put_span(server, langfuse_environment="production", session_id="s")
    warning = writer.warning(writer.session(session_id="s", outcome="resolved"))
    assert warning is not None
    assert "the session is in 'production' and the score in 'development'" in warning


@pytest.mark.parametrize("environment", [None, "development"])
def test_the_score_of_a_run_item_is_replaced_whoever_has_written_it(
    server: LangfuseServer, environment: str | None
) -> None:
    put_run_item(server, "e1", "night", "q1")
    theirs = {"id": "by-a-runner", "name": "helpful", "value": 0, "dataType": "BOOLEAN", "environment": "ci"}
    server.behaviour.delete_lag = 0.0
    with Connection(settings_of(server)) as connection:
        config = connection.post("/score-configs", {"name": "helpful", "dataType": "BOOLEAN"}).body["id"]
        said_by_a_person = {**theirs, "id": "by-a-person", "source": "ANNOTATION", "configId": config}
        for body in (theirs, said_by_a_person):
            connection.post("/scores", {**body, "traceId": TRACE, "observationId": SPAN})
    with ScoreWriter(
        replace(settings_of(server), environment=environment), Catalog({"helpful": HELPFUL})
    ) as writer:
        written = writer.set("helpful", True, writer.run_item("night", "q1"))
    rows = kept(server)
    assert {(row.id, row.value, row.environment) for row in rows.values()} == {
        ("by-a-person", 0, "ci"),
        (written.id, 1, environment or "ci"),
    }
    assert (written.id == "by-a-runner") == (environment is None)


def test_a_trace_that_is_not_there_is_warned_of(writer: ScoreWriter) -> None:
    warning = writer.warning(writer.correctness(trace_id=TRACE, correct=True))
    assert warning is not None
    assert "is not in this project, or not yet" in warning


def test_an_observation_that_its_trace_lacks_is_warned_of(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    put_span(server, langfuse_environment="development")
    there = writer.set("groundedness", 0.5, ScoreParent.observation(TRACE, SPAN))
    assert writer.warning(there) is None
    warning = writer.warning(writer.set("groundedness", 0.5, ScoreParent.observation(TRACE, "1" * 16)))
    assert warning is not None
    assert f"trace {TRACE} has no observation {'1' * 16}, or not yet" in warning


def test_a_session_in_the_same_environment_needs_no_warning(
    server: LangfuseServer, writer: ScoreWriter
) -> None:
    put_span(server, langfuse_environment="development", session_id="s")
    assert writer.warning(writer.session(session_id="s", outcome="resolved")) is None


def test_a_check_of_the_environment_that_fails_is_a_warning_only(server: LangfuseServer) -> None:
    with Connection(settings_of(server), HASTY) as connection:
        writer = ScoreWriter(connection)
        written = writer.correctness(trace_id=TRACE, correct=True)
        server.faults.plan(Fault(status=404), share=1.0, path="/api/public/v2/observations")
        warning = writer.warning(written)
    assert warning is not None
    assert "could not be checked" in warning


def test_an_environment_that_langfuse_cannot_use_is_refused_at_once(server: LangfuseServer) -> None:
    with pytest.raises(ConfigError, match="'Prod!' is no environment"):
        writer_to(server, environment="Prod!")


def test_disabled_tracing_does_not_keep_scores_back(
    server: LangfuseServer, writer: ScoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGFUSE_TRACING_ENABLED", "false")
    writer.correctness(trace_id=TRACE, correct=True)
    assert len(kept(server)) == 1


def test_nothing_is_connected_before_the_first_score() -> None:
    code = (
        "import sys\n"
        "from scoregate.langfuse.settings import Settings\n"
        "from scoregate.langfuse.score_writer import ScoreWriter\n"
        "ScoreWriter(Settings('pk', 'sk', 'http://127.0.0.1:1')).close()\n"
        "print([name for name in ('langfuse', 'httpx', 'opentelemetry') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("interaction_id", ""),
        ("interaction_id", "two words"),
        ("interaction_id", "x" * 129),
        ("value", "neutral"),
        ("feedback_type", "Thumbs Up"),
        ("feedback_type", ""),
        ("agent_version", "the one of monday"),
        ("agent_version", "x" * 101),
    ],
)
def test_a_feedback_event_has_bounds(field: str, text: str) -> None:
    with pytest.raises(ContractError, match=f"user_feedback: {field} .* is out of bounds"):
        replace(EVENT, **{field: text})  # type: ignore[arg-type]  # the value is one that the type forbids
