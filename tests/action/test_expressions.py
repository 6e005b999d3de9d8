"""Expressions and workflow commands, as the runner of the tests reads them."""

from __future__ import annotations

import pytest

from tests.action.expressions import evaluated, filled, is_wanted
from tests.action.workflow_commands import commands

CONTEXTS = {"inputs": {"cache": "true", "shard": ""}, "steps": {"run": {"outputs": {"exit-code": "0"}}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.cache == 'true'", True),
        ("inputs.cache == 'TRUE' && inputs.shard != 'merge'", True),
        ("inputs.shard || steps.run.outputs.exit-code", "0"),
        ("!(inputs.shard) && 'it''s'", "it's"),
        ("steps.later.outputs.json", None),
        ("always() == true", True),
        ("success() || null", None),
    ],
)
def test_a_value(text: str, value: object) -> None:
    assert evaluated(text, CONTEXTS, failed=True) == value


def test_a_step_is_left_out_after_a_failure_unless_it_says_otherwise() -> None:
    assert not is_wanted("inputs.cache == 'true'", CONTEXTS, failed=True)
    assert is_wanted("${{ always() && inputs.cache }}", CONTEXTS, failed=True)
    assert is_wanted(None, CONTEXTS, failed=False)


def test_what_the_action_does_not_use_is_no_expression_here() -> None:
    for text in ("toJSON(inputs)", "secrets.KEY", "inputs.cache[0]", "a b"):
        with pytest.raises(SyntaxError):
            filled(f"${{{{ {text} }}}}", CONTEXTS)


def test_commands_are_obeyed_but_where_they_are_stopped() -> None:
    log = "::error file=a%2Cb,line=3::x%0Ay\n::stop-commands::m1\n::error::no\n::m2::\n::m1::\n  ::notice::yes\n"
    found = [(one.name, one.properties, one.message) for one in commands(log)]
    assert found == [("error", {"file": "a,b", "line": "3"}, "x\ny"), ("notice", {}, "yes")]
