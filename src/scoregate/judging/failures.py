"""What it means that a judge's endpoint refused a call or gave no reply: in passing, for one prompt, or for all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scoregate.judging.spec import JudgeSpec
from scoregate.retries import RATE_LIMIT_STATUSES, is_transient, seconds_to_wait

if TYPE_CHECKING:
    from openai import APIStatusError

_SAME_FOR_ALL = {
    401: "the endpoint refused the key in {key}",
    403: "the endpoint forbids this with the key in {key}",
    404: "the endpoint knows no such model or path",
}
_KEY_REFUSED = 401
_OF_THE_PROMPT = frozenset((400, 413, 422))
_SETTINGS = ("model", "response_format")
"""Of a request: what is the same for every prompt, beside the judge's parameters."""
_FORMAT_WORDS = ("response_format", "json_schema", "structured output", "structured_output")
_PROMPT_CODES = ("content_filter", "content_policy_violation", "context_length_exceeded")
"""What OpenAI and Azure call a refusal of this one prompt."""
_SETTING_WORDS = re.compile(
    r"un(?:supported|known|recogni[sz]ed|expected)|not (?:supported?|permitted|allowed|recogni[sz]ed|valid|accept)"
    r"|n't (?:support|accept|take)|does not (?:support|accept|take)|takes? no\b|invalid|extra (?:inputs|fields)"
    r"|deprecated|must be|only .*(?:supported|allowed)|should be|less than|greater than",
    re.IGNORECASE,
)
"""How endpoints refuse a setting that they name in words alone."""
_ABOUT_LENGTH = re.compile(r"context (?:length|window)|too long|input tokens", re.IGNORECASE)
_EVERYDAY = frozenset(("user", "stop", "seed", "store", "metadata", "reasoning", "modalities", "prediction"))
_NO_QUOTA = "insufficient_quota"


class CallFailed(Exception):
    """No reply came, and asking again will not help now. `str(error)` is the reason, in one line."""


class PromptRefused(CallFailed):
    """The endpoint answers, but not this prompt: asking again will not help at any time, unless its rules change."""


class EndpointRefused(CallFailed):
    """No prompt of this judge will be answered until the endpoint, the key or the gate is mended."""


class Transient(Exception):
    """One call failed in passing, and may be made again at once."""

    def __init__(self, reason: str, *, retry_after: float | None = None, rate_limited: bool = False) -> None:
        self.retry_after = retry_after
        self.rate_limited = rate_limited
        super().__init__(reason)


def failure_of(
    error: APIStatusError, detail: str, spec: JudgeSpec, *, succeeded: bool
) -> CallFailed | Transient:
    """What an error status means for a judge. `detail` is what the endpoint says of it.

    What one prompt alone may meet as well is taken for the endpoint's only while no call has `succeeded`.
    A failure is in passing unless it is known to be the prompt's: what is asked again needlessly costs time, and what
    is given up needlessly is a gap in a baseline.
    """
    status = int(error.status_code)
    if 300 <= status < 400:
        return EndpointRefused(
            f"the endpoint redirects (status {status}), and redirects are not followed: name the final URL in base_url"
        )
    if error.code == _NO_QUOTA:
        return EndpointRefused(f"the endpoint says that the quota is used up (status {status}: {detail})")
    if is_transient(status):
        return Transient(
            f"status {status}: {detail}",
            retry_after=seconds_to_wait(error.response.headers.get("retry-after")),
            rate_limited=status in RATE_LIMIT_STATUSES,
        )
    if status in _SAME_FOR_ALL and not (succeeded and status != _KEY_REFUSED):
        return EndpointRefused(
            f"{_SAME_FOR_ALL[status].format(key=spec.api_key)} (status {status}: {detail})"
        )
    if status in (400, 422) and not succeeded and _about_the_format(error, detail):
        return EndpointRefused(
            f"{spec.model} at this endpoint does not take structured outputs (status {status}: {detail}); "
            "take a model that supports response_format = json_schema"
        )
    setting = _refused_setting(error, detail, spec) if status in (400, 422) else None
    if setting is not None and not succeeded:
        return EndpointRefused(
            f"{spec.model} at this endpoint does not take the setting '{setting}' as it is "
            f"(status {status}: {detail}); change it or take it out of `parameters`"
        )
    of_the_prompt = status in _OF_THE_PROMPT and setting is None and not _about_a_setting(error, spec)
    kind = PromptRefused if of_the_prompt else CallFailed
    return kind(f"the endpoint refused the request (status {status}: {detail})")


def _about_a_setting(error: APIStatusError, spec: JudgeSpec) -> bool:
    """Whether the endpoint names as the cause what every request of the judge carries."""
    named = error.param.partition(".")[0] if isinstance(error.param, str) else ""
    return named in _SETTINGS or named in spec.parameters


def _refused_setting(error: APIStatusError, detail: str, spec: JudgeSpec) -> str | None:
    """The judge's own parameter that the endpoint names as the cause; by its words where it names none elsewhere."""
    if isinstance(error.param, str) and error.param:
        named = re.split(r"[.\[]", error.param.removeprefix("body."), maxsplit=1)[0]
        return named if named in spec.parameters else None
    if error.code in _PROMPT_CODES or _ABOUT_LENGTH.search(detail) or not _SETTING_WORDS.search(detail):
        return None
    # A word such as `user` or `stop` may be said of anything: in quotes it is the setting.
    quote = {name: "['\"`]" if name in _EVERYDAY else r"(?<!\w)" for name in spec.parameters}
    return next(
        (name for name in spec.parameters if re.search(f"{quote[name]}{re.escape(name)}(?!\\w)", detail)),
        None,
    )


def _about_the_format(error: APIStatusError, detail: str) -> bool:
    """Whether a request was refused for its response format: by the named parameter or code, else by the words."""
    param, code = (text.lower() if isinstance(text, str) else "" for text in (error.param, error.code))
    if any(word in named for word in _FORMAT_WORDS for named in (param, code)):
        return True
    return not param and code not in _PROMPT_CODES and any(word in detail.lower() for word in _FORMAT_WORDS)
