"""Noise on purpose: the agent answers alike every time, unless it is told to slip as a model that samples would."""

from __future__ import annotations

import os
from random import SystemRandom

SHARE = float(os.environ.get("SUPPORT_AGENT_NOISE", "0"))
"""Share of the calls in which it slips, drawn anew for each call."""

_draw = SystemRandom().random


def slips() -> bool:
    """Whether the call at hand is one of those."""
    return _draw() < SHARE
