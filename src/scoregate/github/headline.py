"""The first line of the comment: the worst verdict in words, with counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scoregate.github.sections import WORDS, Section, Tally, Word
from scoregate.reports.markdown_text import code
from scoregate.wording import count

SIGNS: dict[Word, str] = {
    "error": "⛔",
    "invalid": "⛔",
    "regression": "❌",
    "inconclusive": "⚠️",
    "running": "⏳",
    "pass": "✅",
    "left out": "⏭️",
}
_SHORT = 7


def headline(sections: Sequence[Section]) -> str:
    """Of the newest commit that any of them is of; sections of earlier ones are counted and say no more."""
    newest = max(sections, key=lambda one: one.run)
    current = [one for one in sections if one.commit == newest.commit]
    words = Counter(one.word for one in current)
    worst = next(word for word in WORDS if words[word])
    text = f"### {SIGNS[worst]} {worst.capitalize()} in "
    if len(current) == 1:
        text += code(current[0].title)
    else:
        text += f"{words[worst]:,} of {count(len(current), 'gate')}"
        others = [f"{words[word]:,} {word}" for word in WORDS if words[word] and word != worst]
        text += f" ({', '.join(others)})" if others else ""
    decided = worst not in ("error", "invalid")  # else that no rule is broken would be a claim
    if tallied := _tallied([one.tally for one in current], decided):
        text += f": {tallied}"
    if earlier := len(sections) - len(current):
        text += f"; {count(earlier, 'gate')} of an earlier commit"
    return text


def short(commit: str) -> str:
    return commit[:_SHORT] or "unknown"


def _tallied(tallies: Sequence[Tally], decided: bool) -> str:
    broken, rules, worse, better = (
        sum(values) for values in zip(*((t.broken, t.rules, t.worse, t.better) for t in tallies), strict=True)
    )
    if not rules:
        return ""
    said = []
    if broken or decided:
        said.append(f"{f'{broken:,}' if broken else 'none'} of {count(rules, 'rule')} broken")
    if worse:
        said.append(f"{count(worse, 'item')} worse")
    if better:
        said.append(f"{better:,} better" if worse else f"{count(better, 'item')} better")
    return ", ".join(said)
