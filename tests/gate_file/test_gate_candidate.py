"""The candidate of a gate: one way to call it, and what goes with which way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate_file.written import gate_of, refusal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('experiment = "e.py"', {"python": "ROOT/e.py"}),
        ('[candidate]\npython = "e.py"', {"python": "ROOT/e.py"}),
        ('[candidate]\nreplay = "/tmp/o.jsonl"', {"replay": "/tmp/o.jsonl"}),
        ("[candidate]\ncommand = \"python 'my agent.py' -q\"", {"command": ("python", "my agent.py", "-q")}),
        ('[candidate]\ncommand = ["a b", "c", "c"]', {"command": ("a b", "c", "c")}),
        (
            '[candidate]\nhttp = "https://x/y"\nanswer = "reply.text"\nheaders = { Authorization = "${KEY}" }',
            {"http": "https://x/y", "answer": "reply.text", "headers": {"Authorization": "${KEY}"}},
        ),
    ],
)
def test_a_candidate_is_called_in_one_of_four_ways(
    project: Path, text: str, expected: dict[str, object]
) -> None:
    gate = gate_of(f"{text}\n[scores.states_the_fact]")
    assert gate.candidate is not None
    for key, value in expected.items():
        wanted = value.replace("ROOT", str(project)) if isinstance(value, str) else value
        assert getattr(gate.candidate, key) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[candidate]\nversion = 'v2'",
            "1: [candidate] does not say what to call (give one of python, command, ",
        ),
        (
            "experiment = 'e.py'\n[candidate]\nhttp = 'http://x'",
            "1: 'experiment' cannot stand beside 'http' (keep one way to call the candidate)",
        ),
        (
            "[candidate]\ncommand = 'x'\nreplay = 'y'",
            "2: 'command' of [candidate] cannot stand beside 'replay'",
        ),
        ("[candidate]\ncommand = 'x'\nisolate = true", "3: 'isolate' of [candidate] goes with 'python' only"),
        (
            "experiment = 'e.py'\n[candidate]\nanswer = 'x'",
            "3: 'answer' of [candidate] goes with 'http' only",
        ),
        ("[candidate]\nhttp = 'x.org'", "2: 'http' of [candidate] is \"x.org\", which is no URL"),
        ("[candidate]\nhttp = 'http://x'\nheaders = { a = 1 }", "3: 'a' of [candidate.headers] must be text"),
        ('[candidate]\ncommand = "it\'s"', "2: 'command' of [candidate] cannot be split into words"),
        ("[candidate]\ncommand = []", "2: 'command' of [candidate] is an empty list"),
        ("[candidate]\ncommand = ['x', '']", "2: 'command' of [candidate] holds \"\" but must be"),
        (
            "[candidate]\npyhton = 'x'",
            "2: 'pyhton' of [candidate] is not a known key (did you mean 'python'?)",
        ),
    ],
)
def test_a_candidate_that_cannot_be_called_is_refused(project: Path, text: str, message: str) -> None:
    assert refusal(f"{text}\n[scores.states_the_fact]").startswith(message)
