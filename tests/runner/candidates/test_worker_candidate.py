"""How the processes of a worker candidate begin, live and end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.git.version import Version
from scoregate.runner.candidates import Answer, Candidate, CandidateError
from scoregate.runner.candidates.worker import worker_candidate
from tests.runner.candidates.actions import ASYNC, SYNC
from tests.runner.candidates.workers import AT_ONCE, ask, during, is_gone, made, question, wait_for


@pytest.fixture(params=[SYNC, ASYNC], ids=["sync", "async"])
def candidate(tmp_path: Path, request: pytest.FixtureRequest) -> Candidate:
    return made(tmp_path, request.param)


def test_one_process_answers_one_question_after_the_other(candidate: Candidate) -> None:
    assert ask(candidate, "count", "count", "fails", "count")[-1] == 3


def test_it_runs_in_the_projects_folder(candidate: Candidate, tmp_path: Path) -> None:
    ((folder, program, path),) = ask(candidate, "where")
    assert (folder, program) == (str(tmp_path), str(tmp_path / "experiment.py"))
    assert path != str(Path(worker_candidate.__code__.co_filename).parent)


def test_a_cancelled_call_leaves_no_process_and_holds_no_place(candidate: Candidate, tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def work() -> Answer:
        call = asyncio.ensure_future(candidate.call(question("hang"), 0))
        while not (pids.exists() and " " in pids.read_text()):
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call], timeout=AT_ONCE)
        assert call.cancelled()
        assert wait_for(lambda: all(is_gone(int(pid)) for pid in pids.read_text().split()))
        answer = await candidate.call(question("shape"), 0)
        assert isinstance(answer, Answer)
        return answer

    assert during(candidate, work).output[0] == "order-1"


def test_questions_at_once_are_answered_by_processes_at_once(tmp_path: Path) -> None:
    source = f"""
        import os, time
        from pathlib import Path

        def task(*, item):
            Path(f"begun-{{os.getpid()}}").touch()
            patience = time.monotonic() + {AT_ONCE}
            while (begun := len(list(Path().glob("begun-*")))) < 4 and time.monotonic() < patience:
                time.sleep(0.01)
            return [os.getpid(), begun]
    """
    candidate = made(tmp_path, dedent(source), at_once=4)

    async def work() -> list[Any]:
        assert candidate.prepare is not None
        candidate.prepare([question("x")] * 4)
        answers = await asyncio.gather(*[candidate.call(question("x"), 0) for _ in range(4)])
        return [answer.output for answer in answers]

    answers = during(candidate, work)
    assert len({pid for pid, _ in answers}) == 4
    assert [begun for _, begun in answers] == [4] * 4  # each had begun before any of them was done


def test_async_tasks_share_one_event_loop_from_call_to_call(tmp_path: Path) -> None:
    source = """
        import asyncio
        loops = set()
        async def task(*, item):
            loops.add(asyncio.get_running_loop())
            return len(loops)
    """
    assert ask(made(tmp_path, dedent(source)), "x", "x") == [1, 1]


def test_close_lets_idle_processes_end_by_themselves(candidate: Candidate, tmp_path: Path) -> None:
    async def work() -> None:
        await candidate.call(question("shape"), 0)
        (tmp_path / "ended").unlink(missing_ok=True)

    during(candidate, work)
    assert (tmp_path / "ended").read_text() == "by itself"


def test_close_ends_busy_processes_at_once(candidate: Candidate, tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def work() -> None:
        hanging = [asyncio.ensure_future(candidate.call(question("hang"), 0)) for _ in range(2)]
        while not (pids.exists() and " " in pids.read_text()):
            assert not any(call.done() for call in hanging), [
                call.result() for call in hanging if call.done()
            ]
            await asyncio.sleep(0.01)
        assert candidate.close is not None
        await asyncio.wait_for(candidate.close(), AT_ONCE)
        await asyncio.gather(*hanging, return_exceptions=True)

    during(candidate, work)
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())


def test_it_can_be_used_again_after_its_close(candidate: Candidate) -> None:
    assert ask(candidate, "count") == [1]
    assert ask(candidate, "count") == [1]


def test_processes_are_forked_from_one_that_has_not_loaded_the_file(candidate: Candidate) -> None:
    """The start of an interpreter is paid once, and each begins as if it had been started by itself."""

    async def work() -> tuple[list[list[int]], list[float]]:
        parents = await asyncio.gather(*(candidate.call(question("pids"), trial) for trial in range(3)))
        chances = await asyncio.gather(*(candidate.call(question("chance"), trial) for trial in range(3)))
        return [answer.output for answer in parents], [answer.output for answer in chances]

    pids, chances = during(candidate, work)
    assert len({server for server, _ in pids}) == 1
    assert len({worker for _, worker in pids}) == 3
    assert len(set(chances)) == 3
    assert is_gone(pids[0][0])


def test_the_death_of_what_forks_them_costs_no_item(candidate: Candidate) -> None:
    _, shape, ended, pids = ask(candidate, "kills_the_server", "shape", "ends", "pids")
    assert shape[0] == "order-1"
    assert isinstance(ended, CandidateError)
    assert len(pids) == 2  # forked by another one


def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "experiment.py").write_text(SYNC)
    parent = """
        import asyncio, sys
        from pathlib import Path
        from scoregate.records import DatasetItem
        from scoregate.git.version import Version
        from scoregate.runner.candidates.worker import worker_candidate
        root = Path(sys.argv[1])
        candidate = worker_candidate(root / "experiment.py", root=root, python=Path(sys.executable),
                                     version=Version("v"), at_once=2)
        candidate.prepare([DatasetItem("a", "pid"), DatasetItem("b", "hang")])
        async def main():
            answer = await candidate.call(DatasetItem("a", "pid"), 0)
            print(answer.output, flush=True)
            await asyncio.gather(candidate.call(DatasetItem("b", "hang"), 0))
        asyncio.run(main())
    """
    process = subprocess.Popen(
        [sys.executable, "-c", dedent(parent), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = int(process.stdout.readline())
    assert wait_for(lambda: (tmp_path / "pids").exists() and " " in (tmp_path / "pids").read_text())
    process.kill()
    process.communicate()
    pids = [first, *map(int, (tmp_path / "pids").read_text().split())]
    assert wait_for(lambda: all(map(is_gone, pids)))


def test_a_file_that_cannot_be_imported_is_found_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"experiment.py:1: cannot be imported: ZeroDivisionError"):
        made(tmp_path, "1 / 0")
    with pytest.raises(ConfigError, match="ended while the file was loaded: killed by SIGKILL"):
        made(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")


def test_the_files_own_version_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "e.py"
    file.write_text("version = 'agent-3'\ndef task(*, item): return 1")
    there: dict[str, Any] = {"root": tmp_path, "python": Path(sys.executable), "version": Version("v", "c0")}
    assert worker_candidate(file, **there).version == "v"
    named = worker_candidate(file, **there, own_label=True)
    assert (named.version, named.commit, named.kind) == ("agent-3 (v)", "c0", "python")


def test_modules_beside_the_file_and_on_a_relative_pythonpath_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/in_lib.py").write_text("NAME = 'lib'")
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "lib")
    source = "import beside, in_lib\ndef task(*, item): return [beside.NAME, in_lib.NAME]\n"
    assert ask(made(tmp_path, source), "x") == [["beside", "lib"]]


def test_only_an_async_task_has_the_process_load_asyncio(tmp_path: Path) -> None:
    """Its import is a good part of the start of a process, of which a session has many."""
    body = "task(*, item):\n    import sys\n    return 'asyncio' in sys.modules\n"
    assert ask(made(tmp_path, f"def {body}"), "x") == [False]
    assert ask(made(tmp_path, f"async def {body}"), "x") == [True]


def test_a_bare_python_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    """An environment without scoregate gets that package alone, and nothing that is installed beside it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    source = """
        import importlib.util, sys
        from scoregate import Answer

        def task(*, item):
            found = [name for name in ("click", "numpy", "httpx") if importlib.util.find_spec(name)]
            return [found, sys.prefix, sorted(name for name in sys.modules if "numpy" in name)]
    """
    file = tmp_path / "experiment.py"
    file.write_text(dedent(source))
    python = tmp_path / "bare/bin/python"
    candidate = worker_candidate(file, root=tmp_path, python=python, version=Version("v"))
    assert ask(candidate, "x") == [[[], str(tmp_path / "bare"), []]]
