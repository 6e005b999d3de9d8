"""The patterns of a gate file look for a while and not for ever. The slow ones here are merely long."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time

import pytest

from scoregate.errors import ConfigError
from scoregate.scorers.patterns import TimedPattern, compile_pattern

LONG = "ab" * 400_000


def slow() -> TimedPattern:
    """Looks at every place of a long text for what comes a long way behind it: some seconds."""
    return TimedPattern(re.compile("a[ab]{50000}c"), seconds=0.2)


def test_a_search_beyond_its_time_is_an_error_that_names_the_pattern() -> None:
    began = time.monotonic()
    with pytest.raises(
        TimeoutError, match=r"the pattern 'a\[ab\]\{50000\}c' took more than 0.2 s on a text of 800,001"
    ):
        slow().search(LONG + "c")
    assert time.monotonic() - began < 10


def test_other_threads_go_on_while_a_pattern_looks() -> None:
    beats = 0
    ended = threading.Event()

    def beat() -> None:
        nonlocal beats
        while not ended.wait(0.01):
            beats += 1

    thread = threading.Thread(target=beat)
    thread.start()
    with pytest.raises(TimeoutError):
        slow().search(LONG + "c")
    ended.set()
    thread.join()
    assert beats > 2


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"order (\d+)", "your order 17", "17"),
        (r"(?i)ORDER (\w+)", "your order ok", "ok"),
        (r"(?P<n>\d{2,3})\b", "1 22 4444", "22"),
        (r"(x{e})", "a x{e} b", "x{e}"),
        (r"^(\S+)$", "one", "one"),
        (r"(é|ß)", "Straße", "ß"),
    ],
)
def test_patterns_mean_what_they_mean_to_re(pattern: str, text: str, found: str) -> None:
    match = compile_pattern(pattern).search(text)
    assert match is not None
    assert match[1] == found == re.search(pattern, text)[1]  # type: ignore[index]
    assert [one[1] for one in compile_pattern(pattern).finditer(text)] == [
        one[1] for one in re.finditer(pattern, text)
    ]


def test_what_is_no_pattern_to_re_is_refused() -> None:
    with pytest.raises(ConfigError, match="is no regular expression"):
        compile_pattern(r"\p{L}")


def test_a_plain_pattern_on_a_short_text_needs_no_other_package() -> None:
    script = (
        "import sys; from scoregate.scorers.patterns import compile_pattern as c;"
        "found = c(r'^source-[0-9]+$').search('source-7');"
        "first = 'regex' in sys.modules;"
        "c(r'(a|b)+').search('ab');"
        "print(found[0], first, 'regex' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "source-7 False True\n"
