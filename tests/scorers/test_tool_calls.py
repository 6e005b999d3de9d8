"""Expected tool calls: names, order and arguments."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.errors import ConfigError
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
        ({"calls": []}, "must be a list of calls, not an object"),
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


REFUND_A = {"order": "A-1", "amount": 9}
AS_JSON = '{"order": "A-1", "amount": 9}'


@pytest.mark.parametrize(
    "calls",
    [
        *(
            [{"name": "refund", key: REFUND_A}]
            for key in ("arguments", "args", "input", "parameters", "kwargs")
        ),
        *([{"name": "refund", key: AS_JSON}] for key in ("arguments", "args", "tool_input")),
        [{"id": "c1", "type": "function", "function": {"name": "refund", "arguments": AS_JSON}}],
        [{"function": {"name": "refund", "arguments": REFUND_A}}],
        [{"id": "c1", "function": "refund", "arguments": REFUND_A, "type": "function"}],
        [
            {
                "type": "function_call",
                "call_id": "c1",
                "name": "refund",
                "arguments": AS_JSON,
                "status": "completed",
            }
        ],
        [
            {"type": "text", "text": "Now."},
            {"type": "tool_use", "id": "t1", "name": "refund", "input": REFUND_A},
        ],
        [{"text": "Now."}, {"toolUse": {"toolUseId": "t1", "name": "refund", "input": REFUND_A}}],
        [{"text": "Now."}, {"functionCall": {"name": "refund", "args": REFUND_A}, "thoughtSignature": "x"}],
        [{"name": "refund", "args": REFUND_A, "id": "c1", "type": "tool_call"}],
        [{"tool": "refund", "tool_input": REFUND_A, "log": "Invoking"}],
        [{"tool_name": "refund", "args": AS_JSON, "tool_call_id": "c1", "part_kind": "tool-call"}],
        [{"type": "tool-call", "toolCallId": "c1", "toolName": "refund", "input": REFUND_A}],
        [
            {
                "name": "refund",
                "description": None,
                "reasoning": None,
                "output": 1,
                "input_parameters": REFUND_A,
            }
        ],
        [{"name": "refund", "arguments": None, "args": "", "input": REFUND_A}],
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "refund", "input": REFUND_A}],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"name": "refund", "arguments": REFUND_A}]},
        {"role": "assistant", "content": None, "function_call": {"name": "refund", "arguments": AS_JSON}},
        [{"name": "refund", "arguments": json.dumps(AS_JSON)}],
        json.dumps([{"name": "refund", "arguments": REFUND_A}]),
        [
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "refund", "arguments": REFUND_A},
            }
        ],
        [{"type": "mcp_tool_use", "id": "m1", "server_name": "shop", "name": "refund", "input": REFUND_A}],
        [{"type": "mcp_call", "server_label": "shop", "name": "refund", "arguments": AS_JSON, "error": None}],
        [{"action": "refund", "action_input": REFUND_A}],
        [{"function_name": "refund", "args": {}, "arguments": REFUND_A}],
        [
            {"type": "web_search_tool_result", "tool_use_id": "w1", "content": []},
            {"type": "tool_use", "id": "t1", "name": "refund", "input": REFUND_A},
        ],
        [{"inlineData": {"data": ""}}, {"functionCall": {"name": "refund", "args": REFUND_A}}],
    ],
)
def test_calls_are_read_in_the_spellings_of_their_makers(score: ScoreOutput, calls: JSON) -> None:
    assert checked(score, calls, [call("refund", **REFUND_A)]).value is True
    other = [call("refund", order="A-2", amount=900)]
    assert checked(score, calls, other).value is False
    assert checked(score, other, calls).value is False


@pytest.mark.parametrize("none", [None, "", {}, "{}", " ", "null", [], "[]"])
def test_no_arguments_may_be_said_in_several_ways(score: ScoreOutput, none: JSON) -> None:
    for key in ("arguments", "args", "input_parameters"):
        assert checked(score, [{"name": "stop", key: none}], [{"name": "stop"}]).value is True
        assert checked(score, [{"name": "stop", key: none}], [call("stop", now=True)]).value is False


@pytest.mark.parametrize("none", [None, "", [], "[]", {"role": "assistant", "content": "There is none."}])
def test_no_calls_may_be_said_in_several_ways(score: ScoreOutput, none: JSON) -> None:
    assert checked(score, none, []).value is True
    assert checked(score, [FIND], none).value is False


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        (
            [{"name": "refund", "argumens": {"order": "A-1"}}],
            "call 0 has an unknown key 'argumens' (did you mean",
        ),
        (
            [{"name": "refund", "args": {"a": 1}, "arguments": {"a": 1}}],
            "call 0 has arguments under two keys",
        ),
        ([{"name": "refund", "tool": "find", "args": {}}], "call 0 has two names: 'refund', 'find'"),
        ([{"function": {"name": "refund"}, "arguments": {"a": 1}}], "call 0 has an unknown key 'arguments'"),
        ([{"name": "refund", "method": "POST"}], "call 0 has an unknown key 'method'"),
        ([{"type": "computer_call", "action": {"type": "click"}}], "call 0 is of a type that is not read"),
    ],
)
def test_what_no_maker_writes_is_an_error_on_either_side(
    score: ScoreOutput, calls: JSON, reason: str
) -> None:
    cells = checked(score, calls, [FIND]), checked(score, [FIND], calls)
    for cell, side in zip(cells, ("tool calls of the output", "expected tool calls"), strict=True):
        assert cell.status == "error"
        assert (cell.comment or "").startswith(f"{side}: {reason}")


@pytest.mark.parametrize(
    ("rules", "given_arguments", "same"),
    [
        ({"amount": {"absolute": 0.5}}, {"id": "A-17", "amount": 20.5}, True),
        ({"amount": {"absolute": 0.5}}, {"id": "A-17", "amount": "20.50"}, True),
        ({"amount": {"absolute": 0.5}}, {"id": "A-17", "amount": 20.6}, False),
        ({"amount": {"relative": 0.1}}, {"id": "A-17", "amount": 22}, True),
        ({"amount": {"relative": 0.1}}, {"id": "A-17", "amount": "about twenty"}, False),
        ({"amount": {"absolute": 0.5}}, {"id": "A-17"}, False),
        ({"amount": {"absolute": 0.5}}, {"id": "A-18", "amount": 20}, False),
        ({"amount": "ignore"}, {"id": "A-17"}, True),
        ({"amount": "ignore"}, {"id": "A-17", "amount": 900}, True),
        ({"reason": "ignore"}, {"id": "A-17", "amount": 20, "reason": "late"}, True),
        ({"id": {"pattern": r"[A-Z]-\d+"}}, {"id": "B-4", "amount": 20}, True),
        ({"id": {"pattern": r"[A-Z]-\d+"}}, {"id": "B-4x", "amount": 20}, False),
        ({"amount": {"pattern": r"\d+"}}, {"id": "A-17", "amount": 7}, True),
        ({"refund.amount": "ignore"}, {"id": "A-17", "amount": 900}, True),
        ({"find_order.amount": "ignore"}, {"id": "A-17", "amount": 900}, False),
        ({"refund.amount": "exact", "amount": "ignore"}, {"id": "A-17", "amount": 900}, False),
    ],
)
def test_an_argument_may_have_a_rule_of_its_own(
    score: ScoreOutput, rules: JSON, given_arguments: dict[str, JSON], same: bool
) -> None:
    got = [{"name": "refund", "args": given_arguments}]
    assert checked(score, got, [REFUND], rules=rules).value is same


def test_where_arguments_are_ignored_those_with_a_rule_are_compared(score: ScoreOutput) -> None:
    arguments: dict[str, JSON] = {"arguments": "ignore", "rules": {"id": "exact"}}
    assert checked(score, [call("refund", id="A-17", amount=900)], [REFUND], **arguments).value is True
    assert checked(score, [call("refund", id="A-18", amount=20)], [REFUND], **arguments).value is False


def test_a_tolerance_around_what_is_no_number_is_an_error_of_the_dataset(score: ScoreOutput) -> None:
    cell = checked(
        score, [REFUND], [call("refund", id="A-17", amount="all")], rules={"amount": {"absolute": 1}}
    )
    assert (cell.status, cell.comment) == (
        "error",
        "expected tool calls: an argument with a tolerance must be a number, not 'all'",
    )


@pytest.mark.parametrize(
    "rule", ["exactly", 5, {}, {"absolute": -1}, {"pattern": 5}, {"absolute": 1, "pattern": "a"}]
)
def test_a_rule_that_is_none_is_refused(score: ScoreOutput, rule: JSON) -> None:
    with pytest.raises(ConfigError, match="the rule of argument 'id' is .*") as caught:
        checked(score, [], [], rules={"id": rule})
    assert "{pattern =" in (caught.value.hint or "")


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
