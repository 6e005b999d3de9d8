"""The suite's evaluators. A case names those that look at it, in `metadata.checks`; the others say nothing of it."""

from __future__ import annotations

from typing import Any


def pays(*, output: Any, expected_output: Any, metadata: Any, **_: Any) -> bool | None:
    return output["paid"] == expected_output["paid"] if "pays" in metadata["checks"] else None


def names_the_rule(*, output: Any, expected_output: Any, metadata: Any, **_: Any) -> bool | None:
    return output["rule"] == expected_output["rule"] if "names_the_rule" in metadata["checks"] else None


def is_polite(*, output: Any, metadata: Any, **_: Any) -> bool | None:
    if "is_polite" not in metadata["checks"]:
        return None
    return "please" in output["message"].lower()


evaluators = [pays, names_the_rule, is_polite]
