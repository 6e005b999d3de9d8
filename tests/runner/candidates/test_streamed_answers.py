"""Tasks that answer in pieces: generators, sync and async, are gone through to their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.records import DatasetItem
from scoregate.runner.candidates import as_answer
from tests.runner.candidates.test_python_candidate import ask, candidate, failure

TEXTS = "'It ', 'is ', 'on its way'"


@pytest.mark.parametrize(
    "source",
    [
        f"def task(*, item, **_): yield from [{TEXTS}]",
        f"async def task(*, item, **_):\n    for text in [{TEXTS}]: yield text",
        f"def task(*, item, **_): return (text for text in [{TEXTS}])",
        f"async def task(*, item, **_): return (text for text in [{TEXTS}])",
        f"async def stream():\n    for text in [{TEXTS}]: yield text\nasync def task(*, item, **_): return stream()",
        f"async def stream():\n    for text in [{TEXTS}]: yield text\ndef task(*, item, **_): return stream()",
        f"class Agent:\n    async def __call__(self, *, item, **_):\n        for text in [{TEXTS}]: yield text\n"
        "task = Agent()",
    ],
)
def test_a_stream_of_text_is_one_text(tmp_path: Path, item: DatasetItem, source: str) -> None:
    assert ask(candidate(tmp_path, source), item) == "It is on its way"


@pytest.mark.parametrize(
    ("body", "output"),
    [
        ("yield {'step': 1}; yield {'step': 2}", [{"step": 1}, {"step": 2}]),
        ("yield b'by'; yield b'tes'", "bytes"),
        ("yield 'text'; yield 1", ["text", 1]),
        ("return; yield", ""),
    ],
)
def test_another_stream_is_a_list(tmp_path: Path, item: DatasetItem, body: str, output: object) -> None:
    returned = ask(candidate(tmp_path, f"def task(*, item, **_): {body}"), item)
    assert as_answer(returned).output == output


def test_a_stream_within_an_answer_keeps_what_it_cost(tmp_path: Path, item: DatasetItem) -> None:
    source = """
        import scoregate
        def task(*, item, **_): return scoregate.Answer((word for word in ("on ", "its way")), cost_usd=0.5)
    """
    answer = as_answer(ask(candidate(tmp_path, source), item))
    assert (answer.output, answer.cost_usd) == ("on its way", 0.5)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_a_stream_raises_is_the_reason(tmp_path: Path, item: DatasetItem, kind: str) -> None:
    source = f"{kind} task(*, item, **_):\n    yield 'It is '\n    raise SystemExit(3)"
    assert str(failure(candidate(tmp_path, source), item)) == "the candidate called exit(3)"
