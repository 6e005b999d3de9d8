"""Scores that cannot be had in this session: what they are for is to be scored in another one."""

from __future__ import annotations


class Postponed(Exception):
    """The service behind a scorer gave no score, for a reason that may be gone the next time. `str(error)` is why."""


class OutOfBudget(Postponed):
    """A call was not made, because a cap on cost forbids it."""


class OutOfTime(Postponed):
    """A call was not made, because the session's time is over."""


class Unanswered(Postponed):
    """The service did not reply, in a session that is repeated rather than left with a gap."""
