"""A file of replies is taken as a whole or not at all: every line is one that a judge could have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import USAGE, ResultsError
from scoregate.judging.exchange import read_replies, write_replies
from scoregate.store.judging import KeptReply
from tests.judging.judges import store_in

GOOD: dict[str, Any] = {
    "kind": "judge_reply",
    "key": "0a" * 32,
    "score": "relevance",
    "judge": "1b" * 32,
    "model": "stand-in",
    "series": "",
    "trial": 0,
    "vote": 0,
    "value": 7,
    "reasoning": "It answers.",
    "error": None,
    "calls": 1,
    "tokens_input": 10,
    "tokens_output": None,
    "cost_usd": 0.001,
    "run": None,
    "made_at": 1.7e9,
}


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "replies.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "0a" * 31}, "'key' is no hash of 64 hexadecimal digits"),
        ({"key": "0A" * 32}, "'key' is no hash of 64 hexadecimal digits"),
        ({"key": "0a" * 32 + "\n"}, "'key' is no hash of 64 hexadecimal digits"),
        ({"judge": "mine"}, "'judge' is no hash of 64 hexadecimal digits"),
        ({"score": 7}, "'score' is a number"),
        ({"model": None}, "'model' is null"),
        ({"trial": True}, "'trial' is a boolean"),
        ({"trial": 0.5}, "'trial' is a number"),
        ({"vote": -1}, "'vote' is negative"),
        ({"calls": 2**63}, "'calls' is an integer of more than 64 bits"),
        ({"value": 10**30}, "'value' is an integer of more than 64 bits"),
        ({"value": [7]}, "'value' is a list"),
        ({"value": "\ud800"}, "'value' holds half a character (an unpaired surrogate)"),
        ({"reasoning": "\ud800"}, "'reasoning' holds half a character (an unpaired surrogate)"),
        ({"value": float("nan")}, "no JSON: NaN is no JSON number"),
        ({"cost_usd": float("inf")}, "no JSON: Infinity is no JSON number"),
        ({"cost_usd": -0.5}, "'cost_usd' is negative"),
        ({"made_at": "today"}, "'made_at' is text"),
        ({"value": None}, "a reply has either a value or an error"),
        ({"error": "refused"}, "a reply has either a value or an error"),
        ({"reasoning": None}, "a reply without reasoning"),
        ({"reasoning": " \n"}, "a reply without reasoning"),
        ({"value": None, "error": ""}, "a reply without the reason of its error"),
        ({"confidence": 0.9}, "unknown field 'confidence'"),
    ],
)
def test_a_line_that_no_judge_wrote_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = _file(tmp_path, json.dumps(GOOD), json.dumps({**GOOD, **change}))
    with pytest.raises(ResultsError) as caught:
        read_replies(path)
    assert str(caught.value) == f"{path}:2: {message}"
    assert caught.value.exit_code == USAGE


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"value": False},
        {"value": "good"},
        {"value": 0.5, "trial": 3, "series": "confirm"},
        {"value": None, "reasoning": None, "error": "invalid reply: no JSON"},
    ],
)
def test_what_a_judge_replies_comes_back_as_it_was(tmp_path: Path, change: dict[str, Any]) -> None:
    line = {**GOOD, **change}
    (reply,) = read_replies(_file(tmp_path, json.dumps(line)))
    assert reply == KeptReply(**{name: value for name, value in line.items() if name != "kind"})
    with store_in(tmp_path) as store:
        assert store.replies.add([reply]) == 1
        copy = tmp_path / "copy.jsonl"
        write_replies(store.replies.all(), copy)
    assert json.loads(copy.read_text()) == line
