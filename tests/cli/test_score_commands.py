"""`scoregate score …` and `scoregate scores …` as processes, against a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import Ended, Project
from tests.langfuse.put_spans import SPAN, TRACE, put_run_item, put_span
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer

CATALOG = """\
[groundedness]
type = "numeric"
parent = "observation"
min = 0.0
max = 1.0
rubric = "groundedness-v1"

[helpful]
type = "boolean"
parent = "run_item"

[all_right]
type = "categorical"
categories = ["yes", "no"]
pass = ["yes"]
parent = "run"
"""
SECRET = "sk-lf-never-to-be-seen"


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer(secret_key=SECRET) as server:
        yield server


@pytest.fixture
def project(server: LangfuseServer, tmp_path: Path) -> Project:
    """A folder with a catalog, whose environment points at the server."""
    environment = {**server.environment, "LANGFUSE_TRACING_ENVIRONMENT": "development"}
    project = Project(tmp_path / "project", environment)
    project.write("gates/scores.toml", CATALOG)
    return project


def score(project: Project, *words: str) -> Ended:
    """The command; its output never holds the secret key."""
    ended = project.scoregate("score", *words)
    assert SECRET not in ended.out + ended.err
    return ended


def test_feedback_says_what_the_server_accepted(server: LangfuseServer, project: Project) -> None:
    put_span(server, langfuse_environment="development")
    ended = score(
        project,
        *("feedback", "--trace-id", TRACE, "--interaction-id", "i-1", "--value", "negative"),
        *("--feedback-type", "thumbs", "--agent-version", "v7"),
    )
    assert ended.code == 0
    assert ended.out == (
        f"accepted by the server: user_feedback = negative on trace {TRACE} in environment development\n"
    )
    assert ended.err == ""
    row = server.state.kept_scores()[f"{TRACE}:user_feedback:i-1"]
    assert row.metadata == {"interaction_id": "i-1", "feedback_type": "thumbs", "agent_version": "v7"}


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("correctness", "--trace-id", TRACE, "--correct"), f"{TRACE}:answer_correctness", 1),
        (("correctness", "--trace-id", TRACE, "--incorrect"), f"{TRACE}:answer_correctness", 0),
        (("policy", "--trace-id", TRACE), f"{TRACE}:policy_compliance", "pass"),
        (
            ("policy", "--trace-id", TRACE, "--used-unauthorized-document"),
            f"{TRACE}:policy_compliance",
            "fail",
        ),
        (("session", "--session-id", "s9", "--outcome", "abandoned"), "s9:session_resolution", "abandoned"),
    ],
)
def test_each_command_writes_its_score(
    server: LangfuseServer, project: Project, words: tuple[str, ...], key: str, value: object
) -> None:
    for _ in range(2):
        ended = score(project, *words)
        assert ended.code == 0, ended.err
        assert ended.out.startswith("accepted by the server: ")
    assert {name: row.value for name, row in server.state.kept_scores().items()} == {key: value}


@pytest.mark.parametrize(
    "words",
    [
        ("set", "groundedness", "0.5", "--trace-id", TRACE, "--observation-id", SPAN),
        ("set", "helpful", "true", "--run", "night", "--item", "q1"),
        ("set", "all_right", "no", "--run", "night", "--comment", "three fell", "--metadata", "by=me"),
        ("set", "user_feedback", "positive", "--trace-id", TRACE),
        ("set", "helpful", "true", "--trace-id", TRACE, "--observation-id", SPAN),
        ("set", "session_resolution", "resolved", "--session-id", "s9"),
    ],
)
def test_any_score_is_set_at_its_parent(
    server: LangfuseServer, project: Project, words: tuple[str, ...]
) -> None:
    put_run_item(server, "e1", "night", "q1")
    ended = score(project, *words)
    assert ended.code == 0, ended.err
    (row,) = server.state.kept_scores().values()
    assert row.name == words[1]


@pytest.mark.parametrize("value", ["-0.5", "-.5", "-3", "-1e-3"])
def test_a_negative_number_is_a_value(server: LangfuseServer, project: Project, value: str) -> None:
    project.write("gates/scores.toml", '[brevity]\ntype = "numeric"\nparent = "session"\n')
    ended = score(project, "set", "brevity", value, "--session-id", "s9")
    assert ended.code == 0, ended.err
    assert [row.value for row in server.state.kept_scores().values()] == [float(value)]


def test_another_parent_is_refused_with_the_place_of_the_contract(project: Project) -> None:
    error = score(project, "set", "groundedness", "0.5", "--session-id", "s").error(2)
    assert "it belongs to an observation and not to a session" in error
    assert "gates/scores.toml:1" in error


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("set", "groundedness", "1.5", "--trace-id", "t", "--observation-id", "o"), "above its maximum"),
        (("set", "groundedness", "much", "--trace-id", "t", "--observation-id", "o"), "'much' is no number"),
        (("set", "groundedness", "nan", "--trace-id", "t", "--observation-id", "o"), "not a finite number"),
        (("set", "helpful", "yes", "--run", "r", "--item", "i"), "give true or false"),
        (("set", "helpfull", "true", "--trace-id", "t"), "did you mean 'helpful'"),
        (("set", "helpful", "true"), "give one of --trace-id"),
        (("set", "helpful", "true", "--trace-id", "t", "--session-id", "s"), "give one of --trace-id"),
        (
            ("set", "helpful", "true", "--run", "r", "--observation-id", "o"),
            "--observation-id goes with --trace-id",
        ),
        (("set", "helpful", "true", "--trace-id", "t", "--item", "i"), "--item goes with --run"),
        (("set", "helpful", "true", "--trace-id", "t"), "give --run EXPERIMENT --item ID"),
        (("set", "helpful", "true", "--rum", "r"), "No such option"),
        (("set", "groundedness", "-1", "--trace-id", "t", "--observation-id", "o"), "below its minimum"),
        (("set", "user_feedback", "positive", "--trace-id", "t", "--metadata", "x"), "takes KEY=VALUE"),
        (("correctness", "--trace-id", "t"), "give --correct or --incorrect"),
        (("correctness", "--trace-id", "t", "--correct", "--incorrect"), "and not both"),
        (("feedback", "--trace-id", "t", "--interaction-id", "i", "--value", "meh"), "'meh'"),
        (("feedback", "--trace-id", "t", "--interaction-id", "a b", "--value", "positive"), "out of bounds"),
        (("session", "--session-id", "s", "--outcome", "won"), "'won'"),
        (("policy", "--trace-id", "  "), "trace is empty"),
        (("policy", "--trace-id", "t", "--environment", "Prod!"), "no environment of Langfuse"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_sent(
    server: LangfuseServer, project: Project, words: tuple[str, ...], why: str
) -> None:
    assert why in score(project, *words).error(2)
    assert not server.received


def test_an_unknown_experiment_is_told(project: Project) -> None:
    assert "no experiment 'night'" in score(project, "set", "all_right", "no", "--run", "night").error(2)


def test_a_trace_in_another_environment_is_said(server: LangfuseServer, project: Project) -> None:
    put_span(server, langfuse_environment="production")
    ended = score(project, "policy", "--trace-id", TRACE)
    assert ended.code == 0
    assert "in environment development" in ended.out
    assert "the trace is in 'production' and the score in 'development'" in ended.err
    again = score(project, "policy", "--trace-id", TRACE, "--environment", "production")
    assert "in environment production" in again.out
    assert "the score stands in 'development'" in again.err
    assert "it is written in 'production' under the id" in again.err
    server.behaviour.delete_lag = 0.0
    last = score(project, "policy", "--trace-id", TRACE, "--environment", "production")
    assert last.err == ""
    (row,) = (row for row in server.state.kept_scores().values() if row.environment == "production")
    assert row.id == f"{TRACE}:policy_compliance@production"


def test_a_trace_that_is_not_there_is_said(project: Project) -> None:
    ended = score(project, "policy", "--trace-id", TRACE)
    assert ended.code == 0
    assert "is not in this project, or not yet" in ended.err


def test_disabled_tracing_does_not_keep_scores_back(server: LangfuseServer, project: Project) -> None:
    project = Project(project.folder, {**project.environment, "LANGFUSE_TRACING_ENABLED": "false"})
    assert score(project, "policy", "--trace-id", TRACE).out.startswith("accepted by the server")
    assert len(server.state.kept_scores()) == 1


def test_a_refusal_ends_with_the_servers_reason(server: LangfuseServer, project: Project) -> None:
    server.faults.plan(Fault(status=422), share=1.0, path="/api/public/scores", method="POST")
    assert "Langfuse refuses (422)" in score(project, "policy", "--trace-id", TRACE).error(2)


def test_wrong_keys_end_with_what_to_check(project: Project) -> None:
    project = Project(project.folder, {**project.environment, "LANGFUSE_PUBLIC_KEY": "pk-lf-other"})
    error = score(project, "policy", "--trace-id", TRACE).error(2)
    assert "401" in error
    assert "LANGFUSE_PUBLIC_KEY" in error


def test_no_keys_end_with_what_to_set(project: Project) -> None:
    without = {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""}
    project = Project(project.folder, without)
    assert "there are no keys" in score(project, "policy", "--trace-id", TRACE).error(2)


def test_a_server_that_asks_to_wait_too_long_is_code_five(server: LangfuseServer, project: Project) -> None:
    server.faults.plan(Fault(status=429, retry_after=3600), share=1.0)
    assert "does not serve" in score(project, "policy", "--trace-id", TRACE).error(5)


def test_the_examples_catalog_takes_all_four_commands(server: LangfuseServer, project: Project) -> None:
    project.write("gates/scores.toml", (Path(__file__).parents[2] / "gates" / "scores.toml").read_bytes())
    put_span(server, langfuse_environment="development", session_id="s")
    feedback = ("feedback", "--trace-id", TRACE, "--interaction-id", "i", "--value", "positive")
    assert score(project, *feedback).err == ""
    assert score(project, "policy", "--trace-id", TRACE).err == ""
    assert score(project, "session", "--session-id", "s", "--outcome", "resolved").err == ""
    assert score(project, "correctness", "--trace-id", TRACE, "--correct").err == ""
    assert len(server.state.kept_scores()) == 4


def scores(project: Project, *words: str) -> Ended:
    ended = project.scoregate("scores", *words)
    assert SECRET not in ended.out + ended.err
    return ended


def test_a_dry_run_shows_the_plan_and_changes_nothing(server: LangfuseServer, project: Project) -> None:
    ended = scores(project, "sync", "--dry-run")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "would create groundedness: NUMERIC",
        "would create helpful: BOOLEAN",
        "would create all_right: CATEGORICAL",
        "3 to change, 0 that cannot be, 0 as they should be",
    ]
    assert not server.state.configs


def test_a_sync_makes_the_configs_and_a_second_one_finds_them(
    server: LangfuseServer, project: Project
) -> None:
    first = scores(project, "sync")
    assert first.code == 0
    assert first.out.splitlines()[-1] == "3 changed, 0 that could not be, 0 as they were"
    assert len(server.state.configs) == 3
    project.edit("gates/scores.toml", "max = 1.0", "max = 10.0")
    assert scores(project, "sync").out.splitlines() == [
        "done: update groundedness: max is 10 in the catalog and 1 in Langfuse",
        "1 changed, 0 that could not be, 2 as they were",
    ]
    assert len(server.state.configs) == 3


def test_a_config_of_another_type_is_code_two(server: LangfuseServer, project: Project) -> None:
    scores(project, "sync")
    project.edit("gates/scores.toml", 'type = "boolean"', 'type = "numeric"')
    ended = scores(project, "sync")
    assert ended.code == 2
    assert "helpful: is BOOLEAN in Langfuse and NUMERIC in the catalog" in ended.err
    assert scores(project, "sync", "--dry-run").code == 2
    assert len(server.state.configs) == 3


def test_a_sync_without_a_catalog_is_refused(project: Project) -> None:
    project.path("gates/scores.toml").unlink()
    assert "there is no score catalog" in scores(project, "sync").error(2)


def test_the_list_shows_both_sides(project: Project) -> None:
    scores(project, "sync")
    project.edit("gates/scores.toml", "max = 1.0", "max = 10.0")
    project.edit("gates/scores.toml", "[helpful]", "[helpfulness]")
    ended = scores(project, "list")
    assert ended.code == 0
    rows = {line.split()[0]: line for line in ended.out.splitlines() if line.split()}
    assert "numeric 0 to 10" in ended.out
    assert "numeric 0 to 1 " in ended.out
    assert rows["helpfulness"].rstrip().endswith("missing")
    assert rows["helpful"].rstrip().endswith("only in Langfuse")
    assert ended.out.splitlines()[-2:] == [
        "groundedness: max is 10 in the catalog and 1 in Langfuse",
        "`scoregate scores sync` puts 2 right; with --dry-run it shows how",
    ]


def test_the_list_as_json(project: Project) -> None:
    scores(project, "sync")
    states = scores(project, "list", "--json").json()
    assert [(state["name"], state["standing"]) for state in states] == [
        ("groundedness", "same"),
        ("helpful", "same"),
        ("all_right", "same"),
    ]
    assert states[0]["langfuse"]["max"] == 1.0
    assert states[2]["langfuse"]["categories"] == [{"label": "yes", "value": 0}, {"label": "no", "value": 1}]


def test_an_empty_project_has_nothing_to_list(project: Project) -> None:
    project.path("gates/scores.toml").unlink()
    assert scores(project, "list").out == "no scores in the catalog, and no score configs in Langfuse\n"
