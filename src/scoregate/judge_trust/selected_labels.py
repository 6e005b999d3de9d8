"""Whether the labelled answers of a run can be a random part of all: what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoregate.judge_trust.judged_answers import JudgedAnswer, items_left_out
from scoregate.statistics.differential import ErrorRates, compare_errors

Answers = Mapping[str, Sequence[JudgedAnswer]]
_First = Mapping[str, JudgedAnswer]

_NOT_BY_CHANCE = 0.01
"""What labels drawn at random show so seldom says that they were not."""


def doubt(before: Answers, now: Answers, *, worst: float) -> str | None:
    """Why the labels are hardly a random part of the answers in the first trial; None where nothing says so.

    `before` are the baseline's answers, none where there is no baseline; `worst` is what an answer counts that the
    judge gave no score. Labels may be those of the baseline's answers, of items that answer alike in every trial, or of
    what looked odd to somebody; all three show in what the judge, or the versions, say of the labelled ones.
    """
    first, old = first_trial(now), first_trial(before)
    answered = {item: cell for item, cell in first.items() if cell.answer is not None}
    # Of an answer that was left out nobody knows which others it is the same as.
    unknown = items_left_out(before, now)
    known = {item: cell for item, cell in answered.items() if item not in unknown}
    found = (
        _of_old_answers(old, known) if old else None,
        _of_steady_items(now, known),
        _by_the_judge(answered, worst),
        _by_the_judges_difference(old, first, worst),
    )
    said = [one for one in found if one is not None]
    return f"the labels are no random part of the answers: {'; '.join(said)}" if said else None


def first_trial(answers: Answers) -> dict[str, JudgedAnswer]:
    """Item -> its cell in the first trial, of the items that have one."""
    return {item: cells[0] for item, cells in answers.items() if cells[0].trial == 0}


def judged(cell: JudgedAnswer, worst: float) -> float:
    """The judge's score as the gate counts it: none is the worst."""
    return worst if cell.judge is None else cell.judge


def _of_old_answers(old: _First, answered: _First) -> str | None:
    """Labels of the baseline's answers are labels of the candidate's too where it says the same."""
    same = {item for item, cell in answered.items() if item in old and old[item].answer == cell.answer}
    shares = _labelled_shares(answered, same)
    if shares is None:
        return None
    (labelled, of), (others, of_others) = shares.candidate, shares.baseline
    return (
        f"{labelled:,} of the {of:,} that the baseline gave too are labelled, and {others:,} of the {of_others:,} "
        "others, so that the corrected value leans to the former"
    )


def _of_steady_items(now: Answers, answered: _First) -> str | None:
    """Labels of any trial meet the first one's answer where all are the same, which are the easy items."""
    steady = {item for item in answered if len({cell.answer for cell in now[item]}) == 1}
    shares = _labelled_shares(answered, steady)
    if shares is None:
        return None
    (labelled, of), (others, of_others) = shares.candidate, shares.baseline
    return (
        f"in the first trial, which counts, {labelled:,} of the {of:,} items that answer the same in every trial are "
        f"labelled, and {others:,} of the {of_others:,} others"
    )


def _by_the_judge(answered: _First, worst: float) -> str | None:
    """The judge's own scores of what is labelled and of what is not."""
    if not answered:
        return None
    scores = {item: judged(cell, worst) for item, cell in answered.items()}
    mean = sum(scores.values()) / len(scores)
    labelled = {item: scores[item] < mean for item, cell in answered.items() if cell.label is not None}
    others = {item: scores[item] < mean for item in answered if item not in labelled}
    shares = compare_errors(others, labelled)
    if shares.p_value > _NOT_BY_CHANCE:
        return None
    (low, of), (others_low, of_others) = shares.candidate, shares.baseline
    return (
        f"the judge scores {low:,} of the {of:,} labelled ones below its mean, and {others_low:,} of the "
        f"{of_others:,} others"
    )


def _by_the_judges_difference(old: _First, first: _First, worst: float) -> str | None:
    """The same of the differences, where the answers differ: those that the judge sees as lost, and as won."""
    pairs = {
        item: (old[item], cell)
        for item, cell in first.items()
        if item in old and old[item].answer != cell.answer
    }
    moved = {item: judged(now, worst) - judged(before, worst) for item, (before, now) in pairs.items()}
    # An answer that never came is known to be the worst and needs no label.
    known = {
        item
        for item, pair in pairs.items()
        if all(one.answer is None or one.label is not None for one in pair)
    }
    for word, sign in (("worse", -1), ("better", 1)):
        hits = {item: sign * difference > 0 for item, difference in moved.items()}
        labelled = {item: hit for item, hit in hits.items() if item in known}
        shares = compare_errors({item: hit for item, hit in hits.items() if item not in known}, labelled)
        if shares.p_value <= _NOT_BY_CHANCE / 2:
            (some, of), (others, of_others) = shares.candidate, shares.baseline
            return (
                f"of the items with two different answers {some:,} of the {of:,} that are labelled in both versions "
                f"are {word} by the judge, and {others:,} of the {of_others:,} others"
            )
    return None


def _labelled_shares(answered: _First, chosen: set[str]) -> ErrorRates | None:
    """How many of the chosen items (as the candidate's) and of the others are labelled, where that is no chance."""
    labelled = {item: cell.label is not None for item, cell in answered.items()}
    shares = compare_errors(
        {item: yes for item, yes in labelled.items() if item not in chosen},
        {item: yes for item, yes in labelled.items() if item in chosen},
    )
    return shares if shares.p_value <= _NOT_BY_CHANCE else None
