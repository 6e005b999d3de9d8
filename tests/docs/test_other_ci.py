"""The scripts of docs/how-to/other-ci.md, run as they stand there: the gate, and the note on a merge request."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.cli.project import Project, agent
from tests.docs.pages import REPOSITORY, Page
from tests.fork_server.process import programs, usual_environment
from tests.loopback import LoopbackHandler, LoopbackServer
from tests.workflows.validators import shell_faults

PAGE = Page(REPOSITORY / "docs/how-to/other-ci.md")
PATH = "/api/v4/projects/5/merge_requests/7/notes"


def script(name: str) -> str:
    """The block below the line that names the file."""
    found = re.search(rf"`ci/{name}`:\n\n```sh\n(.*?)```", PAGE.text, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a baseline and both scripts, whose environment is this one already."""
    project = Project.small(tmp_path / "project", number=64).with_baseline()
    for name in ("gate.sh", "merge-request-note.sh"):
        project.write(f"ci/{name}", script(name))
    project.write("requirements.txt", "click\n")
    project.path(".gate").mkdir()
    for path in (programs(), Path(sys.prefix) / "lib", Path(sys.prefix) / "pyvenv.cfg"):
        project.path(f".gate/{path.name}").symlink_to(path)
    return project


def run(project: Project, name: str, **variables: str) -> int:
    environment = {name: text for name, text in usual_environment().items() if not name.startswith("CI")}
    done = subprocess.run(
        ["sh", f"ci/{name}"],
        cwd=project.folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done.returncode


def test_shellcheck_finds_nothing(project: Project) -> None:
    assert shell_faults(*project.path("ci").iterdir()) == []


def test_the_script_ends_with_the_exit_code_of_the_gate_and_leaves_its_reports(project: Project) -> None:
    assert run(project, "gate.sh") == 0
    assert "**PASS**" in project.read("verdict.md")
    project.write("experiments/agent.py", agent("return -1", version="v2"))
    assert run(project, "gate.sh") == 1
    assert json.loads(project.read("verdict.json"))["outcome"] == "regression"
    assert project.read("verdict.xml").startswith("<?xml")
    project.write("experiments/agent.py", "def task(:")
    assert run(project, "gate.sh") == 2


@dataclass
class Notes:
    """What stands on a merge request, and who was let in."""

    url: str = ""
    bodies: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


@pytest.fixture
def gitlab() -> Iterator[Notes]:
    """The notes of one merge request, as GitLab's API has them: list, make, change."""
    notes = Notes()

    class Handler(LoopbackHandler):
        def do_GET(self) -> None:
            self._answer(200, [{"id": number, "body": body} for number, body in enumerate(notes.bodies, 1)])

        def do_POST(self) -> None:
            notes.bodies.append(self._body())
            self._answer(201, {"id": len(notes.bodies)})

        def do_PUT(self) -> None:
            number = int(self.path.removeprefix(f"{PATH}/"))
            notes.bodies[number - 1] = self._body()
            self._answer(200, {"id": number})

        def _body(self) -> str:
            return parse_qs(self.read_body().decode(), strict_parsing=True)["body"][0]

        def _answer(self, status: int, value: object) -> None:
            assert self.path.partition("?")[0].startswith(PATH)
            notes.tokens.add(self.headers["PRIVATE-TOKEN"])
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = LoopbackServer(Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    notes.url = f"http://127.0.0.1:{server.port}/api/v4"
    yield notes
    server.shutdown()
    server.close_all()


def test_the_note_is_made_once_and_then_updated(project: Project, gitlab: Notes) -> None:
    place = {
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "7",
        "SCOREGATE_TOKEN": "secret",
    }
    gitlab.bodies.append("a person's note: <!-- scoregate --> is what it begins with")
    project.write("verdict.md", "**PASS** & more\n/close\n")
    assert run(project, "merge-request-note.sh", **place) == 0
    project.write("verdict.md", "**REGRESSION** 100 % + ü\n")
    assert run(project, "merge-request-note.sh", **place) == 0
    assert gitlab.bodies[1:] == ["<!-- scoregate -->\n**REGRESSION** 100 % + ü\n"]
    assert gitlab.tokens == {"secret"}


def test_no_line_of_the_note_is_a_quick_action(project: Project, gitlab: Notes) -> None:
    place = {
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "7",
        "SCOREGATE_TOKEN": "secret",
    }
    project.write("verdict.md", "/merge\n  /close\n")
    assert run(project, "merge-request-note.sh", **place) == 0
    assert gitlab.bodies == ["<!-- scoregate -->\n\\/merge\n  /close\n"]


def test_without_a_token_nothing_is_written(project: Project, gitlab: Notes) -> None:
    project.write("verdict.md", "**PASS**\n")
    assert run(project, "merge-request-note.sh", CI_API_V4_URL=gitlab.url) == 0
    assert gitlab.bodies == []
