from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec
from scoregate.records import DatasetItem, Tokens
from scoregate.runner.candidates import Answer, Candidate, CandidateError, TransientError, build_candidate


def command(folder: Path, *argv: str) -> Candidate:
    return build_candidate(CandidateSpec(command=argv), root=folder, timeout=None)


def shell(folder: Path, script: str) -> Candidate:
    return command(folder, "sh", "-c", script)


def python(folder: Path, source: str) -> Candidate:
    (folder / "agent.py").write_text(dedent(source))
    return command(folder, sys.executable, "-S", "-E", "agent.py")


def ask(candidate: Candidate, item: DatasetItem, trial: int = 0) -> Answer:
    answer = asyncio.run(candidate.call(item, trial))
    assert isinstance(answer, Answer)
    return answer


def failure(candidate: Candidate, item: DatasetItem) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        ask(candidate, item)
    return caught.value


def test_the_question_comes_on_stdin_without_the_expected_output(tmp_path: Path, item: DatasetItem) -> None:
    asked = ask(command(tmp_path, "cat"), item, trial=2).output
    assert asked == {
        "id": "order-1",
        "input": {"question": "Where is it? ü"},
        "metadata": {"intent": "shipping"},
        "trial": 2,
    }


def test_stdin_can_be_opened_by_name(tmp_path: Path, item: DatasetItem) -> None:
    assert ask(command(tmp_path, "cat", "/dev/stdin"), item).output["id"] == "order-1"


def test_a_document_with_output_is_an_answer_with_measures(tmp_path: Path, item: DatasetItem) -> None:
    document = {
        "output": {"text": "here"},
        "cost_usd": 0.02,
        "tokens": {"input": 12, "output": 3},
        "trace_id": "t-1",
    }
    answer = ask(shell(tmp_path, f"echo '{json.dumps(document)}'"), item)
    assert answer == Answer({"text": "here"}, 0.02, Tokens(12, 3), "t-1")


@pytest.mark.parametrize("document", ['"here"', "[1, 2]", '{"text": "here"}', "null"])
def test_any_other_document_is_the_output_itself(tmp_path: Path, item: DatasetItem, document: str) -> None:
    assert ask(shell(tmp_path, f"echo '{document}'"), item) == Answer(json.loads(document))


def test_it_runs_in_the_root_with_item_and_trial_in_the_environment(
    tmp_path: Path, item: DatasetItem
) -> None:
    script = """printf '["%s", "%s", "%s"]' "$(pwd -P)" "$SCOREGATE_ITEM" "$SCOREGATE_TRIAL" """
    assert ask(shell(tmp_path, script), item, trial=1).output == [str(tmp_path.resolve()), "order-1", "1"]


def test_a_large_question_need_not_be_read(tmp_path: Path) -> None:
    assert ask(shell(tmp_path, "echo 1"), DatasetItem("big", "x" * 5_000_000)).output == 1


def test_a_large_answer_arrives_whole(tmp_path: Path, item: DatasetItem) -> None:
    output = ask(python(tmp_path, "print('\"' + 'x' * 3_000_000 + '\"')"), item).output
    assert len(output) == 3_000_000


def test_calls_run_side_by_side(tmp_path: Path, item: DatasetItem) -> None:
    (tmp_path / "seen").mkdir()
    # Each waits for the other, so one after the other they would never end.
    candidate = shell(
        tmp_path,
        'touch "seen/$SCOREGATE_TRIAL"; '
        "until [ -e seen/0 ] && [ -e seen/1 ]; do sleep 0.01; done; echo $SCOREGATE_TRIAL",
    )

    async def both() -> list[object]:
        async with asyncio.timeout(10):
            answers = await asyncio.gather(candidate.call(item, 0), candidate.call(item, 1))
        return [answer.output for answer in answers]

    assert asyncio.run(both()) == [0, 1]


def test_an_exit_code_is_final_and_shows_the_last_line_of_stderr(tmp_path: Path, item: DatasetItem) -> None:
    error = failure(shell(tmp_path, "echo 1; echo first >&2; echo 'no index' >&2; echo >&2; exit 3"), item)
    assert str(error) == "exit code 3: no index"
    assert not isinstance(error, TransientError)


def test_exit_code_75_is_transient(tmp_path: Path, item: DatasetItem) -> None:
    error = failure(shell(tmp_path, "echo busy >&2; exit 75"), item)
    assert isinstance(error, TransientError)
    assert str(error) == "exit code 75, try again: busy"


def test_a_signal_is_named(tmp_path: Path, item: DatasetItem) -> None:
    assert str(failure(shell(tmp_path, "kill -9 $$"), item)) == "killed by SIGKILL"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("true", "printed nothing ("),
        (
            "echo loading model; echo '{}'",
            "printed no JSON (broken JSON at column 1: expecting value): 'loading",
        ),
        ('echo \'{"output": 1} {"output": 2}\'', 'printed more than one JSON document: \'{"output": 1} {'),
        ("echo 1; echo 2", "printed more than one JSON document: '1 2'"),
        ("echo '{\"output\": NaN}'", "printed no JSON (NaN is no JSON number)"),
        (r"printf '\377\376'", "printed bytes that are no UTF-8 (0xff at 0)"),
    ],
)
def test_what_is_not_one_json_document_is_final(
    tmp_path: Path, item: DatasetItem, script: str, reason: str
) -> None:
    error = failure(shell(tmp_path, script), item)
    assert str(error).startswith(reason)
    assert "logs belong on stderr" in str(error)


def test_junk_is_shown_up_to_200_characters(tmp_path: Path, item: DatasetItem) -> None:
    shown = str(failure(python(tmp_path, "print('j' * 10_000)"), item))
    assert shown.count("j") == 200


def test_an_unknown_key_beside_output_is_not_lost_silently(tmp_path: Path, item: DatasetItem) -> None:
    error = failure(shell(tmp_path, """echo '{"output": 1, "cost": 0.1}'"""), item)
    assert str(error) == "printed an unknown key 'cost' beside 'output' (did you mean 'cost_usd'?)"


def test_an_answer_may_repeat_the_id_and_the_trial(tmp_path: Path, item: DatasetItem) -> None:
    assert ask(shell(tmp_path, """echo '{"id": "order-1", "trial": 0, "output": 1}'"""), item) == Answer(1)


def test_tokens_of_another_shape_are_final(tmp_path: Path, item: DatasetItem) -> None:
    error = failure(shell(tmp_path, """echo '{"output": 1, "tokens": 5}'"""), item)
    assert 'tokens are {"input": 10, "output": 20}, not 5' in str(error)


def test_an_endless_output_is_cut_off_and_its_process_killed(tmp_path: Path, item: DatasetItem) -> None:
    assert str(failure(command(tmp_path, "yes"), item)) == "printed more than 50 MB on stdout"


def test_a_flood_of_logs_keeps_its_last_line(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        import sys
        for number in range(200_000):
            print("log line", number, file=sys.stderr)
        sys.exit(1)
    """
    assert str(failure(python(tmp_path, source), item)) == "exit code 1: log line 199999"


class Lifeline:
    """A named pipe that ends for its reader when the last process that has it open is gone."""

    def __init__(self, folder: Path) -> None:
        os.mkfifo(folder / "lifeline")
        self.fd = os.open(folder / "lifeline", os.O_RDONLY | os.O_NONBLOCK)

    async def line(self) -> bytes:
        """What a process wrote into it, once one has."""
        loop, written = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.fd, written.set)
        await written.wait()
        loop.remove_reader(self.fd)
        return os.read(self.fd, 100)

    def is_cut(self) -> bool:
        readable, _, _ = select.select([self.fd], [], [], 5)
        return bool(readable) and os.read(self.fd, 100) == b""


def test_a_cancelled_call_kills_the_whole_family(tmp_path: Path, item: DatasetItem) -> None:
    lifeline = Lifeline(tmp_path)
    # A child and a grandchild, both deaf to every polite signal.
    script = "trap '' TERM INT HUP; exec 3>lifeline; (sleep 600; echo) & echo $$ >&3; sleep 600"
    candidate = shell(tmp_path, script)

    async def run() -> None:
        call = asyncio.ensure_future(candidate.call(item, 0))
        pid = int(await lifeline.line())
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(ProcessLookupError):  # reaped: not even a zombie is left
            os.kill(pid, 0)

    asyncio.run(run())
    assert lifeline.is_cut()


def test_a_hanging_call_ends_with_the_time_limit(tmp_path: Path, item: DatasetItem) -> None:
    candidate = shell(tmp_path, "sleep 600")

    async def run() -> None:
        async with asyncio.timeout(0.1):
            await candidate.call(item, 0)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


def test_a_child_left_behind_does_not_hold_the_call_and_is_killed(tmp_path: Path, item: DatasetItem) -> None:
    lifeline = Lifeline(tmp_path)
    candidate = shell(tmp_path, "exec 3>lifeline; sleep 600 & echo ready >&3; echo 1")

    async def run() -> Answer:
        async with asyncio.timeout(10):
            answer, _ = await asyncio.gather(candidate.call(item, 0), lifeline.line())
        assert isinstance(answer, Answer)
        return answer

    assert asyncio.run(run()).output == 1
    assert lifeline.is_cut()


def test_a_daemon_in_a_session_of_its_own_does_not_hold_the_call(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        import os, time
        print('"done"', flush=True)
        if os.fork() == 0:
            os.setsid()
            open("daemon", "w").write(str(os.getpid()))
            os.rename("daemon", "daemon.pid")
            time.sleep(600)
        while not os.path.exists("daemon.pid"):
            time.sleep(0.01)
    """
    candidate = python(tmp_path, source)

    async def run() -> Answer:
        async with asyncio.timeout(10):
            answer = await candidate.call(item, 0)
        assert isinstance(answer, Answer)
        return answer

    try:
        assert asyncio.run(run()).output == "done"
    finally:
        os.kill(int((tmp_path / "daemon.pid").read_text()), signal.SIGKILL)


def test_a_command_that_does_not_exist_is_found_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"the command 'no-such-agent' was not found \(is it on the PATH\?\)"
    ):
        command(tmp_path, "no-such-agent")


def test_a_relative_command_is_looked_for_in_the_root(tmp_path: Path, item: DatasetItem) -> None:
    agent = tmp_path / "agent.sh"
    with pytest.raises(ConfigError, match="does not exist"):
        command(tmp_path, "./agent.sh")
    agent.write_text("#!/bin/sh\necho 1\n")
    with pytest.raises(ConfigError, match="chmod"):
        command(tmp_path, "./agent.sh")
    agent.chmod(0o755)
    with pytest.raises(ConfigError, match=r"write './agent\.sh'"):
        command(tmp_path, "agent.sh")
    assert ask(command(tmp_path, "./agent.sh"), item).output == 1


def test_a_command_that_cannot_be_started_fails_its_item(tmp_path: Path, item: DatasetItem) -> None:
    (tmp_path / "agent").write_bytes(b"\x00\x01 no program")
    (tmp_path / "agent").chmod(0o755)
    assert str(failure(command(tmp_path, "./agent"), item)).startswith("cannot be started: [Errno 8]")
