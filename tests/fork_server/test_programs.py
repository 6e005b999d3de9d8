"""Programs beside `scoregate …` are forked as well: code of a test, and `scoregate` as a script of a shell calls it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.project import Project, ended
from tests.fork_server.process import (
    ERRAND,
    PROGRAMS,
    ForkedProcess,
    door,
    programs,
    start_python,
    usual_environment,
)

# Elsewhere `start` starts every command cold (see process.py), so that there is no server to ask.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="everything is started cold there")

SEEN = """
import json, os, sys
umask = os.umask(0)
seen = [sys.argv, sys.path, __name__, sys.modules["__main__"].umask, str(sys.flags)]
print(json.dumps([*seen, os.getcwd(), sorted(os.environ.items()), sys.stdin.read()]))
print("more", file=sys.stderr)
sys.exit(7)
"""


@pytest.mark.parametrize("kind", ["code", "file"])
def test_a_program_finds_what_a_cold_one_finds(tmp_path: Path, kind: str) -> None:
    (tmp_path / "inner").mkdir()
    file = tmp_path / "inner" / "seen.py"
    file.write_text(SEEN)
    arguments = {"code": ["-c", SEEN, "x", "-y"], "file": [str(file), "x", "-y"]}[kind]
    ends = []
    for cold in (False, True):
        process = start_python(arguments, folder=tmp_path, environment=usual_environment(), cold=cold)
        assert isinstance(process, ForkedProcess) != cold
        ends.append(ended(process, "an answer"))
    assert ends[0] == ends[1]
    assert (ends[0].code, ends[0].err) == (7, "more\n")


def test_a_script_calls_scoregate_as_it_calls_the_installed_one(tmp_path: Path) -> None:
    project = Project.small(tmp_path / "project", number=2)
    script = """
        umask 027
        scoregate --version >> said; echo $? >> said
        scoregate rum 2>> said; echo $? >> said
        echo n | scoregate baseline accept gates/agent.toml latest --why x >> said 2>&1; echo $? >> said
        scoregate runs list --json | sed s/a/b/ >> said
        scoregate init shop >> said 2>&1; stat -c %a shop/gates/*.toml >> said
        cd gates && scoregate check agent.toml >> ../said 2>&1; echo $? >> ../said
    """
    project.run()
    said = []
    for folder in (programs(), PROGRAMS):
        path = os.pathsep.join((str(folder), os.environ["PATH"]))
        environment = usual_environment() | {"PATH": path, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
        subprocess.run(["sh", "-c", script], cwd=project.folder, env=environment, check=True)
        said.append(project.read("said"))
        project.path("said").unlink()
        shutil.rmtree(project.path("shop"))
    assert said[0] == said[1]
    assert "\n640\n" in said[0]


def errand(file: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-ISE", ERRAND, door(), sys.executable, file]
    return subprocess.run(
        command, env=usual_environment() | variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_errand_ends_with_the_signal_that_ended_the_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "dies.py"
    default = f"signal.signal({number}, signal.SIG_DFL)\n" if number != signal.SIGKILL else ""
    file.write_text(f"import os, signal\n{default}os.kill(os.getpid(), {number})\n")
    done = errand(file)
    assert (done.returncode, done.stderr) == (-number, "")


def test_an_errand_is_a_cold_start_where_the_environment_makes_a_difference(tmp_path: Path) -> None:
    file = tmp_path / "seen.py"
    file.write_text("import sys\nprint(sys.flags.optimize, 'scoregate.cli.main' in sys.modules)\n")
    assert errand(file).stdout == "0 True\n"
    assert errand(file, PYTHONOPTIMIZE="1").stdout == "1 False\n"
