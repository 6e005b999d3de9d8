"""A judge at work: the prompt for an answer, the votes, each from the cache or from the model, and the score."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from scoregate.errors import ConfigError
from scoregate.files.env_file import ENV_FILE, variable
from scoregate.judging.asking import LONGEST_REASON, Asked, ModelCall, Question, ask
from scoregate.judging.cache import Draw, ReplyCache, reply_key
from scoregate.judging.calling import ModelClient
from scoregate.judging.failures import CallFailed, PromptRefused
from scoregate.judging.identity import JudgeIdentity
from scoregate.judging.spec import JudgeSpec
from scoregate.judging.template import MissingVariable
from scoregate.judging.usage import Usage
from scoregate.judging.votes import Silence, Vote, VotedScore, decide_votes
from scoregate.records import JSON, DatasetItem, ScoreStatus, ScoreValue
from scoregate.scorers.judge import ChatMessage, build_eval_messages
from scoregate.scorers.outcome import Scored, shortened
from scoregate.scorers.scorer import Scorer, SpendingCap, Unanswered, scored_run
from scoregate.store.judging import KeptReply

_LONGEST_COMMENT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a judge made of one answer: a score, or an error with its reason."""

    value: ScoreValue
    status: ScoreStatus
    comment: str
    """The reasoning, with the votes before it where there are several; or the reason of the error."""
    votes: tuple[Vote, ...] = ()
    unanimous: bool = True


class Judge:
    """One judge of a gate. It calls between `begin` and `close`, on one event loop, and may begin again."""

    def __init__(self, spec: JudgeSpec, *, timeout_seconds: float | None = None, retries: int = 2) -> None:
        """`timeout_seconds` is the limit of one call, `retries` how often one that failed in passing is repeated."""
        self.spec = spec
        self.identity: JudgeIdentity = spec.identity
        self.usage = Usage()
        """Of all sessions so far."""
        self.cache: ReplyCache | None = None
        """Where replies are kept; None: nowhere."""
        self.traced: Callable[[ModelCall], None] | None = None
        """Told every call when it is over; it must be quick. What it raises is counted in the usage."""
        self._hash = self.identity.hash
        self._timeout = timeout_seconds
        self._retries = retries
        self._client: ModelClient | None = None
        self._postpone_unanswered = False
        self._asking: dict[str, asyncio.Future[Vote | None]] = {}
        """Key of a question -> its vote, None where the asker was stopped."""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def version(self) -> str:
        return self.identity.version

    def scorer(self) -> Scorer:
        """The judge as a scorer of the engine."""
        return Scorer(
            name=self.name,
            version=self.version,
            call=self._score,
            is_async=True,
            scores=(self.name,),
            accepts=frozenset(("item", "output", "trial")),
            source="judge",
            service=self,
        )

    def check_ready(self) -> None:
        """Raises ConfigError if no call could be made: without the package, or without the key."""
        if find_spec("openai") is None:
            raise ConfigError(
                f"the judge '{self.name}' needs the package openai",
                where=self.spec.where,
                hint="pip install 'scoregate[judge]'",
            )
        self._key()

    def begin(
        self, *, concurrency: int, cost_cap: SpendingCap | None = None, postpone_unanswered: bool = False
    ) -> None:
        """Get ready for calls on this event loop, at most so many at once, which are paid from `cost_cap`.

        With `postpone_unanswered` it raises Unanswered rather than give an error for replies that may come later.
        """
        self._postpone_unanswered = postpone_unanswered
        self._client = ModelClient(
            self.spec,
            self._key(),
            self.usage,
            concurrency=concurrency,
            timeout_seconds=self._timeout,
            retries=self._retries,
            cost_cap=cost_cap,
        )
        self._asking = {}

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def messages(self, item: DatasetItem, output: JSON) -> list[ChatMessage]:
        """What the model is asked about an answer. Raises MissingVariable."""
        return build_eval_messages(self.spec.template.compile(item, {"output": output}))

    def unasked(self, item: DatasetItem, output: JSON, *, trial: int = 0, series: str = "") -> int:
        """How many of the replies on an answer would have to be asked for; 0 where it lacks a prompt variable."""
        try:
            messages = self.messages(item, output)
        except MissingVariable:
            return 0
        if self.cache is None:
            return self.spec.votes
        draws = (Draw(trial, vote, series, item.id) for vote in range(self.spec.votes))
        keys = (reply_key(self.identity, messages, draw) for draw in draws)
        return sum(self.cache.get(key) is None for key in keys)

    async def judge(self, item: DatasetItem, output: JSON, *, trial: int = 0, series: str = "") -> Judgement:
        """Judge one answer. Raises OutOfBudget, StoreError, and RuntimeError outside `begin` and `close`."""
        return await self.judge_answers(item, {"output": output}, trial=trial, series=series)

    async def judge_answers(
        self, item: DatasetItem, answers: Mapping[str, JSON], *, trial: int = 0, series: str = ""
    ) -> Judgement:
        """Judge what the template calls its answers. Raises as `judge`."""
        try:
            messages = tuple(build_eval_messages(self.spec.template.compile(item, answers)))
        except MissingVariable as error:
            return Judgement(value=None, status="error", comment=shortened(str(error), LONGEST_REASON))
        draws = [Draw(trial, vote, series, item.id) for vote in range(self.spec.votes)]
        votes = await self._votes(item, messages, draws)
        decision = decide_votes(votes, self.spec.rule)
        self.usage.judged += 1
        self.usage.disagreed += not decision.unanimous and any(vote.valid for vote in votes)
        return _judgement(decision, votes)

    async def _score(self, *, item: DatasetItem, output: JSON, trial: int) -> Scored:
        run = scored_run.get()
        series = self.cache.series.get(run or "", "") if self.cache is not None else ""
        judged = await self.judge(item, output, trial=trial, series=series)
        if (
            self._postpone_unanswered
            and judged.value is None
            and any(vote.silence == "in passing" for vote in judged.votes)
        ):
            raise Unanswered(judged.comment)
        return Scored(self.name, judged.value, judged.status, judged.comment)

    async def _votes(
        self, item: DatasetItem, messages: tuple[ChatMessage, ...], draws: Sequence[Draw]
    ) -> tuple[Vote, ...]:
        """All of them: one that cannot be had does not stop the others, whose replies are kept."""
        found = await asyncio.gather(
            *(self._vote(item, messages, draw) for draw in draws), return_exceptions=True
        )
        votes = []
        for vote in found:
            if isinstance(vote, BaseException):
                raise vote
            votes.append(vote)
        return tuple(votes)

    async def _vote(self, item: DatasetItem, messages: tuple[ChatMessage, ...], draw: Draw) -> Vote:
        question = Question(item.id, messages, draw, reply_key(self.identity, messages, draw))
        vote = await self._reply(question)
        self.usage.replies += 1
        return vote

    async def _reply(self, question: Question) -> Vote:
        if self.cache is None:
            return await self._fresh_vote(question)
        if not self.cache.read:
            kept = self.cache.get(question.key, scored_run.get())
            return await self._fresh_vote(question) if kept is None else self._kept_vote(question, kept)
        # Two arms that answer alike at the same time wait for one reply, and share it even if it is a failure.
        while (first := self._asking.get(question.key)) is not None:
            shared = await asyncio.shield(first)
            if shared is not None:
                return self._shared_vote(question, shared)
        mine: asyncio.Future[Vote | None] = asyncio.get_running_loop().create_future()
        self._asking[question.key] = mine
        vote: Vote | None = None
        try:
            kept = self.cache.get(question.key)
            vote = await self._fresh_vote(question) if kept is None else self._kept_vote(question, kept)
            return vote
        finally:
            self._asking.pop(question.key, None)
            if not mine.done():
                mine.set_result(vote)

    def _shared_vote(self, question: Question, vote: Vote) -> Vote:
        if vote.silence is not None:
            self.usage.silent(vote.silence)
            self._note(question, replies=1)
        else:
            self.usage.from_cache += 1
            self.usage.invalid += vote.error is not None
            self._note(question, replies=1, from_cache=1)
        return vote

    def _kept_vote(self, question: Question, kept: KeptReply) -> Vote:
        self.usage.from_cache += 1
        self.usage.invalid += kept.error is not None
        if kept.run is None or kept.run != scored_run.get():  # Its own was counted when it was kept.
            self._note(question, replies=1, from_cache=1)
        return Vote(kept.value, kept.reasoning, kept.error)

    async def _fresh_vote(self, question: Question) -> Vote:
        if self._client is None:
            raise RuntimeError(f"the judge '{self.name}' has not begun")
        try:
            reply = await ask(
                self._client,
                question,
                requested=partial(self._note, question, calls=1),
                answered=lambda cost_usd: self._note(question, cost_usd=cost_usd),
                traced=self.traced,
            )
        except PromptRefused as failure:
            self.usage.refused_because = self.usage.refused_because or str(failure)
            return self._silent_vote(question, failure, "final")
        except CallFailed as failure:
            self.usage.failed_because = self.usage.failed_because or str(failure)
            return self._silent_vote(question, failure, "in passing")
        self.usage.invalid_because = self.usage.invalid_because or reply.error or ""
        self.usage.invalid += reply.error is not None
        self.usage.fenced += reply.fenced
        self.usage.repaired += reply.error is None and reply.repairs > 0
        if self.cache is not None:
            self.cache.put(self._to_keep(question, reply))
        return Vote(reply.value, reply.reasoning, reply.error)

    def _silent_vote(self, question: Question, failure: CallFailed, silence: Silence) -> Vote:
        self.usage.silent(silence)
        self._note(question, replies=1)
        return Vote(None, None, shortened(f"no reply: {failure}", LONGEST_REASON), silence)

    def _to_keep(self, question: Question, reply: Asked) -> KeptReply:
        draw = question.draw
        return KeptReply(
            key=question.key,
            score=self.name,
            judge=self._hash,
            model=self.spec.model,
            series=draw.series,
            trial=draw.trial,
            vote=draw.vote,
            value=reply.value,
            reasoning=reply.reasoning,
            error=reply.error,
            calls=reply.calls,
            tokens_input=reply.tokens.input if reply.tokens else None,
            tokens_output=reply.tokens.output if reply.tokens else None,
            cost_usd=reply.cost_usd,
            run=scored_run.get(),
            made_at=time.time(),
        )

    def _note(self, question: Question, *, cost_usd: float | None = None, **counts: int) -> None:
        """Note at once what the run took: a killed process forgets nothing, and the cap of a resumed run counts it."""
        run = scored_run.get()
        if self.cache is not None and run is not None:
            usage = self.cache.store.judge_usage
            usage.add(run, question.draw.trial, self.name, cost_usd=cost_usd, **counts)

    def _key(self) -> str:
        """The key. Raises ConfigError, which does not show what might be one."""
        name = self.spec.api_key
        key = (variable(name, self.spec.root) or "").strip()
        # What is not written like a variable's name may be a key that was put in the name's place.
        shown = name if name.isupper() else "that api_key names"
        if not key:
            raise ConfigError(
                f"the judge '{self.name}' needs a key, and the environment variable {shown} is not set, nor does "
                f"{ENV_FILE} hold it",
                where=self.spec.where,
                hint="an endpoint that asks for no key takes any text",
            )
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(
                f"the key in the variable {shown} holds characters that no key has",
                where=self.spec.where,
            )
        return key


def _judgement(decision: VotedScore, votes: tuple[Vote, ...]) -> Judgement:
    is_score = decision.value is not None
    return Judgement(
        value=decision.value,
        status="ok" if is_score else "error",
        comment=shortened(decision.comment, _LONGEST_COMMENT if is_score else LONGEST_REASON),
        votes=votes,
        unanimous=decision.unanimous,
    )
