"""The `[rounds]` of a gate: how much may be run again where both versions run side by side."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.config.keys import Integer, Keys, Number
from scoregate.config.table import ConfigTable

REPEATS = 2
"""Whole-set trials that each later round adds."""
ROUND_KEYS: Keys = {
    "suspects": Integer(at_least=0),
    "screen": Number(above=0, at_most=1),
    "confirm_trials": Integer(at_least=2),
    "max_trials": Integer(at_least=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Screen, confirm, repeat. The defaults are those whose error rates are published."""

    suspects: int = 3
    """Suspected drops that are confirmed by fresh trials of their own items; 0: none."""
    screen: float = 0.35
    """A drop is suspected up to this unadjusted p-value."""
    confirm_trials: int = 5
    """Fresh trials of a suspect's items in each arm."""
    max_trials: int = 5
    """Whole-set trials of each item in each arm, at most."""

    def whole_set_trials(self, first: int) -> tuple[int, ...]:
        """Trials an arm holds after each whole-set round: (1, 3, 5) for `first` = 1."""
        most = max(first, self.max_trials)
        return tuple(range(first, most + 1, REPEATS))[:3]


def read_rounds(table: ConfigTable | None, trials: int) -> Rounds:
    """The `[rounds]` table. Raises ConfigError."""
    if table is None:
        return Rounds()
    table = table.declared(ROUND_KEYS)
    default = Rounds()
    suspects = table.integer("suspects")
    screen = table.number("screen")
    most = table.integer("max_trials")
    if most is not None and most < trials:
        raise table.error("max_trials", f"is {most}, fewer than the {trials} trials of the first round")
    return Rounds(
        suspects=default.suspects if suspects is None else suspects,
        screen=default.screen if screen is None else screen,
        confirm_trials=table.integer("confirm_trials") or default.confirm_trials,
        max_trials=most or default.max_trials,
    )
