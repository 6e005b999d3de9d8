"""Whether a judge of another package has judged all that it was to judge.

DeepEval and Ragas drop the verdicts that they cannot read and score what is left; nothing left is often a perfect
score. So the verdicts are counted against the claims, statements or passages that they are about.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from typing import Any

_STATED = {"claims": "claim", "statements": "statement"}
"""What an answer that is not empty holds some of: attribute of the metric -> word."""
_FOUND = {
    "opinions": "opinion", "extracted_pii": "finding", "advices": "advice", "misuses": "misuse",
    "role_violations": "role violation",
}  # fmt: skip
"""What an answer may hold none of, which is a judgement too."""
_OF_THE_CASE = {
    "HallucinationMetric": "context",
    "ContextualPrecisionMetric": "retrieval_context",
    "ArgumentCorrectnessMetric": "tools_called",
}
"""Metric -> what of the test case each of its verdicts is about."""
_WORDS = frozenset(("yes", "no", "idk", "borderline"))


def deepeval_uncounted(metric: Any, case: Any) -> str | None:
    """What is wrong with the verdicts of a metric that has been measured, with both numbers; None where nothing is.

    A metric that keeps no verdicts has nothing to count.
    """
    for verdicts, about, word in _pairs(metric, case):
        usable = sum(map(_is_usable, verdicts))
        if not about and word in _STATED.values() and _has_answer(case):
            return f"the judge found no {word} in an answer that is not empty"
        if usable != about or usable != len(verdicts):
            return (
                f"the judge gave {usable} usable verdicts on {about} {word}{'s' * (about != 1)}: the metric's score is "
                "of these alone"
            )
    return None


def _has_answer(case: Any) -> bool:
    return bool(str(getattr(case, "actual_output", None) or "").strip())


def _pairs(metric: Any, case: Any) -> Iterator[tuple[Sequence[Any], int, str]]:
    """Verdicts, how many there must be, and of what."""
    names = {kind.__name__ for kind in type(metric).__mro__}
    verdicts = _list(metric, "verdicts")
    for attribute, word in (_STATED | _FOUND).items():
        about = _list(metric, attribute)
        if about is None:
            continue
        judged = _list(metric, "alignment_verdicts") if "SummarizationMetric" in names else verdicts
        if judged is not None:
            yield judged, len(about), word
    for name, attribute in _OF_THE_CASE.items():
        given = getattr(case, attribute, None)
        if name in names and verdicts is not None and given is not None:
            yield verdicts, len(given), attribute
    instructions = _list(metric, "prompt_instructions")
    if instructions is not None and verdicts is not None:
        yield verdicts, len(instructions), "instruction"
    questions, covered = _list(metric, "assessment_questions"), _list(metric, "coverage_verdicts")
    if questions is not None and covered is not None:
        yield covered, len(questions), "question"
    if "ContextualRecallMetric" in names and verdicts is not None:
        yield (
            verdicts,
            max(1, len(verdicts)),
            "sentence",
        )  # it counts the sentences itself: there is one at least
    for one in _list(metric, "verdicts_list") or ():
        inner = list(getattr(one, "verdicts", ()))
        yield inner, max(1, len(inner)), "statement"


def _list(metric: Any, name: str) -> list[Any] | None:
    found = getattr(metric, name, None)
    return found if isinstance(found, list) else None


def _is_usable(verdict: Any) -> bool:
    if verdict is None:
        return False
    word = getattr(verdict, "verdict", None)
    word = getattr(word, "value", word)
    return not isinstance(word, str) or word.strip().lower() in _WORDS


def recorded_ragas(metric: Any) -> tuple[Any, Recorder | None]:
    """A copy of a metric whose model's replies are recorded, and what records them; None where it has no model."""
    model = getattr(metric, "llm", None)
    if model is None or not hasattr(model, "agenerate"):
        return metric, None
    own, recorder = copy.copy(metric), Recorder(model)
    own.llm = recorder
    return own, recorder


class Recorder:
    """A model of Ragas that notes the length of each list that comes, and checks those of verdicts against them."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._stated: list[int] = []
        self._judged: list[tuple[int, Collection[int]]] = []
        self._is_empty = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    async def agenerate(self, *given: Any, **named: Any) -> Any:
        reply = await self._model.agenerate(*given, **named)
        self._note(reply)
        return reply

    def uncounted(self) -> str | None:
        """What is wrong with the verdicts, with both numbers; None where nothing is."""
        if self._is_empty:
            return "the judge found nothing to judge in a text that is not empty"
        for verdicts, possible in self._judged:
            if possible and verdicts not in possible:
                about = " or ".join(map(str, sorted(set(possible))))
                return f"the judge gave {verdicts} usable verdicts on {about} statements"
        return None

    def _note(self, reply: Any) -> None:
        if all(hasattr(reply, name) for name in ("TP", "FP", "FN")):
            # Each statement of the answer is true or false of the reference; those of the reference come second.
            self._judged.append((len(reply.TP) + len(reply.FP), self._stated[:1]))
            return
        classified = _list(reply, "classifications")
        if classified is not None:
            self._judged.append((len(classified), [max(1, len(classified))]))
            return
        for name in ("statements", "claims"):
            members = _list(reply, name)
            if members is None:
                continue
            if members and hasattr(members[0], "verdict"):
                self._judged.append((len(members), list(self._stated)))
            elif members or not self._waits():
                self._stated.append(len(members))
                self._is_empty = self._is_empty or not members
            else:
                self._judged.append((0, list(self._stated)))

    def _waits(self) -> bool:
        """Whether statements have come that no verdicts are there for, so that an empty list is one of verdicts."""
        return len(self._stated) > len(self._judged)
