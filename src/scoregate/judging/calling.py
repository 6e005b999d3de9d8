"""Calls of a judge's model through the `openai` client: structured output, one retry policy, and no secrets in errors.

1. A call waits for a place in the judge's own throttle, which a 429 narrows for all of them.
2. What may be gone the next time (429, 5xx, a time-out, a broken connection, a body that is no completion) is called
   again after `Retry-After` and a growing, random pause. The client's own retries are off. A 429 is no fault of the
   call and does not count as one of its retries, unless the endpoint has answered nothing else for a minute.
3. Each attempt is paid from the session's cap on cost, which may make it wait, or forbid it.
4. What will be the same for every item (a refused key, an unknown model, a setting that the model does not take, an
   endpoint without structured outputs) is remembered: no further call is made. What one prompt alone may meet as well
   (403, 404, 400) is remembered only while no call has succeeded. Where there are settings, the first call goes ahead
   of the others, so that they are refused once.
5. What the endpoint has against one prompt (400, 413, 422: a content filter, too long a text) is final for it, as
   against all else, which may be mended: `PromptRefused`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from scoregate.hiding import HiddenKeys
from scoregate.judging.failures import CallFailed, EndpointRefused, Transient, failure_of
from scoregate.judging.spec import JudgeSpec
from scoregate.judging.usage import Usage
from scoregate.own import json_codec
from scoregate.records import Tokens
from scoregate.retries import (
    RATE_LIMIT_STATUSES,
    asked_pause,
    wait_before_retry,
)
from scoregate.runner.calls import Throttle
from scoregate.scorers.judge import (
    ChatMessage,
    Fault,
    InvalidReply,
    ValidReply,
    read_completion,
    response_format,
)
from scoregate.scorers.outcome import short_reason
from scoregate.scorers.scorer import SpendingCap

if TYPE_CHECKING:
    from openai import AsyncOpenAI


_DEFAULT_TIMEOUT_SECONDS = 120.0
_FIRST_ALONE_SECONDS = 5.0
"""How long the others wait for the first call to show whether the settings are taken."""
_RATE_LIMIT_PATIENCE_SECONDS = 60.0
"""How long an endpoint may answer 429 to all of a judge's calls: limits are those of a minute, and a quota that is
used up lasts longer."""
_NO_REPLY = frozenset((Fault.NOT_A_COMPLETION, Fault.NO_CHOICES))
_LONGEST_DETAIL = 200
_MOST_TOKENS = 10**12
"""No call takes more: a count above it is a mistake of the endpoint, and of no use to a price or a database."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model answered: the reply as far as it can be read, and its own words."""

    reply: ValidReply | InvalidReply
    content: str | None
    """Text of the message; None where it has none."""
    tokens: Tokens | None
    cost_usd: float | None
    """None if the judge has no price, or the endpoint does not say how many tokens it took."""


class ModelClient:
    """The calls of one judge. For one event loop; close it at the end."""

    def __init__(
        self,
        spec: JudgeSpec,
        api_key: str,
        usage: Usage,
        *,
        concurrency: int,
        timeout_seconds: float | None,
        retries: int,
        cost_cap: SpendingCap | None = None,
        seed: int = 0,
        patience_seconds: float = _RATE_LIMIT_PATIENCE_SECONDS,
    ) -> None:
        self._spec = spec
        self._api_key = api_key
        self.usage = usage
        self._timeout = timeout_seconds or _DEFAULT_TIMEOUT_SECONDS
        self._retries = retries
        self._patience = patience_seconds
        self._schema = spec.schema
        self._throttle = Throttle(concurrency)
        self._random = Random(seed)
        self._key = HiddenKeys(api_key)
        self._client = self._opened()
        # Without a price there is nothing to reserve.
        self._cost_cap = cost_cap if spec.price is not None else None
        self._dearest: float | None = None
        self._hides_cost = False
        self._loop = asyncio.get_running_loop()
        self._limited_since: float | None = None
        self._never: str | None = None
        self._succeeded = False
        self._is_first = bool(spec.parameters)
        self._tried = asyncio.Event()
        if not self._is_first:
            self._tried.set()

    async def complete(self, messages: Sequence[ChatMessage], requested: Callable[[], None]) -> ModelAnswer:
        """Ask once, and again as often as the limits allow while no reply comes.

        `requested` is told of each request before it is made; what it raises ends the call. Raises CallFailed and
        OutOfBudget.
        """
        attempt, limited = 1, 0
        while True:
            ticket = await self._throttle.enter()
            try:
                completion = await self._after_the_first(messages, requested)
                self._throttle.succeeded()
                self._succeeded, self._never = True, None
                return completion
            except Transient as error:
                failure = error
                if error.rate_limited:
                    self.usage.rate_limited += 1
                    self._throttle.limited(ticket or 0)
                if error.retry_after is not None:
                    self._throttle.pause(asked_pause(error.retry_after))
            finally:
                self._throttle.leave()
            if failure.rate_limited and self._is_patient():
                limited += 1
                await asyncio.sleep(
                    wait_before_retry(limited, asked_pause(failure.retry_after), self._random)
                )
                continue
            # A minute of nothing else is no burst: to repeat each of the calls that are left would only take time.
            if attempt > self._retries or failure.rate_limited:
                tries = f", after {attempt + limited} attempts" if attempt + limited > 1 else ""
                raise CallFailed(f"{failure}{tries}")
            await asyncio.sleep(wait_before_retry(attempt, asked_pause(failure.retry_after), self._random))
            attempt += 1

    async def _after_the_first(
        self, messages: Sequence[ChatMessage], requested: Callable[[], None]
    ) -> ModelAnswer:
        """Call, behind the first call of all; not at all where nothing will ever be answered."""
        first, self._is_first = self._is_first, False
        if not first and not self._tried.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), _FIRST_ALONE_SECONDS)
        if self._never is not None:
            raise CallFailed(self._never)
        try:
            return await self._paid(messages, requested)
        finally:
            self._tried.set()

    def _is_patient(self) -> bool:
        """Whether a 429 is worth waiting for, seen the last one just now."""
        since = self._limited_since
        return since is None or self._loop.time() - since < self._patience

    def _heard(self, status: int) -> None:
        """The endpoint has answered: since when it says nothing but 429."""
        if status not in RATE_LIMIT_STATUSES:
            self._limited_since = None
        elif self._limited_since is None:
            self._limited_since = self._loop.time()

    async def close(self) -> None:
        await self._client.close()

    async def _paid(self, messages: Sequence[ChatMessage], requested: Callable[[], None]) -> ModelAnswer:
        if self._cost_cap is None:
            return await self._once(messages, requested)
        reserved, cost = await self._cost_cap.reserve(self._expected_cost), None
        try:
            completion = await self._once(messages, requested)
            cost = completion.cost_usd
            if cost is None:
                self._hides_cost = True
            else:
                self._dearest = max(cost, self._dearest or 0.0)
            return completion
        finally:
            self._cost_cap.settle(reserved, cost)

    def _expected_cost(self) -> float | None:
        """Dollars of a call, None while none has been answered; nothing where the endpoint will never say."""
        return 0.0 if self._dearest is None and self._hides_cost else self._dearest

    async def _once(self, messages: Sequence[ChatMessage], requested: Callable[[], None]) -> ModelAnswer:
        import openai

        request: dict[str, Any] = {
            "model": self._spec.model,
            "messages": list(messages),
            "response_format": response_format(self._schema),
            "extra_body": dict(self._spec.parameters),
        }
        requested()
        self.usage.calls += 1
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.chat.completions.with_raw_response.create(**request)
                body = answer.content
            self._heard(answer.status_code)
            return self._read(body)
        except Transient:
            raise
        except (TimeoutError, openai.APITimeoutError):
            raise Transient(f"timed out after {self._timeout:g} s") from None
        except openai.APIStatusError as error:
            self._heard(int(error.status_code))
            failure = failure_of(error, self._detail(error), self._spec, succeeded=self._succeeded)
            if isinstance(failure, EndpointRefused):
                self._never = str(failure)
            raise failure from None
        except openai.APIConnectionError as error:
            raise Transient(f"the connection failed: {self._detail(error.__cause__ or error)}") from None
        except openai.OpenAIError as error:
            raise CallFailed(f"the call failed: {self._detail(error)}") from None
        except Exception as error:  # noqa: BLE001 - an endpoint may send what breaks any library under the call
            raise CallFailed(f"the call failed: {self._key.out_of(short_reason(error))}") from None

    def _opened(self) -> AsyncOpenAI:
        """Made at once: the import takes up to a second, which must not stand still in the middle of a session."""
        import openai

        # The base URL is always given, so that no environment variable puts another in its place.
        # A redirect would send the key, the prompt and the answer to whoever it names.
        return openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self._spec.base_url,
            max_retries=0,
            timeout=self._timeout,
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=self._timeout),
        )

    def _read(self, body: bytes) -> ModelAnswer:
        body = self._key.out_of_body(body)  # Before any error cuts the key in two.
        reply = read_completion(completion=body, schema=self._schema, allow_fence=self._spec.fence == "allow")
        if not reply.success and _NO_REPLY.intersection(reply.faults):
            raise Transient(self._key.out_of(reply.error))
        parsed = json_codec.loads(body)
        tokens, price = _tokens(parsed.get("usage")), self._spec.price
        cost = None if price is None or tokens is None else price.of(tokens.input, tokens.output)
        self.usage.answered(tokens, cost, has_price=price is not None)
        return ModelAnswer(reply, _content(parsed), tokens, cost)

    def _detail(self, error: BaseException) -> str:
        """What an error says, in one line and without the key."""
        body = getattr(error, "body", None)
        message = body.get("message") if isinstance(body, Mapping) else None
        text = message if isinstance(message, str) else str(error) or type(error).__name__
        return self._key.out_of(" ".join(text.split()))[:_LONGEST_DETAIL]


def _content(body: Mapping[str, Any]) -> str | None:
    """The text of the first choice's message, in a body that `read_completion` has found to have one.

    Half a surrogate pair, which can neither be sent back nor kept, is spelled out.
    """
    try:
        content = body["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return None
    return content.encode("utf-8", "backslashreplace").decode() if isinstance(content, str) else None


def _tokens(usage: object) -> Tokens | None:
    if not isinstance(usage, Mapping):
        return None
    counts = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
    whole = [
        count
        for count in counts
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_TOKENS
    ]
    return Tokens(whole[0], whole[1]) if len(whole) == 2 else None
