"""Which experiment of Langfuse is meant: `langfuse:NAME` (a name or an id), or `langfuse:branch=BRANCH`.

The second is the newest accepted baseline of a branch; whose name begins with `branch=` is meant by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.gate_file.dataset_source import LANGFUSE_PREFIX, SourceProblem

_BRANCH = "branch="
_EXAMPLE = 'such as "langfuse:branch=main" or "langfuse:NAME-OF-AN-EXPERIMENT"'


@dataclass(frozen=True, slots=True)
class LangfuseExperiment:
    """An experiment by name or id, or the newest accepted one of a branch; exactly one of the two is there."""

    name: str | None = None
    branch: str | None = None

    def __str__(self) -> str:
        """The text that is read as this again."""
        return f"{LANGFUSE_PREFIX}{self.name if self.branch is None else _BRANCH + self.branch}"


def read_langfuse_experiment(text: str) -> LangfuseExperiment:
    """`NAME` or `branch=BRANCH`, each with or without `langfuse:` before it. Raises SourceProblem."""
    rest = text.removeprefix(LANGFUSE_PREFIX).strip()
    if not rest:
        raise SourceProblem("names no experiment", _EXAMPLE)
    if not rest.startswith(_BRANCH):
        return LangfuseExperiment(name=rest)
    branch = rest.removeprefix(_BRANCH).strip()
    if not branch:
        raise SourceProblem(f"names no branch after '{_BRANCH}'", _EXAMPLE)
    return LangfuseExperiment(branch=branch)


def is_langfuse(source: str | None) -> bool:
    """Whether a baseline, an anchor or a candidate is one in Langfuse."""
    return source is not None and source.startswith(LANGFUSE_PREFIX)
