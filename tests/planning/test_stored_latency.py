"""What is planned of latency against a stored baseline is what will be decided of it."""

from __future__ import annotations

import pytest

from scoregate import Gate, Rule
from scoregate.gates.run_shift import against_next
from scoregate.planning.noise import assumed_noise
from scoregate.records import RunHeader
from scoregate.records.run_facts import RunFacts, RunShift

GATE = Gate(name="g", rules={"latency_seconds": Rule(max_increase=0.1), "correct": Rule()})
LOCKED = RunHeader(run="main", dataset="d", candidate="v1", expected_items=100)


def test_the_margin_is_what_reruns_move() -> None:
    known = LOCKED.with_facts(RunFacts(run_shifts={"latency_seconds": RunShift(0.05, 12)}))
    margins = []
    for header in (LOCKED, known):
        gate, notes = against_next(GATE, header)
        margins.append({noise.score: noise.margin for noise in assumed_noise(gate)}["latency_seconds"])
        assert "the baseline is stored" in notes[0]
    assert margins[0] == pytest.approx(1.457, abs=0.001)
    assert margins[1] == pytest.approx(0.2196, abs=0.001)
