"""Judges against a stand-in model server, on answers that are made here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scoregate.catalog import Contract
from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge, Judgement
from scoregate.judging.spec import JudgeSpec
from scoregate.judging.template import parse_template
from scoregate.records import DatasetItem
from scoregate.store import Store

KEY = "sk-a-secret-that-nobody-sees"
GRADE = Contract(name="relevance", type="numeric", direction="higher", min=0, max=10, rubric="v1")
YES_NO = Contract(name="relevance", type="boolean")
PROMPT = "Question: {{input}}\nAnswer: {{output}}"


def spec_of(url: str, *, contract: Contract = GRADE, prompt: str = PROMPT, **parts: Any) -> JudgeSpec:
    """A judge of the score `relevance` at a server; its key is in JUDGE_KEY."""
    return JudgeSpec(
        name=contract.name,
        contract=contract,
        template=parse_template(prompt, where="prompts/relevance.md"),
        model=parts.pop("model", "stand-in"),
        base_url=url,
        api_key="JUDGE_KEY",
        **parts,
    )


def item(number: int = 0) -> DatasetItem:
    return DatasetItem(id=f"q{number}", input=f"question {number}", expected_output=None)


def ask(
    judge: Judge,
    outputs: Sequence[object] = ("an answer",),
    *,
    trials: Sequence[int] = (0,),
    concurrency: int = 4,
    store: Store | None = None,
    read: bool = True,
    one_item: bool = False,
) -> list[Judgement]:
    """Judge each output in each trial, side by side, in a session of its own; each of another item, unless told."""
    judge.cache = None if store is None else ReplyCache(store, read=read)

    async def session() -> list[Judgement]:
        judge.begin(concurrency=concurrency)
        try:
            return await asyncio.gather(
                *(
                    judge.judge(item(0 if one_item else number), output, trial=trial)
                    for trial in trials
                    for number, output in enumerate(outputs)
                )
            )
        finally:
            await judge.close()

    return asyncio.run(session())


def store_in(folder: Path) -> Store:
    return Store.open(folder / "store.sqlite3")
