"""What a person sees while a run goes on."""

from __future__ import annotations

import io

from scoregate.cli.terminal import Progress, progress_text
from scoregate.runner.plan import RunReport


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_line_tells_counts_rate_failures_cost_and_time_left() -> None:
    report = RunReport(
        expected=1000,
        resumed=100,
        ok=280,
        error=15,
        timeout=5,
        scores_error=2,
        retries=3,
        cost_usd=1.5,
        seconds=10,
    )
    assert (
        progress_text(report) == "300/1000  20.0/s  20 failed  2 scores failed  3 retried  $1.50  35 s left"
    )


def test_a_slow_run_is_told_by_the_minute_and_a_long_one_in_hours() -> None:
    assert progress_text(RunReport(expected=1000, ok=6, seconds=60)) == "6/1000  6.0/min  2 h 45 min left"
    assert progress_text(RunReport(expected=8, ok=6, cost_usd=0.0123, seconds=300)) == (
        "6/8  1.2/min  $0.0123  1 min 40 s left"
    )


def test_before_the_first_item_there_is_only_a_count() -> None:
    assert progress_text(RunReport(expected=8, seconds=2)) == "0/8"
    assert progress_text(RunReport(expected=8, resumed=8, ok=8, seconds=2)) == "8/8"


def test_a_pause_that_the_service_asks_for_is_told_at_once_and_then_now_and_then() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, environment={}, clock=clock)
    for seconds in range(12):
        clock.now = float(seconds)
        progress(RunReport(expected=20, ok=3, seconds=clock.now, waiting_seconds=58.0 - seconds))
    assert stream.getvalue() == (
        "waiting 58 s: the service asks for it, 3 of 20 done\n"
        "waiting 48 s: the service asks for it, 3 of 20 done\n"
    )


def test_a_terminal_line_is_redrawn_at_most_ten_times_a_second() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, environment={}, clock=clock)
    for number in range(1, 101):
        progress(RunReport(expected=100, ok=number, seconds=clock.now))
        clock.now += 0.01
    progress.close()
    lines = terminal.getvalue().split("\r\x1b[2K")[1:]
    assert 10 <= len(lines) <= 12
    assert lines[-1].startswith("100/100")
    assert terminal.getvalue().endswith("\n")


def test_failures_are_red_unless_no_color_is_set() -> None:
    for environment, expected in (({}, "\x1b[31m2 failed\x1b[0m"), ({"NO_COLOR": "1"}, "  2 failed  ")):
        terminal = Terminal()
        Progress(terminal, environment=environment)(RunReport(expected=9, ok=1, error=2, retries=1))
        assert expected in terminal.getvalue()


def test_elsewhere_a_plain_line_comes_now_and_then() -> None:
    for stream, environment in (
        (io.StringIO(), {}),
        (Terminal(), {"CI": "true"}),
        (Terminal(), {"TERM": "dumb"}),
    ):
        clock = Clock()
        progress = Progress(stream, environment=environment, clock=clock)
        for number in range(25):
            clock.now = number
            progress(RunReport(expected=30, ok=number + 1, seconds=clock.now))
        progress.close()
        assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["11/30", "21/30", "25/30"]
        assert "\x1b" not in stream.getvalue()


def test_a_short_run_is_silent_where_nothing_can_be_redrawn() -> None:
    stream = io.StringIO()
    progress = Progress(stream, environment={})
    progress(RunReport(expected=1, ok=1))
    progress.close()
    assert stream.getvalue() == ""


def test_a_reader_that_went_away_does_not_end_the_run() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, environment={}, clock=clock)
    terminal.close()
    for number in range(3):
        clock.now = number
        progress(RunReport(expected=3, ok=number))
    progress.close()
