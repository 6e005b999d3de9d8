"""What all adapters share: the evaluator with its scores and version, and values as the packages want them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Enum
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any

from scoregate.errors import ConfigError
from scoregate.scorers.evaluators import scorer
from scoregate.scorers.source_version import source_version

Evaluator = Callable[..., Any]
"""`evaluator(*, input, output, expected_output, metadata)`, sync or async."""
Arguments = Callable[..., Mapping[str, Any]]
"""Takes the same four by keyword, and gives further arguments for the package's own call."""

_TELLING = (
    "name", "model", "model_name", "model_id", "instruction", "prompt", "template", "temperature",
    "model_args", "model_kwargs", "generation_kwargs", "settings",
)  # fmt: skip
"""What is read of an object within the scorer, such as its model: the rest of a client changes by itself."""
_KEYS = frozenset(("api_key", "openai_api_key"))
"""Settings that do not count: with a new key it is the same scorer."""
_DIGITS = 8


def evaluator_of(call: Evaluator, *, name: str, scores: Sequence[str] = (), version: str) -> Evaluator:
    """The call as an evaluator that announces its scores: `scores`, or the one of its own name."""
    call.__name__ = name
    call.takes_json = True  # type: ignore[attr-defined]  # the packages compare texts and JSON, not a task's own objects
    return scorer(scores=tuple(scores) or (name,), score=name, version=version)(call)


def evaluator_from(
    package: str,
    made: Any,
    call: Evaluator,
    *,
    name: str,
    scores: Sequence[str] = (),
    version: str | None,
    arguments: Arguments | None,
    adapter: int = 1,
) -> Evaluator:
    """The same of an object of a package, which gives the version where the user gives none."""
    own = version or package_version(package, made, also=arguments, adapter=adapter)
    return evaluator_of(call, name=name, scores=scores, version=own)


def package_version(
    package: str,
    made: Any,
    *,
    without: Collection[str] = (),
    also: Evaluator | None = None,
    adapter: int = 1,
) -> str:
    """`package/installed version kind+digest`: another package, class, setting or model is another scorer.

    `without` are attributes in which an object keeps its last result, `also` is a function of the user's that counts.
    `adapter` goes up when the same object makes other scores by another release of its adapter.
    """
    try:
        installed = installed_version(package)
    except PackageNotFoundError:  # a copy that was never installed, such as a checkout on the path
        installed = "unknown"
    is_function = not hasattr(made, "__dict__") or (callable(made) and hasattr(made, "__code__"))
    parts: list[Any] = [source_version(made if is_function else type(made))]
    if is_function:
        # The source version has all plain values that are closed over, but not the model of a client among them.
        parts += [_plain(value) for value in _closed_over(made, set())]
    else:
        parts.append({key: _plain(value) for key, value in _settings(made).items() if key not in without})
    if adapter > 1:
        parts.append(adapter)
    if also is not None:
        parts.append(source_version(also))
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    kind = getattr(made, "__name__", None) if is_function else type(made).__name__
    return f"{package}/{installed} {kind}+{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


def text_of(value: Any) -> str | None:
    """Text as it is, None as it is, and everything else as JSON: for packages that compare texts."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def further_arguments(arguments: Arguments | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `arguments` gives for one item; nothing where there is none."""
    return dict(arguments(**given)) if arguments is not None else {}


def not_one(adapter: str, wanted: str, made: Any) -> ConfigError:
    """What is raised for an object that the adapter is not for."""
    kind = made.__name__ if isinstance(made, type) else type(made).__name__
    what = "the class" if isinstance(made, type) else "a"
    return ConfigError(f"{adapter} takes {wanted}, not {what} {kind}")


def _settings(made: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(made).items() if not key.startswith("_") and key not in _KEYS}


def _closed_over(function: Any, seen: set[int]) -> Iterator[Any]:
    """The objects that a function closes over, and the functions that it closes over in turn."""
    seen.add(id(function))
    for cell in getattr(function, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # a cell that is still empty
            continue
        if hasattr(value, "__closure__"):
            if id(value) not in seen:
                yield from _closed_over(value, seen)
        elif value is not None and not isinstance(value, type):
            yield value


def _plain(value: Any, depth: int = 0) -> Any:
    """A setting as JSON that is the same on every machine: no address in memory, nothing of a client's state."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if isinstance(value, re.Pattern):
        return [value.pattern, value.flags]
    if isinstance(value, Mapping):
        return {str(key): _plain(member, depth) for key, member in value.items() if key not in _KEYS}
    if isinstance(value, list | tuple | set | frozenset):
        members = [_plain(member, depth) for member in value]
        return sorted(members, key=str) if isinstance(value, set | frozenset) else members
    if isinstance(value, type) or hasattr(value, "__code__"):
        return source_version(value)
    told = {
        name: _plain(found, depth + 1)
        for name in _TELLING
        if depth < 2 and (found := getattr(value, name, None)) is not None and not callable(found)
    }
    return [type(value).__qualname__, told]
