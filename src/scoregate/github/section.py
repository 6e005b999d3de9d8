"""The section of one gate, from its report: what broke, what is not settled, what got better, and the items behind it.

Only what has rows is shown. Text of others stands in running text and in cells, each character with a meaning written
as an entity: no fence, that something in it could end, and no `<` of theirs, so that no marker can be forged.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scoregate.errors import INTERRUPTED, INVALID, PASS
from scoregate.github.body import HEAD, POLICY
from scoregate.github.headline import SIGNS, short
from scoregate.github.job import Job
from scoregate.github.sections import Part, Section, Tally, Word, key_of
from scoregate.github.words import marked
from scoregate.records import RuleResult
from scoregate.reports import Report
from scoregate.reports.build import Build
from scoregate.reports.markdown_text import bullets, code, fitting, inline, link
from scoregate.reports.rounds_log import round_lines
from scoregate.reports.shown_items import MovedItem, changes, comments, details, moved_items
from scoregate.reports.shown_rules import (
    RuleRow,
    further_reasons,
    is_broken,
    mark_of,
    rule_name,
    rule_rows,
    shown_rules,
)
from scoregate.reports.text import cut, one_line
from scoregate.wording import count, plural, proposed_command

_LONGEST_TITLE = 120
_NOTHING = Tally()
_LONGEST_COMMIT = 64
_REASON = 600
_TABLE_SHARE = 5_000
_LIST_SHARE = 3_000
_MOST_ITEMS = 50
_NAMED = 5
"""Items that are named without being unfolded."""
_VALUE = 300
"""Characters of an input, an output or a comment."""
_HEADERS = ("rule", "baseline → candidate", "difference [95 %]", "scored", "lost / won")
_ALIGNMENT = ("---", "---", "---", "--:", "--:")


def running(gate: str, job: Job, label: str | None = None) -> Section:
    """Of a gate that has begun. `gate` is its file as seen from the top of the repository.

    A run that is cancelled says nothing more, so that the text says where to look.
    """
    begun = _section(gate, "running", job, label)
    where = f"in {link('this run', job.run_url)}" if job.run_url else "in a run that says nothing of itself"
    of = f" of {code(short(job.commit))}" if job.commit else ""
    text = f"No verdict yet{of}: it is being made {where}. Where that has ended, it ended without one."
    return replace(begun, parts=(Part(HEAD, f"{_heading(begun)}\n\n{text}"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutVerdict:
    """A gate that has none."""

    gate: str
    """As of `running`."""
    word: Word = "error"
    """Or "left out", which is no pass, or "invalid"."""
    why: str = "It ended without a verdict: the log of the run says why."
    exit_code: int = INTERRUPTED


def without_verdict(build: Build, place: Callable[[str], str]) -> list[WithoutVerdict]:
    """Those of a build; `place` makes of a gate's path what `running` was told."""
    return [
        *(
            WithoutVerdict(
                gate=place(one.path),
                word="invalid" if one.exit_code == INVALID else "error",
                why=one.line,
                exit_code=one.exit_code,
            )
            for one in build.refused
        ),
        *(
            WithoutVerdict(gate=place(one.path), word="left out", why=one.why, exit_code=PASS)
            for one in build.left_out
        ),
    ]


def section_without(one: WithoutVerdict, job: Job, label: str | None = None) -> Section:
    section = _section(one.gate, one.word, job, label)
    return replace(section, parts=(Part(HEAD, f"{_heading(section)}\n\n{inline(cut(one.why, _REASON))}"),))


def section_of(report: Report, job: Job, label: str | None = None) -> Section:
    """Of a gate that has decided."""
    verdict = report.verdict
    deciding = [rule for rule in verdict.rules if rule.role != "advisory"]
    moved = moved_items(report)
    tally = Tally(
        broken=sum(map(is_broken, deciding)),
        rules=len(deciding),
        worse=sum(item.worse for item in moved),
        better=sum(not item.worse for item in moved),
    )
    word: Word = "error" if report.undelivered_code else verdict.outcome
    section = _section(gate_name(report), word, job, label, tally)
    parts = (
        *_policy(report, section),
        Part(HEAD, "\n\n".join(_head(report, job, section, moved))),
        *_items("worse", "got worse", [item for item in moved if item.worse], report),
        *_items("better", "got better", [item for item in moved if not item.worse], report),
        *_folded("holds", *_holding(report)),
        *_folded("more", "More about it", list(_more(report))),
    )
    return replace(section, parts=parts)


def gate_name(report: Report) -> str:
    """The gate's file as seen from the top of the repository, or its name where the report does not say."""
    gate = report.provenance.gate if report.provenance else None
    return gate.path if gate is not None else report.verdict.gate or "gate"


def _section(gate: str, word: Word, job: Job, label: str | None, tally: Tally = _NOTHING) -> Section:
    folder, _, file = gate.rpartition("/")
    title = (
        file.removesuffix(".toml") if folder == "gates" else gate
    )  # gates of two projects may have one name
    shown = f"{title} ({label})" if label else title
    return Section(
        key=key_of(gate, label),
        title=cut(one_line(shown), _LONGEST_TITLE),
        word=word,
        run=job.run,
        commit=cut(one_line(job.commit or ""), _LONGEST_COMMIT),
        tally=tally,
    )


def _heading(section: Section, more: str = "") -> str:
    return f"#### {SIGNS[section.word]} {code(section.title)}: {section.word}{more}"


def _policy(report: Report, section: Section) -> Iterator[Part]:
    lines = report.verdict.policy_changes
    if lines:
        yield Part(
            POLICY, "\n\n".join([f"{code(section.title)}:", *bullets(map(inline, lines), _LIST_SHARE)])
        )


def _head(report: Report, job: Job, section: Section, moved: Sequence[MovedItem]) -> Iterator[str]:
    verdict = report.verdict
    yield _heading(section, " of a selection of the dataset, which is no pass" if verdict.partial else "")
    if report.undelivered_code:
        yield f"The verdict is **{verdict.outcome}**, but what had to be delivered is not all delivered."
    yield inline(cut(verdict.reason, _REASON))
    for title, rules in _grouped(verdict.rules):
        yield from _table(title, report, rules)
    worse = [item.id for item in moved if item.worse]
    if worse:
        more = f" and {len(worse) - _NAMED:,} more" if len(worse) > _NAMED else ""
        yield f"Worse: {', '.join(map(code, worse[:_NAMED]))}{more}"
    yield f"<sub>{_facts(report, job)}</sub>"
    yield f"Again, on your machine: {code(reproduce(report, job))}"


def _grouped(rules: Sequence[RuleResult]) -> Iterator[tuple[str, list[RuleResult]]]:
    """What needs a reader's eye, worst first, in groups of which none is empty."""
    deciding = [rule for rule in rules if rule.role != "advisory"]
    groups = {
        "Broken": [rule for rule in deciding if is_broken(rule)],
        "Not comparable": [rule for rule in deciding if rule.outcome == "invalid"],
        "Not settled": [rule for rule in deciding if rule.outcome == "inconclusive"],
        "Better": [rule for rule in rules if mark_of(rule) == "+" and rule.outcome in ("pass", "regression")],
    }
    groups["Better"] = [rule for rule in groups["Better"] if not is_broken(rule)]
    return ((title, found) for title, found in groups.items() if found)


def _table(title: str, report: Report, rules: Sequence[RuleResult]) -> Iterator[str]:
    rows = [_row(rule, row) for rule, row in zip(rules, rule_rows(report, rules), strict=True)]
    kept, left = fitting(rows, _TABLE_SHARE)
    yield "\n".join([f"**{title}**", "", _line(*_HEADERS), _line(*_ALIGNMENT), *kept])
    if left:
        yield f"… and {left:,} more, left out here for length."


def _row(rule: RuleResult, row: RuleRow) -> str:
    # Groups leave out neighbours, so each rule is named in full.
    name = rule_name(rule) if row.label.startswith("·") or rule.against == "anchor" else row.label
    values = f"{row.baseline} → {row.candidate}"
    return _line(inline(cut(name, 200)), values, row.difference, row.scored, row.moved.replace("/", " / "))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _facts(report: Report, job: Job) -> str:
    verdict = report.verdict
    facts = [code(short(job.commit))] if job.commit else []
    if verdict.baseline_candidate:
        facts.append(f"against {code(verdict.baseline_candidate)}")
    if verdict.dataset:
        facts.append(f"on {code(verdict.dataset)}")
    facts += [f"alpha {verdict.alpha:g}", f"exit code {report.undelivered_code or verdict.exit_code}"]
    links = [*report.links.items(), *([("this run", job.run_url)] if job.run_url else [])]
    return ", ".join([*facts, *(link(name, url) for name, url in links)])


def reproduce(report: Report, job: Job) -> str:
    """What a reader types at the top of a clone to see the same: in the folder and with the options of the command."""
    gate, known = gate_name(report), report.provenance
    gate = gate if gate.endswith(".toml") else f"gates/{gate}.toml"
    folder = gate.removesuffix(f"/{report.path}") if report.path else gate
    named = gate if folder == gate else report.path
    command = proposed_command("run", named, *(known.asked.words() if known else ()))
    if report.verdict.policy_changes and job.base_branch:  # by which a build knows what it is held against
        command = f"GITHUB_BASE_REF={shlex.quote(job.base_branch)} {command}"
    steps = [f"gh pr checkout {job.pull_request}"] if job.pull_request else []
    steps += [f"cd {shlex.quote(folder)}"] if folder != gate else []
    return " && ".join([*steps, command])


def _items(name: str, what: str, items: Sequence[MovedItem], report: Report) -> Iterator[Part]:
    if not items:
        return
    more = f": {code(report.see_all)}" if report.see_all else ""
    yield Part(
        name,
        f"<details>\n<summary>{count(len(items), 'item')} {what}{more}</summary>",
        tuple(_item(report, item) for item in items[:_MOST_ITEMS]),
        "</details>",
        left=max(0, len(items) - _MOST_ITEMS),
    )


def _item(report: Report, item: MovedItem) -> str:
    changed = "; ".join(
        f"{inline(cut(score, 100))} {inline(cut(text, 200))}" for score, text in changes(report, item)
    )
    lines = [f"- {code(item.id)}: {changed}"]
    known = details(report, item.id)
    for key in ("input", "expected"):
        if key in known:
            lines.append(f"{key}: {inline(cut(known[key], _VALUE))}")
    if "before" in known:
        before, after = marked(known["before"], known["after"], _VALUE)
        lines += [f"before: {before}", f"after: {after}"]
    lines += [f"comment: {inline(cut(said, _VALUE))}" for said in comments(item)[:2]]
    return "<br>".join(lines)


def _holding(report: Report) -> tuple[str, list[str]]:
    rules = [
        rule for rule in shown_rules(report.verdict).rules if rule.outcome == "pass" and mark_of(rule) != "+"
    ]
    if not rules:
        return "", []
    title, *rows = _table("", report, rules)
    return f"{count(len(rules), 'rule')} {plural(len(rules), 'holds', 'hold')}", [
        title.removeprefix("****\n\n"),
        *rows,
    ]


def _more(report: Report) -> Iterator[str]:
    verdict = report.verdict
    reasons = further_reasons(verdict, shown_rules(verdict).rules)
    yield from bullets(
        (f"**{inline(cut(k, 200))}**: {inline(cut(v, _REASON))}" for k, v in reasons), _LIST_SHARE
    )
    yield from bullets(
        (f"round {e.name}, {e.ran}: {inline(cut(e.showed, _REASON))}" for e in round_lines(verdict)),
        _LIST_SHARE,
    )
    if verdict.missing_items:
        kept, left = fitting([code(item) for item in verdict.missing_items], _LIST_SHARE)
        more = f" … and {left:,} more" if left else ""
        yield f"Missing or failed in {count(len(verdict.missing_items), 'item')}: {', '.join(kept)}{more}"
    yield from bullets((inline(cut(note, _REASON)) for note in verdict.notes), _LIST_SHARE)
    yield from bullets(map(code, report.hints), _LIST_SHARE)


def _folded(name: str, summary: str, blocks: Iterable[str]) -> Iterator[Part]:
    blocks = tuple(blocks)
    if blocks:
        yield Part(name, f"<details>\n<summary>{summary}</summary>", blocks, "</details>")
