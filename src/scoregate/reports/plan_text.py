"""A plan in text: what the gate will say, what it sees, what it costs, what would help."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from scoregate.planning.plan_result import Edit, Plan, ScorePlan, Spending
from scoregate.reports.text import display_width
from scoregate.wording import count, dollars, plural

_NONE = "none"
_ANY = 1e-9
"""A smaller drop is seen: no trial differs from another."""


def plan_text(plan: Plan, *, width: int) -> str:
    """The whole plan on a screen of `width` columns."""
    parts = [
        _head(plan, width),
        _scores(plan, width),
        _unchanged(plan, width),
        _settings(plan),
        _margins(plan, width),
        _help(plan, width),
    ]
    notes = [_wrapped(f"note: {note}", width, "      ") for note in plan.notes]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def _head(plan: Plan, width: int) -> str:
    if plan.side_by_side:
        looks = " → ".join(str(trials) for trials in plan.trials)
        trials = f"side by side in rounds, {looks} {plural(plan.trials[-1], 'trial')}"
    else:
        trials = f"{plan.trials[0]} {plural(plan.trials[0], 'trial')}, one look at stored results"
        if plan.baseline_trials is not None and plan.baseline_trials != plan.trials[0]:
            least = min(plan.baseline_trials, plan.trials[0])
            trials += f" (the baseline has {plan.baseline_trials}, so {least} of each are compared)"
    clusters = "" if plan.clusters == plan.items else f" in clusters worth {plan.clusters:,} independent ones"
    word = "assumption" if plan.assumed else "noise from"
    origin = plan.noise_from.removeprefix("assumed: ")
    items = f"{plan.items:,} {plural(plan.items, 'item')}"
    lines = [
        _wrapped(f"{plan.gate}: {items}{clusters}, {trials}", width, "  "),
        _wrapped(f"{word}: {origin}", width, "  "),
    ]
    if plan.unknown:
        what = f"nothing is known of the noise of {', '.join(plan.unknown)}, which this leaves out"
        lines.append(_wrapped(what, width, "  "))
    return "\n".join(lines)


def _scores(plan: Plan, width: int) -> str:
    from tabulate import tabulate

    heads = (
        "score",
        "noise",
        "sees a drop over all",
        "or in a few items",
        "a pass rules out",
        "passes unchanged",
    )
    rows = [
        (
            score.score,
            _noise(score),
            _drop(score, score.visible_diffuse),
            _drop(score, score.visible_concentrated) if score.bounded else "–",
            "–" if score.margin is None or not score.decides else _drop(score, score.margin),
            _share(score.passes) if score.decides else "not needed",
        )
        for score in plan.scores
    ]
    table = tabulate([heads, *rows], tablefmt="plain", disable_numparse=True).splitlines()
    if max(map(display_width, table)) > width:
        stacked = [_two_lines(head) for head in heads]
        table = tabulate([stacked, *rows], tablefmt="plain", disable_numparse=True).splitlines()
    legend = "A drop is seen where four of five builds find it"
    if plan.side_by_side:
        legend += (
            " that come to the last round; a build ends before it once a drop of the margin is ruled out"
        )
    legend += "."
    legend += " Noise: standard deviation of one trial of an item."
    return "\n".join([*(line.rstrip() for line in table), _wrapped(legend, width)])


def _two_lines(head: str) -> str:
    """A column's head, broken after the word in its middle."""
    words = head.split()
    half = (len(words) + 1) // 2
    return "\n".join(filter(None, (" ".join(words[:half]), " ".join(words[half:]))))


def _unchanged(plan: Plan, width: int) -> str:
    if plan.invalid:
        trials = f"{plan.trials[-1]} {plural(plan.trials[-1], 'trial')}"
        return _wrapped(
            f"Every build will be invalid: {plan.clusters:,} independent {plural(plan.clusters, 'item')} with "
            f"{trials} cannot tell a total loss from chance.",
            width,
        )
    outcomes = (
        f"An unchanged agent: {_share(plan.passes)} of builds pass, {_share(plan.inconclusive)} are inconclusive, "
        f"at most {_share(plan.alpha)} are false alarms."
    )
    if not plan.side_by_side:
        cost = f"A build costs {_spent(plan.one_pass)}."
    else:
        cost = (
            f"A build costs {_spent(plan.one_pass)} for the first round, {_spent(plan.expected)} on average while "
            f"nothing changes, at most {_spent(plan.cap)}; both versions are run."
        )
    if plan.one_pass.replies:
        cost += " Replies that are kept already are not asked for again."
    if plan.one_pass.minutes is None:
        cost += " What that is in dollars and minutes is known after a first run."
    elif plan.one_pass.usd is None:
        cost += " No run says what a call costs."
    return "\n".join([_wrapped(outcomes, width), _wrapped(cost, width)])


def _settings(plan: Plan) -> str:
    from tabulate import tabulate

    sizes = list(dict.fromkeys(items for _, items, _ in plan.settings))
    shares = {(trials, items): share for trials, items, share in plan.settings}
    rows = [["inconclusive, unchanged agent", *(f"{items:,} items" for items in sizes)]]
    for trials in dict.fromkeys(trials for trials, _, _ in plan.settings):
        cells = (shares[trials, items] for items in sizes)
        rows.append(
            [f"{trials} {plural(trials, 'trial')}", *("invalid" if c is None else _share(c) for c in cells)]
        )
    return _table(tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=_right(len(sizes))))


def _margins(plan: Plan, width: int) -> str:
    from tabulate import tabulate

    rows = [
        ["every margin, of its scale", *(f"{margin:.2f}" for margin, _ in plan.margins)],
        ["inconclusive", *(_share(share) for _, share in plan.margins)],
    ]
    lines = [
        _table(tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=_right(len(plan.margins))))
    ]
    needed = [score for score in plan.scores if score.decides and score.margin is not None]
    margins = [f"{_margin(score)} for {score.score}" for score in needed]
    if margins:
        lines.append(
            _wrapped(
                f"Smallest margin that an unchanged agent passes in 95 % of builds: {', '.join(margins)}.",
                width,
            )
        )
    return "\n".join(lines)


def _help(plan: Plan, width: int) -> str:
    if not plan.invalid and plan.inconclusive < 0.05:
        return "Under 5 % of an unchanged agent's builds are inconclusive: nothing has to be changed."
    if not plan.edits:
        return _wrapped(
            "Neither up to 10 trials, nor a thousand times the items, nor a margin of 0.15 brings that under 5 %.",
            width,
        )
    lines = [_wrapped(f"  {edit.edit}: {_price(edit)}", width, "    ") for edit in plan.edits]
    return "\n".join(["To bring that under 5 %, cheapest first:", *lines])


def _price(edit: Edit) -> str:
    share = f"{100 * edit.inconclusive:.1f} % inconclusive"
    if edit.note and edit.note.startswith("no further"):
        return f"{share}, {edit.note}"
    return f"{share}, {_spent(edit.expected)} a build" + (f", {edit.note}" if edit.note else "")


def _margin(score: ScorePlan) -> str:
    return "none of these" if score.smallest_margin is None else f"{score.smallest_margin:.3g}"


def _noise(score: ScorePlan) -> str:
    if score.scale == "rate":
        return f"{100 * score.noise:.1f} points"
    if score.scale == "ratio":
        return f"×{2.718281828459045**score.noise:.2f}"
    return f"{score.noise:.3g}" + (f" {score.unit}" if score.unit else "")


def _drop(score: ScorePlan, value: float | None) -> str:
    if value is None:
        return _NONE
    if value < _ANY:
        return "any"
    if score.scale == "rate":
        return f"{100 * value:.1f} points"
    if score.scale == "ratio":
        return f"{100 * value:.1f} %"
    return f"{value:.3g}" + (f" {score.unit}" if score.unit else "")


def _share(value: float) -> str:
    """A share of builds, to the percent: these are approximations."""
    percent = 100 * value
    if 0 < percent < 1:
        return "<1 %"
    if 99 < percent < 100:
        return ">99 %"
    return f"{percent:.0f} %"


def _spent(spending: Spending) -> str:
    number = f"{spending.calls:,} {plural(spending.calls, 'call')}"
    if spending.replies:
        number += f" and up to {count(spending.replies, 'judge reply', 'judge replies')}"
    words = []
    if spending.usd is not None:
        words.append(dollars(spending.usd))
    if spending.judges_usd is not None:
        words.append(f"of it {dollars(spending.judges_usd)} for judges")
    if spending.minutes is not None:
        words.append(_time(spending.minutes))
    return f"{number} ({', '.join(words)})" if words else number


def _time(minutes: float) -> str:
    if minutes < 1 / 60:
        return "<1 s"
    return f"{60 * minutes:.0f} s" if minutes < 1 else f"{minutes:.0f} min"


def _right(columns: int) -> Sequence[str]:
    return ("left", *["right"] * columns)


def _table(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


def _wrapped(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(
        text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
