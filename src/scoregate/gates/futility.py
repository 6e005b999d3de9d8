"""Whether more trials can still change anything, so that hopeless ones are not paid for."""

from __future__ import annotations

import math
from statistics import NormalDist

from scoregate.gate_file import Gate
from scoregate.gates.look import Seen, roles

LUCK = 2.0
"""Standard errors by which the final data may differ from what the present ones promise."""


def hopeless(gate: Gate, seen: Seen, *, trials: int, most: int, alpha: float, level: float) -> str | None:
    """Why no further whole-set round can end in a pass or a regression, or None.

    `trials` an arm are there and `most` can be; `alpha` and `level` are those of the next round. Judged by the noise
    within items alone, so in favour of going on.
    """
    shrink = math.sqrt(trials / most)
    z = NormalDist().inv_cdf
    role = roles(gate)
    beyond_pass = None
    for tested in seen.tested:
        evidence, error = tested.hypothesis.evidence, tested.result.standard_error * shrink
        if evidence.estimate is None or not error or tested.hypothesis.slice is not None:
            continue
        decides = role.get(evidence.name) in ("gate", "primary")
        if decides and evidence.open_ended_gaps:
            beyond_pass = evidence.name  # a missing value without a worst end stays missing
        elif decides and evidence.margin is not None:
            bound = evidence.estimate.value - z(1 - level) * error
            if bound < -evidence.margin - LUCK * error:
                beyond_pass = evidence.name
    if beyond_pass is None:
        return None
    needed = z(1 - alpha / max(1, len(seen.tested)))
    for tested in seen.tested:
        estimate, error = tested.hypothesis.evidence.estimate, tested.result.standard_error * shrink
        if estimate is not None and error and -estimate.value / error + LUCK >= needed:
            return None
    return f"with {most} trials {beyond_pass} could neither pass nor be proved worse"
