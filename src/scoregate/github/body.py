"""The text of the comment, made of its sections, and the sections read back out of the text.

GitHub keeps nothing beside the text, so that the state of each section and the borders of its parts stand in it as
comments of HTML, which no reader sees. What others wrote can hold no such comment: every `<` of theirs is an entity.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from scoregate.github.headline import SIGNS, headline, short
from scoregate.github.job import WorkflowRun
from scoregate.github.sections import WORDS, Older, Part, Section, Tally
from scoregate.own import json_codec
from scoregate.reports.markdown_text import code
from scoregate.reports.shown_rules import POLICY_CHANGES
from scoregate.wording import count

ROOM = 65_000
"""Characters at most; GitHub takes 65,536."""
POLICY = "policy"
"""The part that stands on top of the comment, above all gates."""
HEAD = "head"
"""The part that goes last of a section that gets too long."""
_MARKER = "<!-- scoregate:comment 1 -->"
_SECTION = re.compile(r"^<!-- scoregate:section ([0-9a-f]{12}) ([A-Za-z0-9+/=]+) -->$", re.MULTILINE)
_PART = re.compile(
    r"^<!-- scoregate:part ([0-9a-f]{12}) ([a-z]+) (\d+) -->\n(.*?)\n<!-- scoregate:end -->$",
    re.MULTILINE | re.DOTALL,
)
_BLOCK = "\n\n<!-- scoregate:block -->\n\n"
_CLOSING = "\n\n<!-- scoregate:closing -->\n\n"

_Unit = tuple[int, int, int]
"""What can be left out: numbers of a section, of a part (-1: all of it), of a block (-1: all of it)."""


def size(text: str) -> int:
    """Characters as a careful reader of the limit counts them: those beyond the basic plane as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_ours(body: str) -> bool:
    """Whether a comment is the one of all gates: quoted in another one it is not."""
    return any(line == _MARKER for line in body.splitlines())


def compose(sections: Sequence[Section], room: int = ROOM) -> str:
    """The text, of at most `room` characters: detail is left out from the bottom, and what is left out is counted."""
    ordered = sorted(sections, key=lambda one: (WORDS.index(one.word), one.title, one.key))
    units = list(_units(ordered))
    fewest = bisect_left(
        range(len(units)), True, key=lambda number: size(_text(ordered, units[:number])) <= room
    )
    return _text(ordered, units[:fewest])


def parse(body: str) -> list[Section]:
    """The sections of a text; what is damaged is left out."""
    body = body.replace("\r\n", "\n")
    parts: dict[str, list[Part]] = {}
    for key, name, left, text in _PART.findall(body):
        parts.setdefault(key, []).append(_part(name, int(left), text))
    found = (_section(key, state, tuple(parts.get(key, ()))) for key, state in _SECTION.findall(body))
    return [section for section in found if section is not None]


def _units(ordered: Sequence[Section]) -> Iterator[_Unit]:
    """All that can be left out, in the order in which it goes: blocks, parts, what a gate begins with, gates."""
    parts = [(i, j) for i, section in enumerate(ordered) for j in range(len(section.parts))]
    for i, j in reversed(parts):
        yield from ((i, j, k) for k in reversed(range(len(ordered[i].parts[j].blocks))))
    for keeps in (False, True):
        yield from (
            (i, j, -1) for i, j in reversed(parts) if (ordered[i].parts[j].name in (HEAD, POLICY)) == keeps
        )
    yield from ((i, -1, -1) for i in reversed(range(len(ordered))))


def _text(ordered: Sequence[Section], units: Sequence[_Unit]) -> str:
    kept, gone = _without(ordered, frozenset(units))
    policy = [_written(one.key, part) for one in kept for part in one.parts if part.name == POLICY]
    sections = [text for one in kept for text in _of_section(one)]
    below = [f"… and {count(gone, 'more gate')}, left out here for length."] if gone else []
    if gone or any(one.shortened or any(part.left for part in one.parts) for one in kept):
        below.append("<sub>Some detail was left out here for length: the job's summary has all.</sub>")
    top = [f"#### {POLICY_CHANGES}", *policy] if policy else []
    return "\n\n".join([headline(ordered), _MARKER, *top, *sections, *below]) + "\n"


def _without(ordered: Sequence[Section], units: frozenset[_Unit]) -> tuple[list[Section], int]:
    """The sections as far as they are kept, and how many are not."""
    kept = []
    for i, section in enumerate(ordered):
        if (i, -1, -1) in units:
            continue
        parts = [
            _cut(part, sum((i, j, k) in units for k in range(len(part.blocks))))
            for j, part in enumerate(section.parts)
            if (i, j, -1) not in units
        ]
        shortened = section.shortened or len(parts) < len(section.parts)
        kept.append(replace(section, parts=tuple(parts), shortened=shortened))
    return kept, len(ordered) - len(kept)


def _cut(part: Part, blocks: int) -> Part:
    left = part.left + blocks
    return replace(part, blocks=part.blocks[: len(part.blocks) - blocks], left=left) if blocks else part


def _of_section(section: Section) -> Iterator[str]:
    yield f"<!-- scoregate:section {section.key} {_state(section)} -->"
    if all(part.name != HEAD for part in section.parts):
        yield f"#### {SIGNS[section.word]} {code(section.title)}: {section.word}"
    yield from (_written(section.key, part) for part in section.parts if part.name != POLICY)
    if section.older:
        lines = "\n".join(
            f"- {code(short(one.commit))}: {SIGNS[one.word]} {one.word}" for one in section.older
        )
        summary = f"{count(len(section.older), 'earlier verdict')} on this pull request"
        yield f"<details>\n<summary>{summary}</summary>\n\n{lines}\n\n</details>"


def _written(key: str, part: Part) -> str:
    text = _BLOCK.join((part.opening, *part.blocks))
    if part.left:
        text += f"\n\n<!-- scoregate:left -->\n\n… and {part.left:,} more, left out here for length."
    if part.closing:
        text += _CLOSING + part.closing
    return f"<!-- scoregate:part {key} {part.name} {part.left} -->\n{text}\n<!-- scoregate:end -->"


def _part(name: str, left: int, text: str) -> Part:
    text, _, closing = text.partition(_CLOSING)
    text = text.partition("\n\n<!-- scoregate:left -->")[0]
    opening, *blocks = text.split(_BLOCK)
    return Part(name, opening, tuple(blocks), closing, left)


def _state(section: Section) -> str:
    tally = section.tally
    state = {
        "title": section.title,
        "word": section.word,
        "commit": section.commit,
        "run": [section.run.id, section.run.attempt],
        "tally": [tally.broken, tally.rules, tally.worse, tally.better],
        "older": [[one.run.id, one.run.attempt, one.commit, one.word] for one in section.older],
        "shortened": section.shortened,
    }
    return base64.b64encode(json_codec.dumps(state).encode()).decode()


def _section(key: str, state: str, parts: tuple[Part, ...]) -> Section | None:
    """None for a state that is none: the comment may have been edited by hand."""
    try:
        said: Any = json_codec.loads(base64.b64decode(state, validate=True))
        older = tuple(
            Older(WorkflowRun(int(number), int(attempt)), str(commit), _word(word))
            for number, attempt, commit, word in said["older"]
        )
        return Section(
            key=key,
            title=str(said["title"]),
            word=_word(said["word"]),
            run=WorkflowRun(*map(int, said["run"])),
            commit=str(said["commit"]),
            tally=Tally(*map(int, said["tally"])),
            parts=parts,
            older=older,
            shortened=bool(said["shortened"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _word(value: Any) -> Any:
    if value not in WORDS:
        raise ValueError(value)
    return value
