"""`scoregate doctor`: what it looks at, what it says of it, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scoregate.langfuse.connection import Patience, Reply
from scoregate.langfuse.doctor import Check, clock_skew, examine, exit_code
from tests.cli.project import Ended, Project
from tests.git.repository import Repository
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer

NO_KEYS = {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": "", "LANGFUSE_BASE_URL": "", "LANGFUSE_HOST": ""}
QUICK = Patience(deadline=1.5, first_pause=0.02, longest_pause=0.05)
CHECKS = [
    "keys", "environment", "server", "project", "datasets", "dataset items", "experiments", "experiment items",
    "read scores", "score configs", "observations", "send spans", "send scores", "clock", "configs",
]  # fmt: skip


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as running:
        yield running


@pytest.fixture
def project(server: LangfuseServer, tmp_path: Path) -> Project:
    return Project(
        tmp_path, environment={**NO_KEYS, **server.environment, "LANGFUSE_TRACING_ENVIRONMENT": ""}
    )


def doctor(project: Project, *words: str, environment: Mapping[str, str] | None = None) -> Ended:
    return project.scoregate("doctor", *words, environment=environment)


def found(project: Project, environment: Mapping[str, str] | None = None) -> tuple[dict[str, Check], int]:
    """The checks by name, and the exit code, without a process of its own."""
    environ = {**project.environment, **(environment or {})}
    checks = list(examine(project.folder, project.path("gates/scores.toml"), environ, patience=QUICK))
    return {check.name: check for check in checks}, exit_code(checks)


def test_a_healthy_connection_is_a_list_of_ok(project: Project, server: LangfuseServer) -> None:
    ended = doctor(replace(project, cold=True))
    assert ended.code == 0, ended.out
    assert ended.err == ""
    lines = ended.out.splitlines()
    assert [line[9:25].strip() for line in lines] == CHECKS
    assert all(line.startswith("ok ") for line in lines)
    assert f"{server.url}, Langfuse 4" in ended.out
    assert server.secret_key not in ended.out
    assert server.public_key not in ended.out


def test_the_same_as_json(project: Project) -> None:
    document = doctor(project, "--json").json()
    assert document["exit_code"] == 0
    assert [check["check"] for check in document["checks"]] == CHECKS
    assert {check["level"] for check in document["checks"]} == {"ok"}


def test_nothing_is_written(project: Project, server: LangfuseServer) -> None:
    found(project)
    assert server.state.kept_scores() == {}
    assert server.state.accepted.spans == 0


def test_without_keys_it_says_what_to_set(project: Project) -> None:
    ended = doctor(project, environment=NO_KEYS)
    assert ended.code == 2
    assert ended.out.startswith(
        "FAILED   keys              there are none (set LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET"
    )
    assert len(ended.out.splitlines()) == 1


def test_half_of_the_keys_is_a_failure(project: Project) -> None:
    checks, code = found(project, {"LANGFUSE_SECRET_KEY": ""})
    assert code == 2
    assert checks["settings"].message == "LANGFUSE_PUBLIC_KEY is set and LANGFUSE_SECRET_KEY is not"


def test_it_says_which_keys_come_from_a_file(project: Project, server: LangfuseServer) -> None:
    keys = f"LANGFUSE_PUBLIC_KEY={server.public_key}\nLANGFUSE_SECRET_KEY={server.secret_key}\n"
    project.write(".env", keys)
    ended = doctor(project, environment={"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""})
    assert ended.code == 0, ended.out
    first = ended.out.splitlines()[0]
    assert first.endswith(f"… (.env), LANGFUSE_SECRET_KEY (.env), for {server.url}")


@pytest.mark.parametrize(
    ("ignored", "level", "message"),
    [
        ("", "warning", "holds the secret key, and git does not ignore it"),
        (".env\n", "ok", "holds the secret key, and git ignores it"),
    ],
)
def test_a_file_with_keys_that_git_would_commit_is_a_warning(
    project: Project, server: LangfuseServer, ignored: str, level: str, message: str
) -> None:
    project.write(".env", f"LANGFUSE_SECRET_KEY={server.secret_key}\n")
    assert ".env" not in found(project)[0]  # this is no checkout
    Repository(project.folder).git("init", "--quiet")
    project.write(".gitignore", ignored)
    checks, code = found(project)
    assert (checks[".env"].level, checks[".env"].message) == (level, message)
    assert code == 0


def test_a_wrong_key_ends_with_2_and_what_to_check(project: Project) -> None:
    ended = doctor(project, environment={"LANGFUSE_SECRET_KEY": "sk-lf-of-somebody-else"})
    assert ended.code == 2
    last = ended.out.splitlines()[-1]
    assert last.startswith(
        "FAILED   project           /projects: Langfuse refuses (401): Invalid credentials"
    )
    assert "check LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL" in last
    assert "sk-lf" not in ended.out


def test_a_server_that_is_not_there_ends_with_5(project: Project, server: LangfuseServer) -> None:
    server.stop()
    checks, code = found(project)
    assert code == 5
    assert list(checks) == ["keys", "environment", "server"]
    assert f"Langfuse at {server.url} does not serve: ConnectError" in checks["server"].message
    assert checks["server"].hint is not None
    assert "LANGFUSE_BASE_URL" in checks["server"].hint


def test_an_address_with_a_path_is_no_langfuse_server(project: Project, server: LangfuseServer) -> None:
    checks, code = found(project, {"LANGFUSE_BASE_URL": f"{server.url}/project"})
    assert code == 2
    assert "answers 404, which no Langfuse server does here" in checks["server"].message


def test_an_endpoint_that_fails_is_named_and_the_others_are_still_tried(
    project: Project, server: LangfuseServer
) -> None:
    server.faults.plan(Fault(status=502), every=1, path="/api/public/experiment-items")
    checks, code = found(project)
    assert code == 5
    assert [name for name, check in checks.items() if check.level == "FAILED"] == ["experiment items"]
    assert list(checks) == CHECKS


def test_an_endpoint_that_the_server_does_not_know_asks_for_an_update(
    project: Project, server: LangfuseServer
) -> None:
    server.faults.plan(Fault(status=404), every=1, path="/api/public/experiments")
    checks, code = found(project)
    assert code == 2
    assert checks["experiments"].message == "/experiments: this server does not have it (404)"
    assert "need Langfuse 4" in str(checks["experiments"].hint)


@pytest.mark.parametrize(("batches", "told"), [(True, "in batches"), (False, "one at a time")])
def test_it_says_how_scores_are_taken(
    project: Project, server: LangfuseServer, batches: bool, told: str
) -> None:
    server.behaviour.batches = batches
    checks, code = found(project)
    assert code == 0
    assert told in checks["send scores"].message


@pytest.mark.parametrize(
    ("server_seconds", "skew"), [(0, 0.0), (-1, 0.5), (-2, 1.5), (-62, 61.5), (3, -2.0), (None, None)]
)
def test_clocks_are_compared_in_whole_seconds(server_seconds: int | None, skew: float | None) -> None:
    """The request leaves half a second after a full one, and is answered half a second later."""
    full = datetime(2026, 1, 31, 12, tzinfo=UTC)
    date = None if server_seconds is None else full + timedelta(seconds=server_seconds)
    sent, received = full + timedelta(seconds=0.5), full + timedelta(seconds=1)
    assert clock_skew(Reply(200, {}, date), sent, received) == skew


def test_an_environment_that_langfuse_does_not_take_is_a_failure(project: Project) -> None:
    checks, code = found(project, {"LANGFUSE_TRACING_ENVIRONMENT": "Prod Env!"})
    assert code == 2
    assert "Prod Env!" in checks["settings"].message


def test_score_configs_that_differ_from_the_catalog_are_warnings(project: Project) -> None:
    project.write(
        "gates/scores.toml", '[correct]\ntype = "boolean"\n\n[style]\ntype = "numeric"\nmin = 0\nmax = 1\n'
    )
    ended = doctor(project)
    assert ended.code == 0, ended.out
    told = [line for line in ended.out.splitlines() if line.startswith("warning  configs")]
    assert len(told) == 2
    assert "correct: " in told[0]
    assert told[0].endswith("(`scoregate scores sync` sets it right)")


def test_a_broken_catalog_is_a_failure_of_its_own(project: Project) -> None:
    project.write("gates/scores.toml", "[correct]\ntype = 1\n")
    checks, code = found(project)
    assert code == 2
    assert checks["configs"].message.startswith(f"{project.path('gates/scores.toml')}:2: ")
