"""Users' own evaluators, with the call shape of Langfuse, as scorers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from dis import Instruction, get_instructions
from types import FunctionType
from typing import Any, TypeVar

from scoregate.errors import ConfigError
from scoregate.scorers.scorer import CHANGEABLE_ARGUMENTS, LANGFUSE_ARGUMENTS, OFFERED_ARGUMENTS, Scorer
from scoregate.scorers.source_version import source_version

_F = TypeVar("_F", bound=Callable[..., Any])
_MAKER = "create_evaluator_from_autoevals.<locals>"
_HELD = "autoevals_evaluator"


def scorer(
    *, scores: Iterable[str] = (), version: str | None = None, score: str | None = None
) -> Callable[[_F], _F]:
    """Say of an evaluator which scores it makes and which version it is. The function stays as it was.

    `scores` are the names of what it returns, `score` the name of what it returns without one (else the
    function's own name). Without `version`, a change of the source code is a change of version.

    >>> @scorer(scores=["politeness"], version="3")
    ... def judge_tone(*, output, **kwargs):
    ...     return {"name": "politeness", "value": "please" in output}
    """

    names = scores if isinstance(scores, str) else tuple(scores)

    def mark(function: _F) -> _F:
        for name, given in (("scores", names or None), ("version", version), ("score", score)):
            if given is not None:
                setattr(function, name, given)
        return function

    return mark


def from_function(function: Callable[..., Any], *, known: Collection[str] = ()) -> Scorer:
    """A scorer of an evaluator: a function, sync or async, a callable object or a `functools.partial`.

    `known` are the scores that the gate and the catalog speak of: an evaluator of such a name makes that score.
    Attributes on the function that count: `score`, `scores`, `version` (see `scorer`).
    Raises ConfigError for what cannot be called with what a scorer is given.
    """
    if not callable(function):
        raise ConfigError(f"a scorer must be callable, not a {type(function).__name__}: {function!r}")
    name = _name(function)
    version = _attribute(function, "version")
    if version is not None and not isinstance(version, str):
        raise ConfigError(f"the version of scorer '{name}' must be a string, not {version!r}")
    accepts = _accepted(function, name)
    return Scorer(
        name=name,
        version=version or source_version(function),
        call=function,
        is_async=_is_async(function),
        scores=_scores(function, name, known),
        accepts=accepts,
        copied=_reached(function, accepts) & CHANGEABLE_ARGUMENTS,
        takes_objects=not _attribute(function, "takes_json"),
    )


def _name(function: Callable[..., Any]) -> str:
    inner = _inner(function)
    for candidate in (
        _attribute(function, "score"),
        _autoevals_name(inner),
        getattr(inner, "__name__", None),
    ):
        if isinstance(candidate, str) and candidate:
            return candidate
    return type(inner).__name__


def _scores(function: Callable[..., Any], name: str, known: Collection[str]) -> tuple[str, ...] | None:
    scores = _attribute(function, "scores")
    if scores is None:
        return (name,) if name in known or _attribute(function, "score") == name else None
    if isinstance(scores, str) or not isinstance(scores, Iterable):
        raise ConfigError(f"the scores of scorer '{name}' must be a list of names, not {scores!r}")
    names = tuple(scores)
    if not names or not all(isinstance(one, str) and one for one in names) or len(set(names)) < len(names):
        raise ConfigError(f"the scores of scorer '{name}' must be names, each once, not {list(names)!r}")
    return names


def _accepted(function: Callable[..., Any], name: str) -> frozenset[str] | None:
    """The arguments to give it, from its signature; None where it takes just what Langfuse gives."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some callables written in C have no signature
        return None
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = frozenset(p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD))
    for parameter in parameters:
        variable = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        given = parameter.name in OFFERED_ARGUMENTS and parameter.kind is not parameter.POSITIONAL_ONLY
        if not given and not variable and parameter.default is parameter.empty:
            raise ConfigError(
                f"scorer '{name}' needs an argument '{parameter.name}' that no scorer is given",
                hint=f"it may take by keyword: {', '.join(OFFERED_ARGUMENTS)}; give others a default",
            )
    langfuse = frozenset(LANGFUSE_ARGUMENTS)
    accepts = named & frozenset(OFFERED_ARGUMENTS) | (langfuse if takes_all else frozenset())
    return None if accepts == langfuse else accepts


def _reached(function: Callable[..., Any], accepts: frozenset[str] | None) -> frozenset[str]:
    """The arguments that its code can get at: not what is gathered in a `**_` that its body never reads.

    Copying an input that nobody looks at would cost more than most evaluators do.
    """
    given = frozenset(LANGFUSE_ARGUMENTS) if accepts is None else accepts
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return given
    code = function.__code__
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if not code.co_flags & inspect.CO_VARKEYWORDS or not _NAMES_ALL.isdisjoint(code.co_names):
        return given
    gathered = code.co_varnames[len(named) + bool(code.co_flags & inspect.CO_VARARGS)]
    read = gathered in code.co_cellvars or any(_speaks_of(gathered, one) for one in get_instructions(code))
    return given if read else given & frozenset(named)


_NAMES_ALL = frozenset(("locals", "vars", "eval", "exec", "_getframe", "currentframe"))
"""Functions by which code gets at a local variable without naming it."""


def _speaks_of(variable: str, instruction: Instruction) -> bool:
    spoken = instruction.argval  # two names in one instruction, from Python 3.13
    return spoken == variable or (isinstance(spoken, tuple) and variable in spoken)


def _is_async(function: Callable[..., Any]) -> bool:
    inner = _inner(function)
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004


def _attribute(function: Callable[..., Any], name: str) -> Any:
    """An attribute of the callable, or of what a partial wraps."""
    found = getattr(function, name, None)
    return getattr(_inner(function), name, None) if found is None else found


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _autoevals_name(function: Callable[..., Any]) -> str | None:
    """Score of what the SDK's `create_evaluator_from_autoevals` makes; None for others, and where it tells no name.

    All of them are functions of one name around an object, and the score has the name of that object. Known beforehand,
    the score is announced, and what keeps it from being made is an error of that score.
    """
    if not isinstance(function, FunctionType) or not function.__qualname__.startswith(_MAKER):
        return None
    held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)).get(_HELD)
    try:
        name = held.cell_contents._name() if held is not None else None
    except Exception:  # noqa: BLE001  user code: an object without that method, or one that fails, has no name
        return None
    return name if isinstance(name, str) and name else None
