"""Who hears what a run has to say: the command line, a notebook, a server, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from scoregate.runner.plan import RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is about to be called, before a call is paid for."""

    run: str
    """Id of the run, or of the session of two versions."""
    text: str
    """All of it in one line, as the command line shows it."""
    calls: int
    """Calls of candidates that are left to be made."""
    cost_usd: float | None = None
    """What they and the judges will probably cost; None where nothing tells it."""
    round: Literal["A", "B", "C", "D"] | None = None
    """Which round of two versions side by side; None for one version alone."""


@runtime_checkable
class Listener(Protocol):
    """Hears everything that the command line shows of a run.

    Lines may come from other threads than the one that runs the gate, as those of a delivery do. A method must not
    raise.
    """

    def announce(self, facts: Announcement, /) -> None:
        """Called before the first call of a run or of a round; `progress` follows."""

    def progress(self, report: RunReport, /) -> None:
        """How far the announced calls are; called several times a second, and once more at their end."""

    def say(self, line: str, /) -> None:
        """One line for a person: a warning, what became of a delivery, what to do next."""

    def ask(self, question: str, /) -> bool:
        """Whether to do what cannot be taken back. A listener with no person behind it answers False."""


class Silent:
    """The listener of `scoregate.run` where none is given: it shows nothing and agrees to nothing."""

    def announce(self, facts: Announcement, /) -> None: ...

    def progress(self, report: RunReport, /) -> None: ...

    def say(self, line: str, /) -> None: ...

    def ask(self, question: str, /) -> bool:  # noqa: ARG002  nobody is asked
        return False
