"""The verdict on a terminal, read in ten seconds: one word, why, a line a rule, then the items that moved.

No line is wider than the terminal, except commands and links, which stay whole so that they can be copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scoregate.records import RuleResult
from scoregate.reports.report import UNDELIVERED, Report
from scoregate.reports.shown_rules import (
    MARKS,
    POLICY_CHANGES,
    RuleRow,
    ShownRules,
    fails_on_sentences,
    further_reasons,
    p_sentence,
    primary_sentence,
    rule_rows,
    shown_rules,
    spread_lines,
)
from scoregate.reports.text import (
    MARK_COLOURS,
    Paint,
    display_width,
    hanging,
    one_line,
    pad,
    paragraphs,
    shorten,
    wrap,
)
from scoregate.wording import count

_NARROWEST = 40
_MISSING_SHOWN = 10
OUTCOME_COLOURS = {"pass": "green", "regression": "red", "inconclusive": "yellow", "invalid": "magenta"}

_HEADERS = {
    "baseline": "baseline",
    "candidate": "candidate",
    "difference": "difference [95 %]",
    "p": "p",
    "scored": "scored",
    "moved": "lost/won",
    "detectable": "detectable",
    "outcome": "outcome",
}
_SHORT_HEADERS = _HEADERS | {"baseline": "base", "candidate": "cand"}
_WIDE_ONLY = ("detectable", "p", "moved", "scored")
"""What a narrower terminal does without, first to last; then the headers get short."""
_LABEL = 24
"""Columns that scores' names get before one of these is given up."""
_NARROW_LABELS = (("baseline", 16), ("candidate", 14), ("outcome", 10))
"""What a narrow terminal does without in the end, each after scores' names are cut to so many columns."""
_EXPLAINED = {
    "moved": "lost/won: items that are worse / better",
    "detectable": "detectable: smallest drop that these data would have shown 4 times in 5",
}


def _of_items(report: Report, width: int, paint: Paint, most: int) -> Iterator[Sequence[str]]:
    """What was run again, and what moved; nothing is loaded where neither is."""
    if not (report.verdict.confirmed or report.verdict.flips):
        return
    from scoregate.reports.terminal_items import evidence_lines, moved_lines

    if report.verdict.confirmed:
        yield evidence_lines(report, width, paint)
    if report.verdict.flips:
        yield moved_lines(report, width, paint, most)


def render_terminal(report: Report, *, width: int, colour: bool, max_items: int = 10) -> str:
    """The report as text for a terminal of `width` columns, with ANSI colours only if `colour`."""
    width = max(width, _NARROWEST)
    paint = Paint(on=colour)
    main, anchor = shown_rules(report.verdict), shown_rules(report.verdict, "anchor")
    explained: set[str] = set()
    parts = (
        _head(report, width, paint),
        _policy_changes(report, width),
        _rules_table(report, main, width, paint, explained=explained),
        _anchor(report, anchor, width, paint, explained),
        paragraphs(spread_lines(report), width, first=""),
        _corrected(report, width),
        _reasons(report, (*main.rules, *anchor.rules), width),
        _rounds(report, width),
        *_of_items(report, width, paint, max_items),
        _missing(report, width),
        paragraphs(report.verdict.notes, width, first="note: "),
        _next_steps(report),
        _foot(report, width),
    )
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(report: Report, width: int, paint: Paint) -> list[str]:
    verdict = report.verdict
    word = verdict.outcome.upper()
    painted = paint(word, OUTCOME_COLOURS[verdict.outcome], bold=True)
    first, *rest = wrap(f"{word}: {one_line(verdict.reason)}", width)
    lines = [painted + first[len(word) :], *rest]
    if verdict.partial:
        warning = "PARTIAL RUN: only a selection of the dataset was run, so this is no pass and no baseline."
        lines += wrap(warning, width)
    sides = [_side("candidate", verdict.candidate, verdict.candidate_run)]
    if verdict.baseline_run or verdict.baseline_candidate:
        sides.append(_side("against baseline", verdict.baseline_candidate, verdict.baseline_run))
    dataset = f", dataset {verdict.dataset}" if verdict.dataset else ""
    gate = f", gate {verdict.gate}" if verdict.gate else ""
    return lines + wrap(one_line(" ".join(sides) + dataset + gate), width)


def _policy_changes(report: Report, width: int) -> list[str]:
    lines = paragraphs(report.verdict.policy_changes, width, first="- ")
    return [f"{POLICY_CHANGES}:", *lines] if lines else []


def _side(role: str, label: str | None, run: str | None) -> str:
    name = f"{role} {label}" if label else role
    return f"{name} (run {run})" if run else name


def _anchor(report: Report, shown: ShownRules, width: int, paint: Paint, explained: set[str]) -> list[str]:
    table = _rules_table(report, shown, width, paint, explained=explained, reference="anchor")
    named = f" {report.anchor}" if report.anchor else ""
    return [*hanging(f"Against the anchor{named}:", width, first=""), *table] if table else []


def _rules_table(
    report: Report,
    shown: ShownRules,
    width: int,
    paint: Paint,
    *,
    explained: set[str],
    reference: str = "baseline",
) -> list[str]:
    """The table of these rules with its legend; `explained` holds what was explained above, and grows.

    Mark and score are padded here because only they hold other people's (perhaps wide) characters.
    """
    rows = rule_rows(report, shown.rules)
    if not rows:
        return []
    labels = [one_line(row.label) for row in rows]
    label_width = max(len("score"), *map(display_width, labels))
    for names, headers, label_needed in _layouts(label_width, reference):
        body = _columns(rows, names, headers)
        room = width - len("+ ") - len("  ") - len(body[0])
        if label_needed <= room:
            break
    label_width = max(min(label_width, room), 1)
    marks = [" ", *(paint(row.mark, MARK_COLOURS.get(row.mark)) for row in rows)]
    lines = [
        f"{mark} {pad(shorten(label, label_width), label_width)}  {cells}".rstrip()
        for mark, label, cells in zip(marks, ["score", *labels], body, strict=True)
    ]
    rule = "-" * (len("+ ") + label_width + len("  ") + len(body[0]))
    slices = hanging(shown.summary, width, first="") if shown.summary else []
    return [lines[0], rule, *lines[1:], *slices, *_legend(rows, shown, names, width, explained)]


def _layouts(label_width: int, reference: str) -> Iterator[tuple[tuple[str, ...], Mapping[str, str], int]]:
    """Columns, their headers, and the width that the scores' names need at least: from the widest table on."""
    names = tuple(_HEADERS)
    wide = _HEADERS | {"baseline": reference}
    short = _SHORT_HEADERS | ({} if reference == "baseline" else {"baseline": reference})
    needed = min(label_width, _LABEL)
    yield names, wide, needed
    for given_up in _WIDE_ONLY:
        names = tuple(name for name in names if name != given_up)
        yield names, wide, needed
    for given_up, label in _NARROW_LABELS:
        yield names, short, min(label_width, label)
        names = tuple(name for name in names if name != given_up)
    yield names, short, 1


def _columns(rows: Sequence[RuleRow], names: Sequence[str], headers: Mapping[str, str]) -> list[str]:
    """The rows' cells as aligned lines of equal width, headers first."""
    table = [
        [headers[name] for name in names],
        *([_cell(row, name, headers) for name in names] for row in rows),
    ]
    # Not by tabulate, whose import takes longer than all else that shows a verdict.
    columns = []
    for name, cells in zip(names, zip(*table, strict=True), strict=True):
        widest = max(map(display_width, cells))
        spaces = [" " * (widest - display_width(cell)) for cell in cells]
        left = name in ("difference", "outcome")
        columns.append(
            [cell + space if left else space + cell for cell, space in zip(cells, spaces, strict=True)]
        )
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _cell(row: RuleRow, name: str, headers: Mapping[str, str]) -> str:
    text: str = getattr(row, name)
    narrow = headers["candidate"] != _HEADERS["candidate"]
    return (
        text.partition(" (")[0] if narrow and name == "outcome" else text
    )  # "advisory", not what it would be


def _legend(
    rows: Sequence[RuleRow], shown: ShownRules, names: Sequence[str], width: int, explained: set[str]
) -> list[str]:
    used = {row.mark for row in rows}
    marks = [f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in used]
    new_marks = ", ".join(mark for mark in marks if mark not in explained)
    explanations = {"p": p_sentence(shown), **_EXPLAINED}
    columns = [explanations[name] for name in names if name in explanations]
    sentence = primary_sentence(shown.rules)
    sentences = [*columns, *([sentence] if sentence else []), *fails_on_sentences(shown.rules)]
    texts = [*([new_marks] if new_marks else []), *(text for text in sentences if text not in explained)]
    explained.update(marks, sentences)
    return wrap(one_line("; ".join(texts)), width)


def _reasons(report: Report, shown: Sequence[RuleResult], width: int) -> list[str]:
    sentences = [f"{label}: {reason}" for label, reason in further_reasons(report.verdict, shown)]
    return paragraphs(sentences, width, first="- ")


def _corrected(report: Report, width: int) -> list[str]:
    """Values of judges, corrected by human labels."""
    if not report.corrected:
        return []
    from scoregate.reports.judge_lines import corrected_lines

    return paragraphs(corrected_lines(report), width, first="")


def _rounds(report: Report, width: int) -> list[str]:
    """What was run, as a log."""
    if not report.verdict.rounds:
        return []
    from scoregate.reports.rounds_log import effort, round_lines, stopped_early

    entries = round_lines(report.verdict)
    ran = max(len(entry.ran) for entry in entries)
    lines = ["Rounds, both versions side by side:"]
    for entry in entries:
        first = f"{entry.name}  {entry.ran:>{ran}}  "
        lines += hanging(
            entry.showed, width, first=first, indent=len(first) if len(first) < width // 2 else 4
        )
    closing = (effort(report.verdict), stopped_early(report))
    return lines + paragraphs(filter(None, closing), width, first="")


def _missing(report: Report, width: int) -> list[str]:
    missing = report.verdict.missing_items
    if not missing:
        return []
    ids = ", ".join(one_line(item) for item in missing[:_MISSING_SHOWN])
    left = len(missing) - _MISSING_SHOWN
    more = f" … and {left:,} more" if left > 0 else ""
    return hanging(
        f"Missing or failed in {count(len(missing), 'item')}: {ids}{more}",
        width,
        first="! ",
    )


def _next_steps(report: Report) -> list[str]:
    links = [f"{one_line(name)}: {one_line(url)}" for name, url in report.links.items()]
    return [f"→ {line}" for line in (*links, *map(one_line, report.hints))]


def _foot(report: Report, width: int) -> list[str]:
    verdict = report.verdict
    why = ""
    if report.undelivered_code is not None:
        why = f" ({UNDELIVERED})"
    elif verdict.outcome == "inconclusive" and verdict.exit_code == 0:
        why = ' (on_inconclusive = "warn")'
    code = f"exit code {report.undelivered_code or verdict.exit_code}{why}, " if report.decides else ""
    return wrap(f"{code}alpha {verdict.alpha:g}, seed {verdict.seed}", width)
