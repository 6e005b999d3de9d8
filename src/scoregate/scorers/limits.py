"""Limits on the length of the output and on what a run item used: time, money, tokens, steps."""

from __future__ import annotations

from typing import Annotated, Literal

from scoregate.config.table import Number
from scoregate.errors import ConfigError
from scoregate.paths import PathError, json_type, look_up
from scoregate.records import JSON, Tokens
from scoregate.scorers.outcome import Scored
from scoregate.scorers.reading import ScoringCall, not_text, of_output, scored, unscored

LENGTH_LIMIT_VERSION = "1"
BUDGET_VERSION = "1"


def length_limit(
    *,
    max: Annotated[int | None, Number(at_least=0)] = None,
    min: Annotated[int | None, Number(at_least=0)] = None,
    unit: Literal["characters", "words"] = "characters",
    output_path: str | None = None,
) -> ScoringCall:
    """True if the text of the output is neither longer than `max` nor shorter than `min`.

    Characters are Unicode code points; words are what whitespace separates.
    """
    if max is None and min is None:
        raise ConfigError("length_limit needs max or min")
    if (min or 0) < 0 or (max is not None and max < (min or 0)):
        raise ConfigError(f"length_limit needs 0 <= min <= max, not min = {min}, max = {max}")

    def judge(actual: JSON) -> Scored:
        if not isinstance(actual, str):
            return scored(False, not_text(actual))
        length = len(actual.split()) if unit == "words" else len(actual)
        if max is not None and length > max:
            return scored(False, f"{length} {unit}, at most {max} allowed")
        if min is not None and length < min:
            return scored(False, f"{length} {unit}, at least {min} wanted")
        return scored(True, f"{length} {unit}")

    return of_output(judge, output_path)


def budget(
    *,
    latency_seconds: Annotated[float | None, Number(at_least=0)] = None,
    cost_usd: Annotated[float | None, Number(at_least=0)] = None,
    tokens: Annotated[int | None, Number(at_least=0)] = None,
    steps: Annotated[int | None, Number(at_least=0)] = None,
    steps_path: str = "steps",
) -> ScoringCall:
    """True if the run item used no more than each limit that is given. A quantity that was not measured is an error.

    `tokens` are those of input and output together. `steps` are read at `steps_path` of the output: the length
    of a list, or a whole number.
    """
    given = {"latency_seconds": latency_seconds, "cost_usd": cost_usd, "tokens": tokens, "steps": steps}
    limits = {name: limit for name, limit in given.items() if limit is not None}
    if not limits:
        raise ConfigError("budget needs a limit: latency_seconds, cost_usd, tokens or steps")
    for name, limit in limits.items():
        if limit < 0:
            raise ConfigError(f"{name} must be 0 or more, not {limit}")

    def check(
        *, output: JSON, latency_seconds: float | None, cost_usd: float | None, tokens: Tokens | None
    ) -> Scored:
        used: dict[str, float | None] = {
            "latency_seconds": latency_seconds,
            "cost_usd": cost_usd,
            "tokens": tokens.total if tokens is not None else None,
        }
        if "steps" in limits:
            try:
                used["steps"] = _steps(look_up(output, steps_path))
            except (PathError, ValueError) as error:
                return unscored(f"steps of the output: {error}")
        unmeasured = [name for name in limits if used[name] is None]
        if unmeasured:
            return unscored(f"not measured: {', '.join(unmeasured)}")
        return _within(limits, {name: used[name] or 0 for name in limits})

    return check


def _within(limits: dict[str, float], used: dict[str, float]) -> Scored:
    # `not <=`, so that a measurement that is not a number is over the limit and not within it.
    over = [name for name, limit in limits.items() if not used[name] <= limit]
    said = [f"{name} {_short(used[name])} of {_short(limits[name])}" for name in over or limits]
    return scored(not over, f"{'over budget: ' if over else ''}{', '.join(said)}")


def _short(quantity: float) -> str:
    return str(quantity) if isinstance(quantity, int) else f"{quantity:.6g}"


def _steps(value: JSON) -> int:
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"must be a list or a whole number, not {json_type(value)}")
