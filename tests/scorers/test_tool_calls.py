"""Expected tool calls: names, order and arguments."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.records import JSON, Score
from scoregate.scorers.tool_calls import tool_calls

ScoreOutput = Callable[..., Score]


def call(name: str, **arguments: JSON) -> dict[str, JSON]:
    return {"name": name, "arguments": arguments}


FIND, REFUND, NOTE = (
    call("find_order", id="A-17"),
    call("refund", id="A-17", amount=20),
    call("note", text="done"),
)


def checked(score: ScoreOutput, got: JSON, wanted: JSON, **arguments: JSON) -> Score:
    return score("tool_calls", {"tool_calls": got}, {"tool_calls": wanted}, **arguments)


@pytest.mark.parametrize(
    ("got", "exact", "subset", "any_order"),
    [
        ([FIND, REFUND], True, True, True),
        ([REFUND, FIND], False, False, True),
        ([FIND, NOTE, REFUND], False, True, False),
        ([REFUND, FIND, NOTE, REFUND], False, True, False),
        ([FIND], False, False, False),
        ([FIND, FIND, REFUND], False, True, False),
        ([], False, False, False),
    ],
)
def test_the_modes_differ_in_order_and_in_what_may_stand_between(
    score: ScoreOutput, got: JSON, exact: bool, subset: bool, any_order: bool
) -> None:
    for mode, same in (("exact", exact), ("subset", subset), ("any_order", any_order)):
        assert checked(score, got, [FIND, REFUND], mode=mode).value is same


def test_no_expected_call_means_that_none_is_allowed(score: ScoreOutput) -> None:
    assert checked(score, [], []).value is True
    assert checked(score, [NOTE], []).value is False


@pytest.mark.parametrize(
    ("given_arguments", "exact", "subset", "ignore"),
    [
        ({"id": "A-17", "amount": 20}, True, True, True),
        ({"id": "A-17", "amount": 20.0}, True, True, True),
        ({"id": "A-17", "amount": 20, "reason": "late"}, False, True, True),
        ({"id": "A-17"}, False, False, True),
        ({"id": "A-17", "amount": True}, False, False, True),
    ],
)
def test_arguments_are_compared_whole_in_part_or_not_at_all(
    score: ScoreOutput, given_arguments: dict[str, JSON], exact: bool, subset: bool, ignore: bool
) -> None:
    got = [{"name": "refund", "arguments": given_arguments}]
    for arguments, same in (("exact", exact), ("subset", subset), ("ignore", ignore)):
        assert checked(score, got, [REFUND], arguments=arguments).value is same


def test_nested_arguments_may_be_given_in_part(score: ScoreOutput) -> None:
    got, wanted = [call("find", filter={"id": 1, "open": True})], [call("find", filter={"id": 1})]
    assert checked(score, got, wanted, arguments="subset").value is True
    assert checked(score, got, wanted).value is False


def test_a_call_that_two_could_be_is_given_to_the_one_that_needs_it(score: ScoreOutput) -> None:
    got = [call("find", id=1), call("find", id=1, open=True)]
    wanted = [call("find"), call("find", id=1)]
    assert checked(score, got, wanted, mode="any_order", arguments="subset").value is True
    wanted = [call("find"), call("find", open=True)]
    assert checked(score, got[::-1], wanted, mode="any_order", arguments="subset").value is True
    wanted = [call("find", open=True), call("find", open=True)]
    assert checked(score, got, wanted, mode="any_order", arguments="subset").value is False


@pytest.mark.parametrize(
    ("got", "wanted", "arguments", "comment"),
    [
        ([FIND], [FIND, REFUND], {}, "missing: refund(id='A-17', amount=20)"),
        ([FIND, NOTE], [FIND], {}, "unexpected: note(text='done')"),
        (
            [call("find_order", id="A-71")],
            [FIND],
            {},
            "different: expected find_order(id='A-17'), got find_order(id='A-71')",
        ),
        (
            [REFUND, FIND],
            [FIND, REFUND],
            {},
            "wrong order: expected find_order, refund, got refund, find_order",
        ),
        ([NOTE], [FIND], {"mode": "subset"}, "missing: find_order(id='A-17')"),
        ([NOTE], [FIND], {}, "missing: find_order(id='A-17'); unexpected: note(text='done')"),
    ],
)
def test_the_comment_says_what_differs(
    score: ScoreOutput, got: JSON, wanted: JSON, arguments: dict[str, JSON], comment: str
) -> None:
    assert checked(score, got, wanted, **arguments).comment == comment


def test_arguments_may_be_absent_null_or_a_text_of_json(score: ScoreOutput) -> None:
    wanted = [{"name": "stop"}, FIND]
    got = [{"name": "stop", "arguments": None}, {"name": "find_order", "arguments": '{"id": "A-17"}'}]
    assert checked(score, got, wanted).value is True


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ("find_order", "must be a list of calls, not text"),
        (None, "must be a list of calls, not null"),
        ([FIND, "refund"], "call 1 has no 'name': 'refund'"),
        ([{"name": 5}], "call 0 has no 'name'"),
        ([{"name": "a", "arguments": "{"}], "call 0 has arguments that are no JSON: '{'"),
        ([{"name": "a", "arguments": [1]}], "call 0 has arguments that are a list, not an object"),
    ],
)
def test_malformed_calls_fail_the_candidate_and_are_errors_in_the_dataset(
    score: ScoreOutput, calls: JSON, reason: str
) -> None:
    cell = checked(score, calls, [FIND])
    assert (cell.value, cell.status) == (False, "ok")
    assert (cell.comment or "").startswith(f"tool calls of the output: {reason}")
    cell = checked(score, [FIND], calls)
    assert cell.status == "error"
    assert (cell.comment or "").startswith(f"expected tool calls: {reason}")


def test_absent_calls_fail_the_candidate_and_are_errors_in_the_dataset(score: ScoreOutput) -> None:
    assert score("tool_calls", {}, {"tool_calls": []}).value is False
    assert score("tool_calls", {"tool_calls": []}, {}).status == "error"
    assert score("tool_calls", {"tool_calls": []}, {}, optional=True).status == "not_applicable"


def test_calls_may_stand_at_other_paths(score: ScoreOutput) -> None:
    assert score("tool_calls", [FIND], {"calls": [FIND]}, path="", expected_path="calls").value is True


def test_a_long_comment_is_cut(score: ScoreOutput) -> None:
    comment = checked(score, [NOTE] * 1000, [FIND]).comment
    assert len(comment or "") == 500


_calls = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from("ab"),
            "arguments": st.dictionaries(st.sampled_from("xy"), st.integers(0, 1)),
        }
    ),
    max_size=4,
)


@given(_calls, _calls)
def test_exact_is_the_strictest_mode(got: list[JSON], wanted: list[JSON]) -> None:
    from scoregate.records import DatasetItem

    item = DatasetItem("a", "?", {"tool_calls": wanted})
    value = {
        mode: tool_calls(mode=mode)(output={"tool_calls": got}, item=item).value
        for mode in ("exact", "subset", "any_order")
    }
    assert value["exact"] is (got == wanted)
    assert value["any_order"] is (sorted(map(repr, _sorted(got))) == sorted(map(repr, _sorted(wanted))))
    if value["exact"]:
        assert value["subset"]
        assert value["any_order"]


def _sorted(calls: list[JSON]) -> list[JSON]:
    return [(call["name"], sorted(call["arguments"].items())) for call in calls]
