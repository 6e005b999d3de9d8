"""The key is taken out of what an endpoint sends, however it is spelled there."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from scoregate.hiding import HiddenKeys, without_known_keys
from scoregate.judging.judge import Judge
from tests.judging.judges import ask, spec_of, store_in
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.server import ModelServer

ODD = 'sk-a/secret"that\\nobody&sees'
"""With all that JSON may spell in two ways."""


def in_json(text: str, *, slashes: bool = False, points: bool = False) -> str:
    """The inside of a JSON text, as servers of several kinds spell it."""
    inside = json.dumps(text)[1:-1]
    inside = inside.replace("/", "\\/") if slashes else inside
    return inside.replace("&", "\\u0026").replace("-", "\\u002D") if points else inside


@pytest.mark.parametrize("slashes", [False, True])
@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_spelling_of_the_key_is_left(depth: int, slashes: bool, points: bool) -> None:
    text = f"before {ODD} after"
    for _ in range(depth):
        text = in_json(text, slashes=slashes, points=points)
    assert HiddenKeys(ODD).out_of(text) == "before *** after"
    assert HiddenKeys(ODD).out_of_body(f"\xff{text}".encode("latin-1")) == b"\xffbefore *** after"


@pytest.mark.parametrize("before", ["", "u", "u:", "Bearer "])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_in_base64_is_hidden_wherever_it_stands(before: str, encode: Callable[[bytes], bytes]) -> None:
    key = ODD + "??>>~~"
    for behind in ("", "x", "xy"):
        text = encode((before + key + behind).encode()).decode()
        left = HiddenKeys(key).out_of(text).replace("***", "")
        assert len(left) <= len(text) - len(key) * 4 / 3 + 3, text
        assert HiddenKeys(key).out_of(f'"{text.replace("/", chr(92) + "/")}"').count("***") == 1


@pytest.mark.parametrize(
    "spell",
    [
        lambda key: quote(key, safe=""),
        lambda key: quote(key, safe="").lower(),
        lambda key: quote(quote(key, safe=""), safe=""),
        html.escape,
        lambda key: "".join(f"&#{ord(char)};" for char in key),
        lambda key: "".join(f"&#x{ord(char):X};" for char in key),
        lambda key: key.encode().hex(),
    ],
)
def test_a_key_in_an_address_or_a_page_is_hidden(spell: Callable[[str], str]) -> None:
    key = "made-up/token&more=1+2<3>"
    assert HiddenKeys(key).out_of(f"at /x?k={spell(key)} it") == "at /x?k=*** it"
    told = without_known_keys(f"no answer from /x?k={spell(key)}", {"AGENT_TOKEN": key})
    assert told == "no answer from /x?k=***"


def test_a_key_that_begins_with_a_spelled_character_leaves_json_behind() -> None:
    key = "/base64/of-a-key"
    body = in_json(f"before {key}", slashes=True)
    assert json.loads(f'"{HiddenKeys(key).out_of(body)}"') == "before ***"


def test_a_word_in_place_of_a_key_is_left_alone() -> None:
    assert HiddenKeys("score").out_of("The score is fair.") == "The score is fair."


def test_a_key_of_eight_characters_is_one_and_a_shorter_word_is_none() -> None:
    assert HiddenKeys("sk-12345").out_of("sent sk-12345") == "sent ***"
    assert HiddenKeys("sk-1234").out_of("sent sk-1234") == "sent sk-1234"


def test_a_long_row_of_backslashes_is_gone_through_once() -> None:
    assert HiddenKeys(ODD).out_of("\\" * 300_000) == "\\" * 300_000


@pytest.mark.parametrize("where", ["reasoning", "refusal", "error"])
def test_a_judge_keeps_and_shows_no_spelling_of_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("JUDGE_KEY", ODD)
    said = f"You sent {ODD}."
    answers = {"reasoning": judged(5, said), "refusal": Answer(refusal=said), "error": failed(400, said)}
    with store_in(tmp_path) as store, ModelServer(script=lambda _: answers[where]) as server:
        (found,) = ask(Judge(spec_of(server.url)), store=store)
        kept = [f"{reply.reasoning} {reply.error}" for reply in store.replies.all()]
    assert "You sent ***." in found.comment
    assert ODD not in found.comment + "".join(kept)
