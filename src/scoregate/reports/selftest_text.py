"""A self-test in text: false alarms, what else became of the builds, and which planted drops were found."""

from __future__ import annotations

import textwrap

from scoregate.planning.self_test_result import Detection, SelfTest, Share
from scoregate.wording import plural


def selftest_text(test: SelfTest, *, width: int) -> str:
    """The whole self-test on a screen of `width` columns."""
    parts = [_head(test, width), _alarms(test, width)]
    if test.detections:
        parts.append(_detections(test))
    if test.notes:
        parts.append("\n".join(_wrapped(f"note: {note}", width, "      ") for note in test.notes))
    return "\n\n".join(parts)


def _head(test: SelfTest, width: int) -> str:
    builds = test.false_alarms.builds
    how = "side by side in rounds" if test.side_by_side else "one look"
    trials = f"{test.trials} {plural(test.trials, 'trial')}"
    lines = [
        f"{test.gate}: {builds:,} A/A {plural(builds, 'build')} of {test.items:,} items, {how}, {trials} an arm",
        f"dealt from {test.trials_from}",
    ]
    if test.runs > 1:
        lines.append("trials of several runs are mixed, so a drift from run to run does not show here")
    if test.anchored:
        lines.append("without the anchor, which has a half of the gate's alpha for itself")
    if test.trials < test.gate_trials:
        lines.append(
            f"too few trials are stored for the gate's {test.gate_trials} in each arm: it would see smaller drops "
            "and pass more often than this"
        )
    if test.drawn_again:
        lines.append(
            "too few trials are stored for fresh ones in every round, so each was drawn anew from those of its item: "
            "false alarms are what they are, passes and found drops are flattered"
        )
    return "\n".join(_wrapped(line, width, "  ") for line in lines)


def _alarms(test: SelfTest, width: int) -> str:
    from tabulate import tabulate

    builds = test.false_alarms.builds
    shown = [("false alarms", "false alarm"), ("pass", "pass"), ("inconclusive", "inconclusive")]
    shown += [(word, word) for word in ("invalid", "floor") if test.outcomes.get(word)]
    rows = []
    for label, outcome in shown:
        count = test.outcomes.get(outcome, 0)
        about = ""
        if outcome == "false alarm":
            about = f"95 % interval {_interval(test.false_alarms)}; the gate allows {100 * test.alpha:g} %"
        elif outcome == "floor":
            about = "broke a limit on the candidate's own value, which is no false alarm"
        elif outcome == "invalid":
            about = test.invalid_reason or ""
        rows.append((label, f"{count:,}", _percent(count / builds), about))
    table = tabulate(
        rows, tablefmt="plain", disable_numparse=True, colalign=("left", "right", "right", "left")
    )
    lines = [line.rstrip() for line in table.splitlines()]
    if test.by_score:
        alarms = ", ".join(f"{name} ({count:,})" for name, count in test.by_score.items())
        lines.append(_wrapped(f"false alarms by score: {alarms}", width, "  "))
    lines.append(_wrapped(_judgement(test), width))
    return "\n".join(lines)


def _judgement(test: SelfTest) -> str:
    share = test.false_alarms
    if test.outcomes.get("invalid", 0) == share.builds:
        return "No build could be decided, so nothing is known of this gate's false alarms."
    if share.low > test.alpha:
        return (
            f"TOO MANY: beyond chance, more than the {100 * test.alpha:g} % that the gate allows. A critical score "
            "that flips by chance does that; anything else is a bug worth reporting."
        )
    if share.high <= test.alpha:
        return "The gate keeps its level."
    needed = f"; about {round(3.7 / test.alpha):,} builds without an alarm would" if share.count == 0 else ""
    return f"Nothing speaks against the gate's level; {share.builds:,} builds do not prove it{needed}."


def _detections(test: SelfTest) -> str:
    from tabulate import tabulate

    builds = test.detections[0].found.builds
    drops = list(dict.fromkeys((d.score, d.drop) for d in test.detections))
    found = {(d.score, d.drop, d.kind): d for d in test.detections}
    rows = [["planted drop", "in a few items, for good", "spread over all items"]]
    for score, drop in drops:
        own = [found[score, drop, kind] for kind in ("concentrated", "diffuse")]
        rows.append(
            [f"{score}, {_size(own[0])}", *(f"{_percent(d.found.value)} ({_interval(d.found)})" for d in own)]
        )
    table = tabulate(rows, tablefmt="plain", disable_numparse=True).splitlines()
    title = f"Found (regression), of {builds:,} {plural(builds, 'build')} each, with its 95 % interval:"
    return "\n".join([title, *(line.rstrip() for line in table)])


def _size(detection: Detection) -> str:
    if detection.scale == "numeric":
        return f"{detection.drop:g}" + (f" {detection.unit}" if detection.unit else "")
    return f"{100 * detection.drop:g} {'%' if detection.scale == 'ratio' else 'points'}"


def _interval(share: Share) -> str:
    return f"{100 * share.low:.1f} to {100 * share.high:.1f} %"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _wrapped(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(
        text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
