"""What the tests of the library scorers share: one way to score one output."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.gate_file import ScorerSpec
from scoregate.records import JSON, DatasetItem, RunItem, Score, Tokens
from scoregate.scorers import build, score_item


@pytest.fixture
def score() -> Callable[..., Score]:
    """`score(use, output, expected, metadata=…, measured=…, used_tokens=…, **arguments)` -> one cell."""

    def score_output(
        use: str,
        output: JSON = None,
        expected: JSON = None,
        *,
        metadata: dict[str, JSON] | None = None,
        measured: dict[str, float] | None = None,
        used_tokens: Tokens | None = None,
        **arguments: JSON,
    ) -> Score:
        scorer = build(ScorerSpec(name="checked", use=use, arguments=arguments))
        item = DatasetItem(id="case-1", input="?", expected_output=expected, metadata=metadata or {})
        facts = measured or {}
        run_item = RunItem(
            item="case-1",
            trial=0,
            status="ok",
            output=output,
            latency_seconds=facts.get("latency_seconds"),
            cost_usd=facts.get("cost_usd"),
            tokens=used_tokens,
        )
        (cell,) = score_item(scorer, item, run_item)
        assert cell.score == "checked"
        return cell

    return score_output
