"""What is seen of a forked command is what would be seen of one that was started cold."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from scoregate.records import JSON
from tests.cli.project import AGENT, Ended, Project, agent, ended
from tests.fork_server.process import SOURCE, ForkedProcess, usual_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="everything is started cold there")

HANGS = agent("open('begun', 'w').close()\ntime.sleep(600)", before="import time")
PROBE = """
import gc, json, locale, os, resource, signal, sys, threading, time
from pathlib import Path
umask = os.umask(0)
os.umask(umask)
descriptors = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
wakeup = signal.set_wakeup_fd(-1)
tests = int(os.environ["TESTS"])
seen = {
    "argv": sys.argv,
    "main": [sys.modules["__main__"].__spec__.name, sys.modules["__main__"].__file__],
    "path": sys.path,
    "interpreter": [str(sys.flags), sys.dont_write_bytecode, sys.getrecursionlimit(), gc.get_threshold()],
    "folder": os.getcwd(),
    "environment": sorted(os.environ.items()),
    "umask": umask,
    "time zone": time.tzname,
    "locale": [locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding()],
    "streams": [[s.name, s.mode, s.encoding, s.line_buffering, s.isatty(), s.seekable()] for s in streams],
    "handlers": {n.name: str(signal.getsignal(n)).split(" at ")[0] for n in signal.Signals},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "wakeup": wakeup,
    "threads": sorted(t.name for t in threading.enumerate()),
    "relations": [os.getpgid(0) == os.getpgid(tests), os.getsid(0) == os.getsid(tests)],
    "limits": [resource.getrlimit(n) for n in range(16)],
    "priority": os.nice(0),
    "descriptors": sorted(os.readlink(f).split(":")[0] for f in descriptors if os.path.exists(f)),
}
Path("seen.json").write_text(json.dumps(seen))
"""
"""An experiment that writes down everything around it that it could have inherited."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.small(tmp_path / "project", number=2)


def both(project: Project, *words: str, answer: str = "") -> tuple[Ended, Ended]:
    """The command forked and cold."""
    forked = project.start(*words)
    assert isinstance(forked, ForkedProcess)
    cold = project.start(*words, cold=True)
    assert isinstance(cold, subprocess.Popen)
    return ended(forked, answer), ended(cold, answer)


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["run", "--help"],
        ["rum"],
        ["check", "gates/agent.toml"],
        ["run", "gates/absent.toml", "--debug"],
        ["dataset", "pull"],
        ["runs", "list", "--json"],
    ],
    ids=" ".join,
)
def test_a_command_says_the_same_and_ends_with_the_same_code(project: Project, words: list[str]) -> None:
    forked, cold = both(project, *words)
    assert (forked.code, forked.out, _without_runpy(forked.err)) == (
        cold.code,
        cold.out,
        _without_runpy(cold.err),
    )
    assert cold.out or cold.err


def _without_runpy(text: str) -> str:
    """Tracebacks go through other lines of `runpy`, and a fork's begin in the server."""
    head, found, tail = text.partition("Traceback (most recent call last):\n")
    return head + found + tail[tail.find(f'  File "{SOURCE}') :] if found else text


def seen_by(project: Project, *, cold: bool) -> JSON:
    """What a run saw that was begun in a folder of the project, from where its gate is `agent.toml`."""
    project.write("experiments/agent.py", AGENT + PROBE)
    environment = {"TESTS": str(os.getpid()), "TZ": "Asia/Tokyo", "ONLY": "here"}
    gates = project.path("gates")
    done = project.scoregate("run", "agent.toml", environment=environment, folder=gates, cold=cold)
    assert done.outcome(4) == "INVALID", done.err
    return json.loads(project.read("gates/seen.json"))


def test_nothing_is_inherited_that_a_cold_start_does_not_have(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.scoregate("--version")  # so that the server is there, with a PATH
    monkeypatch.delenv("PATH")
    before = os.umask(0o027)
    try:
        forked, cold = (seen_by(project, cold=cold) for cold in (False, True))
    finally:
        os.umask(before)
    assert forked == cold
    assert (forked["umask"], forked["time zone"][0]) == (0o027, "JST")
    assert ["ONLY", "here"] in forked["environment"]
    assert "PATH" not in dict(forked["environment"])


def test_random_numbers_are_not_those_of_the_command_before(project: Project) -> None:
    draws = "\nimport random\nwith open('drawn', 'a') as drawn: drawn.write(f'{random.random()}\\n')\n"
    project.write("experiments/agent.py", AGENT + draws)
    for _ in range(2):
        project.run()
    assert len(set(project.read("drawn").split())) == 2


def test_what_a_command_imported_and_set_is_gone_with_it(project: Project) -> None:
    project.write("experiments/beside.py", "WORD = 1\n")
    project.write("experiments/agent.py", f"import os, beside\nos.environ['X'] = 'x'\nos.chdir('/')\n{AGENT}")
    project.run()
    test = "import os, sys\nassert 'beside' not in sys.modules and 'X' not in os.environ and os.getcwd() != '/'\n"
    project.write("experiments/agent.py", test + AGENT)
    assert "2 ok of 2 expected" in project.run().out


def test_a_command_is_answered_on_its_stdin_and_sees_it_end(project: Project) -> None:
    project.run()
    for answer in ("", "n\n"):
        words = ("baseline", "accept", "gates/agent.toml", "latest", "--why", "x")
        forked, cold = both(project, *words, answer=answer)
        assert forked == cold


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1])
def test_a_signal_ends_it_in_the_same_way(project: Project, number: signal.Signals) -> None:
    project.write("experiments/agent.py", HANGS)
    ends = []
    for cold in (False, True):
        process = project.start("run", "gates/agent.toml", cold=cold)
        while not project.path("begun").exists():
            time.sleep(0.01)
        assert process.poll() is None
        process.send_signal(number)
        done = ended(process)
        ends.append((done.code, [line.split(" (go on")[0] for line in done.lines]))
        project.path("begun").unlink()
    assert ends[0] == ends[1]


def test_ctrl_c_ends_a_command_that_handles_no_signals(project: Project) -> None:
    os.mkfifo(project.path("gates/pipe.toml"))
    ends = []
    for cold in (False, True):
        process = project.start("check", "gates/pipe.toml", "--candidate", "results.jsonl", cold=cold)
        with project.path("gates/pipe.toml").open("w"):  # waits until the command reads
            process.send_signal(signal.SIGINT)
            ends.append(ended(process))
    assert ends[0] == ends[1]
    assert (ends[0].code, ends[0].err.strip()) == (5, "scoregate: stopped")


LEFT_FOR_THE_END = """
import atexit, sys, threading
if "rescore" in sys.argv:
    atexit.register(print, "at exit", file=sys.stderr)
    threading.Thread(target=lambda: (threading.main_thread().join(), print("thread", file=sys.stderr))).start()
"""


def test_what_is_left_for_the_end_of_the_interpreter_is_done(project: Project) -> None:
    run = project.run().started
    project.write("experiments/agent.py", AGENT + LEFT_FOR_THE_END)
    for cold in (False, True):
        done = project.scoregate("runs", "rescore", run, "--gate", "gates/agent.toml", cold=cold)
        assert done.code == 0
        assert done.err.splitlines()[-2:] == ["thread", "at exit"]


def test_waiting_with_a_limit_gives_up_and_loses_nothing(project: Project) -> None:
    project.write("experiments/agent.py", HANGS)
    process = project.start("run", "gates/agent.toml")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    while not project.path("begun").exists():
        time.sleep(0.01)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.05)
    process.kill()
    assert "scoregate: run agent-" in process.communicate()[1]
    assert process.wait() == process.poll() == -signal.SIGKILL


def test_an_answer_longer_than_a_pipe_is_given_and_read_whole(project: Project) -> None:
    said = project.scoregate("x" * 100_000, answer="z" * 300_000)
    assert said.code == 2
    assert len(said.err) > 100_000


@pytest.mark.parametrize(
    "variable",
    [
        "PYTHONOPTIMIZE",
        "PYTHONHASHSEED",
        "LC_ALL",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "LANGFUSE_MAX_BATCH_SIZE_BYTES",
    ],
)
def test_what_is_looked_at_only_at_the_start_takes_a_cold_one(project: Project, variable: str) -> None:
    process = project.start("--version", environment={variable: "1"})
    assert isinstance(process, subprocess.Popen)
    ended(process)


TESTS_OF_ANOTHER = """
    import sys, time
    from pathlib import Path
    from tests.cli.project import Project
    from tests.fork_server.process import _server
    process = Project(Path(sys.argv[1])).start("run", "gates/agent.toml")
    while not Path(sys.argv[1], "begun").exists():
        time.sleep(0.01)
    print(_server()._process.pid, process.pid, flush=True)
    {end}
"""


@pytest.mark.parametrize("end", ["sys.exit()", "time.sleep(600)"], ids=["ends", "is killed"])
def test_when_the_tests_end_nothing_is_left(project: Project, end: str) -> None:
    project.write("experiments/agent.py", HANGS)
    program = dedent(TESTS_OF_ANOTHER).format(end=end)
    environment = usual_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{Path(__file__).parents[2]}"
    tests = subprocess.Popen(
        [sys.executable, "-c", program, project.folder], stdout=subprocess.PIPE, text=True, env=environment
    )
    with tests:
        assert tests.stdout is not None
        left = [int(word) for word in tests.stdout.readline().split()]
        assert len(left) == 2
        tests.kill()
    deadline = time.monotonic() + 30
    while any(_runs(process) for process in left):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(process: int) -> bool:
    """Whether it does; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
